/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a variant that was measured without a lock took another time than was predicted without it:
 * parts that sum to the difference. Not for whether the two are close enough.
 */
#ifndef CONVOY_ANALYSIS_DIFFERENCE_H
#define CONVOY_ANALYSIS_DIFFERENCE_H

#include "analysis/experiment.h"

/* Signed: what was measured more than predicted, as wall time: sums of threads are spread over
 * those that work at a time. */
enum difference_part {
	DIFFERENCE_SPEED, /* of the machine, where both runs know it */
	DIFFERENCE_CPU, /* CPU time of the same count, but for the speed */
	DIFFERENCE_READY, /* ready, without a CPU */
	DIFFERENCE_START, /* until the last of those that work was there */
	DIFFERENCE_END, /* after the last of them was gone */
	DIFFERENCE_REST, /* uneven work, and what else there is */
};
#define DIFFERENCE_PARTS 6

struct difference {
	int64_t total_ns; /* measured − predicted */
	int64_t parts_ns[DIFFERENCE_PARTS]; /* sum to total_ns */
	uint64_t steal_ns[2]; /* what the host took during the run with the lock, and during the
				 one without; TRACE_NOT_MEASURED */
};

/*
 * with: the run the prediction was made of, without: the one that was measured. workers: how many
 * count in the experiment. False: the CPU time of a run is not known.
 */
bool difference_make(const struct run *with, const struct run *without, uint64_t workers,
		     struct difference *ret_difference);

#endif
