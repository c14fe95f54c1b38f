/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading the tables of a trace that are kept in memory: threads, locks, edges. Cells are taken in
 * the order of the schema. */
#include "stream/trace_load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool thread_is_counted(const struct trace *trace, const struct thread *thread)
{
	bool was_summed = trace->meta.loss[LOSS_DEAD_FULL] && thread->start_ns == thread->end_ns;

	return !thread->is_rest && !was_summed;
}

static int32_t signed_or_zero(uint64_t number)
{
	return number == SCHEMA_EMPTY ? 0 : (int32_t)number;
}

static void read_thread_states(struct thread *thread, const struct csv_cell **cell)
{
	static const enum state before[] = { STATE_RUNNING, STATE_PREEMPTED, STATE_QUEUED };
	static const enum state behind[] = { STATE_IO, STATE_KERNEL, STATE_SLEEP, STATE_STOPPED,
					     STATE_UNKNOWN };
	uint64_t futex_ns = 0;

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		thread->state_ns[before[i]] = (*cell)++->number;
	for (size_t i = 0; i < LOCK_STATE_COUNT; i++) {
		thread->futex_class_ns[i] = (*cell)++->number;
		futex_ns = sum_add(futex_ns, thread->futex_class_ns[i]);
	}
	thread->state_ns[STATE_FUTEX] = futex_ns;
	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		thread->state_ns[behind[i]] = (*cell)++->number;
}

/* Returns the column lifetime_ns. */
static uint64_t read_thread(struct thread *thread, const struct csv_cell *cell)
{
	uint64_t lifetime_ns;

	cell++; /* its number: checked */
	thread->is_rest = cell->number == SCHEMA_EMPTY;
	thread->pid = signed_or_zero(cell++->number);
	thread->tid = signed_or_zero(cell++->number);
	thread->ppid = signed_or_zero(cell++->number);
	memcpy(thread->comm, cell->text, strnlen(cell->text, RECORD_COMM_LEN));
	cell++;
	trace_set_string(&thread->name, cell++->text);
	thread->start_ns = cell++->number;
	thread->end_ns = cell++->number;
	lifetime_ns = cell++->number;
	read_thread_states(thread, &cell);
	thread->voluntary = cell++->number;
	thread->involuntary = cell++->number;
	thread->yields = cell++->number;
	thread->migrations = cell++->number;
	thread->kernel_run_ns = cell++->number;
	thread->kernel_wait_ns = cell++->number;
	thread->slices_lost = cell++->number;
	return lifetime_ns;
}

static int check_thread(const struct csv_reader *reader, const struct trace *trace,
			uint64_t lifetime_ns, struct trace_error *ret_error)
{
	const struct thread *thread = &trace->threads[trace->thread_count - 1];
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < STATE_COUNT; i++)
		sum_ns = sum_add(sum_ns, thread->state_ns[i]);
	if (sum_ns != lifetime_ns && (thread->is_rest || thread_is_counted(trace, thread)))
		return csv_reader_fail(reader, ret_error,
				       "the states of thread %u sum to %" PRIu64
				       " ns, its lifetime is %" PRIu64 " ns",
				       thread->id, sum_ns, lifetime_ns);
	if (thread->is_rest)
		return 0;
	if (thread->start_ns > thread->end_ns || thread->start_ns < trace->meta.start_ns ||
	    thread->end_ns > trace->meta.end_ns)
		return csv_reader_fail(reader, ret_error, "thread %u lives outside of the window",
				       thread->id);
	if (thread->end_ns - thread->start_ns != lifetime_ns)
		return csv_reader_fail(reader, ret_error,
				       "lifetime_ns is not end_ns - start_ns of thread %u",
				       thread->id);
	return 0;
}

/* Rows must be numbered 1, 2, 3 … */
static int check_number(const struct csv_reader *reader, uint64_t number, size_t count,
			struct trace_error *ret_error)
{
	if (number != count + 1)
		return csv_reader_fail(reader, ret_error, "number %" PRIu64 ", expected %zu",
				       number, count + 1);
	if (number > LOAD_ROWS_MAX)
		return csv_reader_fail(reader, ret_error, "more than %d rows", LOAD_ROWS_MAX);
	return 0;
}

int load_threads(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error)
{
	const struct csv_cell *cells;
	int has_row;

	while ((has_row = csv_reader_next(reader, &cells, ret_error)) > 0) {
		uint64_t lifetime_ns;
		int err = check_number(reader, cells[0].number, trace->thread_count, ret_error);

		if (err)
			return err;
		if (strlen(cells[4].text) > RECORD_COMM_LEN)
			return csv_reader_fail(reader, ret_error, "column 'comm' is too long");
		lifetime_ns = read_thread(trace_add_thread(trace), cells);
		err = check_thread(reader, trace, lifetime_ns, ret_error);
		if (err)
			return err;
	}
	return has_row;
}

/* Reads a lock; *ret_holder_ns is the sum of the four holder columns, SCHEMA_EMPTY if one is. */
static void read_lock(struct lock *lock, const struct csv_cell *cell, uint64_t *ret_holder_ns)
{
	uint64_t holder_ns = 0;

	cell++; /* its number: checked */
	lock->pid = signed_or_zero(cell++->number);
	lock->address = cell++->number;
	lock->kind = (uint8_t)cell++->number;
	lock->state = (uint8_t)cell++->number;
	trace_set_string(&lock->name, cell++->text);
	trace_set_string(&lock->evidence, cell++->text);
	cell++; /* episodes */
	lock->waits = cell++->number;
	lock->timeouts = cell++->number;
	lock->wait_ns = cell++->number;
	lock->min_ns = cell++->number;
	cell += 3; /* p50, p90, p99 */
	lock->max_ns = cell++->number;
	cell += 4; /* waiters, handoffs, dead, lost */
	for (size_t i = 0; i < 4; i++)
		holder_ns = sum_add(holder_ns, cell++->number);
	*ret_holder_ns = holder_ns;
}

static int check_lock(const struct csv_reader *reader, const struct lock *lock, uint64_t holder_ns,
		      struct trace_error *ret_error)
{
	bool has_bounds = lock->min_ns != TRACE_NOT_MEASURED && lock->max_ns != TRACE_NOT_MEASURED;

	if (holder_ns != SCHEMA_EMPTY && holder_ns != lock->wait_ns)
		return csv_reader_fail(reader, ret_error,
				       "the holder columns of lock %u do not sum to its wait_ns",
				       lock->id);
	if (has_bounds && (lock->min_ns > lock->max_ns || lock->max_ns > lock->wait_ns))
		return csv_reader_fail(reader, ret_error,
				       "min_ns, max_ns and wait_ns of lock %u contradict",
				       lock->id);
	if (lock->timeouts != TRACE_NOT_MEASURED && lock->timeouts > lock->waits)
		return csv_reader_fail(reader, ret_error, "lock %u has more timeouts than waits",
				       lock->id);
	return 0;
}

int load_locks(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error)
{
	const struct csv_cell *cells;
	int has_row;

	while ((has_row = csv_reader_next(reader, &cells, ret_error)) > 0) {
		int err = check_number(reader, cells[0].number, trace->lock_count, ret_error);
		struct lock *lock;
		uint64_t holder_ns;

		if (err)
			return err;
		lock = trace_add_lock(trace);
		read_lock(lock, cells, &holder_ns);
		err = check_lock(reader, lock, holder_ns, ret_error);
		if (err)
			return err;
	}
	return has_row;
}

static int compare_totals(const void *a, const void *b)
{
	const struct wait_total *left = a, *right = b;

	if (left->lock != right->lock)
		return left->lock < right->lock ? -1 : 1;
	return left->thread < right->thread ? -1 : left->thread > right->thread;
}

/* One row a (lock, thread) instead of one an edge. */
static void merge_totals(struct trace *trace)
{
	struct wait_total *totals = trace->wait_totals;
	size_t kept = 0;

	if (!trace->wait_total_count)
		return;
	qsort(totals, trace->wait_total_count, sizeof(*totals), compare_totals);
	for (size_t i = 1; i < trace->wait_total_count; i++) {
		if (compare_totals(&totals[kept], &totals[i]))
			totals[++kept] = totals[i];
		else
			totals[kept].wait_ns = sum_add(totals[kept].wait_ns, totals[i].wait_ns);
	}
	trace->wait_total_count = kept + 1;
}

int load_edges(struct csv_reader *reader, struct trace *trace, struct trace_error *ret_error)
{
	const struct csv_cell *cells;
	int has_row;

	while ((has_row = csv_reader_next(reader, &cells, ret_error)) > 0) {
		uint64_t waiter = cells[0].number, holder = cells[1].number;
		uint64_t lock = cells[2].number, wait_ns = cells[5].number;

		if (waiter > trace->thread_count || holder > trace->thread_count)
			return csv_reader_fail(reader, ret_error, "an unknown thread");
		if (lock > trace->lock_count)
			return csv_reader_fail(reader, ret_error, "an unknown lock");
		if (trace->wait_total_count >= LOAD_ROWS_MAX)
			return csv_reader_fail(reader, ret_error, "more than %d rows",
					       LOAD_ROWS_MAX);
		*trace_add_wait_total(trace) = (struct wait_total){
			.thread = (uint32_t)waiter,
			.lock = (uint32_t)lock,
			.wait_ns = wait_ns,
			.waits = TRACE_NOT_MEASURED,
			.timeouts = TRACE_NOT_MEASURED,
			.min_ns = TRACE_NOT_MEASURED,
			.max_ns = TRACE_NOT_MEASURED,
		};
	}
	if (!has_row)
		merge_totals(trace);
	return has_row;
}
