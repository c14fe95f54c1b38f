/* SPDX-License-Identifier: GPL-2.0-only */
/* Threads and locks as JSON rows, named as the columns of threads.csv and locks.csv. Not for their
 * order or place in a report. */
#include <inttypes.h>

#include "output/json_parts.h"

struct state_column {
	const char *name;
	enum state state;
};

static const struct state_column state_columns[] = {
	{ "running_ns", STATE_RUNNING }, { "preempted_ns", STATE_PREEMPTED },
	{ "queued_ns", STATE_QUEUED },	 { "io_ns", STATE_IO },
	{ "kernel_ns", STATE_KERNEL },	 { "sleep_ns", STATE_SLEEP },
	{ "stopped_ns", STATE_STOPPED }, { "unknown_ns", STATE_UNKNOWN },
};

static const char *const class_columns[LOCK_STATE_COUNT] = { "lock_ns", "condition_ns", "join_ns",
							     "futex_ns" };

static uint64_t if_whole(const struct report *report, uint64_t value)
{
	return report->is_whole ? value : TRACE_NOT_MEASURED;
}

/* Who it is; empty for the row "other threads", as in the file. */
static void put_identity(json_t *row, const struct thread *thread)
{
	json_t *nothing = json_null();

	json_put(row, "thread", thread->id);
	json_object_set_new(row, "pid", thread->is_rest ? nothing : json_integer(thread->pid));
	json_object_set_new(row, "tid", thread->is_rest ? nothing : json_integer(thread->tid));
	json_object_set_new(row, "ppid", thread->is_rest ? nothing : json_integer(thread->ppid));
	json_put_text(row, "comm", thread->comm);
	json_put_text(row, "name", thread->name);
}

/* The observed lifetime, cut to the interval as lifetime_ns is. */
static void put_times(json_t *row, const struct report *report, const struct thread *thread)
{
	uint64_t zero_ns = report->trace->meta.start_ns;
	uint64_t start_ns = thread->start_ns, end_ns = thread->end_ns;

	if (start_ns < report->begin_ns)
		start_ns = report->begin_ns;
	if (end_ns > report->end_ns)
		end_ns = report->end_ns;
	json_put(row, "start_ns", start_ns - zero_ns);
	json_put(row, "end_ns", end_ns - zero_ns);
}

static json_t *json_of_thread(const struct report *report, const struct thread_stat *stat)
{
	const struct thread *thread = &report->trace->threads[stat->thread - 1];
	json_t *row = json_object();

	put_identity(row, thread);
	put_times(row, report, thread);
	json_put(row, "lifetime_ns", stat->lifetime_ns);
	for (size_t i = 0; i < sizeof(state_columns) / sizeof(state_columns[0]); i++)
		json_put(row, state_columns[i].name, stat->state_ns[state_columns[i].state]);
	for (size_t i = 0; i < LOCK_STATE_COUNT; i++)
		json_put(row, class_columns[i], stat->class_ns[i]);
	json_put(row, "voluntary_switches", if_whole(report, thread->voluntary));
	json_put(row, "involuntary_switches", if_whole(report, thread->involuntary));
	json_put(row, "yields", if_whole(report, thread->yields));
	json_put(row, "migrations", if_whole(report, thread->migrations));
	json_put(row, "kernel_run_ns", if_whole(report, thread->kernel_run_ns));
	json_put(row, "kernel_wait_ns", if_whole(report, thread->kernel_wait_ns));
	json_put(row, "slices_lost", if_whole(report, thread->slices_lost));
	return row;
}

json_t *json_of_threads(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->thread_count; i++)
		json_array_append_new(list, json_of_thread(report, &report->threads[i]));
	return list;
}

static void put_stat(json_t *row, const struct lock_stat *stat)
{
	json_put(row, "episodes", stat->episodes);
	json_put(row, "waits", stat->waits);
	json_put(row, "timeouts", stat->timeouts);
	json_put(row, "wait_ns", stat->wait_ns);
	json_put(row, "min_ns", stat->min_ns);
	json_put(row, "p50_ns", stat->p50_ns);
	json_put(row, "p90_ns", stat->p90_ns);
	json_put(row, "p99_ns", stat->p99_ns);
	json_put(row, "max_ns", stat->max_ns);
	json_put(row, "waiters", stat->waiters);
	json_put(row, "handoffs", stat->handoffs);
	json_put(row, "dead_ns", stat->dead_ns);
	json_put(row, "lost_ns", stat->lost_ns);
	json_put(row, "holder_running_ns", stat->holder_running_ns);
	json_put(row, "holder_ready_ns", stat->holder_ready_ns);
	json_put(row, "holder_blocked_ns", stat->holder_blocked_ns);
	json_put(row, "holder_unknown_ns", stat->holder_unknown_ns);
}

static json_t *json_of_lock(const struct report *report, const struct lock_stat *stat)
{
	const struct lock *lock = &report->trace->locks[stat->lock - 1];
	json_t *row = json_object();

	json_put(row, "lock", stat->lock);
	json_object_set_new(row, "pid", lock->pid ? json_integer(lock->pid) : json_null());
	json_object_set_new(row, "address", json_sprintf("0x%" PRIx64, lock->address));
	json_object_set_new(row, "kind", json_string(lock_kind_name(lock->kind)));
	json_object_set_new(row, "state", json_string(lock_state_name(lock->state)));
	json_put_text(row, "name", lock->name);
	json_put_text(row, "evidence", lock->evidence);
	put_stat(row, stat);
	return row;
}

json_t *json_of_locks(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->lock_count; i++)
		json_array_append_new(list, json_of_lock(report, &report->locks[i]));
	return list;
}
