/* SPDX-License-Identifier: GPL-2.0-only */
/* The sentence of a comparison: what came out, and what changed most. Not for
 * what one of the two is like by itself: those are the rules of findings. */
#ifndef CONVOY_ANALYSIS_COMPARE_SAYS_H
#define CONVOY_ANALYSIS_COMPARE_SAYS_H

#include "analysis/changes.h"
#include "analysis/experiment.h"

/* What both were asked to do, in counts of all workers together; 0: not known, as of a trace. */
struct work {
	uint64_t before;
	uint64_t after;
};

/* Fills the finding, which is zeroed. The pair has its bill. */
void compare_says(const struct experiment *pair, const struct changes *locks,
		  const struct work *work, struct finding *finding);

#endif
