/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of all files and columns of a trace. Types and printing are in schema_type.c. */
#include "stream/schema.h"

#define RAW false
#define DERIVED true
#define FILLED false
#define MAY_BE_EMPTY true

static const struct schema_column threads_columns[] = {
	{ "thread", SCHEMA_ID, "", RAW, FILLED, "number of the thread in this trace, from 1" },
	{ "pid", SCHEMA_S32, "", RAW, MAY_BE_EMPTY,
	  "process, in the initial PID namespace; empty: sum of threads there was no room for" },
	{ "tid", SCHEMA_S32, "", RAW, MAY_BE_EMPTY, "thread id; empty as pid" },
	{ "ppid", SCHEMA_S32, "", RAW, MAY_BE_EMPTY, "parent process; empty as pid" },
	{ "comm", SCHEMA_TEXT, "", RAW, MAY_BE_EMPTY, "the kernel's name of the thread" },
	{ "name", SCHEMA_TEXT, "", RAW, MAY_BE_EMPTY,
	  "a better name: a Python thread's function, or \"thread 2 of COMM\" if COMM is shared" },
	{ "start_ns", SCHEMA_U64, "ns", RAW, FILLED, "first instant observed, CLOCK_MONOTONIC" },
	{ "end_ns", SCHEMA_U64, "ns", RAW, FILLED, "last instant observed" },
	{ "lifetime_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "end_ns - start_ns = sum of states" },
	{ "running_ns", SCHEMA_U64, "ns", RAW, FILLED, "on a CPU" },
	{ "preempted_ns", SCHEMA_U64, "ns", RAW, FILLED, "switched out while runnable" },
	{ "queued_ns", SCHEMA_U64, "ns", RAW, FILLED, "woken or new, waiting for a CPU" },
	{ "lock_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "futex waits that acquire a lock" },
	{ "condition_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "futex waits for work or news" },
	{ "join_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "futex waits for a thread's end" },
	{ "futex_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "futex waits that are not classified" },
	{ "io_ns", SCHEMA_U64, "ns", RAW, FILLED, "blocked with in_iowait set" },
	{ "kernel_ns", SCHEMA_U64, "ns", RAW, FILLED, "any other uninterruptible wait" },
	{ "sleep_ns", SCHEMA_U64, "ns", RAW, FILLED, "any other interruptible wait" },
	{ "stopped_ns", SCHEMA_U64, "ns", RAW, FILLED, "stopped or traced" },
	{ "unknown_ns", SCHEMA_U64, "ns", RAW, FILLED, "before the first thing known of it" },
	{ "voluntary_switches", SCHEMA_U64, "", RAW, FILLED, "switched out to wait" },
	{ "involuntary_switches", SCHEMA_U64, "", RAW, FILLED, "switched out while runnable" },
	{ "yields", SCHEMA_U64, "", RAW, FILLED, "switched out by sched_yield" },
	{ "migrations", SCHEMA_U64, "", RAW, FILLED, "switched in on another CPU than before" },
	{ "kernel_run_ns", SCHEMA_U64, "ns", RAW, MAY_BE_EMPTY,
	  "se.sum_exec_runtime between its first and last switch; empty with fewer than two" },
	{ "kernel_wait_ns", SCHEMA_U64, "ns", RAW, MAY_BE_EMPTY,
	  "sched_info.run_delay between the same two switches" },
	{ "slices_lost", SCHEMA_U64, "", RAW, FILLED, "slices of it that were not recorded" },
	{ 0 },
};

static const struct schema_column locks_columns[] = {
	{ "lock", SCHEMA_ID, "", RAW, FILLED, "number of the lock in this trace, from 1" },
	{ "pid", SCHEMA_S32, "", RAW, MAY_BE_EMPTY, "process; empty: shared between processes" },
	{ "address", SCHEMA_ADDRESS, "", RAW, FILLED, "lowest futex word of the lock" },
	{ "kind", SCHEMA_LOCK_KIND, "", DERIVED, FILLED, "what it is" },
	{ "state", SCHEMA_LOCK_STATE, "", DERIVED, FILLED, "what waiting for it means" },
	{ "name", SCHEMA_TEXT, "", RAW, MAY_BE_EMPTY, "by the best evidence there was" },
	{ "evidence", SCHEMA_TEXT, "", RAW, MAY_BE_EMPTY,
	  "the rule that classified it, and what it saw" },
	{ "episodes", SCHEMA_U64, "", DERIVED, MAY_BE_EMPTY,
	  "consecutive waits of a thread with less than 100 us of its CPU time between" },
	{ "waits", SCHEMA_U64, "", RAW, MAY_BE_EMPTY, "blocked stretches" },
	{ "timeouts", SCHEMA_U64, "", RAW, MAY_BE_EMPTY,
	  "waits that timed out; empty with --lean" },
	{ "wait_ns", SCHEMA_U64, "ns", RAW, FILLED, "time blocked, of all waiters" },
	{ "min_ns", SCHEMA_U64, "ns", RAW, MAY_BE_EMPTY, "shortest wait" },
	{ "p50_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY, "median of the episodes" },
	{ "p90_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY, "of the episodes" },
	{ "p99_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY, "of the episodes" },
	{ "max_ns", SCHEMA_U64, "ns", RAW, MAY_BE_EMPTY, "longest wait" },
	{ "waiters", SCHEMA_U32, "", DERIVED, MAY_BE_EMPTY, "threads that waited" },
	{ "handoffs", SCHEMA_U64, "", DERIVED, MAY_BE_EMPTY, "passed from a thread to a waiter" },
	{ "dead_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY, "waited for, but nobody's" },
	{ "lost_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY, "CPU capacity lost to it" },
	{ "holder_running_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY,
	  "wait time while the holder ran" },
	{ "holder_ready_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY,
	  "wait time while the holder waited for a CPU" },
	{ "holder_blocked_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY,
	  "wait time while the holder was blocked itself" },
	{ "holder_unknown_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY,
	  "wait time while the holder was not known" },
	{ 0 },
};

static const struct schema_column slices_columns[] = {
	{ "start_ns", SCHEMA_U64, "ns", RAW, FILLED, "CLOCK_MONOTONIC; rows are in its order" },
	{ "duration_ns", SCHEMA_U64, "ns", RAW, FILLED, "never 0" },
	{ "thread", SCHEMA_ID, "", RAW, FILLED, "of threads.csv" },
	{ "pid", SCHEMA_S32, "", DERIVED, MAY_BE_EMPTY, "of the thread" },
	{ "tid", SCHEMA_S32, "", DERIVED, MAY_BE_EMPTY, "of the thread" },
	{ "state", SCHEMA_STATE, "", RAW, FILLED, "the one state of the thread in this time" },
	{ "cpu", SCHEMA_CPU, "", RAW, MAY_BE_EMPTY, "while running" },
	{ "syscall", SCHEMA_SYSCALL, "", RAW, MAY_BE_EMPTY,
	  "while blocked: number of the system call, empty if in none" },
	{ "lock", SCHEMA_ID, "", DERIVED, MAY_BE_EMPTY, "while in a futex wait: of locks.csv" },
	{ "waker", SCHEMA_ID, "", RAW, MAY_BE_EMPTY,
	  "thread that ended it by a wake-up; empty: a timer, a stranger or none" },
	{ 0 },
};

static const struct schema_column waits_columns[] = {
	{ "start_ns", SCHEMA_U64, "ns", RAW, FILLED, "switch-out; a row of slices.csv" },
	{ "duration_ns", SCHEMA_U64, "ns", RAW, FILLED, "to the wake-up" },
	{ "thread", SCHEMA_ID, "", RAW, FILLED, "the waiter" },
	{ "lock", SCHEMA_ID, "", DERIVED, MAY_BE_EMPTY, "of locks.csv; empty: not known" },
	{ "op", SCHEMA_FUTEX_OP, "", RAW, MAY_BE_EMPTY, "the futex operation" },
	{ "result", SCHEMA_RESULT, "", RAW, MAY_BE_EMPTY, "how it ended; empty: not known" },
	{ "episode", SCHEMA_U64, "", DERIVED, FILLED, "number of the waiter's episode, from 1" },
	{ "holder", SCHEMA_ID, "", RAW, MAY_BE_EMPTY, "thread that had the lock at its begin" },
	{ "mark", SCHEMA_MARK, "", RAW, MAY_BE_EMPTY, "how sure the holder is; empty without one" },
	{ "waker", SCHEMA_ID, "", RAW, MAY_BE_EMPTY,
	  "thread that released it: woke it from a futex wake of this word, or died and was "
	  "joined" },
	{ 0 },
};

static const struct schema_column handoffs_columns[] = {
	{ "lock", SCHEMA_ID, "", DERIVED, FILLED, "of locks.csv" },
	{ "from", SCHEMA_ID, "", DERIVED, MAY_BE_EMPTY, "thread that released it" },
	{ "to", SCHEMA_ID, "", DERIVED, FILLED, "thread that got it" },
	{ "request_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "the receiver began to wait for it" },
	{ "release_ns", SCHEMA_U64, "ns", DERIVED, MAY_BE_EMPTY,
	  "the giver let go; empty: not recorded apart from wake_ns" },
	{ "wake_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "the receiver was woken" },
	{ "run_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "the receiver ran" },
	{ "mark", SCHEMA_MARK, "", DERIVED, FILLED, "how sure it is" },
	{ 0 },
};

static const struct schema_column edges_columns[] = {
	{ "waiter", SCHEMA_ID, "", DERIVED, FILLED, "thread that waited" },
	{ "holder", SCHEMA_ID, "", DERIVED, MAY_BE_EMPTY, "thread it waited for; empty: unknown" },
	{ "lock", SCHEMA_ID, "", DERIVED, FILLED, "of locks.csv" },
	{ "mark", SCHEMA_MARK, "", DERIVED, FILLED, "how sure the holder is" },
	{ "episodes", SCHEMA_U64, "", DERIVED, MAY_BE_EMPTY, "episodes with a part of this" },
	{ "wait_ns", SCHEMA_U64, "ns", DERIVED, FILLED,
	  "wait time charged; sums to the wait time of waiter and lock" },
	{ 0 },
};

static const struct schema_column parallel_columns[] = {
	{ "phase", SCHEMA_TEXT, "", DERIVED, MAY_BE_EMPTY, "empty: the whole window" },
	{ "running", SCHEMA_U32, "", DERIVED, FILLED, "number of threads running at once" },
	{ "wall_ns", SCHEMA_U64, "ns", DERIVED, FILLED, "time in which exactly so many ran" },
	{ 0 },
};

const struct schema_file schema_threads = { "threads.csv", "one row a thread", threads_columns };
const struct schema_file schema_locks = { "locks.csv", "one row a lock", locks_columns };
const struct schema_file schema_slices = { "slices.csv", "one row a state of a thread",
					   slices_columns };
const struct schema_file schema_waits = { "waits.csv", "one row a futex wait", waits_columns };
const struct schema_file schema_handoffs = { "handoffs.csv", "one row a hand-off of a lock",
					     handoffs_columns };
const struct schema_file schema_edges = { "edges.csv", "who waited for whom, and how long",
					  edges_columns };
const struct schema_file schema_parallel = { "parallel.csv", "wall time by threads running at once",
					     parallel_columns };

const struct schema_file *const schema_files[] = {
	&schema_threads,  &schema_locks, &schema_slices,   &schema_waits,
	&schema_handoffs, &schema_edges, &schema_parallel, NULL,
};
