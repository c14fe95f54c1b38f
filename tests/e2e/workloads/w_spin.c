/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * N threads use the CPU for a known time each: w_spin [--threads N] [--ms N] [--pin CPU]
 * [--yields N] (sched_yield calls per thread, spread over its time).
 */
#include "w.h"

#include <sched.h>

static uint64_t busy_ns, yields;

static void *spin(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "spinner", NULL);
	for (uint64_t i = 0; i < yields; i++) {
		w_burn(busy_ns / (yields + 1));
		sched_yield();
	}
	w_burn(busy_ns / (yields + 1));
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct w_truth truths[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 2);
	uint64_t cpu = w_number(argc, argv, "--pin", UINT64_MAX);

	busy_ns = w_number(argc, argv, "--ms", 200) * W_MS;
	yields = w_number(argc, argv, "--yields", 0);
	if (cpu != UINT64_MAX)
		w_pin((int)cpu);
	w_team(spin, truths, count);
	return 0;
}
