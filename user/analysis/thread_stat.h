/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each thread did in the interval: its states, its longest slices, the call it was blocked in
 * most, how long it ran alone. Not for what threads did to each other.
 */
#ifndef CONVOY_ANALYSIS_THREAD_STAT_H
#define CONVOY_ANALYSIS_THREAD_STAT_H

#include "analysis/report.h"
#include "analysis/sweep.h"
#include "model/tally.h"

struct thread_sweep {
	const struct trace *trace;
	struct thread_stat *stats; /* by number − 1, from slices */
	uint64_t *covered_at; /* moment->covered_ns when its running slice began */
	uint64_t covered_run_ns; /* Σ running over covered time */
	struct tally *syscalls; /* (thread, call) */
};

void thread_sweep_init(struct thread_sweep *sweep, const struct trace *trace);
void thread_sweep_release(struct thread_sweep *sweep);
struct observer thread_sweep_observer(struct thread_sweep *sweep);
/* Fills report->threads; of the whole window with the kernel's totals in place of the sums of
 * slices. */
void thread_sweep_finish(struct thread_sweep *sweep, struct report *report);
/* The same where no slices were recorded. */
void thread_stats_of_totals(struct report *report);

#endif
