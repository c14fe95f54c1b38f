/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The holder of each lock as a timeline: exact from what was read where a wait began, likely from
 * releases and from those who were woken and ran. While threads wait, a lock cannot change hands
 * without waking one of them, so between two events its holder stays. Charges every part of a wait
 * to the holder of that time, and counts what that was doing. Not for hand-offs.
 */
#ifndef CONVOY_ANALYSIS_HOLDERS_H
#define CONVOY_ANALYSIS_HOLDERS_H

#include "analysis/edges.h"
#include "analysis/episode.h"
#include "analysis/report.h"
#include "analysis/sweep.h"
#include "model/tally.h"

#define HOLDER_DOINGS 3 /* running, ready, blocked */

/* What is believed of one lock. */
/* A hand-off among more waiters than these is not charged to each: their wait up to then is one
 * whose holder is not known. Thousands of waiters would take hours. What holders did is counted all
 * the same. */
#define HOLDERS_CROWD 512

struct holding {
	uint32_t thread; /* 0: nobody, or not known */
	uint8_t mark; /* enum holder_mark */
	bool is_guess; /* had it before nobody waited: stands if that thread releases it */
	bool is_passing; /* let go, not yet taken by one of those woken */
	uint64_t passing_ns; /* since when */
	uint64_t seen_ns; /* the sums are up to here */
	uint64_t crowd_ns; /* up to here nobody was told apart */
	uint64_t guess_ns[HOLDER_DOINGS]; /* what a guessed holder did: not yet in the sums */
	uint32_t *waiters; /* thread numbers */
	size_t waiter_count;
	size_t waiter_room;
	uint32_t next; /* of the locks of the same thread; 0: the last */
	uint32_t prev;
};

/* What is known of one thread. */
struct holder_thread {
	uint32_t held; /* first of the locks it is believed to have; 0: none */
	size_t place; /* among the waiters of the lock it waits for */
	uint64_t from_ns; /* its wait is charged up to here */
	uint32_t stuck_holder; /* had the lock at the begin of the last waits of the episode */
	uint32_t stuck_lock;
	uint32_t timeouts; /* of these waits, while that thread ran */
	uint64_t stuck_ns;
};

struct holders {
	const struct trace *trace;
	struct lock_stat *stats; /* by lock number − 1, borrowed, like the next two */
	struct edge_sweep *edges;
	const struct episode *episodes; /* by thread number − 1 */
	struct holding *locks; /* by number − 1 */
	struct holder_thread *threads; /* by number − 1 */
	struct tally *peaks; /* lock, and (holder, state, call) */
	struct tally *stuck; /* lock, and holder */
};

void holders_init(struct holders *holders, const struct trace *trace, struct lock_stat *stats,
		  struct edge_sweep *edges, const struct episode *episodes);
void holders_release(struct holders *holders);

/* A wait on a lock begins (call when the thread's episode is known), and ends. */
void holders_wait_begins(struct holders *holders, const struct moment *moment,
			 const struct slice *wait);
/* True if the lock was let go and may pass to this waiter. */
bool holders_wait_ends(struct holders *holders, const struct moment *moment,
		       const struct slice *wait);
/* Any slice ends: what holders did is counted up to here. */
void holders_slice_ends(struct holders *holders, const struct moment *moment,
			const struct slice *slice);
/*
 * A thread runs after the lock was let go and it was woken for it; is_sure: for so long that it
 * must have got it. The time since the release in which nobody had it, TRACE_NOT_MEASURED if it is
 * not known.
 */
uint64_t holders_take(struct holders *holders, const struct moment *moment, uint32_t lock,
		      uint32_t thread, bool is_sure);
/* Whether nothing says that the lock has passed from that thread to another: dead or not, it has
 * it.
 */
bool holders_may_have(const struct holders *holders, uint32_t lock, uint32_t thread);
/* The thread's episode is over. */
void holders_episode_ends(struct holders *holders, uint32_t thread);
/* Fills ready, blocked and stuck of the stats. */
void holders_finish(struct holders *holders);

#endif
