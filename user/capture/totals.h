/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's totals, collected: of dead threads as they die, of the living at the end. Not for
 * slices.
 */
#ifndef CONVOY_CAPTURE_TOTALS_H
#define CONVOY_CAPTURE_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/trace.h"

struct totals;
struct trace_bpf;
struct turns;

/* keeps_dead: else the rows of the dead are taken out and dropped. */
struct totals *totals_new(bool keeps_dead);
void totals_free(struct totals *totals);

/* Takes the rows of the dead out of the kernel. 0 or negative errno. */
int totals_drain(struct totals *totals, struct trace_bpf *probes);
/* After the end of the window: closes the living in the kernel and reads their rows. */
int totals_finish(struct totals *totals, struct trace_bpf *probes);
struct live_thread;

/* The living as they are now, in an array the caller frees; session.h. */
int totals_peek(struct trace_bpf *probes, struct live_thread **ret_threads, size_t *ret_count);
/* Fills threads, use rows and their counts; the window of the trace is set. Numbers uses through
 * turns. */
int totals_hand_over(struct totals *totals, struct trace_bpf *probes, struct turns *turns,
		     struct trace *trace);

#endif
