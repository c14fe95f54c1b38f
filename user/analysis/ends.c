/* SPDX-License-Identifier: GPL-2.0-only */
/* When the open slices end: a binary heap. */
#include "analysis/ends.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"

void ends_init(struct ends *ends, size_t thread_count)
{
	ends->heap = xcalloc(thread_count, sizeof(*ends->heap));
	ends->count = 0;
}

void ends_release(struct ends *ends)
{
	free(ends->heap);
	ends->heap = NULL;
	ends->count = 0;
}

static bool is_before(const struct end *a, const struct end *b)
{
	return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->thread < b->thread;
}

void ends_push(struct ends *ends, uint64_t time_ns, uint32_t thread)
{
	const struct end end = { time_ns, thread };
	size_t at = ends->count++;

	while (at > 0) {
		size_t up = (at - 1) / 2;

		if (!is_before(&end, &ends->heap[up]))
			break;
		ends->heap[at] = ends->heap[up];
		at = up;
	}
	ends->heap[at] = end;
}

struct end ends_pop(struct ends *ends)
{
	struct end top, last;
	size_t at = 0, down;

	assert(ends->count);
	top = ends->heap[0];
	last = ends->heap[--ends->count];
	while ((down = 2 * at + 1) < ends->count) {
		if (down + 1 < ends->count && is_before(&ends->heap[down + 1], &ends->heap[down]))
			down++;
		if (!is_before(&ends->heap[down], &last))
			break;
		ends->heap[at] = ends->heap[down];
		at = down;
	}
	ends->heap[at] = last;
	return top;
}
