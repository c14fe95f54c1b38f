/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Quantiles of many durations in little memory: exact for the first QUANTILE_EXACT of them, then
 * from a histogram whose error is below 1 %. Not for sums: those are exact elsewhere.
 */
#ifndef CONVOY_ANALYSIS_QUANTILE_H
#define CONVOY_ANALYSIS_QUANTILE_H

#include <stddef.h>
#include <stdint.h>

#define QUANTILE_EXACT 4096

struct quantile; /* NULL is an empty one */

void quantile_add(struct quantile **quantile, uint64_t value);
/* The smallest value that at least permille / 1000 of all do not exceed; not of an empty one. */
uint64_t quantile_get(struct quantile *quantile, unsigned int permille);
void quantile_free(struct quantile *quantile);

#endif
