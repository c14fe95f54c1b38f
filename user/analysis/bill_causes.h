/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The causes of a bill's lines: what of a difference goes to which lock, state or speed. Causes of
 * two runs are the same if they are called the same. Not for the lines themselves.
 */
#ifndef CONVOY_ANALYSIS_BILL_CAUSES_H
#define CONVOY_ANALYSIS_BILL_CAUSES_H

#include "analysis/experiment.h"

/* Each fills line->causes, which then sum to line->ns (already there); largest first. */
void causes_of_gap(struct bill_line *line, const struct run *from, const struct run *to);
void causes_of_cpu(struct bill_line *line, const struct run *from, const struct run *to);
/* How much more a CPU time of `from` would have been at the machine's speed of `to`; 0 where that
 * is not known of both. */
int64_t causes_speed_ns(const struct run *from, const struct run *to, uint64_t cpu_ns);
/* One cause for the whole line. */
void causes_of_one(struct bill_line *line, const char *name);

#endif
