/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One unit for a column of times, so that its printed lines add up to its printed total. Not for
 * single times: format_ns picks the best unit for each.
 */
#ifndef CONVOY_OUTPUT_SCALE_H
#define CONVOY_OUTPUT_SCALE_H

#include <stdint.h>

#include "base/units.h"

struct scale {
	int64_t step_ns; /* what one in the last printed digit is worth */
	unsigned int decimals;
	const char *unit; /* "s", "ms", "µs", "ns" */
};

/* The scale that shows a time of this size with three or four digits. */
const struct scale *scale_for(uint64_t largest_ns);
/* "139 ms": steps as round_parts gives them. Returns buffer. */
char *scale_print(const struct scale *scale, int64_t steps, char buffer[UNITS_BUFFER]);
/* "+139 ms", "−7 ms", "0 ms" */
char *scale_print_signed(const struct scale *scale, int64_t steps, char buffer[UNITS_BUFFER]);

#endif
