/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long the episodes of each lock were: counts in bins that double, for a small picture beside
 * its row. Not for quantiles, which the report has.
 */
#ifndef CONVOY_OUTPUT_HISTOGRAM_H
#define CONVOY_OUTPUT_HISTOGRAM_H

#include "analysis/episode.h"
#include "analysis/report.h"

#define HISTOGRAM_BINS 64 /* bin i: lengths of [2^i, 2^(i+1)) ns; the first also 0 */

struct histogram {
	uint64_t count[HISTOGRAM_BINS];
};

struct histograms {
	struct histogram **locks; /* by number − 1; NULL: no episode */
	size_t lock_count;
	struct episode *open; /* by thread number − 1 */
	size_t thread_count;
};

void histograms_init(struct histograms *histograms, const struct trace *trace);
void histograms_release(struct histograms *histograms);
/* The slices of the interval in order; after the last one, finish ends the open episodes. */
void histograms_take(struct histograms *histograms, const struct slice *slice);
void histograms_finish(struct histograms *histograms);

#endif
