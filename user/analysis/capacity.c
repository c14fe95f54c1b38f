/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capacity, accumulated. What locks lose is kept as one running integral per waiter: a wait gets
 * the difference between its end and its begin, so an instant costs the same however many wait.
 */
#include "analysis/capacity.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define SHARE_SHIFT 32

void capacity_init(struct capacity_sweep *sweep, const struct trace *trace)
{
	*sweep = (struct capacity_sweep){
		.trace = trace,
		.step_count = trace->meta.cpu_step_count,
		.share_at = xcalloc(trace->thread_count, sizeof(*sweep->share_at)),
		.lock_share = xcalloc(trace->lock_count, sizeof(*sweep->lock_share)),
	};
	sweep->steps = xcalloc(sweep->step_count + 1, sizeof(*sweep->steps));
	if (sweep->step_count)
		memcpy(sweep->steps, trace->meta.cpu_steps,
		       sweep->step_count * sizeof(*sweep->steps));
	else
		sweep->steps[sweep->step_count++].cpus = trace->meta.cpus_online;
}

void capacity_release(struct capacity_sweep *sweep)
{
	free(sweep->steps);
	free(sweep->share_at);
	free(sweep->lock_share);
}

static bool is_lock_wait(const struct moment *moment, const struct slice *slice)
{
	return slice->state == STATE_FUTEX &&
	       slice_lock_state(moment->trace, slice) == LOCK_STATE_LOCK;
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct capacity_sweep *sweep = self;

	if (is_lock_wait(moment, slice))
		sweep->share_at[slice->thread - 1] = sweep->share;
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct capacity_sweep *sweep = self;

	if (is_lock_wait(moment, slice))
		sweep->lock_share[slice->lock - 1] +=
			sweep->share - sweep->share_at[slice->thread - 1];
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void on_covered(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns)
{
	struct capacity_sweep *sweep = self;
	uint64_t length_ns = to_ns - from_ns, cpus, could, lost, to_ready;
	struct cpu_step *step;

	while (sweep->step + 1 < sweep->step_count &&
	       sweep->steps[sweep->step + 1].from_ns <= from_ns)
		sweep->step++;
	step = &sweep->steps[sweep->step];
	if (moment->running > step->cpus) {
		step->cpus = moment->running;
		sweep->is_short = true;
	}
	cpus = step->cpus;
	if (cpus > sweep->cpus)
		sweep->cpus = (uint32_t)cpus;
	could = least(cpus, (uint64_t)moment->running + moment->ready + moment->lock_waiting);
	lost = could - moment->running;
	to_ready = least(lost, moment->ready);
	sweep->total_ns += cpus * length_ns;
	sweep->running_ns += moment->running * length_ns;
	sweep->cpu_wait_ns += to_ready * length_ns;
	sweep->not_asked_ns += (cpus - could) * length_ns;
	if (lost == to_ready)
		return;
	sweep->locks_ns += (lost - to_ready) * length_ns;
	sweep->share +=
		((share_t)((lost - to_ready) * length_ns) << SHARE_SHIFT) / moment->lock_waiting;
}

struct observer capacity_observer(struct capacity_sweep *sweep)
{
	return (struct observer){
		.self = sweep, .begin = on_begin, .end = on_end, .covered = on_covered
	};
}

bool capacity_must_repeat(struct capacity_sweep *sweep)
{
	const struct trace *trace = sweep->trace;

	if (!sweep->is_short)
		return false;
	sweep->is_short = false;
	sweep->is_raised = true;
	sweep->step = 0;
	sweep->cpus = 0;
	sweep->total_ns = sweep->running_ns = sweep->cpu_wait_ns = 0;
	sweep->locks_ns = sweep->not_asked_ns = 0;
	sweep->share = 0;
	memset(sweep->lock_share, 0, trace->lock_count * sizeof(*sweep->lock_share));
	return true;
}

struct remainder {
	uint32_t part;
	size_t lock;
};

static int by_remainder(const void *a, const void *b)
{
	const struct remainder *x = a, *y = b;

	if (x->part != y->part)
		return x->part > y->part ? -1 : 1;
	return x->lock < y->lock ? -1 : x->lock > y->lock;
}

/* Whole nanoseconds that sum to locks_ns: by largest remainder, ties to the lower lock. */
static void round_shares(const struct capacity_sweep *sweep, struct lock_stat *stats)
{
	size_t lock_count = sweep->trace->lock_count, count = 0;
	struct remainder *remainders OWNED(mem_freep) = xcalloc(lock_count, sizeof(*remainders));
	uint64_t left_ns = sweep->locks_ns;

	for (size_t i = 0; i < lock_count; i++) {
		share_t share = sweep->lock_share[i];

		stats[i].lost_ns = (uint64_t)(share >> SHARE_SHIFT);
		left_ns -= stats[i].lost_ns;
		if (share)
			remainders[count++] = (struct remainder){ (uint32_t)share, i };
	}
	if (!count)
		return;
	qsort(remainders, count, sizeof(*remainders), by_remainder);
	for (size_t i = 0; left_ns; i = (i + 1) % count, left_ns--)
		stats[remainders[i].lock].lost_ns++;
}

void capacity_finish(const struct capacity_sweep *sweep, struct report *report,
		     struct lock_stat *stats)
{
	report->capacity = (struct capacity){
		.cpus = sweep->cpus,
		.is_raised = sweep->is_raised,
		.total_ns = sweep->total_ns,
		.running_ns = sweep->running_ns,
		.cpu_wait_ns = sweep->cpu_wait_ns,
		.locks_ns = sweep->locks_ns,
		.not_asked_ns = sweep->not_asked_ns,
	};
	round_shares(sweep, stats);
}
