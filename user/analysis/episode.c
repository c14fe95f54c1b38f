/* SPDX-License-Identifier: GPL-2.0-only */
/* Which waits belong together. */
#include "analysis/episode.h"

static bool is_wait(const struct slice *slice)
{
	return slice->state == STATE_FUTEX && slice->lock;
}

/* Being ready is not something a thread does. */
static bool goes_on(const struct episode *episode, const struct slice *slice)
{
	if (episode->seen_ns != slice->start_ns)
		return false;
	switch (slice->state) {
	case STATE_RUNNING:
		return episode->run_ns + slice->duration_ns < TRACE_EPISODE_GAP_NS;
	case STATE_PREEMPTED:
	case STATE_QUEUED:
		return true;
	case STATE_FUTEX:
		return slice->lock == episode->lock;
	default:
		return false;
	}
}

bool episode_take(struct episode *episode, const struct slice *slice, struct episode *ret_ended)
{
	uint64_t end_ns = slice->start_ns + slice->duration_ns;
	bool has_ended = episode->lock && !goes_on(episode, slice);

	if (has_ended) {
		*ret_ended = *episode;
		episode->lock = 0;
	}
	if (is_wait(slice)) {
		if (!episode->lock) {
			episode->lock = slice->lock;
			episode->number++;
			episode->block_ns = slice->start_ns;
		}
		episode->wake_ns = end_ns;
		episode->run_ns = 0;
	} else if (slice->state == STATE_RUNNING) {
		episode->run_ns += slice->duration_ns;
	}
	episode->seen_ns = end_ns;
	return has_ended;
}
