/* SPDX-License-Identifier: GPL-2.0-only */
/* One word for all that wait alike on words of their own. */
#include "model/gather.h"

#include "base/mem.h"
#include "model/calls.h"

struct gathering {
	struct words *words;
	struct tally *groups; /* (address space, call) → mark: index + 1 of the group's word */
	size_t *into; /* by word before: index + 1 of the group's, 0: stays as it is */
};

static void gathering_release(struct gathering *gathering)
{
	tally_free(&gathering->groups);
	mem_freep(&gathering->into);
}

static size_t group_of(struct gathering *gathering, const struct use_facts *facts)
{
	struct words *words = gathering->words;
	struct tally *known = tally_get(&gathering->groups, facts->use->proc, facts->call);
	const struct word *member = &words->list[facts->word];

	if (!known->mark) {
		struct word first = *member;
		struct word *group = array_add(&words->list, &words->count, sizeof(*group));

		*group = first;
		known->mark = words->count;
	} else if (member->address < words->list[known->mark - 1].address) {
		words->list[known->mark - 1].address = member->address;
	}
	return known->mark - 1;
}

/*
 * The two words of a condition are used in turn: what was seen at one of them holds for the other
 * where the thread was never looked at.
 */
static void share_looks(struct words *words)
{
	struct tally *seen OWNED(tally_free) = NULL; /* (word) → count: of calls, mark: use + 1 */

	for (size_t i = 0; i < words->trace->use_count; i++) {
		const struct use_facts *facts = &words->uses[i];
		struct tally *told;

		if (facts->call != CALL_JAVA_PARK_LOCK && facts->call != CALL_JAVA_PARK_IDLE)
			continue;
		told = tally_get(&seen, facts->word, 0);
		told->count += !told->mark || words->uses[told->mark - 1].call != facts->call;
		told->mark = i + 1;
	}
	for (size_t i = 0; i < words->trace->use_count; i++) {
		struct use_facts *facts = &words->uses[i];
		const struct tally *told = tally_find(seen, facts->word, 0);

		if (facts->call != CALL_JAVA_PARK || facts->place->blockers[0].name || !told ||
		    told->count != 1)
			continue;
		facts->call = words->uses[told->mark - 1].call;
		facts->place = words->uses[told->mark - 1].place;
	}
}

void words_gather(struct words *words)
{
	struct gathering gathering OWNED(gathering_release) = {
		.words = words,
		.into = xcalloc(words->count, sizeof(*gathering.into)),
	};
	size_t use_count = words->trace->use_count;

	share_looks(words);
	for (size_t i = 0; i < use_count; i++) {
		struct use_facts *facts = &words->uses[i];
		size_t member = facts->word;

		if (!is_call_by_thread(facts->call) || !use_is_blank(&facts->use->use))
			continue;
		facts->word = group_of(&gathering, facts);
		gathering.into[member] = facts->word + 1;
	}
	for (size_t i = 0; i < use_count; i++) {
		struct use_facts *facts = &words->uses[i];

		if (facts->call == CALL_NOT_KNOWN && gathering.into[facts->word])
			facts->word = gathering.into[facts->word] - 1;
	}
}
