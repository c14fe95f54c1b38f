/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each lock cost in the interval: waits, episodes and their distribution; with the help of
 * holders.h and handoffs.h who waited for whom, and how it passed on. Not for lost capacity, which
 * needs all threads at once.
 */
#ifndef CONVOY_ANALYSIS_LOCK_STAT_H
#define CONVOY_ANALYSIS_LOCK_STAT_H

#include "analysis/edges.h"
#include "analysis/episode.h"
#include "analysis/handoffs.h"
#include "analysis/holders.h"
#include "analysis/quantile.h"
#include "analysis/report.h"
#include "analysis/sweep.h"
#include "model/tally.h"

struct lock_sweep {
	const struct trace *trace;
	struct lock_stat *stats; /* by number − 1 */
	struct quantile **episodes; /* lengths, by lock number − 1 */
	struct episode *open; /* by thread number − 1 */
	struct open_wait *last_waits; /* by thread number − 1; lock 0: none */
	struct tally *waiters; /* (lock, thread) that has waited, of conditions */
	struct edge_sweep edges;
	struct holders holders;
	struct handoffs handoffs;
};

void lock_sweep_init(struct lock_sweep *sweep, const struct trace *trace);
void lock_sweep_release(struct lock_sweep *sweep);
struct observer lock_sweep_observer(struct lock_sweep *sweep);
/*
 * Fills report->locks, report->edges and I7; of the whole window with the kernel's totals in place
 * of the sums of slices. sweep->stats[].lost_ns must be there.
 */
void lock_sweep_finish(struct lock_sweep *sweep, struct report *report);
/* The same where no slices were recorded. */
void lock_stats_of_totals(struct report *report);

#endif
