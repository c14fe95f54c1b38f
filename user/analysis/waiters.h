/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for which moment of a thread: a heap for each thread, the earliest moment on top. A
 * thread waits for one moment at most. Not for anything but the replay.
 */
#ifndef CONVOY_ANALYSIS_WAITERS_H
#define CONVOY_ANALYSIS_WAITERS_H

#include <stddef.h>
#include <stdint.h>

/* A node of a pairing heap, by thread number − 1. */
struct waiter {
	uint64_t moment_ns;
	uint32_t first; /* numbers of threads, 0: none */
	uint32_t next;
};

struct waiters {
	struct waiter *nodes;
	uint32_t *tops; /* by the thread that is waited for */
};

void waiters_init(struct waiters *waiters, size_t thread_count);
void waiters_release(struct waiters *waiters);
/* `waiter` must not be waiting yet. */
void waiters_add(struct waiters *waiters, uint32_t thread, uint32_t waiter, uint64_t moment_ns);
/* Removes and returns the earliest that waits for a moment of `thread` up to until_ns, 0: none;
 * of those that wait for the same, the lowest. */
uint32_t waiters_take(struct waiters *waiters, uint32_t thread, uint64_t until_ns,
		      uint64_t *ret_moment_ns);

#endif
