/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rules that turn numbers into sentences: a table of {id, holds and says, what to try}, ranked
 * by the time at stake. A report always ends with at least one finding: a run that matched nothing
 * says so.
 */
#ifndef CONVOY_ANALYSIS_FINDINGS_H
#define CONVOY_ANALYSIS_FINDINGS_H

#include "analysis/experiment.h"
#include "analysis/report.h"

/* Fills report->findings. baseline: the report of the same work done serially, or NULL where there
 * is none. */
void findings_make(struct report *report, const struct report *baseline);

/*
 * Fills experiment->findings, the headline first, and the findings of each representative run that
 * has none yet. Call when spreads, representatives and bills are known. Only a measurable
 * difference is called one.
 */
void findings_make_experiment(struct experiment *experiment);

/* The bill the headline is about: threads against serial where there is one, else the first; NULL
 * without bills. */
const struct bill *findings_main_bill(const struct experiment *experiment);

/* Whether it says how a bill came out: each bill has exactly one that does. */
bool finding_is_outcome(const struct finding *finding);

/* Frees what the findings own, and the array. */
void findings_free(struct finding *findings, size_t count);

/* The id of the index-th rule, of reports and experiments together; NULL after the last. */
const char *findings_rule_id(size_t index);

#endif
