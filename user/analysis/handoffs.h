/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger of hand-offs: a lock was let go, a thread was woken for it, ran, and got it. Who only
 * found it taken again got nothing. Kept until that is known, then counted and handed on. Not for
 * who has a lock meanwhile.
 */
#ifndef CONVOY_ANALYSIS_HANDOFFS_H
#define CONVOY_ANALYSIS_HANDOFFS_H

#include "analysis/quantile.h"
#include "analysis/report.h"
#include "analysis/sweep.h"

struct handoff {
	uint32_t lock; /* 0: none */
	uint32_t from; /* who released it, 0: not known */
	uint32_t to;
	uint8_t mark; /* enum holder_mark: how sure `from` is */
	bool is_same_cpu;
	uint64_t request_ns; /* the receiver began to wait for it */
	uint64_t wake_ns;
	uint64_t run_ns;
	uint64_t dead_ns; /* nobody had it; TRACE_NOT_MEASURED: not known */
};

/* Of a thread. */
struct receiver {
	struct handoff open; /* it runs; whether it got the lock is not yet known */
	bool has_released; /* the lock of `open`, since */
	bool is_passed; /* its last wait ended with the lock let go */
	bool has_request;
	uint32_t request_lock;
	uint64_t request_ns;
	int32_t giver_cpu; /* where the releaser ran at the end of its last wait, -1: not known */
};

/* Called with each hand-off, about in order of run_ns. */
typedef void (*handoff_fn)(void *self, const struct handoff *handoff);

struct handoffs {
	const struct trace *trace;
	struct lock_stat *stats; /* by lock number − 1, borrowed */
	struct receiver *receivers; /* by thread number − 1 */
	struct quantile **lengths; /* wake-up → run, by lock number − 1 */
	handoff_fn take; /* NULL: only counted */
	void *self;
};

void handoffs_init(struct handoffs *handoffs, const struct trace *trace, struct lock_stat *stats);
void handoffs_release(struct handoffs *handoffs);

/* A slice begins; is_over: with it an episode of the thread is over. */
void handoffs_slice_begins(struct handoffs *handoffs, const struct slice *slice, bool is_over);
/* A wait on a lock ends; is_passed: because the lock was let go. */
void handoffs_wait_ends(struct handoffs *handoffs, const struct moment *moment,
			const struct slice *wait, bool is_passed);
/*
 * The wait that ended with the lock let go, if a slice that begins to run now is what followed it
 * without a hole; else NULL. Valid until the thread's slice ends.
 */
const struct slice *handoffs_wait_before(const struct handoffs *handoffs,
					 const struct moment *moment, const struct slice *run);
/* Such a thread runs: is_sure if it got the lock. */
void handoffs_run_begins(struct handoffs *handoffs, const struct moment *moment,
			 const struct slice *wait, uint64_t dead_ns, bool is_sure);
/* Counts what is open, fills the stats. */
void handoffs_finish(struct handoffs *handoffs);

#endif
