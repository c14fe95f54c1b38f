/* SPDX-License-Identifier: GPL-2.0-only */
/* The count phase of a countdown. */
#include "analysis/phase.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* read(2): the one number that a machine of a trace must be known for. */
static int16_t read_syscall(const struct trace *trace)
{
	bool is_x86 = !*trace->meta.arch || strcmp(trace->meta.arch, "x86_64") == 0;

	return is_x86 ? 0 : 63;
}

/* Blocked in read at time_ns. */
static bool is_reading(const struct slice *slice, int16_t read, uint64_t time_ns)
{
	return slice->state >= STATE_IO && slice->state <= STATE_SLEEP && slice->syscall == read &&
	       slice->start_ns <= time_ns && time_ns - slice->start_ns < slice->duration_ns;
}

/* Threads blocked in a read at bye_ns, and since when. */
struct reader {
	uint32_t thread;
	uint64_t since_ns;
};

struct readers {
	struct reader *list;
	size_t count;
};

static void readers_release(struct readers *readers)
{
	free(readers->list);
}

static void add_reader(struct readers *readers, const struct slice *slice)
{
	struct reader *reader = array_add(&readers->list, &readers->count, sizeof(*readers->list));

	reader->thread = slice->thread;
	reader->since_ns = slice->start_ns;
}

int phase_find_count(const struct trace *trace, uint64_t go_ns, uint64_t bye_ns,
		     struct phase_bounds *ret_bounds)
{
	struct readers readers OWNED(readers_release) = { 0 };
	struct phase_bounds bounds = { .begin_ns = UINT64_MAX };
	int16_t read = read_syscall(trace);
	struct slice slice;
	int got;

	if (!trace->slices)
		return -ENOENT;
	got = trace->slices->rewind(trace->slices);
	if (got < 0)
		return got;
	while ((got = trace->slices->next(trace->slices, &slice)) > 0) {
		uint64_t end_ns = slice.start_ns + slice.duration_ns;

		if (is_reading(&slice, read, go_ns) && end_ns < bounds.begin_ns) {
			bounds.begin_ns = end_ns;
			bounds.thread = slice.thread;
		}
		if (is_reading(&slice, read, bye_ns))
			add_reader(&readers, &slice);
	}
	if (got < 0)
		return got;
	for (size_t i = 0; i < readers.count; i++) {
		if (readers.list[i].thread == bounds.thread)
			bounds.end_ns = readers.list[i].since_ns;
	}
	if (!bounds.thread || bounds.end_ns <= bounds.begin_ns)
		return -ENOENT;
	*ret_bounds = bounds;
	return 0;
}
