/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The BPF programs: loaded, attached, asked for their cost. Not for what they send.
 */
#ifndef CONVOY_CAPTURE_PROBES_H
#define CONVOY_CAPTURE_PROBES_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/session.h"

struct trace_bpf;

/* Loads and attaches. NULL after an error was printed that says what is missing and what to do. */
struct trace_bpf *probes_open(const struct session_options *options);
/* No program runs any more after this; maps and rings stay readable. */
void probes_detach(struct trace_bpf *probes);
void probes_close(struct trace_bpf *probes);

/* Whether a wake-up out of an interrupt can be told from one by the thread it interrupts. */
bool probes_know_interrupts(void);

struct probes_cost {
	uint64_t run_ns; /* of all programs; 0 unless BPF statistics were on */
	uint64_t recursion_misses; /* events not seen because a program was already running there */
	uint64_t memory_bytes; /* of all maps */
};

void probes_read_cost(struct trace_bpf *probes, struct probes_cost *ret_cost);

#endif
