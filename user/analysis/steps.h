/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps: the slices of each thread by number, as the critical path and the what-if need them: in
 * any order and with who caused what. Memory is bounded: what is more goes to an unnamed file. Not
 * for what all threads do at one time, which is the sweep's.
 */
#ifndef CONVOY_ANALYSIS_STEPS_H
#define CONVOY_ANALYSIS_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/sweep.h"

#define STEPS_MAX 20000000 /* of all threads: 800 MB of file */

struct step {
	uint64_t start_ns;
	uint64_t duration_ns;
	/*
	 * Of a blocked step with a cause: how long before its end the cause did its last for it: a
	 * wake-up may take its time to arrive. Of a ready step: how long a usable CPU was free all
	 * the same.
	 */
	uint64_t lag_ns;
	uint32_t lock; /* of a futex wait */
	uint32_t cause; /* thread whose running ended it, or made the thread (first step); 0: not
			   known */
	uint32_t holder; /* of a futex wait; 0: not known */
	int16_t syscall;
	uint8_t state; /* enum state */
	uint8_t flags; /* STEP_* */
};
_Static_assert(sizeof(struct step) == 40, "no holes: millions of them are kept");

#define STEP_GRANTED 1 /* a futex wait that somebody ended, not a timer or a signal */

static inline uint64_t step_end_ns(const struct step *step)
{
	return step->start_ns + step->duration_ns;
}

static inline bool step_is_ready(const struct step *step)
{
	return step->state == STATE_QUEUED || step->state == STATE_PREEMPTED;
}

struct steps;

struct steps *steps_new(size_t thread_count);
void steps_free(struct steps *steps);
/* Appends to the steps of a thread, from number 1 on. 0, -EFBIG beyond STEPS_MAX, or the error of
 * the file. */
int steps_add(struct steps *steps, uint32_t thread, const struct step *step);
uint64_t steps_total(const struct steps *steps);
/* Of one thread; they are numbered from 0. */
size_t steps_count(const struct steps *steps, uint32_t thread);
/* 0 or the error of the file. */
int steps_get(struct steps *steps, uint32_t thread, size_t number, struct step *ret_step);

#endif
