/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sums under a key of two numbers: which thread in which call, which waiter behind which holder.
 * Not for anything that must be removed again or kept in another order than that of first use.
 */
#ifndef CONVOY_MODEL_TALLY_H
#define CONVOY_MODEL_TALLY_H

#include <stdint.h>

#include <uthash.h>

struct tally_key {
	uint64_t high;
	uint64_t low;
};

struct tally {
	struct tally_key key;
	uint64_t ns;
	uint64_t count;
	uint64_t mark; /* the user's own: what was counted last */
	UT_hash_handle hh; /* hh.next: the next in order of first use */
};

/* The sum under a key, 0 at first. *table is NULL when empty; tally_free frees all. */
struct tally *tally_get(struct tally **table, uint64_t high, uint64_t low);
/* NULL if the key was never used. */
const struct tally *tally_find(const struct tally *table, uint64_t high, uint64_t low);
void tally_free(struct tally **table);

#endif
