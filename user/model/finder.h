/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the index of a word, or of a place, by a key of fixed size. Not for sums (model/tally.h).
 */
#ifndef CONVOY_MODEL_FINDER_H
#define CONVOY_MODEL_FINDER_H

#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

/* What tells one word, or group of words, from another. All bytes count: zero it first. */
struct word_key {
	uint64_t space[3]; /* private: proc; shared: device and inode; GIL: proc and part */
	uint64_t position; /* address, offset in the file, or the GIL's group */
};

struct finder {
	struct word_key key;
	size_t index;
	UT_hash_handle hh;
};

/* NULL: none. *table is NULL when empty; finder_free frees all. */
struct finder *finder_find(struct finder *table, const struct word_key *key);
void finder_add(struct finder **table, const struct word_key *key, size_t index);
void finder_free(struct finder **table);

#endif
