/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one rule for what is more than noise: whether two sets of rounds differ measurably. Not for
 * how large the difference is.
 */
#ifndef CONVOY_ANALYSIS_NOISE_H
#define CONVOY_ANALYSIS_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What was measured in one round; any unit. */
struct sample {
	uint32_t round; /* from 1; 0: no round of an experiment */
	uint64_t value;
};

struct samples {
	struct sample *items;
	size_t count;
};

/* One run says nothing of its spread: both sides need two before anything is measurable. */
bool noise_has_spread(const struct samples *a, const struct samples *b);
/* Their ranges do not overlap, or at least five rounds of both agree on it. */
bool noise_is_measurable(const struct samples *a, const struct samples *b);

/* Least and most; 0 without samples. */
uint64_t samples_min(const struct samples *samples);
uint64_t samples_max(const struct samples *samples);

#endif
