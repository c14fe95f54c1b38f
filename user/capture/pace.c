/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeping between drains. */
#include "capture/pace.h"

/*
 * What a CPU may write in a millisecond at the most: two threads that only hand a futex to and fro
 * switched 320,000 times a second on each of two CPUs, a turn of 80 bytes every time.
 */
#define CPU_BYTES_A_MS 25600
/* A ring that was found as full as this asks for the shortest sleep, whoever filled it. */
#define FULL_PART 4

int pace_sleep_ms(const struct pace *pace, uint64_t drained_bytes)
{
	/* The other half is for a convoy that gets no CPU when its sleep is over. */
	uint64_t ms = pace->ring_bytes / 2 / CPU_BYTES_A_MS / (pace->cpus ? pace->cpus : 1);

	if (drained_bytes > pace->ring_bytes / FULL_PART || ms < PACE_LEAST_MS)
		return PACE_LEAST_MS;
	return ms > PACE_MOST_MS ? PACE_MOST_MS : (int)ms;
}
