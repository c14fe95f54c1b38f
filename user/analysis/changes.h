/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which locks and threads of one observation are those of another, and what each costs more or
 * less: ids and addresses differ from run to run, so they are matched by what they are called. Not
 * for the wall time: that is the bill's.
 */
#ifndef CONVOY_ANALYSIS_CHANGES_H
#define CONVOY_ANALYSIS_CHANGES_H

#include "analysis/experiment.h"
#include "analysis/noise.h"

/* Only what threads wanted is judged: an idle wait that is longer is not worse. */
enum change_verdict {
	CHANGE_NOT_JUDGED, /* an idle wait */
	CHANGE_UNKNOWN, /* one run each, so the spread is not known, or not the same work */
	CHANGE_NONE, /* no measurable difference */
	CHANGE_BETTER,
	CHANGE_WORSE,
};

struct change_side {
	bool is_there; /* in any run */
	uint64_t count; /* locks, or threads, that are called so; of the representative run, as */
	uint64_t ns; /* a lock: waited for; a thread: running */
	uint64_t lost_ns; /* a lock: capacity lost to it, or TRACE_NOT_MEASURED; a thread: ready, or
			     waiting for a lock */
	struct samples rounds; /* what is judged, run by run: a lock's ns, a thread's lost_ns */
};

struct change {
	char *name; /* escaped */
	uint8_t kind; /* of a lock: enum lock_kind */
	uint8_t state; /* of a lock: enum lock_state */
	uint8_t verdict; /* enum change_verdict */
	struct change_side before;
	struct change_side after;
};

struct changes {
	struct change *items; /* largest difference first */
	size_t count;
};

/*
 * Of a pair of variants that have their representatives; the one with a baseline is "after". Locks
 * are matched by kind and name: those on the heap are called by the function that waits, and where
 * that is not known by nothing but the heap. Threads are matched by name and order of birth. Into
 * an empty list; free it with changes_release.
 */
void changes_of_locks(struct changes *changes, const struct experiment *pair);
void changes_of_threads(struct changes *changes, const struct experiment *pair);
/* Where the work was not the same nothing is better or worse. */
void changes_forget_verdicts(struct changes *changes);
void changes_release(struct changes *changes);

#endif
