/* SPDX-License-Identifier: GPL-2.0-only */
/* What each lock cost in the interval. */
#include "analysis/lock_stat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define DIES_WITHIN_NS 10000000

void lock_sweep_init(struct lock_sweep *sweep, const struct trace *trace)
{
	*sweep = (struct lock_sweep){
		.trace = trace,
		.stats = xcalloc(trace->lock_count, sizeof(*sweep->stats)),
		.episodes = xcalloc(trace->lock_count, sizeof(*sweep->episodes)),
		.open = xcalloc(trace->thread_count, sizeof(*sweep->open)),
		.last_waits = xcalloc(trace->thread_count, sizeof(*sweep->last_waits)),
	};
	for (size_t i = 0; i < trace->lock_count; i++)
		sweep->stats[i].lock = (uint32_t)i + 1;
	edges_init(&sweep->edges, trace, sweep->stats);
	holders_init(&sweep->holders, trace, sweep->stats, &sweep->edges, sweep->open);
	handoffs_init(&sweep->handoffs, trace, sweep->stats);
}

void lock_sweep_release(struct lock_sweep *sweep)
{
	for (size_t i = 0; sweep->episodes && i < sweep->trace->lock_count; i++)
		quantile_free(sweep->episodes[i]);
	holders_release(&sweep->holders);
	handoffs_release(&sweep->handoffs);
	free(sweep->episodes);
	free(sweep->stats);
	free(sweep->open);
	free(sweep->last_waits);
	tally_free(&sweep->waiters);
	edges_release(&sweep->edges);
}

static void end_episode(struct lock_sweep *sweep, const struct episode *ended)
{
	sweep->stats[ended->lock - 1].episodes++;
	quantile_add(&sweep->episodes[ended->lock - 1], ended->wake_ns - ended->block_ns);
}

/* A thread runs. Having run for so long that an episode is over, it got the lock it waited for; and
 * CPython's GIL even if its last wait timed out. */
static void run_begins(struct lock_sweep *sweep, const struct moment *moment,
		       const struct slice *run, uint32_t ended_lock)
{
	const struct slice *wait = handoffs_wait_before(&sweep->handoffs, moment, run);
	bool is_sure = wait && ended_lock == wait->lock;
	uint64_t dead_ns;

	if (wait) {
		dead_ns = holders_take(&sweep->holders, moment, wait->lock, run->thread, is_sure);
		handoffs_run_begins(&sweep->handoffs, moment, wait, dead_ns, is_sure);
	} else if (ended_lock && sweep->trace->locks[ended_lock - 1].kind == LOCK_GIL) {
		holders_take(&sweep->holders, moment, ended_lock, run->thread, true);
	}
}

/* A thread that only dies does neither wait again nor run for long. */
static bool goes_on(const struct slice *slice)
{
	return slice->state >= STATE_FUTEX ||
	       (slice->state == STATE_RUNNING && slice->duration_ns >= DIES_WITHIN_NS);
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct lock_sweep *sweep = self;
	struct episode *open = &sweep->open[slice->thread - 1];
	struct episode ended = { 0 };
	bool is_over = episode_take(open, slice, &ended);

	if (is_over) {
		end_episode(sweep, &ended);
		holders_episode_ends(&sweep->holders, slice->thread);
	}
	handoffs_slice_begins(&sweep->handoffs, slice, is_over);
	if (goes_on(slice))
		sweep->last_waits[slice->thread - 1].lock = 0;
	if (slice->state == STATE_FUTEX && slice->lock)
		holders_wait_begins(&sweep->holders, moment, slice);
	else if (slice->state == STATE_RUNNING)
		run_begins(sweep, moment, slice, ended.lock);
}

static void count_wait(struct lock_stat *stat, const struct slice *wait)
{
	if (!stat->waits || wait->duration_ns < stat->min_ns)
		stat->min_ns = wait->duration_ns;
	if (wait->duration_ns > stat->max_ns)
		stat->max_ns = wait->duration_ns;
	stat->waits++;
	stat->wait_ns += wait->duration_ns;
	stat->timeouts += wait->result == WAIT_RESULT_TIMED_OUT;
}

static void count_passed(struct lock_sweep *sweep, const struct slice *wait)
{
	if (sweep->trace->locks[wait->lock - 1].state != LOCK_STATE_CONDITION)
		return;
	tally_get(&sweep->waiters, wait->lock, wait->thread)->count++;
	if (wait->waker && tally_find(sweep->waiters, wait->lock, wait->waker))
		sweep->stats[wait->lock - 1].passed++;
}

/* Not ended by a release or a timer: if nothing follows it, nothing will. */
static void keep_open_wait(struct lock_sweep *sweep, const struct slice *wait)
{
	const struct episode *episode = &sweep->open[wait->thread - 1];
	struct open_wait *last = &sweep->last_waits[wait->thread - 1];

	if (!wait->holder || (wait->flags & SLICE_WAKER_RELEASED) ||
	    wait->result == WAIT_RESULT_WOKEN || wait->result == WAIT_RESULT_TIMED_OUT ||
	    !holders_may_have(&sweep->holders, wait->lock, wait->holder))
		return;
	*last = (struct open_wait){
		.thread = wait->thread,
		.lock = wait->lock,
		.holder = wait->holder,
		.since_ns = episode->lock == wait->lock ? episode->block_ns : wait->start_ns,
		.until_ns = slice_end_ns(wait),
	};
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct lock_sweep *sweep = self;
	bool is_passed;

	holders_slice_ends(&sweep->holders, moment, slice);
	if (slice->state != STATE_FUTEX || !slice->lock)
		return;
	count_wait(&sweep->stats[slice->lock - 1], slice);
	count_passed(sweep, slice);
	edges_count_wait(&sweep->edges, slice);
	keep_open_wait(sweep, slice);
	is_passed = holders_wait_ends(&sweep->holders, moment, slice);
	handoffs_wait_ends(&sweep->handoffs, moment, slice, is_passed);
}

struct observer lock_sweep_observer(struct lock_sweep *sweep)
{
	return (struct observer){ .self = sweep, .begin = on_begin, .end = on_end };
}

static void set_total(struct lock_stat *stat, const struct lock *lock)
{
	stat->waits = lock->waits;
	stat->timeouts = lock->timeouts;
	stat->wait_ns = lock->wait_ns;
	stat->min_ns = lock->min_ns;
	stat->max_ns = lock->max_ns;
	stat->waiters = 0;
}

static void set_totals(const struct trace *trace, struct lock_stat *stats)
{
	for (size_t i = 0; i < trace->lock_count; i++)
		set_total(&stats[i], &trace->locks[i]);
	for (size_t i = 0; i < trace->wait_total_count; i++)
		stats[trace->wait_totals[i].lock - 1].waiters++;
}

static void set_quantiles(struct lock_stat *stat, struct quantile *episodes)
{
	stat->p50_ns = episodes ? quantile_get(episodes, 500) : TRACE_NOT_MEASURED;
	stat->p90_ns = episodes ? quantile_get(episodes, 900) : TRACE_NOT_MEASURED;
	stat->p99_ns = episodes ? quantile_get(episodes, 990) : TRACE_NOT_MEASURED;
}

static void add_stats(struct report *report, const struct lock_stat *stats)
{
	for (size_t i = 0; i < report->trace->lock_count; i++) {
		struct lock_stat *added;

		if (!stats[i].wait_ns && !stats[i].waits)
			continue;
		added = array_add(&report->locks, &report->lock_count, sizeof(*report->locks));
		*added = stats[i];
	}
}

static void add_open_waits(const struct lock_sweep *sweep, struct report *report)
{
	for (size_t i = 0; i < sweep->trace->thread_count; i++) {
		struct open_wait *added;

		if (!sweep->last_waits[i].lock)
			continue;
		added = array_add(&report->open_waits, &report->open_wait_count, sizeof(*added));
		*added = sweep->last_waits[i];
	}
}

static void forget_timeouts(const struct trace *trace, struct lock_stat *stats)
{
	bool is_lean = strcmp(trace->meta.mode, "lean") == 0;

	for (size_t i = 0; i < trace->lock_count; i++) {
		if (is_lean || trace->locks[i].timeouts == TRACE_NOT_MEASURED)
			stats[i].timeouts = TRACE_NOT_MEASURED;
	}
}

void lock_sweep_finish(struct lock_sweep *sweep, struct report *report)
{
	const struct trace *trace = sweep->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		if (sweep->open[i].lock)
			end_episode(sweep, &sweep->open[i]);
	}
	holders_finish(&sweep->holders);
	handoffs_finish(&sweep->handoffs);
	for (const struct tally *t = sweep->edges.waits; t; t = t->hh.next)
		sweep->stats[t->key.high - 1].waiters++;
	if (report->is_whole)
		set_totals(trace, sweep->stats);
	else
		forget_timeouts(trace, sweep->stats);
	for (size_t i = 0; i < trace->lock_count; i++)
		set_quantiles(&sweep->stats[i], sweep->episodes[i]);
	add_open_waits(sweep, report);
	edges_finish(&sweep->edges, report);
	add_stats(report, sweep->stats);
}

static void add_unknown_edges(struct report *report)
{
	const struct trace *trace = report->trace;

	for (size_t i = 0; i < trace->wait_total_count; i++) {
		struct edge *edge =
			array_add(&report->edges, &report->edge_count, sizeof(*report->edges));

		edge->waiter = trace->wait_totals[i].thread;
		edge->lock = trace->wait_totals[i].lock;
		edge->episodes = TRACE_NOT_MEASURED;
		edge->wait_ns = trace->wait_totals[i].wait_ns;
	}
}

void lock_stats_of_totals(struct report *report)
{
	const struct trace *trace = report->trace;
	struct lock_stat *stats OWNED(mem_freep) = NULL;

	if (!report->is_whole)
		return;
	stats = xcalloc(trace->lock_count, sizeof(*stats));
	set_totals(trace, stats);
	for (size_t i = 0; i < trace->lock_count; i++) {
		stats[i].lock = (uint32_t)i + 1;
		stats[i].episodes = TRACE_NOT_MEASURED;
		stats[i].handoffs = stats[i].handoff_ns = TRACE_NOT_MEASURED;
		stats[i].handoff.p50_ns = stats[i].handoff.p99_ns = TRACE_NOT_MEASURED;
		stats[i].dead_ns = TRACE_NOT_MEASURED;
		stats[i].lost_ns = TRACE_NOT_MEASURED;
		stats[i].holder_unknown_ns = stats[i].wait_ns;
		set_quantiles(&stats[i], NULL);
	}
	add_stats(report, stats);
	add_unknown_edges(report);
}
