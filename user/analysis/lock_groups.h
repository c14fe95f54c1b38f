/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The locks of a report as a person can take them in: those of one process that are called the
 * same (locks on the heap, by the function that waits) are one line, and so are those inside of a
 * JVM. Not for files, which keep every lock.
 */
#ifndef CONVOY_ANALYSIS_LOCK_GROUPS_H
#define CONVOY_ANALYSIS_LOCK_GROUPS_H

#include <stdbool.h>

#include "analysis/report.h"

struct lock_group {
	/* lock: the one waited for longest. Quantiles are those of the only lock, else
	 * TRACE_NOT_MEASURED; so are sums of which a part was not measured. Waiters and peaks are
	 * the most of one lock: not who waited for several. */
	struct lock_stat sum;
	size_t locks;
	bool is_mixed; /* of different names: internal ones, alike but for where they are */
};

/* By lock number − 1 the first lock that is one line with it. Free it. */
uint32_t *lock_leaders(const struct trace *trace);
/* Whether two locks are one line. */
bool lock_is_alike(const struct lock *lock, const struct lock *other);
/* The one of state "lock" with most capacity lost to it (then most waited for); NULL: none. */
const struct lock_group *costliest_group(const struct report *report,
					 const struct lock_group *groups, size_t count);
/* The most lost first. The number of groups; free *ret_groups with free(). */
size_t lock_groups(const struct report *report, struct lock_group **ret_groups);

#endif
