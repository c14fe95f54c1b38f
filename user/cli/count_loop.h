/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The countdown in C: one loop for the native variants, the `nogil` object and the machine's speed,
 * so that all three count the same. Not for anything that has to be fast.
 */
#ifndef CONVOY_CLI_COUNT_LOOP_H
#define CONVOY_CLI_COUNT_LOOP_H

#include <stdint.h>

static inline void count_loop(uint64_t count)
{
	/* volatile: else the compiler knows the result without counting. */
	for (volatile uint64_t left = count; left > 0;)
		left = left - 1;
}

#endif
