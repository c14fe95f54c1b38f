/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replay: the same work once more, thread by thread, on the same number of CPUs, with some
 * locks never blocking. What a thread waited for from another thread comes when that one has got
 * as far again; timers and the outside world take as long as they took; who is ready gets a CPU in
 * turn. Not for which locks to leave out, and not for how far to believe it.
 */
#ifndef CONVOY_ANALYSIS_REPLAY_H
#define CONVOY_ANALYSIS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/steps.h"
#include "stream/trace.h"

struct replay_setup {
	const struct trace *trace;
	uint64_t begin_ns; /* the interval */
	uint64_t end_ns;
	const struct cpu_step *cpus; /* usable ones; as trace->meta.cpu_steps, or raised */
	size_t cpu_count;
	const bool *is_removed; /* by lock number − 1; NULL: all locks block as they did */
	/* The thread whose last running ends the interval; 0: the last of all. */
	uint32_t end_thread;
};

struct replay_result {
	uint64_t wall_ns;
	uint64_t cpu_ns; /* running time, all threads */
	uint64_t ready_ns; /* time ready, but off the CPU, all threads */
};

/* 0, the error of the steps, or -EPROTO if threads wait for each other in a circle. */
int replay_run(struct steps *steps, const struct replay_setup *setup,
	       struct replay_result *ret_result);

#endif
