/* SPDX-License-Identifier: GPL-2.0-only */
/* From the ring of turns to slices. */
#include "capture/turns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "capture/holders.h"
#include "capture/looks.h"

struct known_use {
	struct {
		uint64_t address;
		uint32_t proc;
		uint8_t op;
		uint8_t flags;
		uint16_t pad;
	} key;
	uint32_t id;
	struct futex_use use;
	UT_hash_handle hh;
};

struct turns {
	struct slice_store *store;
	struct holders *holders;
	struct looks *looks; /* NULL: none */
	struct known_use *uses; /* hash */
	struct known_use **by_id;
	size_t use_count;
	struct known_use *last; /* a thread often waits for the same word again */
	uint32_t *lock_of_use;
	uint64_t stored;
	uint64_t bad;
	bool is_truncated;
};

struct turns *turns_new(uint64_t max_bytes, struct holders *holders)
{
	struct turns *turns = xcalloc(1, sizeof(*turns));

	turns->holders = holders;
	turns->store = slice_store_new(max_bytes);
	return turns;
}

void turns_look(struct turns *turns, struct looks *looks)
{
	turns->looks = looks;
}

void turns_free(struct turns *turns)
{
	if (!turns)
		return;
	slice_store_free(turns->store);
	HASH_CLEAR(hh, turns->uses);
	for (size_t i = 0; i < turns->use_count; i++)
		free(turns->by_id[i]);
	free(turns->by_id);
	free(turns->lock_of_use);
	free(turns);
}

uint32_t turns_use(struct turns *turns, uint32_t proc, const struct futex_use *use)
{
	struct known_use *known = turns->last;
	struct known_use probe;

	if (known && known->key.address == use->address && known->key.proc == proc &&
	    known->key.op == use->op && known->key.flags == use->flags)
		return known->id;
	memset(&probe.key, 0, sizeof(probe.key));
	probe.key.address = use->address;
	probe.key.proc = proc;
	probe.key.op = use->op;
	probe.key.flags = use->flags;
	HASH_FIND(hh, turns->uses, &probe.key, sizeof(probe.key), known);
	if (!known) {
		known = xcalloc(1, sizeof(*known));
		known->key = probe.key;
		known->use = *use;
		*(struct known_use **)array_add(&turns->by_id, &turns->use_count,
						sizeof(*turns->by_id)) = known;
		known->id = (uint32_t)turns->use_count;
		HASH_ADD(hh, turns->uses, key, sizeof(known->key), known);
	}
	turns->last = known;
	return known->id;
}

static int store(struct turns *turns, const struct slice *slice)
{
	int err;

	if (slice->duration_ns == 0 || turns->is_truncated)
		return 0;
	err = slice_store_add(turns->store, slice);
	if (err == -EFBIG) {
		turns->is_truncated = true;
		return 0;
	}
	turns->stored += !err;
	return err;
}

/* Off the CPU, up to the wake-up; a preempted thread up to its switch-in. */
static int store_off(struct turns *turns, const struct cycle_record *turn)
{
	struct slice slice = {
		.start_ns = turn->off_ns,
		.duration_ns = turn->wake_ns - turn->off_ns,
		.thread = turn->thread,
		.syscall = RECORD_SYSCALL_NONE,
		.state = turn->state,
	};

	if (turn->state >= STATE_FUTEX && turn->state <= STATE_STOPPED) {
		slice.waker = turn->waker;
		slice.syscall = turn->syscall;
	}
	if (turn->state == STATE_FUTEX) {
		slice.lock = turns_use(turns, turn->proc, &turn->use);
		slice.holder = holders_find(turns->holders, turn);
		if (turns->looks)
			looks_take(turns->looks, turn, slice.holder);
		slice.result = turn->result;
		slice.op = turn->use.op;
		slice.flags = (turn->flags & CYCLE_WAKER_RELEASED ? SLICE_WAKER_RELEASED : 0) |
			      (turn->use.flags & USE_TIMED ? SLICE_TIMED : 0);
	}
	return store(turns, &slice);
}

static int take_one(struct turns *turns, const struct cycle_record *turn)
{
	struct slice slice = { .syscall = RECORD_SYSCALL_NONE };
	int err;

	if (turn->state >= STATE_COUNT || turn->thread == 0 || turn->wake_ns < turn->off_ns ||
	    turn->in_ns < turn->wake_ns || turn->out_ns < turn->in_ns) {
		turns->bad++;
		return 0;
	}
	err = store_off(turns, turn);
	if (err)
		return err;
	slice.thread = turn->thread;
	slice.state = STATE_QUEUED;
	slice.start_ns = turn->wake_ns;
	slice.duration_ns = turn->in_ns - turn->wake_ns;
	slice.waker = turn->waker;
	err = store(turns, &slice);
	if (err)
		return err;
	slice.state = STATE_RUNNING;
	slice.start_ns = turn->in_ns;
	slice.duration_ns = turn->out_ns - turn->in_ns;
	slice.waker = 0;
	slice.cpu = turn->cpu;
	return store(turns, &slice);
}

/* The kernel side sends a few turns of a thread at once. */
int turns_take(struct turns *turns, const void *data, size_t bytes)
{
	const struct cycle_record *turn = data;
	size_t count = bytes / sizeof(*turn);
	int err = 0;

	turns->bad += count == 0;
	for (size_t i = 0; i < count && !err; i++)
		err = take_one(turns, &turn[i]);
	return err;
}

uint64_t turns_taken(const struct turns *turns)
{
	return turns->stored;
}

uint64_t turns_bad(const struct turns *turns)
{
	return turns->bad;
}

bool turns_is_truncated(const struct turns *turns)
{
	return turns->is_truncated;
}

void turns_hand_over(struct turns *turns, struct trace *trace)
{
	for (size_t i = 0; i < turns->use_count; i++) {
		struct use *use = trace_add_use(trace);

		use->proc = turns->by_id[i]->key.proc;
		use->use = turns->by_id[i]->use;
	}
	trace->slices = slice_store_source(turns->store);
}

void turns_use_locks(struct turns *turns, const struct trace *trace)
{
	free(turns->lock_of_use);
	turns->lock_of_use = xcalloc(trace->use_count, sizeof(*turns->lock_of_use));
	for (size_t i = 0; i < trace->use_count; i++)
		turns->lock_of_use[i] = trace->uses[i].lock;
	slice_store_map_locks(turns->store, turns->lock_of_use, trace->use_count);
}
