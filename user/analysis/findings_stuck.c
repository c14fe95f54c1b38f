/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about what does not go on any more: threads that wait for each other, or for one that will
 * not let go. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analysis/stuck.h"
#include "base/mem.h"

/* A circle of timed waits may dissolve: it must have stood for a tenth of the time. */
#define CIRCLE_PERMILLE 100
#define CIRCLE_NAMED 4 /* threads of a circle that are named one by one */

static char *describe_wait(const struct report *report, const struct open_wait *wait)
{
	char *waiter OWNED(mem_freep) = label_thread(report->trace, wait->thread);
	char *holder OWNED(mem_freep) = label_thread(report->trace, wait->holder);
	char *lock OWNED(mem_freep) = label_the_lock(report->trace, wait->lock);

	return xasprintf("'%s' waits for %s, which '%s' has", waiter, lock, holder);
}

static char *describe_circle(const struct report *report, const struct deadlock *deadlock)
{
	char *all = describe_wait(report, deadlock->waits[0]);

	for (size_t i = 1; i < deadlock->count && i < CIRCLE_NAMED; i++) {
		char *next OWNED(mem_freep) = describe_wait(report, deadlock->waits[i]);
		bool is_last = i + 1 == deadlock->count;
		char *longer = xasprintf("%s,%s %s", all, is_last ? " and" : "", next);

		free(all);
		all = longer;
	}
	if (deadlock->count > CIRCLE_NAMED) {
		char *longer = xasprintf("%s, and so on through %zu threads", all, deadlock->count);

		free(all);
		all = longer;
	}
	return all;
}

static void deadlock_waits_freep(struct deadlock *deadlock)
{
	free(deadlock->waits);
}

bool rule_deadlock(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	struct deadlock deadlock OWNED(deadlock_waits_freep) = { 0 };
	char time[UNITS_BUFFER], number[UNITS_BUFFER];
	char *circle OWNED(mem_freep) = NULL, *behind OWNED(mem_freep) = NULL;
	uint64_t stood_ns;

	find_deadlock(report, &deadlock);
	if (!deadlock.count || deadlock.until_ns <= deadlock.since_ns)
		return false;
	stood_ns = deadlock.until_ns - deadlock.since_ns;
	if (permille_of(stood_ns, report->wall_ns) < CIRCLE_PERMILLE)
		return false;
	circle = describe_circle(report, &deadlock);
	behind = deadlock.behind ? xasprintf(" Behind them wait%s %s more.",
					     deadlock.behind == 1 ? "s" : "",
					     label_number(deadlock.behind, number))
				 : xstrdup("");
	finding_say(finding, report->wall_ns,
		    "A deadlock: %s. Seen for %s, up to the end; none of them can go on.%s", circle,
		    format_ns(stood_ns, time), behind);
	finding_add(finding, "threads", EVIDENCE_COUNT, deadlock.count);
	finding_add(finding, "stood_ns", EVIDENCE_NS, stood_ns);
	finding_add(finding, "behind", EVIDENCE_COUNT, deadlock.behind);
	for (size_t i = 0; i < deadlock.count && i < 2; i++) {
		finding_add(finding, i ? "second_thread" : "thread", EVIDENCE_THREAD,
			    deadlock.waits[i]->thread);
		finding_add(finding, i ? "second_lock" : "lock", EVIDENCE_LOCK,
			    deadlock.waits[i]->lock);
	}
	return true;
}

static char *describe_waiters(const struct report *report, const struct kept_lock *kept)
{
	char *name OWNED(mem_freep) = label_thread(report->trace, kept->wait->thread);

	return kept->waiters == 1 ? xasprintf("'%s'", name)
				  : xasprintf("%zu threads", kept->waiters);
}

static char *describe_holder(const struct report *report, const struct kept_lock *kept)
{
	char *holder OWNED(mem_freep) = label_thread(report->trace, kept->wait->holder);
	char *doing OWNED(mem_freep) = label_doing(report->trace, kept->state, kept->syscall);

	if (kept->is_dead)
		return xasprintf("'%s' had it and ended without letting it go", holder);
	return xasprintf("'%s' had it and never let it go: it was %s", holder, doing);
}

bool rule_never_let_go(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint64_t most_ns = report->wall_ns / 1000 * MOST_PERMILLE;
	struct kept_lock kept;
	char *name OWNED(mem_freep) = NULL, *waiter OWNED(mem_freep) = NULL;
	char *why OWNED(mem_freep) = NULL;
	char time[UNITS_BUFFER];
	uint64_t longest_ns;

	find_kept_lock(report, most_ns, &kept);
	if (!kept.wait)
		return false;
	longest_ns = kept.wait->until_ns - kept.wait->since_ns;
	name = label_the_lock(report->trace, kept.wait->lock);
	waiter = describe_waiters(report, &kept);
	why = describe_holder(report, &kept);
	finding_say(finding, longest_ns, "%s waited for %s, up to the end and for %s at most; %s.",
		    waiter, name, format_ns(longest_ns, time), why);
	finding_add(finding, "lock", EVIDENCE_LOCK, kept.wait->lock);
	finding_add(finding, "holder", EVIDENCE_THREAD, kept.wait->holder);
	finding_add(finding, "waiters", EVIDENCE_COUNT, kept.waiters);
	finding_add(finding, "wait_ns", EVIDENCE_NS, kept.wait_ns);
	return true;
}
