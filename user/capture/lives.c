/* SPDX-License-Identifier: GPL-2.0-only */
/* Births, execs, deaths and waits as the kernel tells them. */
#include "capture/lives.h"

#include <bpf/bpf.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "capture/cpus.h"
#include "capture/holders.h"
#include "capture/parked.h"
#include "capture/thread_names.h"
#include "names/addrspace.h"
#include "names/cpython.h"
#include "names/names.h"
#include "names/pyframe.h"

#define STACK_PIECE_BYTES 256
/* Looks in one hold of a GIL, each after 4 ms of the holder's own running time: who reads the
 * requests of others has let go by then. */
#define DEAF_LOOKS 3
#define NATIVE_LEAST 3 /* looks that must agree before a function is named */

/* A native function that was seen to run with a GIL, or "", and how often. */
struct native {
	uint32_t proc;
	uint64_t gil_start;
	char *function;
	uint32_t count;
};

struct lives {
	struct names *names;
	struct cpus *cpus;
	struct thread_names *threads;
	struct parked *parked;
	struct holders *holders;
	int gil_map;
	volatile bool *has_gil;
	struct place *places;
	size_t place_count;
	struct native *natives;
	size_t native_count;
	/* The hold of a GIL that is looked at. */
	uint32_t looked_thread;
	uint32_t looked_hold;
	uint32_t looked_count;
	char *interpreter; /* of the first process found to have one, "" until then */
};

struct lives *lives_new(struct holders *holders, int gil_map, volatile bool *ret_has_gil)
{
	struct lives *lives = xcalloc(1, sizeof(*lives));

	lives->names = names_new();
	lives->cpus = cpus_new();
	lives->threads = thread_names_new(lives->names);
	lives->parked = parked_new(lives->names);
	lives->holders = holders;
	lives->gil_map = gil_map;
	lives->has_gil = ret_has_gil;
	lives->interpreter = xstrdup("");
	return lives;
}

void lives_free(struct lives *lives)
{
	if (!lives)
		return;
	for (size_t i = 0; i < lives->place_count; i++)
		place_release(&lives->places[i]);
	free(lives->places);
	for (size_t i = 0; i < lives->native_count; i++)
		free(lives->natives[i].function);
	free(lives->natives);
	free(lives->interpreter);
	parked_free(lives->parked);
	thread_names_free(lives->threads);
	names_free(lives->names);
	cpus_free(lives->cpus);
	free(lives);
}

static void tell_gil_word(struct lives *lives, uint32_t proc, uint64_t address, uint64_t start)
{
	struct {
		uint64_t address;
		uint32_t proc;
		uint32_t pad;
	} key = { .address = address, .proc = proc };

	if (bpf_map_update_elem(lives->gil_map, &key, &start, BPF_ANY) == 0)
		*lives->has_gil = true;
}

/* From now on the kernel side reads the holder of this GIL whenever a thread begins to wait by one
 * of its words. */
static void tell_gil(struct lives *lives, const struct place *place)
{
	uint64_t start = place->group;
	uint64_t words[GIL_WAIT_WORDS];

	if (place->gil == GIL_NOT || !names_has_gil_struct(lives->names, place->proc, start))
		return;
	gil_wait_words(start, words);
	for (size_t i = 0; i < GIL_WAIT_WORDS; i++)
		tell_gil_word(lives, place->proc, words[i], start);
}

/* A thread that was found waiting has not been copied the stack of: what lies there now will do,
 * as return addresses are checked. */
static void read_stack(const struct life_record *life, struct wait_stack *stack,
		       uint8_t bytes[RECORD_STACK_BYTES])
{
	for (size_t done = 0; done < RECORD_STACK_BYTES; done += STACK_PIECE_BYTES) {
		if (!target_read(life->pid, stack->pointer + done, bytes + done, STACK_PIECE_BYTES))
			break;
		stack->size = done + STACK_PIECE_BYTES;
	}
	stack->bytes = bytes;
}

/* What is read of the thread now is of this wait, and of no later one. */
static bool still_waits(const struct stack_record *wait)
{
	return thread_sleeps_since(wait->life.pid, wait->life.tid, wait->switches);
}

static void name_caller(struct lives *lives, const struct stack_record *wait, struct place *place)
{
	struct wait_stack stack = {
		.instruction = wait->instruction,
		.pointer = wait->stack_pointer,
		.bytes = wait->stack,
		.size = wait->stack_bytes < RECORD_STACK_BYTES ? wait->stack_bytes
							       : RECORD_STACK_BYTES,
	};
	uint8_t bytes[RECORD_STACK_BYTES];

	if (place->gil != GIL_NOT)
		return;
	if (stack.size == 0) {
		holders_found_wait(lives->holders, &wait->life);
		read_stack(&wait->life, &stack, bytes);
		if (!still_waits(wait))
			stack.size = 0;
	}
	names_resolve_caller(lives->names, wait->life.proc, &stack, place);
}

/* The interpreter waits for its program: which function of that it is. Its frames are read now:
 * they say nothing of a wait that is over. */
static void name_python(struct lives *lives, const struct stack_record *wait, struct place *place)
{
	const struct life_record *life = &wait->life;
	struct py_process process;
	char *function OWNED(mem_freep) = NULL;

	if (place->gil != GIL_NOT || !life->fsbase || !is_interpreter_name(place->caller_object) ||
	    !names_python(lives->names, life->proc, &process))
		return;
	function = py_waiter_read(&process, life->fsbase);
	if (function && still_waits(wait))
		trace_set_string(&place->python, function);
}

static void count_native(struct lives *lives, uint32_t proc, uint64_t gil_start, char *function)
{
	struct native *native;

	for (size_t i = 0; i < lives->native_count; i++) {
		native = &lives->natives[i];
		if (native->proc == proc && native->gil_start == gil_start &&
		    !strcmp(native->function, function)) {
			native->count++;
			free(function);
			return;
		}
	}
	native = array_add(&lives->natives, &lives->native_count, sizeof(*native));
	*native = (struct native){
		.proc = proc, .gil_start = gil_start, .function = function, .count = 1
	};
}

/* A thread was seen to run with the GIL that others ask for. What it does counts only when it has
 * not let go for so long that it cannot be interpreting. */
static void take_look(struct lives *lives, const struct stack_record *seen)
{
	struct wait_stack stack = {
		.instruction = seen->instruction,
		.pointer = seen->stack_pointer,
		.bytes = seen->stack,
		.size = seen->stack_bytes < RECORD_STACK_BYTES ? seen->stack_bytes
							       : RECORD_STACK_BYTES,
	};
	const struct life_record *life = &seen->life;
	char *function;

	if (life->thread != lives->looked_thread || life->use.value != lives->looked_hold) {
		lives->looked_thread = life->thread;
		lives->looked_hold = life->use.value;
		lives->looked_count = 0;
	}
	if (++lives->looked_count <= DEAF_LOOKS)
		return;
	function = names_native(lives->names, life->proc, &stack);
	/* "": bytecode, or not known. */
	count_native(lives, life->proc, life->use.address, function ? function : xstrdup(""));
}

/* The function that was seen most with a GIL, if it is native code that mostly was; else "". */
static const char *kept_in(const struct lives *lives, const struct place *place)
{
	const struct native *most = NULL;
	uint32_t known = 0, other = 0;

	for (size_t i = 0; i < lives->native_count; i++) {
		const struct native *native = &lives->natives[i];

		if (native->proc != place->proc || native->gil_start != place->group)
			continue;
		*(*native->function ? &known : &other) += native->count;
		if (*native->function && (!most || native->count > most->count))
			most = native;
	}
	return most && most->count >= NATIVE_LEAST && known > other ? most->function : "";
}

/*
 * A thread found waiting was not asked by the kernel side what it is parked for: its memory is not
 * at hand there. The entry around its semaphore is believed as in bpf/parking.bpf.h.
 */
static void find_parked(const struct stack_record *wait, struct place *place)
{
	struct {
		uint64_t lock;
		uint8_t semaphore[32];
		uint64_t next;
		uint64_t previous;
	} entry;
	const struct life_record *life = &wait->life;
	uint64_t address = life->use.address - sizeof(entry.lock), from_next, from_previous;
	uint64_t node = address + offsetof(typeof(entry), next);

	if (wait->stack_bytes || place->gil != GIL_NOT || life->use.op != FUTEX_WAIT_BITSET ||
	    life->use.value != 0 || !(life->use.flags & USE_PRIVATE) ||
	    address - wait->stack_pointer >= RECORD_PARKING_DEPTH ||
	    !target_read(life->pid, address, &entry, sizeof(entry)) || !entry.lock ||
	    !target_read(life->pid, entry.next + sizeof(entry.next), &from_next, 8) ||
	    !target_read(life->pid, entry.previous, &from_previous, 8) || from_next != node ||
	    from_previous != node)
		return;
	place->group = entry.lock;
}

/* An interpreter calls from the same place, whatever its program does; and so does a library for
 * everybody. */
static void see_caller(struct place *place, const struct place *there)
{
	char *caller OWNED(mem_freep) = place_caller(there);

	if (caller && !there->is_leaf &&
	    (*there->python || !is_interpreter_name(there->caller_object)))
		sights_add(place->callers, caller, 1);
}

/* The newest are the likeliest. */
static struct place *place_of(struct lives *lives, const struct life_record *life)
{
	for (size_t i = lives->place_count; i-- > 0;) {
		struct place *place = &lives->places[i];

		if (place->proc == life->proc && place->address == life->use.address &&
		    place->use.op == life->use.op && place->use.flags == life->use.flags)
			return place;
	}
	return NULL;
}

static void take_later_wait(struct lives *lives, const struct stack_record *wait)
{
	struct place *place = place_of(lives, &wait->life);
	struct place there OWNED(place_release);

	place_init(&there);
	if (!place || place->gil != GIL_NOT)
		return;
	name_caller(lives, wait, &there);
	name_python(lives, wait, &there);
	see_caller(place, &there);
	if (!*place->python)
		trace_set_string(&place->python, there.python);
}

static void name_word(struct lives *lives, const struct stack_record *wait)
{
	const struct life_record *life = &wait->life;
	struct place *place = array_add(&lives->places, &lives->place_count, sizeof(*place));

	place_init(place);
	names_resolve(lives->names, life->proc, &life->use, place);
	name_caller(lives, wait, place);
	find_parked(wait, place);
	name_python(lives, wait, place);
	see_caller(place, place);
	place->use = life->use;
	place->proc = life->proc;
	place->address = life->use.address;
	tell_gil(lives, place);
	parked_take(lives->parked, life, lives->places, lives->place_count - 1);
	if (!*lives->interpreter)
		trace_set_string(&lives->interpreter, names_interpreter(lives->names, life->proc));
}

/* With a stack. */
static void take_stack(struct lives *lives, const struct stack_record *wait)
{
	const struct life_record *life = &wait->life;

	if (life->kind == LIFE_LOOK) {
		take_look(lives, wait);
		return;
	}
	if (life->kind == LIFE_LATER_WAIT) {
		take_later_wait(lives, wait);
		return;
	}
	holders_add(lives->holders, life);
	thread_names_take(lives->threads, life);
	/* Of threads found waiting the wait is told before the thread. */
	names_add_process(lives->names, life->proc, life->pid, 0);
	name_word(lives, wait);
}

void lives_take(struct lives *lives, const void *data, size_t bytes)
{
	const struct life_record *life = data;

	if (bytes >= sizeof(struct stack_record)) {
		take_stack(lives, data);
		return;
	}
	if (bytes < sizeof(*life))
		return;
	if (life->kind != LIFE_DEATH)
		holders_add(lives->holders, life);
	thread_names_take(lives->threads, life);
	switch (life->kind) {
	case LIFE_BIRTH:
		if (life->proc != life->parent_proc)
			names_add_process(lives->names, life->proc, life->pid, life->parent_proc);
		cpus_update(lives->cpus, life, 0);
		break;
	case LIFE_EXEC:
		names_add_process(lives->names, life->proc, life->pid, 0);
		cpus_update(lives->cpus, life, 0);
		break;
	case LIFE_DEATH:
		cpus_update(lives->cpus, life, 1);
		break;
	default:
		break;
	}
}

void lives_look(struct lives *lives)
{
	thread_names_look(lives->threads);
	parked_look(lives->parked, lives->places);
}

bool lives_wants_look(const struct lives *lives)
{
	return thread_names_are_wanted(lives->threads);
}

void lives_hand_over(struct lives *lives, struct trace *trace)
{
	thread_names_hand_over(lives->threads, trace);
	for (size_t i = 0; i < lives->place_count; i++) {
		struct place *place = trace_add_place(trace);

		/* The strings change hands. */
		place_release(place);
		*place = lives->places[i];
		if (place->gil == GIL_WAIT)
			trace_set_string(&place->kept_in, kept_in(lives, place));
	}
	lives->place_count = 0;
	cpus_hand_over(lives->cpus, trace);
	trace_set_string(&trace->meta.interpreter, lives->interpreter);
}
