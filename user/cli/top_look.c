/* SPDX-License-Identifier: GPL-2.0-only */
/* A look at a live session. */
#include "cli/top_look.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "names/names.h"
#include "stream/trace.h"

#define MUTEX_CONTENDED 2 /* the value that glibc's mutexes wait for */
#define OWNED_BY_TID 0x80000000u /* robust locks: waiters and an owner */
#define OP_LOCK_PI 6
#define OP_LOCK_PI2 13

/* What is known of a word, for as long as the view lasts. */
struct word {
	struct {
		uint64_t address;
		uint32_t proc;
		uint32_t op;
	} key;
	uint64_t lock; /* key of its row: words of one GIL share it */
	char *name;
	bool is_lock;
	UT_hash_handle hh;
};

struct known_proc {
	uint32_t proc;
	UT_hash_handle hh;
};

struct top_look {
	struct names *names;
	struct word *words;
	struct known_proc *procs;
};

struct top_look *top_look_new(void)
{
	struct top_look *look = xcalloc(1, sizeof(*look));

	look->names = names_new();
	return look;
}

void top_look_free(struct top_look *look)
{
	struct word *word, *next_word;
	struct known_proc *proc, *next_proc;

	if (!look)
		return;
	HASH_ITER(hh, look->words, word, next_word)
	{
		HASH_DEL(look->words, word);
		free(word->name);
		free(word);
	}
	HASH_ITER(hh, look->procs, proc, next_proc)
	{
		HASH_DEL(look->procs, proc);
		free(proc);
	}
	names_free(look->names);
	free(look);
}

static void know_process(struct top_look *look, uint32_t proc, pid_t pid)
{
	struct known_proc *known;

	HASH_FIND(hh, look->procs, &proc, sizeof(proc), known);
	if (known)
		return;
	known = xcalloc(1, sizeof(*known));
	known->proc = proc;
	HASH_ADD(hh, look->procs, proc, sizeof(known->proc), known);
	names_add_process(look->names, proc, pid, 0);
}

/* By operation and value alone: a live view has no stacks. */
static bool looks_like_lock(const struct futex_use *use)
{
	return use->op == OP_LOCK_PI || use->op == OP_LOCK_PI2 || use->value == MUTEX_CONTENDED ||
	       (use->value & OWNED_BY_TID);
}

static void name_word(struct word *word, const struct place *place, const struct futex_use *use)
{
	const char *kind = looks_like_lock(use) ? "mutex" : "futex";

	word->is_lock = looks_like_lock(use) || place->gil != GIL_NOT;
	word->lock = use->address ^ ((uint64_t)word->key.proc << 48);
	if (place->gil != GIL_NOT) {
		word->lock = place->group ^ ((uint64_t)word->key.proc << 48) ^ place->gil;
		word->name = xasprintf("%s of %s", place->gil == GIL_WAIT ? "GIL" : "GIL hand-over",
				       *place->object ? place->object : "its interpreter");
	} else if (*place->symbol) {
		word->name = xasprintf("%s '%s' in %s", kind, place->symbol, place->object);
	} else if (*place->object) {
		word->name = xasprintf("%s in %s+0x%llx", kind, place->object,
				       (unsigned long long)place->offset);
	} else {
		word->name = xasprintf("%s %s 0x%llx", kind,
				       place->kind == PLACE_HEAP ? "on the heap" : "at",
				       (unsigned long long)use->address);
	}
}

static struct word *word_of(struct top_look *look, const struct use_total *total, pid_t pid)
{
	struct trace *scratch;
	struct word *word, probe;

	memset(&probe.key, 0, sizeof(probe.key));
	probe.key.address = total->use.address;
	probe.key.proc = total->proc;
	probe.key.op = total->use.op;
	HASH_FIND(hh, look->words, &probe.key, sizeof(probe.key), word);
	if (word)
		return word;
	know_process(look, total->proc, pid);
	word = xcalloc(1, sizeof(*word));
	word->key = probe.key;
	/* A place belongs to a trace. */
	scratch = trace_new();
	trace_add_place(scratch);
	names_resolve(look->names, total->proc, &total->use, &scratch->places[0]);
	name_word(word, &scratch->places[0], &total->use);
	trace_free(scratch);
	HASH_ADD(hh, look->words, key, sizeof(word->key), word);
	return word;
}

/* The thread's futex time of locks; the rest of it is idle waiting. */
static uint64_t add_waits(struct top_look *look, struct live_snapshot *snapshot,
			  const struct live_thread *thread)
{
	uint64_t lock_ns = 0;

	for (int i = 0; i < THREAD_USES; i++) {
		const struct use_total *total = &thread->total.uses[i];
		struct live_wait *wait;
		struct word *word;

		if (!total->use.address || total->use.op == FUTEX_OP_WAKE || !total->wait_ns)
			continue;
		word = word_of(look, total, thread->total.pid);
		wait = live_snapshot_wait(snapshot, word->lock);
		if (!wait->name)
			wait->name = xstrdup(word->name);
		wait->pid = thread->total.pid;
		wait->is_lock = word->is_lock;
		wait->wait_ns += total->wait_ns;
		wait->waits += total->waits;
		if (word->is_lock)
			lock_ns += total->wait_ns;
	}
	return lock_ns;
}

static void add_sample(struct live_snapshot *snapshot, const struct live_thread *thread,
		       uint64_t lock_ns)
{
	const __u64 *state_ns = thread->total.state_ns;
	struct live_sample *sample =
		array_add(&snapshot->samples, &snapshot->sample_count, sizeof(*snapshot->samples));

	if (lock_ns > state_ns[STATE_FUTEX])
		lock_ns = state_ns[STATE_FUTEX];
	sample->thread = thread->total.thread;
	sample->pid = thread->total.pid;
	sample->tid = thread->total.tid;
	memcpy(sample->comm, thread->total.comm, RECORD_COMM_LEN);
	sample->state = thread->state;
	sample->syscall = thread->syscall;
	sample->part_ns[LIVE_RUNNING] = state_ns[STATE_RUNNING];
	sample->part_ns[LIVE_READY] = state_ns[STATE_PREEMPTED] + state_ns[STATE_QUEUED];
	sample->part_ns[LIVE_LOCK] = lock_ns;
	sample->part_ns[LIVE_IDLE] = state_ns[STATE_FUTEX] - lock_ns;
	sample->part_ns[LIVE_BLOCKED] =
		state_ns[STATE_IO] + state_ns[STATE_KERNEL] + state_ns[STATE_STOPPED];
	sample->part_ns[LIVE_SLEEP] = state_ns[STATE_SLEEP] + state_ns[STATE_UNKNOWN];
}

static int by_thread(const void *a, const void *b)
{
	const struct live_sample *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

int top_look_take(struct top_look *look, struct session *session,
		  struct live_snapshot *ret_snapshot)
{
	struct live_thread *threads OWNED(mem_freep) = NULL;
	size_t count = 0;
	int err = session_peek(session, &threads, &count);

	memset(ret_snapshot, 0, sizeof(*ret_snapshot));
	if (err)
		return err;
	ret_snapshot->time_ns = session_now_ns();
	for (size_t i = 0; i < count; i++)
		add_sample(ret_snapshot, &threads[i], add_waits(look, ret_snapshot, &threads[i]));
	for (size_t i = 0; i < count; i++) {
		if (threads[i].state == STATE_FUTEX && threads[i].waiting_for.address) {
			struct use_total total = { .use = threads[i].waiting_for,
						   .proc = threads[i].total.proc };
			struct word *word = word_of(look, &total, threads[i].total.pid);

			live_snapshot_wait(ret_snapshot, word->lock)->waiters++;
		}
	}
	if (ret_snapshot->sample_count)
		qsort(ret_snapshot->samples, ret_snapshot->sample_count,
		      sizeof(*ret_snapshot->samples), by_thread);
	return 0;
}
