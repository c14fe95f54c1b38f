/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quantiles: a list of values, and a histogram with 64 buckets an octave once the list is full. A
 * bucket stands for its middle, which is off by 1/128 of the value at most.
 */
#include "analysis/quantile.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

#define BUCKET_BITS 6
#define BUCKETS_AN_OCTAVE (1 << BUCKET_BITS)
#define BUCKETS ((64 - BUCKET_BITS + 1) * BUCKETS_AN_OCTAVE)

struct quantile {
	uint64_t *values; /* while count <= QUANTILE_EXACT */
	size_t count;
	uint64_t *buckets; /* NULL: not needed yet */
};

static size_t bucket_of(uint64_t value)
{
	int shift;

	if (value < BUCKETS_AN_OCTAVE)
		return value;
	shift = 63 - __builtin_clzll(value) - BUCKET_BITS;
	return ((size_t)shift << BUCKET_BITS) + (value >> shift);
}

static uint64_t middle_of(size_t bucket)
{
	uint64_t low;
	int shift;

	if (bucket < 2 * BUCKETS_AN_OCTAVE)
		return bucket;
	shift = (int)(bucket >> BUCKET_BITS) - 1;
	low = (bucket & (BUCKETS_AN_OCTAVE - 1)) | BUCKETS_AN_OCTAVE;
	return (low << shift) + (1ull << shift) / 2;
}

static void make_buckets(struct quantile *quantile)
{
	quantile->buckets = xcalloc(BUCKETS, sizeof(*quantile->buckets));
	for (size_t i = 0; i < quantile->count; i++)
		quantile->buckets[bucket_of(quantile->values[i])]++;
	free(quantile->values);
	quantile->values = NULL;
}

void quantile_add(struct quantile **quantile, uint64_t value)
{
	struct quantile *q;

	if (!*quantile)
		*quantile = xcalloc(1, sizeof(**quantile));
	q = *quantile;
	if (q->count == QUANTILE_EXACT)
		make_buckets(q);
	if (q->buckets) {
		q->buckets[bucket_of(value)]++;
		q->count++;
	} else {
		*(uint64_t *)array_add(&q->values, &q->count, sizeof(value)) = value;
	}
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

uint64_t quantile_get(struct quantile *quantile, unsigned int permille)
{
	size_t rank, bucket = 0;

	assert(quantile && quantile->count && permille <= 1000);
	rank = (quantile->count * permille + 999) / 1000;
	if (rank == 0)
		rank = 1;
	if (!quantile->buckets) {
		qsort(quantile->values, quantile->count, sizeof(*quantile->values), by_value);
		return quantile->values[rank - 1];
	}
	while (rank > quantile->buckets[bucket])
		rank -= quantile->buckets[bucket++];
	return middle_of(bucket);
}

void quantile_free(struct quantile *quantile)
{
	if (!quantile)
		return;
	free(quantile->values);
	free(quantile->buckets);
	free(quantile);
}
