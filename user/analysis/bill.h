/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The bill between two variants of the same work (identity I4): why one takes longer, in lines that
 * sum to the difference, each split by cause. Not for whether the difference is more than noise.
 */
#ifndef CONVOY_ANALYSIS_BILL_H
#define CONVOY_ANALYSIS_BILL_H

#include "analysis/experiment.h"

/* Fills all of *bill but from and to. Both variants have runs and a representative. */
void bill_make(struct bill *bill, const struct variant *from, const struct variant *to);
void bill_release(struct bill *bill);
/* |total − Σ lines| and |line − Σ causes|, the worst. */
uint64_t bill_residual(const struct bill *bill);

#endif
