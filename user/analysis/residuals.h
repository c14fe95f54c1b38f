/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The identities, checked: what is left over of each, 0 when it holds. Each is computed from
 * numbers that were added up on different ways. I7 is checked where edges are made, I4 by the
 * experiment.
 */
#ifndef CONVOY_ANALYSIS_RESIDUALS_H
#define CONVOY_ANALYSIS_RESIDUALS_H

#include "analysis/report.h"

/* I0 (whole window): seen[] are the sums of slices by thread number − 1. */
void residual_slices(struct report *report, const struct thread_stat *seen);
/* I1, I6 of report->threads. */
void residual_threads(struct report *report);
/* I2, I3, I5 of the joint numbers. */
void residual_joint(struct report *report);
/* own against the kernel's run time: worst_run_*, own_run_ns, kernel_run_ns. */
void residual_accounting(struct report *report);

#endif
