/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace in memory: all that was observed of a target, as plain data. Capture fills one from the
 * kernel, trace_load from a directory, a test by hand; everything dry reads it as const. Not for
 * anything computed from slices.
 *
 * Times are ns of CLOCK_MONOTONIC, absolute. Strings are raw bytes as the kernel or a file gave
 * them (escape them before showing), never NULL once set up by trace_new. A trace owns all it
 * points to; trace_free frees it.
 */
#ifndef CONVOY_STREAM_TRACE_H
#define CONVOY_STREAM_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/slice.h"

#define TRACE_SCHEMA 1
#define TRACE_NOT_MEASURED                                                                         \
	UINT64_MAX /* a number that could not be known: an empty cell, never 0                     \
		    */

/* Waits of a thread on a lock with less of its own running time between are one episode. */
#define TRACE_EPISODE_GAP_NS 100000

struct thread {
	uint32_t id; /* serial number: threads[i].id == i + 1; 0 ids do not occur */
	uint32_t proc; /* its last process generation */
	int32_t pid;
	int32_t tid;
	int32_t ppid;
	char comm[RECORD_COMM_LEN + 1]; /* raw bytes */
	char *name; /* better than comm where it can be had, else "" */
	uint64_t start_ns; /* observed lifetime, cut to the window */
	uint64_t end_ns;
	uint64_t state_ns[STATE_COUNT]; /* the kernel's totals */
	uint64_t futex_class_ns[4]; /* state_ns[STATE_FUTEX] split by enum lock_state; filled by
				       classify */
	uint64_t voluntary;
	uint64_t involuntary;
	uint64_t yields;
	uint64_t migrations;
	uint64_t kernel_run_ns; /* charged by the kernel between first and last switch, or
				   TRACE_NOT_MEASURED */
	uint64_t kernel_wait_ns;
	uint64_t own_run_ns; /* convoy's running time between the same two switches, or
				TRACE_NOT_MEASURED */
	uint64_t own_wait_ns; /* preempted + queued likewise */
	uint64_t charged_ready_ns; /* of it, from wake-ups on whose clock the switch was made: the
				      kernel charges that as running; TRACE_NOT_MEASURED */
	uint64_t uncharged_ns; /* of own_run_ns, not charged by the kernel: taken by interrupts and
				  the hypervisor, or charged to the thread woken next;
				  TRACE_NOT_MEASURED */
	uint64_t slices_lost;
	bool is_rest; /* the row "other threads": sums of threads for which there was no room */
};

enum lock_kind {
	LOCK_GIL,
	LOCK_HAND_OVER,
	LOCK_MUTEX,
	LOCK_RWLOCK,
	LOCK_PI,
	LOCK_SEMAPHORE,
	LOCK_ONCE,
	LOCK_CONDITION,
	LOCK_BARRIER,
	LOCK_JOIN,
	LOCK_UNCLASSIFIED,
};

/* What waiting on it means: the four columns into which a thread's futex time is split. */
enum lock_state {
	LOCK_STATE_LOCK = 0, /* an acquisition: contention */
	LOCK_STATE_CONDITION = 1, /* idle: waiting for work or news */
	LOCK_STATE_JOIN = 2,
	LOCK_STATE_FUTEX = 3, /* unclassified: never called contention */
};
#define LOCK_STATE_COUNT 4

/* In the evidence of a GIL, before the native function that was seen to keep it. */
#define EVIDENCE_KEPT_IN "; kept in "
/* In the evidence of a lock that is waited for in more than one place: then these. */
#define EVIDENCE_CALLED_BY "; called by "

struct lock {
	uint32_t id; /* locks[i].id == i + 1 */
	int32_t pid; /* of the process; 0: shared between processes */
	uint64_t address; /* lowest futex word of the group */
	uint8_t kind; /* enum lock_kind */
	uint8_t state; /* enum lock_state */
	char *name;
	char *evidence; /* the rule that named and classified it, and what it saw */
	/* Sums of the kernel's totals over the threads; filled by classify, or by trace_load, which
	 * has the waits, timeouts, min and max only here. */
	uint64_t waits;
	uint64_t timeouts; /* TRACE_NOT_MEASURED in lean mode */
	uint64_t wait_ns;
	uint64_t min_ns;
	uint64_t max_ns;
};

/* The kernel's totals of one thread on one lock. Of a loaded trace only wait_ns is known: the
 * others are TRACE_NOT_MEASURED, their sums stand in struct lock. */
struct wait_total {
	uint32_t thread;
	uint32_t lock;
	uint64_t waits;
	uint64_t timeouts; /* TRACE_NOT_MEASURED in lean mode */
	uint64_t wait_ns;
	uint64_t min_ns;
	uint64_t max_ns;
};

/* Where a futex word lies, found while its process lived. */
enum place_kind {
	PLACE_GONE, /* the process was gone before it could be looked up */
	PLACE_SYMBOL, /* in a mapped file (or its .bss), symbol known */
	PLACE_FILE, /* in a mapped file, no symbol */
	PLACE_SHARED, /* in a shared mapping: object is its name */
	PLACE_HEAP,
	PLACE_STACK,
	PLACE_ANONYMOUS,
};

enum gil_part {
	GIL_NOT,
	GIL_WAIT, /* condition or mutex word: waiting for the GIL */
	GIL_HAND_OVER, /* the thread that was asked to let go waits until another took it */
};

/* What was seen at a place at so many looks. Lists of them have room for a few: the last is "" and
 * stands for all others. */
struct sight {
	char *name;
	uint32_t looks; /* 0: not used, and name is NULL */
};
#define PLACE_SIGHTS 4

struct place {
	uint32_t proc;
	uint64_t address;
	uint8_t kind; /* enum place_kind */
	uint8_t gil; /* enum gil_part */
	uint32_t interpreter; /* of a GIL: 0 main */
	int32_t tid; /* of a stack: whose; 0: not known */
	char *object; /* base name of the mapped file, or "" */
	char *symbol; /* or "" */
	uint64_t offset; /* from the symbol, or in the file where there is none */
	uint64_t group; /* address that stands for all words of the same lock (GIL start), else
			   address */
	struct futex_use use; /* by which it was first waited on: what the next five are about */
	char *primitive; /* library call that waits, "pthread_mutex_lock", or "" */
	char *caller; /* function of the program that made it, or "" */
	char *caller_above; /* where that has no name: the next function above it that has, or "" */
	char *caller_object; /* base name of the file the caller is in, or "": not known */
	bool is_leaf; /* the caller is the library function that waits: nothing above was proven */
	char *python; /* function of a Python program that waits there, "f() of x.py", or "" */
	char *kept_in; /* of a GIL: native function seen to keep it, "f() of x.so", or "" */
	uint64_t caller_offset; /* in that file, of the call: which call site it is */
	struct sight blockers[PLACE_SIGHTS]; /* classes a thread of a JVM was found parked for */
	struct sight callers[PLACE_SIGHTS]; /* by which calls was waited: place_caller() of each */
	uint64_t shared_dev; /* of a shared mapping: words with the same three are one lock */
	uint64_t shared_inode;
	uint64_t shared_offset;
};

/* A use of a futex word: live only; classify turns uses into locks. slice.lock is a use number
 * until then. */
struct use {
	uint32_t id; /* uses[i].id == i + 1 */
	uint32_t proc;
	struct futex_use use;
	uint32_t lock; /* filled by classify */
};

struct use_row {
	uint32_t thread;
	uint32_t use; /* number of the use */
	struct use_total total;
};

struct phase {
	char *name;
	uint64_t begin_ns;
	uint64_t end_ns;
};

/* Usable CPUs from an instant on. */
struct cpu_step {
	uint64_t from_ns;
	uint32_t cpus;
};

struct quota {
	bool is_known;
	double cpus; /* quota / period; 0: none set */
	uint64_t throttled_count; /* within the window */
	uint64_t throttled_ns;
};

struct calibration {
	uint64_t before_ns; /* the fixed loop, on as many CPUs at once as the variant uses; 0: not
			       measured */
	uint64_t after_ns;
	uint32_t cpus;
};

struct meta {
	char *version; /* of convoy */
	char *kind; /* "run", "attach" or "countdown" */
	char *mode; /* "default" or "lean" */
	char **command; /* NULL-terminated, never NULL */
	char *kernel;
	char *arch;
	char *interpreter; /* "CPython 3.11.2", or "" */
	char *variant; /* of a countdown, else "" */
	char *baseline;
	uint32_t round; /* from 1; 0: not a countdown */
	uint64_t count; /* of a countdown */
	uint32_t uid; /* run as */
	uint32_t cpus_online;
	int32_t root_pid; /* the command or the first attached process */
	int exit_status; /* of the command as a shell shows it, -1: none or still running */
	uint64_t start_ns;
	uint64_t end_ns;
	int64_t realtime_offset_ns; /* CLOCK_REALTIME − CLOCK_MONOTONIC at start */
	int64_t boottime_offset_ns;
	struct phase *phases;
	size_t phase_count;
	struct cpu_step *cpu_steps; /* ordered; the first at or before start_ns */
	size_t cpu_step_count;
	struct quota quota;
	struct calibration calibration;
	uint64_t loss[LOSS_COUNT];
	uint64_t recursion_misses;
	uint64_t slices_produced;
	uint64_t slices_lost;
	bool is_complete; /* no loss of any kind */
	bool is_truncated; /* slices stopped at --max-size, or the run was interrupted */
	bool is_interrupted; /* the command was still running when the report was made */
	uint64_t steal_ns; /* of the whole machine in the window; TRACE_NOT_MEASURED */
	uint64_t others_run_ns; /* CPU time of the rest of the machine in the window;
				   TRACE_NOT_MEASURED */
	uint64_t own_cpu_ns; /* convoy's CPU time in the window */
	uint64_t bpf_run_ns; /* TRACE_NOT_MEASURED unless BPF statistics were on */
	uint64_t bpf_memory_bytes;
	char **missing; /* features not available and what is lost, NULL-terminated, never NULL */
	char **left_behind; /* descendants alive at the end: "pid comm", NULL-terminated, never NULL
			     */
};

struct trace {
	struct meta meta;
	struct thread *threads;
	size_t thread_count;
	struct lock *locks;
	size_t lock_count;
	struct wait_total *wait_totals; /* ordered by (lock, thread) */
	size_t wait_total_count;
	struct slice_source
		*slices; /* NULL: none were recorded; see its destroy hook for who owns it */
	struct place *places; /* live only, like the next two */
	size_t place_count;
	struct use *uses;
	size_t use_count;
	struct use_row *use_rows;
	size_t use_row_count;
};

/* An empty trace: all strings "", all lists empty; exit_status -1; steal_ns, others_run_ns and
 * bpf_run_ns TRACE_NOT_MEASURED. Never NULL. */
struct trace *trace_new(void);
void trace_free(struct trace *trace);

/* Appends a zeroed element (strings set to "") and returns it; valid until the next append to the
 * same list. */
struct thread *trace_add_thread(struct trace *trace); /* sets id */
struct lock *trace_add_lock(struct trace *trace); /* sets id */
struct wait_total *trace_add_wait_total(struct trace *trace);
struct place *trace_add_place(struct trace *trace);
struct use *trace_add_use(struct trace *trace); /* sets id */
struct use_row *trace_add_use_row(struct trace *trace);
struct phase *trace_add_phase(struct trace *trace);
struct cpu_step *trace_add_cpu_step(struct trace *trace);

/* A place by itself: all strings "", and freed. */
void place_init(struct place *place);
void place_release(struct place *place);
/* Where the wait was called, "f() of program"; NULL: not known. Free it. */
char *place_caller(const struct place *place);
void sights_release(struct sight sights[PLACE_SIGHTS]);
/* name "": of others. */
void sights_add(struct sight sights[PLACE_SIGHTS], const char *name, uint32_t looks);

/* Replaces a string of the trace by a copy; and appends a copy to a NULL-terminated list of
 * strings. */
void trace_set_string(char **string, const char *value);
void trace_add_string(char ***list, const char *value);

/* Names as they stand in files and reports; the parse functions return -1 on anything else. */
const char *state_name(enum state state);
int state_parse(const char *name);
const char *lock_kind_name(enum lock_kind kind);
int lock_kind_parse(const char *name);
const char *lock_state_name(enum lock_state state);
int lock_state_parse(const char *name);
const char *wait_result_name(enum wait_result result);
int wait_result_parse(const char *name);

#endif
