/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long convoy may sleep between two drains of the ring of turns. Each wake-up takes CPU time
 * from the program that is observed, so it sleeps as long as the ring can take what may come. Not
 * for what wakes it before: execs, waits to be named, deaths, signals.
 */
#ifndef CONVOY_CAPTURE_PACE_H
#define CONVOY_CAPTURE_PACE_H

#include <stdint.h>

#define PACE_LEAST_MS 50
#define PACE_MOST_MS 500

struct pace {
	uint64_t ring_bytes;
	uint32_t cpus; /* of the machine: all of them may write */
};

/* Milliseconds to sleep after a drain that found so many bytes in the ring. */
int pace_sleep_ms(const struct pace *pace, uint64_t drained_bytes);

#endif
