/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is ready in the replay and when a CPU may be his. A thread that once stood ready while a CPU
 * was free was kept from it by other programs or the way to the CPU: it stands so again, for as
 * much time with a free CPU, but not longer than it once did. Then those go first whose turn
 * it is by how long they once stood. Not for what a thread does when it runs.
 */
#ifndef CONVOY_ANALYSIS_READY_H
#define CONVOY_ANALYSIS_READY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A heap with one place a thread at most, from which any can be taken. */
struct ranks {
	uint32_t *heap; /* thread numbers, the first on top */
	size_t count;
	size_t *places; /* by thread number − 1: 1 + place in the heap; 0: not in it */
	uint64_t *keys; /* by thread number − 1 */
};

struct ready {
	uint64_t free_ns; /* time so far in which a CPU was free while somebody was ready */
	struct ranks turns; /* those who may run, by their turn */
	struct ranks late; /* those who may not yet, by their turn */
	struct ranks kept; /* the same, by the free_ns at which they may */
};

void ready_init(struct ready *ready, size_t thread_count);
void ready_release(struct ready *ready);
/* The thread is ready now. lag_ns: with a free CPU it stands so for that time; turn_ns: when its
 * turn is at the latest, and before those whose turn is later. */
void ready_add(struct ready *ready, uint32_t thread, uint64_t turn_ns, uint64_t lag_ns);
bool ready_is_empty(const struct ready *ready);
/* When the next may run who may not yet; UINT64_MAX: not while CPUs stay as they are. */
uint64_t ready_next_ns(const struct ready *ready, uint64_t now_ns, bool is_cpu_free);
/* Time passes, and it is now_ns. */
void ready_pass(struct ready *ready, uint64_t passed_ns, uint64_t now_ns, bool is_cpu_free);
/* Removes and returns the one whose turn it is; 0: nobody may run now. Ties: the lowest. */
uint32_t ready_take(struct ready *ready);

#endif
