/* SPDX-License-Identifier: GPL-2.0-only */
/* The order of slices, and sorting an array of them that is mostly in order already. */
#ifndef CONVOY_STREAM_SLICE_SORT_H
#define CONVOY_STREAM_SLICE_SORT_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/slice.h"

/* By start_ns, then thread. */
static inline bool slice_is_before(const struct slice *left, const struct slice *right)
{
	return left->start_ns != right->start_ns ? left->start_ns < right->start_ns
						 : left->thread < right->thread;
}

/* Stable. scratch: room for count / 2 slices. Time grows with the disorder: an ordered array costs
 * one pass. */
void slices_sort(struct slice *slices, size_t count, struct slice *scratch);

#endif
