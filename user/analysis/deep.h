/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a deep report has beyond the others: the critical path and the what-if. Whether they can be
 * had at all is decided here. Not for how they are found.
 */
#ifndef CONVOY_ANALYSIS_DEEP_H
#define CONVOY_ANALYSIS_DEEP_H

#include "analysis/capacity.h"
#include "analysis/report.h"
#include "analysis/steps_sweep.h"

/* Fills report->critical_path and report->what_if, or says there why not. Call when the sweep is
 * over and all else of the report is there. */
void deep_make(struct report *report, const struct steps_sweep *sweep,
	       const struct capacity_sweep *capacity);

#endif
