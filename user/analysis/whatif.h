/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What if: the wall time without a lock, for the locks that cost most, and how far the model is
 * from what was measured when nothing is left out. Not for how the replay works.
 */
#ifndef CONVOY_ANALYSIS_WHATIF_H
#define CONVOY_ANALYSIS_WHATIF_H

#include "analysis/replay.h"
#include "analysis/report.h"

/*
 * Fills report->what_if; report->locks must be there. setup: the interval and its CPUs, with no
 * lock removed. 0 or the error of the steps.
 */
int what_if_make(struct report *report, struct steps *steps, const struct replay_setup *setup);

#endif
