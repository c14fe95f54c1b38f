/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A slice: one thread in one state from one instant to another; and where slices come from. Slices
 * always come in order of (start_ns, thread); those of a thread neither overlap nor leave gaps,
 * save holes where some were lost. Empty slices (duration 0) never appear. A ring buffer's spool, a
 * saved trace and a test's array are all sources.
 */
#ifndef CONVOY_STREAM_SLICE_H
#define CONVOY_STREAM_SLICE_H

#include <stdint.h>

#include <linux/types.h>

#include "record.h"

struct slice {
	uint64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t duration_ns; /* > 0 */
	uint32_t thread; /* serial number, from 1 */
	uint32_t lock; /* of a futex slice: number of the lock, from 1; 0: none or not known */
	uint32_t waker; /* thread that ended it by a wake-up; 0: none, a timer or a stranger */
	uint32_t holder; /* of a futex slice: who had the lock at its begin; 0: not known */
	int16_t syscall; /* of a blocked slice; RECORD_SYSCALL_NONE: not in a system call */
	uint16_t cpu; /* of a running slice */
	uint8_t state; /* enum state */
	uint8_t result; /* enum wait_result, of a futex slice */
	uint8_t op; /* futex operation, of a futex slice */
	uint8_t flags; /* SLICE_* */
};

#define SLICE_WAKER_RELEASED                                                                       \
	1 /* the waker was inside a futex wake of this word, or was the joined thread dying */
#define SLICE_TIMED 2 /* a futex wait with a timeout */
#define SLICE_OPEN 4 /* cut by the end of the window */

/* A re-readable stream of slices. Errors are negative errno and end the stream. */
struct slice_source {
	/* Goes back to the first slice. 0 or an error. */
	int (*rewind)(struct slice_source *source);
	/* Gives the next slice: 1, at the end 0, or an error. */
	int (*next)(struct slice_source *source, struct slice *ret_slice);
	/* Called by trace_free on the source of the trace; NULL: somebody else owns it. */
	void (*destroy)(struct slice_source *source);
};

#endif
