/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Episodes: the consecutive waits of a thread on one lock that belong together, because it did next
 * to nothing between them (a timed wait that is tried again). Not for what an episode cost.
 */
#ifndef CONVOY_ANALYSIS_EPISODE_H
#define CONVOY_ANALYSIS_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/trace.h"

/* Of one thread; all zero at first. */
struct episode {
	uint32_t lock; /* 0: none is open */
	uint64_t number; /* of this thread's episodes, from 1 */
	uint64_t block_ns; /* begin of its first wait */
	uint64_t wake_ns; /* end of its last wait */
	uint64_t run_ns; /* CPU time since then */
	uint64_t seen_ns; /* end of the thread's last slice */
};

/*
 * Feeds the next slice of the thread. If that ends an episode, true and the episode in *ret_ended.
 * After a futex slice with a lock, episode->number is that of its episode.
 *
 * An episode ends with another wait, with TRACE_EPISODE_GAP_NS of running, with any other blocked
 * state (the thread went to do something else) and with a hole.
 */
bool episode_take(struct episode *episode, const struct slice *slice, struct episode *ret_ended);

#endif
