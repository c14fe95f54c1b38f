/* SPDX-License-Identifier: GPL-2.0-only */
/* Sums under a key of two numbers. */
#include "model/tally.h"

#include <stdlib.h>

#include "base/mem.h"

const struct tally *tally_find(const struct tally *table, uint64_t high, uint64_t low)
{
	const struct tally_key key = { high, low };
	struct tally *found;

	HASH_FIND(hh, table, &key, sizeof(key), found);
	return found;
}

struct tally *tally_get(struct tally **table, uint64_t high, uint64_t low)
{
	const struct tally_key key = { high, low };
	struct tally *found;

	HASH_FIND(hh, *table, &key, sizeof(key), found);
	if (!found) {
		found = xcalloc(1, sizeof(*found));
		found->key = key;
		HASH_ADD(hh, *table, key, sizeof(found->key), found);
	}
	return found;
}

void tally_free(struct tally **table)
{
	struct tally *item, *next;

	HASH_ITER(hh, *table, item, next)
	{
		HASH_DEL(*table, item);
		free(item);
	}
}
