/* SPDX-License-Identifier: GPL-2.0-only */
/* The sizes of a slice store, for tests that want many small runs. Not for other callers. */
#ifndef CONVOY_STREAM_SLICE_STORE_LIMITS_H
#define CONVOY_STREAM_SLICE_STORE_LIMITS_H

#include "stream/slice_store.h"

struct slice_store_limits {
	uint64_t max_bytes; /* of all slices, 0: none */
	size_t chunk_slices; /* slices of a sorted run */
	size_t buffers_slices; /* slices of all read buffers together */
};

struct slice_store *slice_store_new_limited(const struct slice_store_limits *limits);

#endif
