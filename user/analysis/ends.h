/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the open slices end: a heap with the earliest on top, one entry a thread at most. Not for
 * anything but the sweep.
 */
#ifndef CONVOY_ANALYSIS_ENDS_H
#define CONVOY_ANALYSIS_ENDS_H

#include <stddef.h>
#include <stdint.h>

struct end {
	uint64_t time_ns;
	uint32_t thread;
};

struct ends {
	struct end *heap; /* room for every thread */
	size_t count;
};

void ends_init(struct ends *ends, size_t thread_count);
void ends_release(struct ends *ends);
void ends_push(struct ends *ends, uint64_t time_ns, uint32_t thread);
/* The earliest end; not of an empty heap. Ties: the lowest thread. */
struct end ends_pop(struct ends *ends);

#endif
