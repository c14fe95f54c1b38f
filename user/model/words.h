/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts about the futex words of a live trace: which uses are of the same word, who waited on it
 * and who woke, with which values. Not for what that means: the rules say so.
 */
#ifndef CONVOY_MODEL_WORDS_H
#define CONVOY_MODEL_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/calls.h"
#include "model/finder.h"
#include "model/tally.h"
#include "stream/trace.h"

/* A futex word, or words that belong together, in one address space or shared file. */
struct word {
	struct word_key key;
	uint64_t address; /* lowest seen */
	const struct place *place; /* of that address; NULL: never looked up */
	bool is_shared;
	bool is_pair; /* the two words of a condition variable or a reader-writer lock */
	int32_t pid; /* of a process that used it */
	/* Who uses it as WAIT_BITSET with value 0, where only roles tell what it is. */
	uint64_t waits;
	uint32_t waiters; /* threads */
	uint32_t both; /* threads that waited and woke */
	uint64_t last_wake_ns; /* of the last wake-up that was seen, and by whom */
	uint32_t last_waker;
	uint64_t ready_ns; /* how long that waker has been ready, off CPU, since then */
};

/* Facts about one use, all threads together. */
struct use_facts {
	const struct use *use;
	size_t word; /* index into words */
	int32_t pid; /* of a thread that used it; 0: none was seen */
	uint64_t waits;
	uint64_t partial; /* threads that also waited for less than the whole window */
	const struct place *place; /* where this kind of wait on the word was seen first, else the
				      word's; NULL: never looked up */
	enum wait_call call; /* that waits so */
	bool has_one_value; /* all threads waited for use->use.value first */
};

struct words {
	const struct trace *trace;
	struct word *list;
	size_t count;
	struct use_facts *uses; /* by use number − 1 */
};

/* Collects; reads the slices once. 0 or the error of the slices, -EPROTO for a row that names what
 * does not exist. */
int words_collect(struct words *words, const struct trace *trace);
void words_release(struct words *words);

/* True for a wait whose value says nothing: condition variable or semaphore. */
bool use_is_blank(const struct futex_use *use);

#endif
