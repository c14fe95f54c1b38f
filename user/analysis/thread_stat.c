/* SPDX-License-Identifier: GPL-2.0-only */
/* What each thread did in the interval. */
#include "analysis/thread_stat.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void thread_sweep_init(struct thread_sweep *sweep, const struct trace *trace)
{
	*sweep = (struct thread_sweep){
		.trace = trace,
		.stats = xcalloc(trace->thread_count, sizeof(*sweep->stats)),
		.covered_at = xcalloc(trace->thread_count, sizeof(*sweep->covered_at)),
	};
}

void thread_sweep_release(struct thread_sweep *sweep)
{
	free(sweep->stats);
	free(sweep->covered_at);
	tally_free(&sweep->syscalls);
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct thread_sweep *sweep = self;

	if (slice->state == STATE_RUNNING)
		sweep->covered_at[slice->thread - 1] = moment->covered_ns;
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct thread_sweep *sweep = self;
	struct thread_stat *stat = &sweep->stats[slice->thread - 1];

	stat->state_ns[slice->state] += slice->duration_ns;
	if (slice->duration_ns > stat->longest_ns[slice->state])
		stat->longest_ns[slice->state] = slice->duration_ns;
	if (slice->state == STATE_RUNNING)
		sweep->covered_run_ns += moment->covered_ns - sweep->covered_at[slice->thread - 1];
	else if (slice->state == STATE_FUTEX)
		stat->class_ns[slice_lock_state(moment->trace, slice)] += slice->duration_ns;
	else if (slice->state >= STATE_IO && slice->state <= STATE_SLEEP)
		tally_get(&sweep->syscalls, slice->thread, (uint16_t)slice->syscall)->ns +=
			slice->duration_ns;
}

static void on_covered(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns)
{
	struct thread_sweep *sweep = self;

	if (moment->running == 1)
		sweep->stats[moment->running_sum - 1].alone_ns += to_ns - from_ns;
}

struct observer thread_sweep_observer(struct thread_sweep *sweep)
{
	return (struct observer){
		.self = sweep, .begin = on_begin, .end = on_end, .covered = on_covered
	};
}

static void find_top_syscalls(struct thread_sweep *sweep)
{
	for (size_t i = 0; i < sweep->trace->thread_count; i++)
		sweep->stats[i].top_syscall = RECORD_SYSCALL_NONE;
	for (const struct tally *t = sweep->syscalls; t; t = t->hh.next) {
		struct thread_stat *stat = &sweep->stats[t->key.high - 1];
		int16_t syscall = (int16_t)(uint16_t)t->key.low;

		if (t->ns > stat->top_syscall_ns ||
		    (t->ns == stat->top_syscall_ns && syscall < stat->top_syscall)) {
			stat->top_syscall = syscall;
			stat->top_syscall_ns = t->ns;
		}
	}
}

/* The part of a thread's lifetime in the interval. That of "other threads" is a sum. */
static uint64_t lifetime_in(const struct thread *thread, const struct report *report)
{
	uint64_t begin_ns = thread->start_ns, end_ns = thread->end_ns;

	if (!thread->is_rest || !report->is_whole) {
		if (begin_ns < report->begin_ns)
			begin_ns = report->begin_ns;
		if (end_ns > report->end_ns)
			end_ns = report->end_ns;
	}
	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}

static void set_totals(struct thread_stat *stat, const struct thread *thread)
{
	memcpy(stat->state_ns, thread->state_ns, sizeof(stat->state_ns));
	memcpy(stat->class_ns, thread->futex_class_ns, sizeof(stat->class_ns));
}

static bool has_states(const struct thread_stat *stat)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		if (stat->state_ns[i])
			return true;
	}
	return false;
}

static void add_stat(struct report *report, const struct thread_stat *stat)
{
	struct thread_stat *added =
		array_add(&report->threads, &report->thread_count, sizeof(*report->threads));

	*added = *stat;
}

void thread_sweep_finish(struct thread_sweep *sweep, struct report *report)
{
	const struct trace *trace = sweep->trace;

	find_top_syscalls(sweep);
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		struct thread_stat stat = sweep->stats[i];

		stat.thread = thread->id;
		stat.lifetime_ns = lifetime_in(thread, report);
		if (!report->is_whole &&
		    (thread->is_rest || (!stat.lifetime_ns && !has_states(&stat))))
			continue;
		if (report->is_whole)
			set_totals(&stat, thread);
		add_stat(report, &stat);
	}
}

static void set_all(uint64_t *numbers, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = value;
}

void thread_stats_of_totals(struct report *report)
{
	const struct trace *trace = report->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		struct thread_stat stat = { .thread = thread->id,
					    .lifetime_ns = lifetime_in(thread, report),
					    .top_syscall = RECORD_SYSCALL_NONE,
					    .top_syscall_ns = TRACE_NOT_MEASURED,
					    .alone_ns = TRACE_NOT_MEASURED };

		if (!report->is_whole && (thread->is_rest || !stat.lifetime_ns))
			continue;
		set_all(stat.longest_ns, STATE_COUNT, TRACE_NOT_MEASURED);
		set_all(stat.state_ns, STATE_COUNT, TRACE_NOT_MEASURED);
		set_all(stat.class_ns, LOCK_STATE_COUNT, TRACE_NOT_MEASURED);
		if (report->is_whole)
			set_totals(&stat, thread);
		add_stat(report, &stat);
	}
}
