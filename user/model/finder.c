/* SPDX-License-Identifier: GPL-2.0-only */
/* A hash table of word keys. */
#include "model/finder.h"

#include <stdlib.h>

#include "base/mem.h"

void finder_free(struct finder **table)
{
	struct finder *item, *next;

	HASH_ITER(hh, *table, item, next)
	{
		HASH_DEL(*table, item);
		free(item);
	}
}

struct finder *finder_find(struct finder *table, const struct word_key *key)
{
	struct finder *found;

	HASH_FIND(hh, table, key, sizeof(*key), found);
	return found;
}

void finder_add(struct finder **table, const struct word_key *key, size_t index)
{
	struct finder *item = xcalloc(1, sizeof(*item));

	item->key = *key;
	item->index = index;
	HASH_ADD(hh, *table, key, sizeof(item->key), item);
}
