/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slices of a saved trace: slices.csv and waits.csv read side by side, as one source. Reading
 * CSV is most of a report's time, and each slice is wanted twice or more: the check keeps a copy,
 * which is read from then on. Where there is no room for one, the files are read again.
 */
#include "stream/trace_load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"
#include "stream/slice_store.h"
#include "stream/spool.h"

#define COPY_MAX_BYTES (2ULL << 30) /* where the spool is: some 50 million slices */
#define COPY_FREE_BYTES (4ULL << 20) /* so much needs no spool */
#define COPY_PART 4 /* of the room there: the analysis needs it more */

struct saved_slices {
	struct slice_source source; /* first: the source is this */
	struct csv_reader *slices;
	struct csv_reader *waits;
	const struct trace *trace;
	struct slice_store *copy; /* of all slices, which were checked; or NULL */
	struct trace_error error;
};

static uint64_t or_zero(uint64_t number)
{
	return number == SCHEMA_EMPTY ? 0 : number;
}

static int saved_rewind(struct slice_source *source)
{
	struct saved_slices *saved = (struct saved_slices *)source;
	int err;

	if (saved->copy) {
		source = slice_store_source(saved->copy);
		return source->rewind(source);
	}
	err = csv_reader_rewind(saved->slices, &saved->error);
	return err ? err : csv_reader_rewind(saved->waits, &saved->error);
}

/* What slices.csv has of the slice; its pid and tid only repeat the thread's. */
static int read_slice(struct saved_slices *saved, const struct csv_cell *cell, struct slice *slice)
{
	const struct thread *thread;
	uint64_t pid, tid, cpu, syscall;

	slice->start_ns = cell++->number;
	slice->duration_ns = cell++->number;
	slice->thread = (uint32_t)cell++->number;
	pid = cell++->number;
	tid = cell++->number;
	slice->state = (uint8_t)cell++->number;
	cpu = cell++->number;
	syscall = cell++->number;
	slice->lock = (uint32_t)cell++->number;
	slice->waker = (uint32_t)cell++->number;
	slice->cpu = (uint16_t)or_zero(cpu);
	slice->syscall = syscall == SCHEMA_EMPTY ? RECORD_SYSCALL_NONE : (int16_t)syscall;
	if (slice->thread > saved->trace->thread_count || slice->waker > saved->trace->thread_count)
		return csv_reader_fail(saved->slices, &saved->error, "an unknown thread");
	if (slice->lock > saved->trace->lock_count)
		return csv_reader_fail(saved->slices, &saved->error, "an unknown lock");
	thread = &saved->trace->threads[slice->thread - 1];
	if (thread->is_rest ? pid != SCHEMA_EMPTY || tid != SCHEMA_EMPTY
			    : (int32_t)pid != thread->pid || (int32_t)tid != thread->tid)
		return csv_reader_fail(saved->slices, &saved->error,
				       "pid or tid are not those of thread %u", thread->id);
	if (slice->state != STATE_FUTEX && slice->lock)
		return csv_reader_fail(saved->slices, &saved->error, "a lock without a futex wait");
	return 0;
}

/* Adds what waits.csv has: its next row must be of this slice. */
static int read_wait(struct saved_slices *saved, struct slice *slice)
{
	const struct csv_cell *cell;
	int has_row = csv_reader_next(saved->waits, &cell, &saved->error);
	uint64_t releaser;

	if (has_row < 0)
		return has_row;
	if (!has_row || cell[0].number != slice->start_ns || cell[1].number != slice->duration_ns ||
	    cell[2].number != slice->thread || cell[3].number != slice->lock)
		return csv_reader_fail(saved->waits, &saved->error,
				       "not the next futex wait of slices.csv (thread %u at "
				       "%" PRIu64 " ns)",
				       slice->thread, slice->start_ns);
	slice->op = (uint8_t)or_zero(cell[4].number);
	slice->result = (uint8_t)or_zero(cell[5].number);
	slice->holder = (uint32_t)cell[7].number;
	releaser = cell[9].number;
	if (slice->holder > saved->trace->thread_count)
		return csv_reader_fail(saved->waits, &saved->error, "an unknown thread");
	if (releaser && releaser != slice->waker)
		return csv_reader_fail(saved->waits, &saved->error,
				       "another waker than in slices.csv");
	if (releaser)
		slice->flags |= SLICE_WAKER_RELEASED;
	return 0;
}

/* The slices are over: so must be the waits. */
static int check_waits_end(struct saved_slices *saved)
{
	const struct csv_cell *cells;
	int has_row = csv_reader_next(saved->waits, &cells, &saved->error);

	if (has_row > 0)
		return csv_reader_fail(saved->waits, &saved->error,
				       "a wait that is not in slices.csv");
	return has_row;
}

static int read_next(struct saved_slices *saved, struct slice *ret_slice)
{
	const struct csv_cell *cells;
	struct slice slice = { .flags = 0 };
	int has_row = csv_reader_next(saved->slices, &cells, &saved->error);
	int err;

	if (has_row < 0)
		return has_row;
	if (!has_row)
		return check_waits_end(saved);
	err = read_slice(saved, cells, &slice);
	if (!err && slice.state == STATE_FUTEX)
		err = read_wait(saved, &slice);
	if (err)
		return err;
	/* Nobody dies while blocked or queued: such a slice was cut by the end of the window. */
	if (slice.state != STATE_RUNNING &&
	    slice.start_ns + slice.duration_ns == saved->trace->meta.end_ns)
		slice.flags |= SLICE_OPEN;
	*ret_slice = slice;
	return 1;
}

static int saved_next(struct slice_source *source, struct slice *ret_slice)
{
	struct saved_slices *saved = (struct saved_slices *)source;

	if (!saved->copy)
		return read_next(saved, ret_slice);
	source = slice_store_source(saved->copy);
	return source->next(source, ret_slice);
}

static void saved_destroy(struct slice_source *source)
{
	struct saved_slices *saved = (struct saved_slices *)source;

	csv_reader_free(saved->slices);
	csv_reader_free(saved->waits);
	slice_store_free(saved->copy);
	free(saved);
}

struct slice_source *saved_slices_new(struct csv_reader *slices, struct csv_reader *waits,
				      const struct trace *trace)
{
	struct saved_slices *saved = xcalloc(1, sizeof(*saved));

	saved->source = (struct slice_source){
		.rewind = saved_rewind,
		.next = saved_next,
		.destroy = saved_destroy,
	};
	saved->slices = slices;
	saved->waits = waits;
	saved->trace = trace;
	return &saved->source;
}

/* What was seen of a thread so far. */
struct progress {
	uint64_t end_ns; /* of its last slice */
	uint64_t state_ns[STATE_COUNT];
};

static int check_slice(struct saved_slices *saved, const struct slice *slice,
		       const struct slice *before, struct progress *progress)
{
	const struct thread *thread = &saved->trace->threads[slice->thread - 1];

	if (slice->start_ns < before->start_ns ||
	    (slice->start_ns == before->start_ns && slice->thread < before->thread))
		return csv_reader_fail(saved->slices, &saved->error,
				       "not in order of start_ns and thread");
	if (!slice->duration_ns)
		return csv_reader_fail(saved->slices, &saved->error, "duration_ns is 0");
	if (!thread_is_counted(saved->trace, thread))
		return 0;
	if (slice->start_ns < thread->start_ns || slice->start_ns > thread->end_ns ||
	    slice->duration_ns > thread->end_ns - slice->start_ns)
		return csv_reader_fail(saved->slices, &saved->error,
				       "outside of the lifetime of thread %u", thread->id);
	if (slice->start_ns < progress->end_ns)
		return csv_reader_fail(saved->slices, &saved->error,
				       "overlaps the slice of thread %u before it", thread->id);
	progress->end_ns = slice->start_ns + slice->duration_ns;
	progress->state_ns[slice->state] += slice->duration_ns;
	return 0;
}

/* Σ slices against the kernel's totals (I0): exact if nothing was lost. */
static int check_totals(struct saved_slices *saved, const struct progress *progress)
{
	const struct trace *trace = saved->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		bool is_counted = thread_is_counted(trace, thread);

		for (int state = 0; state < STATE_COUNT && is_counted; state++) {
			uint64_t sum_ns = progress[i].state_ns[state];
			uint64_t total_ns = thread->state_ns[state];

			if (trace->meta.is_complete ? sum_ns == total_ns : sum_ns <= total_ns)
				continue;
			return csv_reader_fail(saved->slices, &saved->error,
					       "the slices of thread %u in state %s sum to %" PRIu64
					       " ns, threads.csv says %" PRIu64 " ns",
					       thread->id, state_name((enum state)state), sum_ns,
					       total_ns);
		}
	}
	return 0;
}

static bool has_room_for_copy(const struct trace *trace)
{
	uint64_t slices = trace->meta.slices_produced;
	uint64_t bytes = slices < COPY_MAX_BYTES ? slices * sizeof(struct slice) : UINT64_MAX;

	return bytes <= COPY_FREE_BYTES ||
	       (bytes <= COPY_MAX_BYTES && bytes <= spool_room() / COPY_PART);
}

static void store_freep(struct slice_store **store)
{
	slice_store_free(*store);
}

int saved_slices_check(struct slice_source *source, const struct trace *trace,
		       struct trace_error *ret_error)
{
	struct saved_slices *saved = (struct saved_slices *)source;
	struct slice_store *copy OWNED(store_freep) = slice_store_new(COPY_MAX_BYTES);
	struct progress *progress OWNED(mem_freep) =
		xcalloc(trace->thread_count, sizeof(*progress));
	struct slice slice, before = { .start_ns = 0 };
	bool is_whole = has_room_for_copy(trace);
	int has_slice, err = 0;

	while (!err && (has_slice = read_next(saved, &slice)) != 0) {
		err = has_slice < 0
			      ? has_slice
			      : check_slice(saved, &slice, &before, &progress[slice.thread - 1]);
		is_whole = is_whole && !err && !slice_store_add(copy, &slice);
		before = slice;
	}
	if (!err)
		err = check_totals(saved, progress);
	if (err) {
		*ret_error = saved->error;
	} else if (is_whole) {
		saved->copy = copy;
		copy = NULL;
	}
	return err;
}
