/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Finds the count phase of a countdown run in its slices: from the wake-up of the thread that read
 * the controller's first line to where it blocks for the second. Not for the other phases, which
 * are what is left and right of it.
 */
#ifndef CONVOY_ANALYSIS_PHASE_H
#define CONVOY_ANALYSIS_PHASE_H

#include <stdint.h>

#include "stream/trace.h"

struct phase_bounds {
	uint64_t begin_ns;
	uint64_t end_ns;
	uint32_t thread; /* the reader */
};

/*
 * go_ns, bye_ns: when the controller wrote its lines, while the program was blocked in read. The
 * reader is the thread whose read contains go_ns and ends first after it. -ENOENT if there is no
 * such read, or the reader was not in one at bye_ns; or the error of the slices.
 */
int phase_find_count(const struct trace *trace, uint64_t go_ns, uint64_t bye_ns,
		     struct phase_bounds *ret_bounds);

#endif
