/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes are observed: marking them, and finding the threads that are already there. */
#ifndef CONVOY_CAPTURE_TARGETS_H
#define CONVOY_CAPTURE_TARGETS_H

#include <sys/types.h>

struct trace_bpf;

/* A process to observe. 0, or negative errno, printed. */
int targets_mark(struct trace_bpf *probes, pid_t pid);
/* Takes on the threads of marked processes and of their descendants, with the state they are in. 0,
 * or negative errno, printed. */
int targets_scan(struct trace_bpf *probes);

#endif
