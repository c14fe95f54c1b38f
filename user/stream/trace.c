/* SPDX-License-Identifier: GPL-2.0-only */
/* A trace in memory: making, growing and freeing it, and the names of its enums. Not for reading
 * or judging one. */
#include "stream/trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static char *empty_string(void)
{
	return xstrdup("");
}

static char **empty_list(void)
{
	return xcalloc(1, sizeof(char *));
}

static void list_free(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
}

struct trace *trace_new(void)
{
	struct trace *trace = xcalloc(1, sizeof(*trace));
	struct meta *meta = &trace->meta;
	char **strings[] = { &meta->version, &meta->kind,	 &meta->mode,	 &meta->kernel,
			     &meta->arch,    &meta->interpreter, &meta->variant, &meta->baseline };

	for (size_t i = 0; i < COUNT_OF(strings); i++)
		*strings[i] = empty_string();
	meta->command = empty_list();
	meta->missing = empty_list();
	meta->left_behind = empty_list();
	meta->exit_status = -1;
	meta->steal_ns = TRACE_NOT_MEASURED;
	meta->others_run_ns = TRACE_NOT_MEASURED;
	meta->bpf_run_ns = TRACE_NOT_MEASURED;
	return trace;
}

static void meta_release(struct meta *meta)
{
	char *strings[] = { meta->version, meta->kind,	      meta->mode,    meta->kernel,
			    meta->arch,	   meta->interpreter, meta->variant, meta->baseline };

	for (size_t i = 0; i < COUNT_OF(strings); i++)
		free(strings[i]);
	list_free(meta->command);
	list_free(meta->missing);
	list_free(meta->left_behind);
	for (size_t i = 0; i < meta->phase_count; i++)
		free(meta->phases[i].name);
	free(meta->phases);
	free(meta->cpu_steps);
}

void place_init(struct place *place)
{
	*place = (struct place){
		.object = empty_string(),
		.symbol = empty_string(),
		.primitive = empty_string(),
		.caller = empty_string(),
		.caller_above = empty_string(),
		.caller_object = empty_string(),
		.python = empty_string(),
		.kept_in = empty_string(),
	};
}

void sights_release(struct sight sights[PLACE_SIGHTS])
{
	for (size_t i = 0; i < PLACE_SIGHTS; i++)
		free(sights[i].name);
}

void place_release(struct place *place)
{
	free(place->object);
	free(place->symbol);
	free(place->primitive);
	free(place->caller);
	free(place->caller_above);
	sights_release(place->blockers);
	sights_release(place->callers);
	free(place->caller_object);
	free(place->python);
	free(place->kept_in);
}

char *place_caller(const struct place *place)
{
	char *where OWNED(mem_freep) = NULL;

	if (!*place->caller_object)
		return NULL;
	if (*place->python)
		return xstrdup(place->python);
	if (*place->caller)
		return xasprintf("%s() of %s", place->caller, place->caller_object);
	where = xasprintf("%s+%#" PRIx64, place->caller_object, place->caller_offset);
	if (!*place->caller_above)
		return xstrdup(where);
	return xasprintf("%s below %s()", where, place->caller_above);
}

void sights_add(struct sight sights[PLACE_SIGHTS], const char *name, uint32_t looks)
{
	for (size_t i = 0; i < PLACE_SIGHTS; i++) {
		struct sight *sight = &sights[i];
		bool is_last = i == PLACE_SIGHTS - 1;

		if (!is_last && (!*name || (sight->name && strcmp(sight->name, name) != 0)))
			continue;
		if (!sight->name)
			sight->name = xstrdup(is_last ? "" : name);
		sight->looks += looks;
		return;
	}
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	if (trace->slices && trace->slices->destroy)
		trace->slices->destroy(trace->slices);
	meta_release(&trace->meta);
	for (size_t i = 0; i < trace->thread_count; i++)
		free(trace->threads[i].name);
	for (size_t i = 0; i < trace->lock_count; i++) {
		free(trace->locks[i].name);
		free(trace->locks[i].evidence);
	}
	for (size_t i = 0; i < trace->place_count; i++) {
		place_release(&trace->places[i]);
	}
	free(trace->threads);
	free(trace->locks);
	free(trace->wait_totals);
	free(trace->places);
	free(trace->uses);
	free(trace->use_rows);
	free(trace);
}

struct thread *trace_add_thread(struct trace *trace)
{
	struct thread *thread = array_add(&trace->threads, &trace->thread_count, sizeof(*thread));

	thread->id = (uint32_t)trace->thread_count;
	thread->name = empty_string();
	return thread;
}

struct lock *trace_add_lock(struct trace *trace)
{
	struct lock *lock = array_add(&trace->locks, &trace->lock_count, sizeof(*lock));

	lock->id = (uint32_t)trace->lock_count;
	lock->name = empty_string();
	lock->evidence = empty_string();
	return lock;
}

struct wait_total *trace_add_wait_total(struct trace *trace)
{
	return array_add(&trace->wait_totals, &trace->wait_total_count,
			 sizeof(*trace->wait_totals));
}

struct place *trace_add_place(struct trace *trace)
{
	struct place *place = array_add(&trace->places, &trace->place_count, sizeof(*place));

	place_init(place);
	return place;
}

struct use *trace_add_use(struct trace *trace)
{
	struct use *use = array_add(&trace->uses, &trace->use_count, sizeof(*use));

	use->id = (uint32_t)trace->use_count;
	return use;
}

struct use_row *trace_add_use_row(struct trace *trace)
{
	return array_add(&trace->use_rows, &trace->use_row_count, sizeof(*trace->use_rows));
}

struct phase *trace_add_phase(struct trace *trace)
{
	struct meta *meta = &trace->meta;
	struct phase *phase = array_add(&meta->phases, &meta->phase_count, sizeof(*phase));

	phase->name = empty_string();
	return phase;
}

struct cpu_step *trace_add_cpu_step(struct trace *trace)
{
	struct meta *meta = &trace->meta;

	return array_add(&meta->cpu_steps, &meta->cpu_step_count, sizeof(*meta->cpu_steps));
}

void trace_set_string(char **string, const char *value)
{
	char *copy = xstrdup(value); /* first: value may be the string itself */

	free(*string);
	*string = copy;
}

void trace_add_string(char ***list, const char *value)
{
	size_t count = 0;

	while ((*list)[count])
		count++;
	*list = xrealloc(*list, count + 2, sizeof(**list));
	(*list)[count] = xstrdup(value);
	(*list)[count + 1] = NULL;
}

static const char *const state_names[STATE_COUNT] = {
	[STATE_RUNNING] = "running", [STATE_PREEMPTED] = "preempted",
	[STATE_QUEUED] = "queued",   [STATE_FUTEX] = "futex",
	[STATE_IO] = "io",	     [STATE_KERNEL] = "kernel",
	[STATE_SLEEP] = "sleep",     [STATE_STOPPED] = "stopped",
	[STATE_UNKNOWN] = "unknown",
};

static const char *const lock_kind_names[] = {
	[LOCK_GIL] = "gil",
	[LOCK_HAND_OVER] = "hand-over",
	[LOCK_MUTEX] = "mutex",
	[LOCK_RWLOCK] = "rwlock",
	[LOCK_PI] = "pi",
	[LOCK_SEMAPHORE] = "semaphore",
	[LOCK_ONCE] = "once",
	[LOCK_CONDITION] = "condition",
	[LOCK_BARRIER] = "barrier",
	[LOCK_JOIN] = "join",
	[LOCK_UNCLASSIFIED] = "unclassified",
};

static const char *const lock_state_names[LOCK_STATE_COUNT] = {
	[LOCK_STATE_LOCK] = "lock",
	[LOCK_STATE_CONDITION] = "condition",
	[LOCK_STATE_JOIN] = "join",
	[LOCK_STATE_FUTEX] = "futex",
};

static const char *const wait_result_names[] = {
	[WAIT_RESULT_UNKNOWN] = "",
	[WAIT_RESULT_WOKEN] = "woken",
	[WAIT_RESULT_TIMED_OUT] = "timed out",
	[WAIT_RESULT_INTERRUPTED] = "interrupted",
};

static int name_find(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(names[i], name))
			return (int)i;
	}
	return -1;
}

const char *state_name(enum state state)
{
	return state_names[state < STATE_COUNT ? state : STATE_UNKNOWN];
}

int state_parse(const char *name)
{
	return name_find(state_names, STATE_COUNT, name);
}

const char *lock_kind_name(enum lock_kind kind)
{
	return lock_kind_names[kind < COUNT_OF(lock_kind_names) ? kind : LOCK_UNCLASSIFIED];
}

int lock_kind_parse(const char *name)
{
	return name_find(lock_kind_names, COUNT_OF(lock_kind_names), name);
}

const char *lock_state_name(enum lock_state state)
{
	return lock_state_names[state < LOCK_STATE_COUNT ? state : LOCK_STATE_FUTEX];
}

int lock_state_parse(const char *name)
{
	return name_find(lock_state_names, LOCK_STATE_COUNT, name);
}

const char *wait_result_name(enum wait_result result)
{
	return wait_result_names[result < COUNT_OF(wait_result_names) ? result
								      : WAIT_RESULT_UNKNOWN];
}

int wait_result_parse(const char *name)
{
	return name_find(wait_result_names, COUNT_OF(wait_result_names), name);
}
