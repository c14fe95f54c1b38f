/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Looking at a thread that keeps the GIL although others have asked for it twice and more: a timer
 * on it, for a moment, by which the kernel side tells where it runs. Not for what that is called
 * (capture/lives), and not for a profile: a few looks a run.
 */
#ifndef CONVOY_CAPTURE_LOOKS_H
#define CONVOY_CAPTURE_LOOKS_H

#include <stdint.h>

#include "record.h"

struct holders;
struct looks;
struct trace_bpf;

/* Both borrowed. */
struct looks *looks_new(struct trace_bpf *probes, struct holders *holders);
void looks_free(struct looks *looks);
/* A turn, and who had the lock when its wait began (0: not known); may begin a look at them. */
void looks_take(struct looks *looks, const struct cycle_record *turn, uint32_t holder);
/* Call it every now and then: ends a look when its time is over. */
void looks_step(struct looks *looks);

#endif
