/* SPDX-License-Identifier: GPL-2.0-only */
/* Who waits on a word and who wakes. */
#include "model/roles.h"

#include <errno.h>
#include <linux/futex.h>

#include "base/mem.h"

/* Bits of the mark of (word, thread). */
#define ROLE_WAITER 1
#define ROLE_WAKER 2

static void play(struct tally **roles, size_t word, uint32_t thread, uint64_t role)
{
	tally_get(roles, word, thread)->mark |= role;
}

static void add_rows(struct words *words, struct tally **roles)
{
	const struct trace *trace = words->trace;

	for (size_t i = 0; i < trace->use_row_count; i++) {
		const struct use_row *row = &trace->use_rows[i];
		const struct use_facts *facts = &words->uses[row->use - 1];

		if (!row->total.waits && !row->total.wait_ns)
			continue;
		if (facts->use->use.op == FUTEX_OP_WAKE) {
			play(roles, facts->word, row->thread, ROLE_WAKER);
		} else if (use_is_blank(&facts->use->use)) {
			play(roles, facts->word, row->thread, ROLE_WAITER);
			words->list[facts->word].waits += row->total.waits;
		}
	}
}

/* The last time a thread ended the only wait on some word, and how long it was ready since. */
struct farewell {
	uint64_t wake_ns;
	uint64_t ready_ns;
};

static void add_ready(struct farewell *farewells, const struct slice *slice)
{
	struct farewell *farewell = &farewells[slice->thread - 1];

	if (farewell->wake_ns && slice->start_ns >= farewell->wake_ns)
		farewell->ready_ns += slice->duration_ns;
}

static void add_wake(struct word *word, struct farewell *farewells, const struct slice *slice)
{
	struct farewell *farewell = &farewells[slice->waker - 1];
	uint64_t wake_ns = slice->start_ns + slice->duration_ns;

	if (wake_ns >= word->last_wake_ns) {
		word->last_wake_ns = wake_ns;
		word->last_waker = slice->waker;
	}
	if (word->waits == 1 && wake_ns > farewell->wake_ns)
		*farewell = (struct farewell){ .wake_ns = wake_ns };
}

/* Wakers are seen in slices too, and only there without the futex tracepoint. */
static int add_slice(struct words *words, struct tally **roles, struct farewell *farewells,
		     const struct slice *slice)
{
	const struct trace *trace = words->trace;
	const struct use_facts *facts;

	if (slice->lock > trace->use_count || !slice->thread || slice->thread > trace->thread_count)
		return -EPROTO;
	if (slice->state == STATE_PREEMPTED || slice->state == STATE_QUEUED)
		add_ready(farewells, slice);
	if (slice->state != STATE_FUTEX || !slice->lock || !slice->waker ||
	    slice->waker > trace->thread_count)
		return 0;
	facts = &words->uses[slice->lock - 1];
	if (!use_is_blank(&facts->use->use))
		return 0;
	if (slice->flags & SLICE_WAKER_RELEASED)
		play(roles, facts->word, slice->waker, ROLE_WAKER);
	add_wake(&words->list[facts->word], farewells, slice);
	return 0;
}

static int add_slices(struct words *words, struct tally **roles)
{
	struct farewell *farewells OWNED(mem_freep) = NULL;
	struct slice_source *source = words->trace->slices;
	struct slice slice;
	int got;

	if (!source)
		return 0;
	farewells = xcalloc(words->trace->thread_count, sizeof(*farewells));
	got = source->rewind(source);
	while (got >= 0 && (got = source->next(source, &slice)) > 0)
		got = add_slice(words, roles, farewells, &slice);
	for (size_t i = 0; i < words->count; i++) {
		struct word *word = &words->list[i];

		if (word->last_waker &&
		    farewells[word->last_waker - 1].wake_ns == word->last_wake_ns)
			word->ready_ns = farewells[word->last_waker - 1].ready_ns;
	}
	return got;
}

int roles_collect(struct words *words)
{
	struct tally *roles OWNED(tally_free) = NULL;
	int err;

	add_rows(words, &roles);
	err = add_slices(words, &roles);
	if (err)
		return err;
	for (const struct tally *t = roles; t; t = t->hh.next) {
		struct word *word = &words->list[t->key.high];

		word->waiters += (t->mark & ROLE_WAITER) != 0;
		word->both += t->mark == (ROLE_WAITER | ROLE_WAKER);
	}
	return 0;
}
