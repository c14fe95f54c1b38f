/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast the machine is at the moment: a fixed loop in C, timed. Not for the work that is
 * measured.
 */
#ifndef CONVOY_CLI_COUNTDOWN_SPEED_H
#define CONVOY_CLI_COUNTDOWN_SPEED_H

#include <stdint.h>

/* CPUs that convoy, and so what it starts, may use; at least 1. */
unsigned int speed_cpus(void);

/*
 * CPU time of the fixed loop with `at_once` threads, each pinned to a CPU of its own: the best of
 * several tries of each thread, mean over the threads. With one at a time, the mean of the first
 * `among` CPUs. 0: could not be measured.
 */
uint64_t speed_measure(unsigned int at_once, unsigned int among);

/* A count of the C loop, and the CPU time it took: at least 0.1 s. */
void speed_of_loop(uint64_t *ret_count, uint64_t *ret_ns);

#endif
