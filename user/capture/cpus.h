/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Usable CPUs over time: the union of the allowed masks of the living threads, as a step function.
 * Not for quotas.
 */
#ifndef CONVOY_CAPTURE_CPUS_H
#define CONVOY_CAPTURE_CPUS_H

#include <stdint.h>

#include "record.h"
#include "stream/trace.h"

struct cpus;

struct cpus *cpus_new(void);
void cpus_free(struct cpus *cpus);

/* A thread came, changed its program, or (is_dead) went, at time_ns. Times may repeat but not go
 * back. */
void cpus_update(struct cpus *cpus, const struct life_record *life, int is_dead);
/* Appends the steps to the trace, cut to its window. */
void cpus_hand_over(const struct cpus *cpus, struct trace *trace);

#endif
