/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who still waits for a lock at the end of the interval, and whether that can ever end: threads
 * that wait for each other in a circle, or for one that is dead or does not move. Only holders that
 * were read in the lock's own memory count. Not for sentences.
 */
#ifndef CONVOY_ANALYSIS_STUCK_H
#define CONVOY_ANALYSIS_STUCK_H

#include "analysis/report.h"

/* Threads that wait for each other, in order: each for a lock of the next, the last for one of the
 * first. */
struct deadlock {
	const struct open_wait **waits; /* borrowed from the report; free the array */
	size_t count;
	uint64_t since_ns; /* when the last of them began to wait, and the first ceased */
	uint64_t until_ns;
	size_t behind; /* threads outside the circle that wait for one in it, also by way of others
			*/
};

/* The largest circle; count 0: there is none. Free ret_deadlock->waits. */
void find_deadlock(const struct report *report, struct deadlock *ret_deadlock);

/* A lock whose holder will not let it go. */
struct kept_lock {
	const struct open_wait *wait; /* the longest, borrowed; NULL: there is none */
	size_t waiters;
	uint64_t wait_ns; /* of all of them, up to the end */
	bool is_dead; /* the holder; else it was blocked, in: */
	enum state state;
	int syscall; /* most of its time */
};

/* The one that was waited for longest by threads that have waited for least_ns and more. */
void find_kept_lock(const struct report *report, uint64_t least_ns, struct kept_lock *ret_kept);

#endif
