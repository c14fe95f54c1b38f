/* SPDX-License-Identifier: GPL-2.0-only */
/* Asking for the names of threads, not too often and not for ever. */
#include "capture/thread_names.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "base/mem.h"
#include "base/units.h"
#include "names/names.h"
#include "names/pyframe.h"

#define LOOK_EVERY_NS 20000000ULL /* a look at a thread is some dozens of small reads */
#define LOOKS_AT_ONCE 32
#define LOOKS_MAX 12 /* of one thread: it has begun by then, or is no Python thread */
#define THREADS_MAX 16384

struct name {
	uint32_t thread; /* key */
	uint32_t proc;
	uint64_t pointer; /* thread pointer, 0: not known yet */
	int looks;
	char *text; /* NULL: none yet */
	UT_hash_handle hh;
};

struct thread_names {
	struct names *names; /* borrowed */
	struct name *by_thread;
	uint64_t looked_ns;
	bool are_wanted; /* of some the name is not known yet, and may be found */
};

struct thread_names *thread_names_new(struct names *names)
{
	struct thread_names *threads = xcalloc(1, sizeof(*threads));

	threads->names = names;
	return threads;
}

static void forget(struct thread_names *threads, struct name *name)
{
	HASH_DEL(threads->by_thread, name);
	free(name->text);
	free(name);
}

void thread_names_free(struct thread_names *threads)
{
	struct name *name, *next;

	if (!threads)
		return;
	HASH_ITER(hh, threads->by_thread, name, next)
	forget(threads, name);
	free(threads);
}

void thread_names_take(struct thread_names *threads, const struct life_record *life)
{
	struct name *name;

	if (life->tid == life->pid)
		return;
	HASH_FIND(hh, threads->by_thread, &life->thread, sizeof(life->thread), name);
	if (!name && HASH_COUNT(threads->by_thread) < THREADS_MAX) {
		name = xcalloc(1, sizeof(*name));
		name->thread = life->thread;
		HASH_ADD(hh, threads->by_thread, thread, sizeof(name->thread), name);
	}
	if (!name)
		return;
	name->proc = life->proc;
	if (life->fsbase)
		name->pointer = life->fsbase;
	threads->are_wanted = true;
	if (life->kind == LIFE_DEATH && !name->text)
		name->looks = LOOKS_MAX;
}

static void look_at(struct thread_names *threads, struct name *name)
{
	struct py_process process;

	name->looks++;
	/* Its interpreter may not be mapped yet. */
	if (!names_python(threads->names, name->proc, &process))
		return;
	if (py_entry_read(&process, name->pointer, &name->text) == PY_ENTRY_NONE)
		name->looks = LOOKS_MAX;
}

void thread_names_look(struct thread_names *threads)
{
	struct timespec now;
	uint64_t now_ns;
	int left = LOOKS_AT_ONCE;
	struct name *name, *next;

	if (!threads->are_wanted)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
	if (now_ns - threads->looked_ns < LOOK_EVERY_NS)
		return;
	threads->looked_ns = now_ns;
	threads->are_wanted = false;
	HASH_ITER(hh, threads->by_thread, name, next)
	{
		if (name->text || !name->pointer || name->looks >= LOOKS_MAX)
			continue;
		threads->are_wanted = true;
		look_at(threads, name);
		if (--left == 0)
			break;
	}
}

bool thread_names_are_wanted(const struct thread_names *threads)
{
	return threads->are_wanted;
}

/* Of one process, on the way through the threads of a trace in the order of their birth. */
struct sibling_count {
	int32_t pid; /* key */
	const char *comm; /* of its main thread, borrowed */
	uint32_t count; /* threads so far, the main one among them */
	UT_hash_handle hh;
};

static bool is_main(const struct thread *thread)
{
	return thread->tid == thread->pid && thread->pid != 0;
}

/* A pid that is used again counts as one process: the numbers go on. */
static struct sibling_count *count_main_threads(const struct trace *trace)
{
	struct sibling_count *by_pid = NULL;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		struct sibling_count *process;

		if (!is_main(thread))
			continue;
		HASH_FIND(hh, by_pid, &thread->pid, sizeof(thread->pid), process);
		if (!process) {
			process = xcalloc(1, sizeof(*process));
			process->pid = thread->pid;
			process->count = 1;
			HASH_ADD(hh, by_pid, pid, sizeof(process->pid), process);
		}
		process->comm = thread->comm;
	}
	return by_pid;
}

/* Threads that are called as their process is and no better: "thread 2 of python3". */
static void number_threads(struct trace *trace)
{
	struct sibling_count *by_pid = count_main_threads(trace);
	struct sibling_count *process, *next;

	for (size_t i = 0; i < trace->thread_count; i++) {
		struct thread *thread = &trace->threads[i];
		char *name OWNED(mem_freep) = NULL;

		HASH_FIND(hh, by_pid, &thread->pid, sizeof(thread->pid), process);
		if (!process || is_main(thread))
			continue;
		process->count++;
		if (*thread->name || !*thread->comm || strcmp(thread->comm, process->comm) != 0)
			continue;
		name = xasprintf("thread %" PRIu32 " of %s", process->count, thread->comm);
		trace_set_string(&thread->name, name);
	}
	HASH_ITER(hh, by_pid, process, next)
	{
		HASH_DEL(by_pid, process);
		free(process);
	}
}

void thread_names_hand_over(struct thread_names *threads, struct trace *trace)
{
	struct name *name, *next;

	HASH_ITER(hh, threads->by_thread, name, next)
	{
		if (name->text && name->thread && name->thread <= trace->thread_count &&
		    !*trace->threads[name->thread - 1].name)
			trace_set_string(&trace->threads[name->thread - 1].name, name->text);
	}
	number_threads(trace);
}
