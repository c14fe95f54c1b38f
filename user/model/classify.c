/* SPDX-License-Identifier: GPL-2.0-only */
/* Uses become locks, their totals the locks' and the threads' columns. */
#include "model/classify.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/lock_name.h"
#include "model/rules.h"
#include "model/words.h"

/* What a lock is called by: its first use, and the callers of all. */
struct naming {
	const struct use_facts *facts;
	const struct rule *rule;
	struct sight callers[PLACE_SIGHTS];
};

struct classifier {
	struct trace *trace;
	struct naming *namings; /* by lock */
	size_t naming_count;
	size_t first_lock; /* locks that were there before */
	struct words words;
	struct tally *locks; /* (word, kind and state) → mark: lock number */
	struct tally *totals; /* (lock, thread) → mark: index + 1 of the wait_total */
};

static void classifier_release(struct classifier *classifier)
{
	for (size_t i = 0; i < classifier->naming_count; i++)
		sights_release(classifier->namings[i].callers);
	free(classifier->namings);
	words_release(&classifier->words);
	tally_free(&classifier->locks);
	tally_free(&classifier->totals);
}

static void set_owned(char **string, char *value)
{
	free(*string);
	*string = value;
}

static void set_no_waits(struct lock *lock, const struct trace *trace)
{
	bool is_lean = strcmp(trace->meta.mode, "lean") == 0;

	lock->timeouts = is_lean ? TRACE_NOT_MEASURED : 0;
	lock->min_ns = UINT64_MAX;
}

/* The lock of a use: one for all uses of its word that mean the same. */
static uint32_t lock_of(struct classifier *classifier, const struct use_facts *facts)
{
	const struct rule *rule = rules_decide(&classifier->words, facts);
	const struct word *word = &classifier->words.list[facts->word];
	struct tally *known =
		tally_get(&classifier->locks, facts->word, (uint64_t)rule->kind << 8 | rule->state);
	struct naming *naming;
	struct lock *lock;

	if (known->mark)
		return (uint32_t)known->mark;
	lock = trace_add_lock(classifier->trace);
	naming = array_add(&classifier->namings, &classifier->naming_count, sizeof(*naming));
	naming->facts = facts;
	naming->rule = rule;
	known->mark = lock->id;
	lock->pid = word->is_shared ? 0 : word->pid;
	lock->address = word->address;
	lock->kind = rule->kind;
	lock->state = rule->state;
	set_no_waits(lock, classifier->trace);
	return lock->id;
}

/* A lock may be waited for by several operations. */
static void add_callers(struct classifier *classifier, uint32_t lock, const struct place *place)
{
	struct naming *naming = &classifier->namings[lock - 1 - classifier->first_lock];

	for (size_t i = 0; i < PLACE_SIGHTS && place->callers[i].name; i++)
		sights_add(naming->callers, place->callers[i].name, place->callers[i].looks);
}

static void name_locks(struct classifier *classifier)
{
	for (size_t i = 0; i < classifier->naming_count; i++) {
		const struct naming *naming = &classifier->namings[i];
		struct lock *lock = &classifier->trace->locks[classifier->first_lock + i];

		set_owned(&lock->name, lock_name(&classifier->words, naming->facts, naming->rule,
						 naming->callers));
		set_owned(&lock->evidence, lock_evidence(&classifier->words, naming->facts,
							 naming->rule, naming->callers));
	}
}

static void add_timeouts(uint64_t *timeouts, uint64_t more)
{
	if (*timeouts != TRACE_NOT_MEASURED)
		*timeouts += more;
}

static struct wait_total *total_of(struct classifier *classifier, uint32_t lock, uint32_t thread)
{
	struct trace *trace = classifier->trace;
	struct tally *known = tally_get(&classifier->totals, lock, thread);
	struct wait_total *total;

	if (known->mark)
		return &trace->wait_totals[known->mark - 1];
	total = trace_add_wait_total(trace);
	known->mark = trace->wait_total_count;
	total->thread = thread;
	total->lock = lock;
	total->timeouts =
		trace->locks[lock - 1].timeouts == TRACE_NOT_MEASURED ? TRACE_NOT_MEASURED : 0;
	total->min_ns = UINT64_MAX;
	return total;
}

static void add_waits(struct classifier *classifier, uint32_t lock_number, uint32_t thread,
		      const struct use_total *waits)
{
	struct trace *trace = classifier->trace;
	struct wait_total *total = total_of(classifier, lock_number, thread);
	struct lock *lock = &trace->locks[lock_number - 1];

	total->waits += waits->waits;
	add_timeouts(&total->timeouts, waits->timeouts);
	total->wait_ns += waits->wait_ns;
	lock->waits += waits->waits;
	add_timeouts(&lock->timeouts, waits->timeouts);
	lock->wait_ns += waits->wait_ns;
	if (waits->min_ns < total->min_ns)
		total->min_ns = waits->min_ns;
	if (waits->max_ns > total->max_ns)
		total->max_ns = waits->max_ns;
	if (waits->min_ns < lock->min_ns)
		lock->min_ns = waits->min_ns;
	if (waits->max_ns > lock->max_ns)
		lock->max_ns = waits->max_ns;
	trace->threads[thread - 1].futex_class_ns[lock->state] += waits->wait_ns;
}

static void add_rows(struct classifier *classifier)
{
	struct trace *trace = classifier->trace;

	for (size_t i = 0; i < trace->use_row_count; i++) {
		const struct use_row *row = &trace->use_rows[i];
		uint32_t lock = trace->uses[row->use - 1].lock;

		if (lock && (row->total.waits || row->total.wait_ns))
			add_waits(classifier, lock, row->thread, &row->total);
	}
}

static uint64_t classified_ns(const struct thread *thread)
{
	uint64_t sum_ns = 0;

	for (int i = 0; i < LOCK_STATE_COUNT; i++)
		sum_ns += thread->futex_class_ns[i];
	return sum_ns;
}

/* One more lock, so that sums stay exact: its waits are at least one a thread, the rest is not
 * known.
 */
static uint32_t add_rest_lock(struct trace *trace)
{
	struct lock *lock = trace_add_lock(trace);

	lock->kind = LOCK_UNCLASSIFIED;
	lock->state = LOCK_STATE_FUTEX;
	lock->timeouts = lock->min_ns = lock->max_ns = TRACE_NOT_MEASURED;
	trace_set_string(&lock->name, "other futex words");
	trace_set_string(&lock->evidence, "no-room: waits not counted");
	return lock->id;
}

/* Waits on words for which the kernel side had no room left: only their time is known. */
static void add_rest(struct trace *trace)
{
	uint32_t rest = 0;

	for (size_t i = 0; i < trace->thread_count; i++) {
		struct thread *thread = &trace->threads[i];
		uint64_t known_ns = classified_ns(thread);
		struct wait_total *total;

		if (thread->state_ns[STATE_FUTEX] <= known_ns)
			continue;
		if (!rest)
			rest = add_rest_lock(trace);
		total = trace_add_wait_total(trace);
		total->thread = thread->id;
		total->lock = rest;
		total->waits = 1;
		total->timeouts = total->min_ns = total->max_ns = TRACE_NOT_MEASURED;
		total->wait_ns = thread->state_ns[STATE_FUTEX] - known_ns;
		trace->locks[rest - 1].waits++;
		trace->locks[rest - 1].wait_ns += total->wait_ns;
		thread->futex_class_ns[LOCK_STATE_FUTEX] += total->wait_ns;
	}
}

static int by_lock(const void *a, const void *b)
{
	const struct wait_total *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

int classify(struct trace *trace)
{
	struct classifier classifier OWNED(classifier_release) = {
		.trace = trace,
		.first_lock = trace->lock_count,
	};
	int err = words_collect(&classifier.words, trace);

	if (err)
		return err;
	for (size_t i = 0; i < trace->thread_count; i++)
		memset(trace->threads[i].futex_class_ns, 0,
		       sizeof(trace->threads[i].futex_class_ns));
	for (size_t i = 0; i < trace->use_count; i++) {
		const struct use_facts *facts = &classifier.words.uses[i];

		trace->uses[i].lock = 0;
		if (facts->waits && facts->use->use.op != FUTEX_OP_WAKE)
			trace->uses[i].lock = lock_of(&classifier, facts);
		if (trace->uses[i].lock && facts->place)
			add_callers(&classifier, trace->uses[i].lock, facts->place);
	}
	name_locks(&classifier);
	add_rows(&classifier);
	add_rest(trace);
	if (trace->wait_total_count)
		qsort(trace->wait_totals, trace->wait_total_count, sizeof(*trace->wait_totals),
		      by_lock);
	return 0;
}
