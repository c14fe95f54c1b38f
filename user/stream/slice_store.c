/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * External merge sort of slices: chunks are sorted in memory and appended as runs to an unlinked
 * file, then merged by a heap. Not for the trace directory, which gets the sorted result.
 */
#include "stream/slice_store.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "stream/slice_sort.h"
#include "stream/slice_store_limits.h"
#include "stream/spool.h"

#define CHUNK_SLICES (128 * 1024)
#define CHUNK_FIRST 1024 /* short programs never need more */
#define BUFFERS_SLICES (192 * 1024)
#define BUFFER_MIN 32
#define BUFFER_MAX 2048

/* Reads one sorted run. */
struct cursor {
	const struct slice *next;
	const struct slice *end;
	struct slice *buffer; /* NULL: the run that stayed in memory */
	uint64_t file_next; /* slice number in the file */
	uint64_t file_end;
	size_t run;
};

struct slice_store {
	struct slice_source source; /* first: the source is the store */
	struct slice_store_limits limits;
	struct slice *chunk;
	size_t chunk_room;
	size_t chunk_count;
	struct slice *scratch;
	int file; /* -1: nothing was spilled */
	uint64_t file_slices;
	uint64_t *run_ends; /* slice numbers in the file */
	size_t run_count;
	int err; /* of a spill: no more slices */
	bool is_sealed;
	const uint32_t *lock_of_use;
	size_t use_count;
	struct cursor *cursors; /* one per run */
	struct slice *buffers;
	size_t buffer_slices;
	struct cursor **heap; /* cursors with slices left, the earliest on top */
	size_t heap_count;
};

static int store_spill(struct slice_store *store)
{
	uint64_t *run_end;
	int err;

	slices_sort(store->chunk, store->chunk_count, store->scratch);
	if (store->file < 0) {
		store->file = spool_open();
		if (store->file < 0) {
			err = store->file;
			store->file = -1;
			return err;
		}
	}
	err = spool_write(store->file, store->chunk, store->chunk_count * sizeof(*store->chunk),
			  store->file_slices * sizeof(*store->chunk));
	if (err)
		return err;
	store->file_slices += store->chunk_count;
	store->chunk_count = 0;
	run_end = array_add(&store->run_ends, &store->run_count, sizeof(*run_end));
	*run_end = store->file_slices;
	return 0;
}

static void chunk_grow(struct slice_store *store)
{
	size_t room = store->chunk_room ? store->chunk_room * 2 : CHUNK_FIRST;

	if (room > store->limits.chunk_slices)
		room = store->limits.chunk_slices;
	store->chunk = xrealloc(store->chunk, room, sizeof(*store->chunk));
	store->scratch = xrealloc(store->scratch, room / 2, sizeof(*store->scratch));
	store->chunk_room = room;
}

int slice_store_add(struct slice_store *store, const struct slice *slice)
{
	uint64_t max = store->limits.max_bytes;

	assert(!store->is_sealed);
	if (store->err)
		return store->err;
	if (max && slice_store_count(store) >= max / sizeof(*slice))
		return -EFBIG;
	if (store->chunk_count == store->chunk_room) {
		if (store->chunk_room < store->limits.chunk_slices)
			chunk_grow(store);
		else
			store->err = store_spill(store);
		if (store->err)
			return store->err;
	}
	store->chunk[store->chunk_count++] = *slice;
	return 0;
}

uint64_t slice_store_count(const struct slice_store *store)
{
	return store->file_slices + store->chunk_count;
}

void slice_store_map_locks(struct slice_store *store, const uint32_t *lock_of_use, size_t use_count)
{
	store->lock_of_use = lock_of_use;
	store->use_count = use_count;
}

/* Makes the next slice of a run available. 1, at its end 0, or an error. */
static int cursor_fill(struct slice_store *store, struct cursor *cursor)
{
	uint64_t left = cursor->file_end - cursor->file_next;
	size_t count = left < store->buffer_slices ? (size_t)left : store->buffer_slices;
	int err;

	if (cursor->next < cursor->end)
		return 1;
	if (!count)
		return 0;
	err = spool_read(store->file, cursor->buffer, count * sizeof(*cursor->buffer),
			 cursor->file_next * sizeof(*cursor->buffer));
	if (err)
		return err;
	cursor->file_next += count;
	cursor->next = cursor->buffer;
	cursor->end = cursor->buffer + count;
	return 1;
}

/* Equal slices come in the order in which they arrived: earlier runs first. */
static bool cursor_is_before(const struct cursor *left, const struct cursor *right)
{
	if (slice_is_before(left->next, right->next))
		return true;
	return !slice_is_before(right->next, left->next) && left->run < right->run;
}

static void heap_sift_down(struct cursor **heap, size_t count, size_t at)
{
	struct cursor *moved = heap[at];

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= count)
			break;
		if (child + 1 < count && cursor_is_before(heap[child + 1], heap[child]))
			child++;
		if (!cursor_is_before(heap[child], moved))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

/* The adding is over: sorts what is still in memory and makes a read buffer for each run. */
static void store_seal(struct slice_store *store)
{
	size_t runs = store->run_count + 1;

	slices_sort(store->chunk, store->chunk_count, store->scratch);
	free(store->scratch);
	store->scratch = NULL;
	store->buffer_slices = store->limits.buffers_slices / runs;
	if (store->buffer_slices < BUFFER_MIN)
		store->buffer_slices = BUFFER_MIN;
	if (store->buffer_slices > BUFFER_MAX)
		store->buffer_slices = BUFFER_MAX;
	if (store->run_count)
		store->buffers =
			xcalloc(store->run_count, store->buffer_slices * sizeof(*store->buffers));
	store->cursors = xcalloc(runs, sizeof(*store->cursors));
	store->heap = xcalloc(runs, sizeof(struct cursor *));
	store->is_sealed = true;
}

static void cursor_init(struct slice_store *store, size_t run)
{
	struct cursor *cursor = &store->cursors[run];

	*cursor = (struct cursor){ .run = run };
	if (run == store->run_count) {
		cursor->next = store->chunk;
		cursor->end = store->chunk_count ? store->chunk + store->chunk_count : cursor->next;
		return;
	}
	cursor->buffer = store->buffers + run * store->buffer_slices;
	cursor->file_next = run ? store->run_ends[run - 1] : 0;
	cursor->file_end = store->run_ends[run];
}

static int store_rewind(struct slice_source *source)
{
	struct slice_store *store = (struct slice_store *)source;

	if (!store->is_sealed)
		store_seal(store);
	store->heap_count = 0;
	for (size_t run = 0; run <= store->run_count; run++) {
		int has_slice;

		cursor_init(store, run);
		has_slice = cursor_fill(store, &store->cursors[run]);
		if (has_slice < 0)
			return has_slice;
		if (has_slice)
			store->heap[store->heap_count++] = &store->cursors[run];
	}
	for (size_t at = store->heap_count / 2; at-- > 0;)
		heap_sift_down(store->heap, store->heap_count, at);
	return 0;
}

static int store_next(struct slice_source *source, struct slice *ret_slice)
{
	struct slice_store *store = (struct slice_store *)source;
	struct cursor *top;
	int has_slice;

	if (!store->heap_count)
		return 0;
	top = store->heap[0];
	*ret_slice = *top->next++;
	has_slice = cursor_fill(store, top);
	if (has_slice < 0) {
		store->heap_count = 0;
		return has_slice;
	}
	if (!has_slice)
		store->heap[0] = store->heap[--store->heap_count];
	if (store->heap_count > 1)
		heap_sift_down(store->heap, store->heap_count, 0);
	if (store->lock_of_use && ret_slice->lock)
		ret_slice->lock = ret_slice->lock <= store->use_count
					  ? store->lock_of_use[ret_slice->lock - 1]
					  : 0;
	return 1;
}

struct slice_source *slice_store_source(struct slice_store *store)
{
	return &store->source;
}

struct slice_store *slice_store_new_limited(const struct slice_store_limits *limits)
{
	struct slice_store *store = xcalloc(1, sizeof(*store));

	store->source.rewind = store_rewind;
	store->source.next = store_next;
	store->limits = *limits;
	store->file = -1;
	return store;
}

struct slice_store *slice_store_new(uint64_t max_bytes)
{
	const struct slice_store_limits limits = {
		.max_bytes = max_bytes,
		.chunk_slices = CHUNK_SLICES,
		.buffers_slices = BUFFERS_SLICES,
	};

	return slice_store_new_limited(&limits);
}

void slice_store_free(struct slice_store *store)
{
	if (!store)
		return;
	if (store->file >= 0)
		close(store->file);
	free(store->chunk);
	free(store->scratch);
	free(store->run_ends);
	free(store->cursors);
	free(store->buffers);
	free(store->heap);
	free(store);
}
