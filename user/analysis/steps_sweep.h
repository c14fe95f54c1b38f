/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fills the steps of an interval while it is swept: who caused what, and where a thread was kept
 * from a CPU though one was free. Not for reading them.
 */
#ifndef CONVOY_ANALYSIS_STEPS_SWEEP_H
#define CONVOY_ANALYSIS_STEPS_SWEEP_H

#include "analysis/steps.h"
#include "analysis/sweep.h"

/* What is remembered of a thread while its slice lasts. */
struct step_begin {
	uint64_t free_ns;
	uint32_t maker; /* of the first step: who made the thread; 0: not known */
};

struct steps_sweep {
	struct steps *steps;
	const struct cpu_step *cpus; /* usable ones, borrowed */
	size_t cpu_count;
	struct step_begin *begins; /* by thread number − 1 */
	uint64_t free_ns; /* covered time so far in which a usable CPU was free */
	size_t cpu_step; /* the present one */
	uint32_t last_thread; /* the one that ran last, and until when; 0: none ran */
	uint64_t last_run_ns;
	int err; /* of the steps: no more are added */
};

/* cpus: usable ones, at least one row, must outlive the sweep. */
void steps_sweep_init(struct steps_sweep *sweep, const struct trace *trace,
		      const struct cpu_step *cpus, size_t cpu_count);
void steps_sweep_release(struct steps_sweep *sweep);
/* Of one that was not set up, the observer that ends the list. */
struct observer steps_sweep_observer(struct steps_sweep *sweep);

#endif
