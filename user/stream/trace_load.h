/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the reader of trace directories tell each other. Not for other rooms. */
#ifndef CONVOY_STREAM_TRACE_LOAD_H
#define CONVOY_STREAM_TRACE_LOAD_H

#include <stdbool.h>

#include "stream/csv.h"
#include "stream/trace.h"
#include "stream/trace_dir.h"

/* Threads, locks and edges are kept in memory: so many of each at most. */
#define LOAD_ROWS_MAX (4 * 1024 * 1024)

/* Adds without overflow: SCHEMA_EMPTY, which no total can be, stands for anything too large. */
static inline uint64_t sum_add(uint64_t sum, uint64_t part)
{
	return __builtin_add_overflow(sum, part, &sum) ? SCHEMA_EMPTY : sum;
}

/*
 * Whether its own row has the thread's totals: not the row "other threads", which has no slices,
 * and not a thread that was summed into that row, whose own is empty.
 */
bool thread_is_counted(const struct trace *trace, const struct thread *thread);

/* Read a table into the trace and check it as far as it goes alone. 0, or -EINVAL and the text. */
int load_threads(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error);
int load_locks(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error);
int load_edges(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error);

/* Slices joined with their waits, streaming from two files, which it owns from now on. The trace
 * must outlive it. */
struct slice_source *saved_slices_new(struct csv_reader *slices, struct csv_reader *waits,
				      const struct trace *trace);
/* Reads all once: order, threads, locks, overlaps, and sums against the kernel's totals. */
int saved_slices_check(struct slice_source *source, const struct trace *trace,
		       struct trace_error *ret_error);

#endif
