/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeps slices in any order of arrival and gives them back in order of (start_ns, thread): an
 * external merge sort in an unlinked file under $TMPDIR (or /tmp). Memory is bounded by a constant
 * plus a buffer per sorted run, whatever the number of slices.
 */
#ifndef CONVOY_STREAM_SLICE_STORE_H
#define CONVOY_STREAM_SLICE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "stream/slice.h"

struct slice_store;

/* max_bytes: limit of the file, 0: none. Never NULL; a file that cannot be made is an error of the
 * first spill. */
struct slice_store *slice_store_new(uint64_t max_bytes);
void slice_store_free(struct slice_store *store);

/* 0; -EFBIG once max_bytes is reached (the slice is dropped, earlier ones stay); or the error of
 * the write. */
int slice_store_add(struct slice_store *store, const struct slice *slice);

/* slice.lock of every slice read from now on is lock_of_use[slice.lock - 1]; borrowed until the
 * store is freed. */
void slice_store_map_locks(struct slice_store *store, const uint32_t *lock_of_use,
			   size_t use_count);

uint64_t slice_store_count(const struct slice_store *store);

/* The sorted stream; no more adds after the first rewind. Owned by the store. Call rewind before
 * the first next. */
struct slice_source *slice_store_source(struct slice_store *store);

#endif
