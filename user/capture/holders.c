/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose lock it is. A CPython thread state is told by what is in it: every version keeps the
 * thread's pthread_t there, which is its thread pointer, so no table of offsets is needed.
 */
#include "capture/holders.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <uthash.h>

#include "base/mem.h"

#define TSTATE_BYTES 512 /* the pthread_t lies below 200 in CPython 3.7 to 3.15 */
#define ANSWERS_MAX 65536 /* a hostile process may show any number of thread states */

struct key {
	uint64_t value; /* thread pointer, thread id or thread state */
	uint32_t proc;
	uint32_t kind;
};

enum key_kind {
	KEY_POINTER,
	KEY_TID,
	KEY_TSTATE,
	KEY_FOUND, /* a mutex that a thread was found waiting for; its answer is a thread id */
};

#define MUTEX_CONTENDED 2 /* value waited for by glibc's mutexes */
#define FIRST_TURN 1

/* The first words of a glibc mutex. */
struct mutex_fields {
	uint32_t word;
	uint32_t count;
	uint32_t owner;
};

struct answer {
	struct key key;
	uint32_t thread; /* 0: asked, not known */
	UT_hash_handle hh;
};

/* Which process has the address space. */
struct space {
	uint32_t proc;
	int32_t pid;
	UT_hash_handle hh;
};

struct holders {
	struct answer *answers;
	struct space *spaces;
};

struct holders *holders_new(void)
{
	return xcalloc(1, sizeof(struct holders));
}

void holders_free(struct holders *holders)
{
	struct answer *answer, *next_answer;
	struct space *space, *next_space;

	if (!holders)
		return;
	HASH_ITER(hh, holders->answers, answer, next_answer)
	{
		HASH_DEL(holders->answers, answer);
		free(answer);
	}
	HASH_ITER(hh, holders->spaces, space, next_space)
	{
		HASH_DEL(holders->spaces, space);
		free(space);
	}
	free(holders);
}

static struct answer *find(struct holders *holders, enum key_kind kind, uint32_t proc,
			   uint64_t value)
{
	struct key key = { .value = value, .proc = proc, .kind = kind };
	struct answer *answer;

	HASH_FIND(hh, holders->answers, &key, sizeof(key), answer);
	return answer;
}

static void learn(struct holders *holders, enum key_kind kind, const struct life_record *life,
		  uint64_t value)
{
	struct answer *answer = find(holders, kind, life->proc, value);

	if (!answer) {
		answer = xcalloc(1, sizeof(*answer));
		answer->key = (struct key){ .value = value, .proc = life->proc, .kind = kind };
		HASH_ADD(hh, holders->answers, key, sizeof(answer->key), answer);
	}
	/* A number that came again belongs to the younger thread. */
	answer->thread = life->thread;
}

void holders_add(struct holders *holders, const struct life_record *life)
{
	struct space *space;

	learn(holders, KEY_TID, life, (uint32_t)life->tid);
	if (life->fsbase)
		learn(holders, KEY_POINTER, life, life->fsbase);
	HASH_FIND(hh, holders->spaces, &life->proc, sizeof(life->proc), space);
	if (space)
		return;
	space = xcalloc(1, sizeof(*space));
	space->proc = life->proc;
	space->pid = life->pid;
	HASH_ADD(hh, holders->spaces, proc, sizeof(space->proc), space);
}

/* The thread whose thread pointer stands in the thread state; 0: none, or the memory is gone. */
static uint32_t read_thread_state(struct holders *holders, uint32_t proc, uint64_t address)
{
	uint64_t words[TSTATE_BYTES / sizeof(uint64_t)];
	struct iovec mine = { words, sizeof(words) };
	struct iovec theirs = { (void *)(uintptr_t)address, sizeof(words) };
	struct space *space;

	HASH_FIND(hh, holders->spaces, &proc, sizeof(proc), space);
	if (!space ||
	    process_vm_readv(space->pid, &mine, 1, &theirs, 1, 0) != (ssize_t)sizeof(words))
		return 0;
	for (size_t i = 0; i < TSTATE_BYTES / sizeof(uint64_t); i++) {
		const struct answer *owner =
			words[i] ? find(holders, KEY_POINTER, proc, words[i]) : NULL;

		if (owner)
			return owner->thread;
	}
	return 0;
}

static uint32_t find_thread_state(struct holders *holders, uint32_t proc, uint64_t address)
{
	struct answer *answer = find(holders, KEY_TSTATE, proc, address);

	if (answer && answer->thread)
		return answer->thread;
	if (!answer && HASH_COUNT(holders->answers) < ANSWERS_MAX) {
		answer = xcalloc(1, sizeof(*answer));
		answer->key = (struct key){ .value = address, .proc = proc, .kind = KEY_TSTATE };
		HASH_ADD(hh, holders->answers, key, sizeof(answer->key), answer);
	}
	if (!answer)
		return 0;
	answer->thread = read_thread_state(holders, proc, address);
	return answer->thread;
}

/* The thread id of who has a glibc mutex that is waited for; 0: none, no such, or gone. */
static uint32_t read_owner(int32_t pid, const struct futex_use *use)
{
	struct mutex_fields mutex;
	struct iovec mine = { &mutex, sizeof(mutex) };
	struct iovec theirs = { (void *)(uintptr_t)use->address, sizeof(mutex) };

	if (use->value != MUTEX_CONTENDED ||
	    process_vm_readv(pid, &mine, 1, &theirs, 1, 0) != (ssize_t)sizeof(mutex))
		return 0;
	return mutex.word == MUTEX_CONTENDED ? mutex.owner : 0;
}

void holders_found_wait(struct holders *holders, const struct life_record *life)
{
	uint32_t owner = read_owner(life->pid, &life->use);
	struct answer *answer = find(holders, KEY_FOUND, life->proc, life->use.address);

	if (!owner || answer || HASH_COUNT(holders->answers) >= ANSWERS_MAX)
		return;
	answer = xcalloc(1, sizeof(*answer));
	answer->key = (struct key){
		.value = life->use.address,
		.proc = life->proc,
		.kind = KEY_FOUND,
	};
	answer->thread = owner;
	HASH_ADD(hh, holders->answers, key, sizeof(answer->key), answer);
}

/*
 * Who waited before the window and still does had nothing read by the kernel side. Whose the mutex
 * was when the window began is told if it is his at the end too.
 */
static uint32_t find_still(struct holders *holders, const struct cycle_record *turn)
{
	bool is_open = turn->out_ns == turn->wake_ns && turn->state == STATE_FUTEX;
	const struct answer *answer;
	struct space *space;

	if (turn->seq != FIRST_TURN || !is_open)
		return 0;
	answer = find(holders, KEY_FOUND, turn->proc, turn->use.address);
	HASH_FIND(hh, holders->spaces, &turn->proc, sizeof(turn->proc), space);
	if (!answer || !space || read_owner(space->pid, &turn->use) != answer->thread)
		return 0;
	answer = find(holders, KEY_TID, turn->proc, answer->thread);
	return answer && answer->thread != turn->thread ? answer->thread : 0;
}

uint32_t holders_find(struct holders *holders, const struct cycle_record *turn)
{
	const struct answer *answer;
	uint32_t thread = 0;

	if (!turn->holder)
		return find_still(holders, turn);
	if (turn->flags & CYCLE_HOLDER_TSTATE) {
		thread = find_thread_state(holders, turn->proc, turn->holder);
	} else if (turn->flags & CYCLE_HOLDER_TID) {
		answer = find(holders, KEY_TID, turn->proc, turn->holder);
		thread = answer ? answer->thread : 0;
	}
	/* Nobody waits for himself: the word was read while it changed hands. */
	return thread == turn->thread ? 0 : thread;
}

int32_t holders_tid(struct holders *holders, uint32_t thread)
{
	const struct answer *answer, *next;

	/* Rarely asked: a table for it would cost every birth. */
	HASH_ITER(hh, holders->answers, answer, next)
	{
		if (answer->key.kind == KEY_TID && answer->thread == thread)
			return (int32_t)answer->key.value;
	}
	return 0;
}
