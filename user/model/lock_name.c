/* SPDX-License-Identifier: GPL-2.0-only */
/* What a lock is called. */
#include "model/lock_name.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool lock_is_internal(const char *evidence)
{
	static const char internal[] = "java-internal";

	return strncmp(evidence, internal, sizeof(internal) - 1) == 0;
}

static const char *kind_word(enum lock_kind kind)
{
	switch (kind) {
	case LOCK_GIL:
		return "GIL";
	case LOCK_HAND_OVER:
		return "GIL hand-over";
	case LOCK_PI:
		return "PI mutex";
	case LOCK_UNCLASSIFIED:
		return "futex";
	default:
		return lock_kind_name(kind);
	}
}

static char *gil_name(const struct place *place, enum lock_kind kind)
{
	const char *word = kind_word(kind);

	if (place->interpreter)
		return xasprintf("%s of interpreter %" PRIu32, word, place->interpreter);
	return xstrdup(word);
}

/* Where the C library's objects keep the words that are waited on. */
static bool is_inner_word(enum lock_kind kind, uint64_t offset)
{
	switch (kind) {
	case LOCK_CONDITION:
		return offset == 40 || offset == 44 || offset == 32 || offset == 36;
	case LOCK_RWLOCK:
		return offset == 8 || offset == 12;
	case LOCK_BARRIER:
		return offset == 4;
	default:
		return false;
	}
}

static char *symbol_name(const struct place *place, enum lock_kind kind, const char *word)
{
	if (place->offset && !is_inner_word(kind, place->offset))
		return xasprintf("%s '%s'+%" PRIu64 " in %s", word, place->symbol, place->offset,
				 place->object);
	return xasprintf("%s '%s' in %s", word, place->symbol, place->object);
}

/* What waits there, where it is not plain from the kind: "mutex of fputs()". */
static char *used_name(const struct place *place, const char *word)
{
	const char *primitive = place->primitive;

	if (wait_call_of(place) == CALL_NOT_KNOWN && *primitive &&
	    strcmp(primitive, place->caller) != 0)
		return xasprintf("%s of %s()", word, primitive);
	return xstrdup(word);
}

/* Where most of the stacks came from. NULL: not known. */
static char *usual_caller(const struct use_facts *facts, const struct sight *callers)
{
	const struct sight *most = &callers[0];

	for (size_t i = 1; i < PLACE_SIGHTS - 1; i++)
		if (callers[i].looks > most->looks)
			most = &callers[i];
	if (most->name)
		return xstrdup(most->name);
	return facts->place ? place_caller(facts->place) : NULL;
}

/* By the function that waits: all locks of one call site are called the same. NULL: not known. */
static char *caller_name(const struct use_facts *facts, const struct sight *callers,
			 const char *word)
{
	char *used OWNED(mem_freep) = NULL;
	char *caller OWNED(mem_freep) = usual_caller(facts, callers);

	if (!caller)
		return NULL;
	used = facts->place ? used_name(facts->place, word) : xstrdup(word);
	return xasprintf("%s in %s", used, caller);
}

static const struct {
	enum wait_call call;
	const char *what;
} java[] = {
	{ CALL_JAVA_MONITOR, "Java monitors" },
	{ CALL_JAVA_PARK_LOCK, "java.util.concurrent locks" },
	{ CALL_JAVA_PARK_IDLE, "java.util.concurrent queues, pools and results" },
	{ CALL_JAVA_PARK, "parked Java threads" },
	{ CALL_JAVA_WAIT, "Object.wait() in Java" },
	{ CALL_JAVA_SLEEP, "Thread.sleep() in Java" },
};

/* Of a JVM. Waits gathered by their call are called after what the program did. NULL: none. */
static char *java_name(const struct use_facts *facts, const struct rule *rule,
		       const struct sight *callers, const char *word)
{
	for (size_t i = 0; i < sizeof(java) / sizeof(java[0]); i++)
		if (rule->call == java[i].call)
			return xasprintf("%s of %s", word, java[i].what);
	if (lock_is_internal(rule->evidence)) {
		char *name OWNED(mem_freep) = caller_name(facts, callers, word);

		return xasprintf(LOCK_INTERNAL_NAME "%s", name ? name : word);
	}
	return NULL;
}

static char *stack_name(const struct place *place, const char *word, uint64_t address)
{
	if (place->tid)
		return xasprintf("%s on the stack of thread %" PRId32 " %#" PRIx64, word,
				 place->tid, address);
	return xasprintf("%s on a stack %#" PRIx64, word, address);
}

static char *memory_name(const struct place *place, const char *word, uint64_t address)
{
	switch ((enum place_kind)place->kind) {
	case PLACE_HEAP:
		return xasprintf("%s on the heap %#" PRIx64, word, address);
	case PLACE_STACK:
		return stack_name(place, word, address);
	case PLACE_ANONYMOUS:
		return xasprintf("%s in anonymous memory %#" PRIx64, word, address);
	default:
		return xasprintf("%s %#" PRIx64 ", process gone before naming", word, address);
	}
}

static char *place_name(const struct place *place, enum lock_kind kind, uint64_t address)
{
	const char *word = kind_word(kind);

	switch ((enum place_kind)place->kind) {
	case PLACE_SYMBOL:
		return symbol_name(place, kind, word);
	case PLACE_SHARED:
		return xasprintf("%s+%#" PRIx64 " (shared)", place->object, place->shared_offset);
	case PLACE_FILE:
		return xasprintf("%s %s+%#" PRIx64, word, place->object, place->offset);
	default:
		return memory_name(place, word, address);
	}
}

/* Whether the place is the better name: something the program itself calls by a name. */
static bool is_called(const struct place *place)
{
	return place->kind == PLACE_SYMBOL || place->kind == PLACE_SHARED;
}

char *lock_name(const struct words *words, const struct use_facts *facts, const struct rule *rule,
		const struct sight callers[PLACE_SIGHTS])
{
	const struct word *word = &words->list[facts->word];
	const struct place *place = word->place;
	const char *kind = kind_word(rule->kind);
	char *name = NULL;

	/* Stacks of threads are used again, and the word lies on them. */
	if (rule->kind == LOCK_JOIN && facts->use->use.value && facts->waits == 1)
		return xasprintf("join of thread %" PRIu32, facts->use->use.value);
	if (place && place->gil != GIL_NOT)
		return gil_name(place, rule->kind);
	name = java_name(facts, rule, callers, kind);
	if (name)
		return name;
	if (!place || !is_called(place) || rule->kind == LOCK_JOIN ||
	    rule->call == CALL_SEMAPHORE_LOCK)
		name = caller_name(facts, callers, kind);
	if (!name && !place)
		name = xasprintf("%s %#" PRIx64, kind, word->address);
	return name ? name : place_name(place, rule->kind, word->address);
}

/* The call that was seen says most where a call decided. */
static bool is_by_call(const struct rule *rule)
{
	return rule->call != CALL_NOT_KNOWN || lock_is_internal(rule->evidence);
}

/* Where it was found, and what was seen to keep it. */
static char *gil_evidence(const struct place *place, const struct rule *rule)
{
	char *found OWNED(mem_freep) = NULL, *kept OWNED(mem_freep) = NULL;

	found = *place->symbol ? xasprintf(": %s in %s", place->symbol, place->object)
			       : xstrdup("");
	kept = *place->kept_in ? xasprintf(EVIDENCE_KEPT_IN "%s", place->kept_in) : xstrdup("");
	return xasprintf("%s%s%s", rule->evidence, found, kept);
}

/* The first two classes of what the thread was seen parked for. */
static char *blocker_evidence(const struct place *place, const struct rule *rule)
{
	const struct sight *other = &place->blockers[1];

	if (other->name && *other->name)
		return xasprintf("%s: %s, %s", rule->evidence, place->blockers[0].name,
				 other->name);
	return xasprintf("%s: %s", rule->evidence, place->blockers[0].name);
}

static char *rule_evidence(const struct words *words, const struct use_facts *facts,
			   const struct rule *rule)
{
	const struct place *place = words->list[facts->word].place;

	if (place && place->gil != GIL_NOT && (*place->symbol || *place->kept_in))
		return gil_evidence(place, rule);
	if (facts->place && facts->place->blockers[0].name)
		return blocker_evidence(facts->place, rule);
	if (is_by_call(rule) && facts->place && *facts->place->primitive)
		return xasprintf("%s: %s", rule->evidence, facts->place->primitive);
	return xstrdup(rule->evidence);
}

static int by_looks(const void *a, const void *b)
{
	const struct sight *left = a, *right = b;

	if (left->looks != right->looks)
		return left->looks < right->looks ? 1 : -1;
	return left->looks ? strcmp(left->name, right->name) : 0;
}

/* Adds the calls by which the lock is waited for, where there are several: "; called by push() of
 * prog (13 of 20 stacks), pop() of prog (7)". */
static char *add_callers(char *evidence, const struct sight seen[PLACE_SIGHTS])
{
	struct sight callers[PLACE_SIGHTS];
	const char *before = EVIDENCE_CALLED_BY;
	uint32_t looks = 0;
	size_t count = 0;

	memcpy(callers, seen, sizeof(callers));
	/* The last one is all others, and stays last. */
	qsort(callers, PLACE_SIGHTS - 1, sizeof(*callers), by_looks);
	for (; count < PLACE_SIGHTS && callers[count].name; count++)
		looks += callers[count].looks;
	for (size_t i = 0; i < count && count > 1; i++) {
		const char *name = *callers[i].name ? callers[i].name : "others";
		char *longer =
			xasprintf("%s%s%s (%" PRIu32, evidence, before, name, callers[i].looks);

		free(evidence);
		evidence = i ? xasprintf("%s)", longer)
			     : xasprintf("%s of %" PRIu32 " stacks)", longer, looks);
		free(longer);
		before = ", ";
	}
	return evidence;
}

char *lock_evidence(const struct words *words, const struct use_facts *facts,
		    const struct rule *rule, const struct sight callers[PLACE_SIGHTS])
{
	return add_callers(rule_evidence(words, facts, rule), callers);
}

bool lock_evidence_has(const char *evidence, const char *word)
{
	const char *found = strstr(evidence, word);
	const char *callers = strstr(evidence, EVIDENCE_CALLED_BY);

	return found && (!callers || found < callers);
}
