/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One pass over the slices of an interval in order of time, which shows at every instant what all
 * threads do. Observers take their numbers from it: threads, locks, gaps, capacity. Memory grows
 * with threads, not with slices. Not for any number of its own.
 */
#ifndef CONVOY_ANALYSIS_SWEEP_H
#define CONVOY_ANALYSIS_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/trace.h"

/* What a thread did before its present slice. */
#define SWEEP_PAST 2

struct moment_thread {
	struct slice now; /* cut to the interval; meaningful with has_slice */
	struct slice past[SWEEP_PAST]; /* the latest first; duration_ns 0: none */
	bool has_slice;
	bool is_alive; /* its lifetime covers this instant; with no slice that is a hole */
};

/* All threads at one instant, after everything that ends and begins at it. */
struct moment {
	const struct trace *trace;
	uint64_t begin_ns; /* the interval */
	uint64_t end_ns;
	uint64_t now_ns;
	uint64_t covered_ns; /* time so far in which no thread had a hole */
	const struct moment_thread *threads; /* by number − 1 */
	uint32_t running; /* threads in each of these, now */
	uint32_t ready; /* preempted or queued */
	uint32_t lock_waiting; /* in a futex wait on a lock of state lock */
	uint32_t holes;
	uint64_t running_sum; /* sum of the numbers of running threads: if one runs, its number */
	uint32_t starter; /* of the threads that began to run just now the lowest; 0: none */
};

/* Hooks may be NULL. Slices come cut to the interval; all of them have ended when the sweep ends.
 */
struct observer {
	void *self;
	void (*begin)(void *self, const struct moment *moment, const struct slice *slice);
	void (*end)(void *self, const struct moment *moment, const struct slice *slice);
	/* Nothing changes in [from_ns, to_ns) and no thread has a hole; usable CPUs are constant
	 * too. */
	void (*covered)(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns);
};

/*
 * Sweeps [begin_ns, end_ns) of a trace that has slices. 0, the error of the source, or -EPROTO for
 * slices that are out of order, overlap or name what does not exist. *ret_covered_ns: time without
 * holes.
 */
int sweep_run(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
	      const struct observer *observers, uint64_t *ret_covered_ns);

static inline uint64_t slice_end_ns(const struct slice *slice)
{
	return slice->start_ns + slice->duration_ns;
}

/* What waiting on the lock of a futex slice means; LOCK_STATE_FUTEX where it is not known. */
enum lock_state slice_lock_state(const struct trace *trace, const struct slice *slice);

#endif
