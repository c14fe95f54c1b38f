/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capacity: where the usable CPUs went, instant by instant (identity I5): used, lost to waiting for
 * a CPU, lost to locks in equal shares of their waiters, not asked for. It says where idle capacity
 * was seen, not what would be won.
 */
#ifndef CONVOY_ANALYSIS_CAPACITY_H
#define CONVOY_ANALYSIS_CAPACITY_H

#include "analysis/report.h"
#include "analysis/sweep.h"

/* A time in units of 2⁻³² ns: an equal share of a nanosecond among n waiters is kept to n × 2⁻³².
 */
typedef unsigned __int128 share_t;

struct capacity_sweep {
	const struct trace *trace;
	struct cpu_step *steps; /* of the trace, then raised */
	size_t step_count;
	size_t step; /* the present one */
	bool is_short; /* more threads ran than CPUs were said to be usable: sweep again */
	bool is_raised;
	uint32_t cpus; /* the most of any covered time */
	uint64_t total_ns;
	uint64_t running_ns;
	uint64_t cpu_wait_ns;
	uint64_t locks_ns;
	uint64_t not_asked_ns;
	share_t share; /* what one waiter would have got since the beginning */
	share_t *share_at; /* by thread: `share` when its wait began */
	share_t *lock_share; /* by lock */
};

void capacity_init(struct capacity_sweep *sweep, const struct trace *trace);
void capacity_release(struct capacity_sweep *sweep);
struct observer capacity_observer(struct capacity_sweep *sweep);
/*
 * True if the sweep must be run once more, because more threads were seen running than CPUs were
 * said to be usable: the numbers are forgotten, the usable CPUs raised.
 */
bool capacity_must_repeat(struct capacity_sweep *sweep);
/* Fills report->capacity and lost_ns of stats (by lock number − 1). */
void capacity_finish(const struct capacity_sweep *sweep, struct report *report,
		     struct lock_stat *stats);

#endif
