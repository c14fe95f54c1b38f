/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks and threads of two observations, matched by name. */
#include "analysis/changes.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"

/* A name and a number: where its change is in the list, or how many were called so. */
struct named {
	char *key;
	size_t number;
	UT_hash_handle hh;
};

/* Finds or adds; a new one has the number given. */
static struct named *named_of(struct named **table, const char *key, size_t number)
{
	struct named *found;

	HASH_FIND_STR(*table, key, found);
	if (found)
		return found;
	found = xcalloc(1, sizeof(*found));
	found->key = xstrdup(key);
	found->number = number;
	HASH_ADD_KEYPTR(hh, *table, found->key, strlen(found->key), found);
	return found;
}

static void named_release(struct named **table)
{
	struct named *item, *next;

	HASH_ITER(hh, *table, item, next)
	{
		HASH_DEL(*table, item);
		free(item->key);
		free(item);
	}
}

/* A list that is being made, and the run that is being added to it. */
struct matching {
	struct changes *changes;
	struct named *index;
	const struct variant *variants[2]; /* before, after */
	bool is_after;
	size_t run;
};

static void init_side(struct change_side *side, const struct variant *variant)
{
	side->rounds.count = variant->run_count;
	side->rounds.items = xcalloc(variant->run_count, sizeof(*side->rounds.items));
	for (size_t i = 0; i < variant->run_count; i++)
		side->rounds.items[i].round = variant->runs[i].trace->meta.round;
}

/* Valid until the next one is asked for. */
static struct change *change_of(struct matching *matching, const char *key, const char *name)
{
	struct changes *changes = matching->changes;
	struct named *place = named_of(&matching->index, key, changes->count);
	struct change *change;

	if (place->number < changes->count)
		return &changes->items[place->number];
	change = array_add(&changes->items, &changes->count, sizeof(*changes->items));
	change->name = xstrdup(name);
	init_side(&change->before, matching->variants[0]);
	init_side(&change->after, matching->variants[1]);
	return change;
}

/* What one lock or thread of the run adds. */
struct share {
	uint64_t ns;
	uint64_t lost_ns;
	uint64_t judged; /* which of the two its rounds are compared by */
};

static void change_add(struct change *change, const struct matching *matching,
		       const struct share *share)
{
	struct change_side *side = matching->is_after ? &change->after : &change->before;

	side->is_there = true;
	side->rounds.items[matching->run].value += share->judged;
	if (matching->run != matching->variants[matching->is_after]->representative)
		return;
	side->count++;
	side->ns += share->ns;
	if (share->lost_ns == TRACE_NOT_MEASURED || side->lost_ns == TRACE_NOT_MEASURED)
		side->lost_ns = TRACE_NOT_MEASURED;
	else
		side->lost_ns += share->lost_ns;
}

/* Length of a number at `text` that differs from run to run, with the blank before it; else 0. */
static size_t passing_number(const char *text, const char *begin)
{
	static const char thread[] = "thread";
	size_t digits;

	if (text[0] != ' ')
		return 0;
	if (text[1] == '0' && text[2] == 'x')
		return 3 + strspn(text + 3, "0123456789abcdef");
	digits = strspn(text + 1, "0123456789");
	if (digits && text - begin >= (ptrdiff_t)strlen(thread) &&
	    strncmp(text - strlen(thread), thread, strlen(thread)) == 0)
		return 1 + digits;
	return 0;
}

/* "mutex on the heap 0x7f12", "join of thread 1234": what is left still names the kind. */
static void drop_passing_numbers(char *name)
{
	char *to = name;

	for (const char *from = name; *from;) {
		size_t length = passing_number(from, name);

		if (length)
			from += length;
		else
			*to++ = *from++;
	}
	*to = '\0';
}

static void add_locks(struct matching *matching, const struct report *report)
{
	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_stat *stat = &report->locks[i];
		const struct lock *lock = &report->trace->locks[stat->lock - 1];
		struct share share = { stat->wait_ns, stat->lost_ns, stat->wait_ns };
		char *name OWNED(mem_freep) = label_lock(report->trace, stat->lock);
		char *key OWNED(mem_freep) = NULL;
		struct change *change;

		drop_passing_numbers(name);
		key = xasprintf("%u/%u/%s", lock->state, lock->kind, name);
		change = change_of(matching, key, name);
		change->kind = lock->kind;
		change->state = lock->state;
		change_add(change, matching, &share);
	}
}

static const char *called(const struct thread *thread)
{
	if (thread->is_rest)
		return "other threads";
	return *thread->name ? thread->name : thread->comm;
}

static int by_birth(const void *a, const void *b)
{
	const struct thread *x = *(const struct thread *const *)a;
	const struct thread *y = *(const struct thread *const *)b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* By thread number − 1: which of those of its name it is, from 1. Free it. */
static size_t *birth_orders(const struct trace *trace)
{
	const struct thread **order OWNED(mem_freep) = xcalloc(trace->thread_count, sizeof(*order));
	size_t *orders = xcalloc(trace->thread_count, sizeof(*orders));
	struct named *names OWNED(named_release) = NULL;

	for (size_t i = 0; i < trace->thread_count; i++)
		order[i] = &trace->threads[i];
	if (trace->thread_count)
		qsort(order, trace->thread_count, sizeof(*order), by_birth);
	for (size_t i = 0; i < trace->thread_count; i++)
		orders[order[i]->id - 1] = ++named_of(&names, called(order[i]), 0)->number;
	return orders;
}

/* "worker", "worker (2)" … */
static char *thread_name(const struct thread *thread, size_t order)
{
	char *name OWNED(mem_freep) = escape_text(called(thread));

	if (order < 2)
		return xstrdup(*name ? name : "without a name");
	return xasprintf("%s (%zu)", *name ? name : "without a name", order);
}

static void add_threads(struct matching *matching, const struct report *report)
{
	size_t *orders OWNED(mem_freep) = birth_orders(report->trace);

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];
		uint64_t held_up_ns = stat->state_ns[STATE_PREEMPTED] +
				      stat->state_ns[STATE_QUEUED] +
				      stat->class_ns[LOCK_STATE_LOCK];
		struct share share = { stat->state_ns[STATE_RUNNING], held_up_ns, held_up_ns };
		char *name OWNED(mem_freep) = thread_name(&report->trace->threads[stat->thread - 1],
							  orders[stat->thread - 1]);

		change_add(change_of(matching, name, name), matching, &share);
	}
}

/* 0 where one of the two is not known. */
static uint64_t distance(uint64_t a, uint64_t b)
{
	if (a == TRACE_NOT_MEASURED || b == TRACE_NOT_MEASURED)
		return 0;
	return a > b ? a - b : b - a;
}

static uint64_t size_of(const struct change *change)
{
	return distance(change->before.ns, change->after.ns) +
	       distance(change->before.lost_ns, change->after.lost_ns);
}

static int by_difference(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (size_of(x) != size_of(y))
		return size_of(x) > size_of(y) ? -1 : 1;
	if (strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name);
	return x->kind != y->kind ? x->kind - y->kind : x->state - y->state;
}

static enum change_verdict judge(const struct change *change)
{
	const struct samples *before = &change->before.rounds, *after = &change->after.rounds;

	if (change->state != LOCK_STATE_LOCK)
		return CHANGE_NOT_JUDGED;
	if (!noise_has_spread(before, after))
		return CHANGE_UNKNOWN;
	if (!noise_is_measurable(before, after))
		return CHANGE_NONE;
	/* Ranges apart, or one sign in every round: the least tells which way. */
	return samples_min(after) < samples_min(before) ? CHANGE_BETTER : CHANGE_WORSE;
}

static void match(struct changes *changes, const struct experiment *pair,
		  void (*add)(struct matching *matching, const struct report *report))
{
	struct matching matching = { .changes = changes };

	for (size_t i = 0; i < pair->variant_count; i++)
		matching.variants[*pair->variants[i].baseline != '\0'] = &pair->variants[i];
	for (size_t side = 0; side < 2; side++) {
		const struct variant *variant = matching.variants[side];

		matching.is_after = side == 1;
		for (matching.run = 0; matching.run < variant->run_count; matching.run++)
			add(&matching, variant->runs[matching.run].report);
	}
	named_release(&matching.index);
	for (size_t i = 0; i < changes->count; i++)
		changes->items[i].verdict = judge(&changes->items[i]);
	if (changes->count)
		qsort(changes->items, changes->count, sizeof(*changes->items), by_difference);
}

void changes_of_locks(struct changes *changes, const struct experiment *pair)
{
	match(changes, pair, add_locks);
}

/* A thread's state is 0, as that of a lock that is wanted: it is judged. */
void changes_of_threads(struct changes *changes, const struct experiment *pair)
{
	match(changes, pair, add_threads);
}

void changes_forget_verdicts(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		if (changes->items[i].verdict != CHANGE_NOT_JUDGED)
			changes->items[i].verdict = CHANGE_UNKNOWN;
	}
}

void changes_release(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		free(changes->items[i].name);
		free(changes->items[i].before.rounds.items);
		free(changes->items[i].after.rounds.items);
	}
	free(changes->items);
}
