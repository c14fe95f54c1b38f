/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Gaps: covered time in which no target thread runs, charged by what the thread whose switch-in
 * ends the gap was doing during it. Not for how long threads run together.
 */
#ifndef CONVOY_ANALYSIS_GAPS_H
#define CONVOY_ANALYSIS_GAPS_H

#include "analysis/report.h"
#include "analysis/sweep.h"
#include "model/tally.h"

struct gaps {
	uint64_t from_ns; /* the open gap; from == to: none is open */
	uint64_t to_ns;
	struct tally *causes;
	struct tally *last; /* the cause that was charged last, and in which gap */
	uint64_t last_from_ns;
};

struct observer gaps_observer(struct gaps *gaps);
/* Charges the gap that is open at the end of the interval; moves all causes to the report. */
void gaps_finish(struct gaps *gaps, struct report *report);
void gaps_release(struct gaps *gaps);

/* True if this futex slice ended because somebody let go of a lock: what follows is a hand-off. */
bool slice_is_released(const struct trace *trace, const struct slice *slice);

#endif
