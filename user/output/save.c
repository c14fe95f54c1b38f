/* SPDX-License-Identifier: GPL-2.0-only */
/* Saving a trace: which numbers go into which file. Slices and waits are in save_slices.c, how a
 * file is written in stream/. */
#include "output/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "output/save_table.h"
#include "stream/meta_json.h"

_Static_assert(HOLDER_UNKNOWN == 0 && HOLDER_LIKELY == 1 && HOLDER_EXACT == 2,
	       "the order of the marks in the schema");

static void save_thread_states(struct csv_writer *writer, const struct thread *thread)
{
	csv_number(writer, thread->state_ns[STATE_RUNNING]);
	csv_number(writer, thread->state_ns[STATE_PREEMPTED]);
	csv_number(writer, thread->state_ns[STATE_QUEUED]);
	for (size_t i = 0; i < LOCK_STATE_COUNT; i++)
		csv_number(writer, thread->futex_class_ns[i]);
	csv_number(writer, thread->state_ns[STATE_IO]);
	csv_number(writer, thread->state_ns[STATE_KERNEL]);
	csv_number(writer, thread->state_ns[STATE_SLEEP]);
	csv_number(writer, thread->state_ns[STATE_STOPPED]);
	csv_number(writer, thread->state_ns[STATE_UNKNOWN]);
}

/* The row "other threads" has no single process, id or lifetime. */
static void save_thread_ids(struct csv_writer *writer, const struct thread *thread)
{
	const int32_t ids[] = { thread->pid, thread->tid, thread->ppid };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		csv_number(writer, thread->is_rest ? SCHEMA_EMPTY : (uint64_t)ids[i]);
}

static uint64_t thread_lifetime_ns(const struct thread *thread)
{
	uint64_t sum_ns = 0;

	if (!thread->is_rest)
		return thread->end_ns - thread->start_ns;
	for (size_t i = 0; i < STATE_COUNT; i++)
		sum_ns += thread->state_ns[i];
	return sum_ns;
}

static int save_threads(struct csv_writer *writer, const struct report *report)
{
	const struct trace *trace = report->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		csv_number(writer, thread->id);
		save_thread_ids(writer, thread);
		csv_text(writer, thread->comm);
		csv_text(writer, thread->name);
		csv_number(writer, thread->start_ns);
		csv_number(writer, thread->end_ns);
		csv_number(writer, thread_lifetime_ns(thread));
		save_thread_states(writer, thread);
		csv_number(writer, thread->voluntary);
		csv_number(writer, thread->involuntary);
		csv_number(writer, thread->yields);
		csv_number(writer, thread->migrations);
		csv_number(writer, thread->kernel_run_ns);
		csv_number(writer, thread->kernel_wait_ns);
		csv_number(writer, thread->slices_lost);
	}
	return 0;
}

static void save_lock(struct csv_writer *writer, const struct lock *lock,
		      const struct lock_stat *stat)
{
	csv_number(writer, lock->id);
	csv_number(writer, lock->pid ? (uint64_t)(int64_t)lock->pid : SCHEMA_EMPTY);
	csv_number(writer, lock->address);
	csv_number(writer, lock->kind);
	csv_number(writer, lock->state);
	csv_text(writer, lock->name);
	csv_text(writer, lock->evidence);
	csv_number(writer, stat->episodes);
	csv_number(writer, lock->waits);
	csv_number(writer, lock->timeouts);
	csv_number(writer, lock->wait_ns);
	csv_number(writer, lock->waits ? lock->min_ns : SCHEMA_EMPTY);
	csv_number(writer, stat->p50_ns);
	csv_number(writer, stat->p90_ns);
	csv_number(writer, stat->p99_ns);
	csv_number(writer, lock->waits ? lock->max_ns : SCHEMA_EMPTY);
	csv_number(writer, stat->waiters);
	csv_number(writer, stat->handoffs);
	csv_number(writer, stat->dead_ns);
	csv_number(writer, stat->lost_ns);
	csv_number(writer, stat->holder_running_ns);
	csv_number(writer, stat->holder_ready_ns);
	csv_number(writer, stat->holder_blocked_ns);
	csv_number(writer, stat->holder_unknown_ns);
}

static int save_locks(struct csv_writer *writer, const struct report *report)
{
	/* Nobody waited: all is known to be 0, save the quantiles of nothing. */
	static const struct lock_stat unused = {
		.p50_ns = TRACE_NOT_MEASURED,
		.p90_ns = TRACE_NOT_MEASURED,
		.p99_ns = TRACE_NOT_MEASURED,
	};
	const struct trace *trace = report->trace;
	size_t next = 0;

	for (size_t i = 0; i < trace->lock_count; i++) {
		const struct lock *lock = &trace->locks[i];
		const struct lock_stat *stat = &unused;

		if (next < report->lock_count && report->locks[next].lock == lock->id)
			stat = &report->locks[next++];
		save_lock(writer, lock, stat);
	}
	return 0;
}

static int compare_edges(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->lock != right->lock)
		return left->lock < right->lock ? -1 : 1;
	if (left->waiter != right->waiter)
		return left->waiter < right->waiter ? -1 : 1;
	return left->holder < right->holder ? -1 : left->holder > right->holder;
}

static void save_edge(struct csv_writer *writer, const struct edge *edge, uint64_t episodes)
{
	csv_number(writer, edge->waiter);
	csv_number(writer, edge->holder);
	csv_number(writer, edge->lock);
	csv_number(writer, edge->mark);
	csv_number(writer, episodes);
	csv_number(writer, edge->wait_ns);
}

/*
 * The edges, by lock and waiter. What the report could not charge (no slices, or lost ones) goes to
 * an unknown holder, so the kernel's wait time of every thread and lock is in the file.
 */
static int save_edges(struct csv_writer *writer, const struct report *report)
{
	const struct trace *trace = report->trace;
	struct edge *edges OWNED(mem_freep) = xcalloc(report->edge_count, sizeof(*edges));
	size_t next = 0;

	if (report->edge_count)
		memcpy(edges, report->edges, report->edge_count * sizeof(*edges));
	qsort(edges, report->edge_count, sizeof(*edges), compare_edges);
	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];
		struct edge rest = { .waiter = total->thread, .lock = total->lock };
		uint64_t charged_ns = 0;

		for (; next < report->edge_count && edges[next].lock == total->lock &&
		       edges[next].waiter == total->thread;
		     next++) {
			charged_ns += edges[next].wait_ns;
			save_edge(writer, &edges[next], edges[next].episodes);
		}
		rest.wait_ns = total->wait_ns > charged_ns ? total->wait_ns - charged_ns : 0;
		if (rest.wait_ns)
			save_edge(writer, &rest, SCHEMA_EMPTY);
	}
	for (; next < report->edge_count; next++)
		save_edge(writer, &edges[next], edges[next].episodes);
	return 0;
}

static void save_parallel_rows(struct csv_writer *writer, const char *phase,
			       const struct report *report)
{
	for (size_t k = 0; k < report->parallel_count; k++) {
		csv_text(writer, phase);
		csv_number(writer, k);
		csv_number(writer, report->parallel_ns[k]);
	}
}

static int save_parallel(struct csv_writer *writer, const struct report *report)
{
	const struct meta *meta = &report->trace->meta;

	save_parallel_rows(writer, "", report);
	for (size_t i = 0; i < meta->phase_count; i++) {
		const struct phase *phase = &meta->phases[i];
		struct report *part = NULL;
		int err;

		if (phase->begin_ns >= phase->end_ns) /* 0, 0 would mean the whole window */
			continue;
		err = report_make(report->trace, phase->begin_ns, phase->end_ns, &part);
		if (err)
			return err;
		save_parallel_rows(writer, phase->name, part);
		report_free(part);
	}
	return 0;
}

static int save_meta(struct trace_dir *dir, const struct report *report,
		     struct trace_error *ret_error)
{
	static const char name[] = "meta.json";
	FILE *file = trace_dir_file(dir, name, ret_error);
	int err, close_err;

	if (!file)
		return -EIO;
	err = meta_json_write(file, report->trace, report->residual_ns, RESIDUAL_COUNT);
	close_err = trace_dir_close(dir, file, name, ret_error);
	return err && !close_err ? save_failed(name, err, ret_error) : close_err;
}

static int save_table(struct trace_dir *dir, const struct report *report,
		      const struct schema_file *schema,
		      int (*save)(struct csv_writer *writer, const struct report *report),
		      struct trace_error *ret_error)
{
	struct save_table table;
	int err = save_table_open(dir, schema, &table, ret_error), saved;

	if (err)
		return err;
	saved = save(table.writer, report);
	err = save_table_close(dir, &table, ret_error);
	return saved && !err ? save_failed(schema->name, saved, ret_error) : err;
}

int trace_save(struct trace_dir *dir, const struct report *report, struct trace_error *ret_error)
{
	static const struct {
		const struct schema_file *schema;
		int (*save)(struct csv_writer *writer, const struct report *report);
	} tables[] = {
		{ &schema_threads, save_threads },
		{ &schema_locks, save_locks },
		{ &schema_edges, save_edges },
		{ &schema_parallel, save_parallel },
	};
	int err = save_meta(dir, report, ret_error);

	for (size_t i = 0; !err && i < sizeof(tables) / sizeof(tables[0]); i++)
		err = save_table(dir, report, tables[i].schema, tables[i].save, ret_error);
	if (!err && report->trace->slices)
		err = save_slices(dir, report->trace, ret_error);
	if (!err && report->trace->slices)
		err = save_handoffs(dir, report->trace, ret_error);
	return err;
}
