/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts about futex words: from the uses, the kernel's totals, the places and the wakers. */
#include "model/words.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/finder.h"
#include "model/gather.h"
#include "model/roles.h"

bool use_is_blank(const struct futex_use *use)
{
	return use->op == FUTEX_WAIT_BITSET && use->value == 0;
}

/* space[0] of a key: what kind of space the rest speaks of. */
enum space {
	SPACE_PRIVATE,
	SPACE_SHARED,
	SPACE_USE, /* of places: of one operation on the word */
	SPACE_GIL, /* + enum gil_part */
};

static struct word_key address_key(uint32_t proc, uint64_t address)
{
	return (struct word_key){ .space = { SPACE_PRIVATE, proc, 0 }, .position = address };
}

static struct word_key use_key(uint32_t proc, const struct futex_use *use)
{
	return (struct word_key){ .space = { SPACE_USE, proc,
					     (uint64_t)use->op | (uint64_t)use->flags << 8 },
				  .position = use->address };
}

static struct word_key key_of(const struct use *use, const struct place *place)
{
	if (place && place->gil != GIL_NOT)
		return (struct word_key){ .space = { SPACE_GIL + place->gil, use->proc, 0 },
					  .position = place->group };
	if (place && place->kind == PLACE_SHARED && !(use->use.flags & USE_PRIVATE))
		return (struct word_key){ .space = { SPACE_SHARED, place->shared_dev,
						     place->shared_inode },
					  .position = place->shared_offset };
	return address_key(use->proc, place && place->group ? place->group : use->use.address);
}

static void index_places(const struct trace *trace, struct finder **table)
{
	for (size_t i = 0; i < trace->place_count; i++) {
		const struct place *place = &trace->places[i];
		struct word_key key = address_key(place->proc, place->address);

		if (!finder_find(*table, &key))
			finder_add(table, &key, i);
		if (place->use.address != place->address)
			continue;
		key = use_key(place->proc, &place->use);
		if (!finder_find(*table, &key))
			finder_add(table, &key, i);
	}
}

static size_t word_of(struct words *words, struct finder **table, const struct use *use,
		      const struct place *place)
{
	struct word_key key = key_of(use, place);
	struct finder *found = finder_find(*table, &key);
	struct word *word;

	if (!found) {
		word = array_add(&words->list, &words->count, sizeof(*words->list));
		word->key = key;
		word->address = use->use.address;
		word->place = place;
		word->is_shared = key.space[0] == SPACE_SHARED;
		finder_add(table, &key, words->count - 1);
		return words->count - 1;
	}
	word = &words->list[found->index];
	if (use->use.address < word->address) {
		word->address = use->use.address;
		word->place = place;
	}
	return found->index;
}

/* A waiter's use, whose value says nothing, of a word that no place explains better. */
static bool may_be_pair(const struct words *words, const struct use_facts *facts)
{
	return (use_is_blank(&facts->use->use) || facts->call == CALL_RWLOCK) &&
	       !(facts->use->use.flags & USE_PARKED) &&
	       words->list[facts->word].key.space[0] < SPACE_GIL;
}

/*
 * A condition variable of glibc waits on two words in turn, 4 bytes apart, the first at a multiple
 * of 8; so do readers and writers of a reader-writer lock. Their uses become uses of the first
 * word.
 */
static void join_pairs(struct words *words, struct finder *table)
{
	size_t *into = xcalloc(words->count, sizeof(*into));
	bool *is_blank = xcalloc(words->count, sizeof(*is_blank));

	for (size_t i = 0; i < words->trace->use_count; i++) {
		if (may_be_pair(words, &words->uses[i]))
			is_blank[words->uses[i].word] = true;
	}
	for (size_t i = 0; i < words->count; i++) {
		struct word_key first = words->list[i].key;
		const struct finder *found;

		into[i] = i;
		if (!is_blank[i] || first.position % 8 != 4)
			continue;
		first.position -= 4;
		found = finder_find(table, &first);
		if (found && is_blank[found->index]) {
			into[i] = found->index;
			words->list[found->index].is_pair = true;
		}
	}
	for (size_t i = 0; i < words->trace->use_count; i++)
		words->uses[i].word = into[words->uses[i].word];
	free(into);
	free(is_blank);
}

static int add_rows(struct words *words)
{
	const struct trace *trace = words->trace;

	for (size_t i = 0; i < trace->use_row_count; i++) {
		const struct use_row *row = &trace->use_rows[i];
		struct use_facts *facts;

		if (!row->use || row->use > trace->use_count || !row->thread ||
		    row->thread > trace->thread_count)
			return -EPROTO;
		facts = &words->uses[row->use - 1];
		if (!facts->pid)
			facts->pid = trace->threads[row->thread - 1].pid;
		if (!words->list[facts->word].pid)
			words->list[facts->word].pid = facts->pid;
		if (row->total.min_ns < trace->meta.end_ns - trace->meta.start_ns)
			facts->partial++;
		if (row->total.waits || row->total.wait_ns)
			facts->waits += row->total.waits ? row->total.waits : 1;
		if (row->total.use.value != facts->use->use.value)
			facts->has_one_value = false;
	}
	return 0;
}

/* What is known of this kind of wait on the word, and of the word. */
static void set_place(struct words *words, struct use_facts *facts, struct finder *places,
		      struct finder **table)
{
	const struct use *use = facts->use;
	struct word_key of_word = address_key(use->proc, use->use.address);
	struct word_key of_use = use_key(use->proc, &use->use);
	const struct finder *found = finder_find(places, &of_word);
	const struct finder *seen = finder_find(places, &of_use);
	const struct place *all = words->trace->places;

	facts->word = word_of(words, table, use, found ? &all[found->index] : NULL);
	facts->place = found ? &all[found->index] : NULL;
	if (!seen)
		return;
	facts->place = &all[seen->index];
	/* The call was seen once: what waits for something else there is not it. */
	if (use_is_blank(&facts->place->use) == use_is_blank(&use->use))
		facts->call = wait_call_of(facts->place);
}

int words_collect(struct words *words, const struct trace *trace)
{
	struct finder *places OWNED(finder_free) = NULL;
	struct finder *table OWNED(finder_free) = NULL;
	int err;

	*words = (struct words){ .trace = trace,
				 .uses = xcalloc(trace->use_count, sizeof(*words->uses)) };
	index_places(trace, &places);
	for (size_t i = 0; i < trace->use_count; i++) {
		words->uses[i].use = &trace->uses[i];
		words->uses[i].has_one_value = true;
		set_place(words, &words->uses[i], places, &table);
	}
	if (words->count) {
		join_pairs(words, table);
		words_gather(words);
	}
	err = add_rows(words);
	return err ? err : roles_collect(words);
}

void words_release(struct words *words)
{
	free(words->list);
	free(words->uses);
}
