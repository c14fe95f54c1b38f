/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two observations of the same work, side by side: the bill of I4 between them, which locks and
 * threads cost more or less, and the sentence that says so. Not for showing it.
 */
#ifndef CONVOY_ANALYSIS_COMPARE_H
#define CONVOY_ANALYSIS_COMPARE_H

#include "analysis/changes.h"
#include "analysis/compare_says.h"
#include "analysis/experiment.h"

struct comparison {
	struct experiment *pair; /* two variants, A and B, the bill from A to B, and one finding;
				    owned */
	struct changes locks;
	struct changes threads;
};

/*
 * Compares the runs in `pair`, whose variants are called A and B, B with A as its baseline. Takes
 * ownership and finishes the experiment. Never NULL.
 */
struct comparison *comparison_new(struct experiment *pair, const struct work *work);
void comparison_free(struct comparison *comparison);

#endif
