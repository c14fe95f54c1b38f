/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waited for whom: the wait time of every (waiter, holder, lock). Not for who holds a lock
 * when: the timeline of holders.h tells that, part by part.
 */
#ifndef CONVOY_ANALYSIS_EDGES_H
#define CONVOY_ANALYSIS_EDGES_H

#include "analysis/report.h"
#include "analysis/sweep.h"
#include "model/tally.h"

/* The sums that were asked for last, by a few bits of their keys: most are asked for again. */
#define EDGES_RECENT 1024
/* Thousands of threads that all wait for each other have millions of edges: what is charged to a
 * pair that comes after so many has a holder that is not known. Each waiter's sum stays exact. */
#define EDGES_MAX (256 * 1024)

struct edge_sweep {
	const struct trace *trace;
	struct lock_stat *stats; /* by lock number − 1, borrowed */
	struct tally *edges; /* (lock, waiter) and (mark, holder) */
	struct tally *waits; /* (lock, waiter): ns and waits */
	struct tally *recent_edges[EDGES_RECENT];
	struct tally *recent_waits[EDGES_RECENT];
};

void edges_init(struct edge_sweep *sweep, const struct trace *trace, struct lock_stat *stats);
void edges_release(struct edge_sweep *sweep);
/* A wait of an interval is over. */
void edges_count_wait(struct edge_sweep *sweep, const struct slice *wait);
/* Adds part->wait_ns to the edge, and the waiter's episode, once. */
void edges_charge(struct edge_sweep *sweep, const struct edge *part, uint64_t episode);
/*
 * Fills report->edges and I7 (whole window) and holder_unknown_ns. What slices cannot tell, by
 * loss, is charged to a holder that is not known. Call when stats have their wait_ns.
 */
void edges_finish(struct edge_sweep *sweep, struct report *report);

#endif
