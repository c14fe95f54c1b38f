/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about waits that are no lock's to the C library or the kernel, and act like one: a turn
 * that is passed on by a condition, a lock on a file. */
#include "analysis/findings_rules.h"

#include <stdlib.h>

#include "base/mem.h"

/* Nobody else ran: below four fifths of the time, others did work meanwhile. */
#define ALONE_PERMILLE 800
#define SYSCALL_FCNTL                                                                              \
	72 /* x86-64, as in the trace; of its commands F_SETLKW is the one that waits */
#define SYSCALL_FLOCK 73

/* At most what the waiters could have run, and what the CPUs had left. */
static uint64_t stake_of_waits(const struct report *report, uint64_t wait_ns)
{
	uint64_t idle_ns = report->capacity.not_asked_ns;

	return (wait_ns < idle_ns ? wait_ns : idle_ns) / report->capacity.cpus;
}

/* A condition whose waiters are woken by one another. */
static bool is_passed_on(const struct report *report, const struct lock_stat *stat)
{
	const struct lock *lock = lock_of(report, stat);

	return lock && lock->state == LOCK_STATE_CONDITION && lock->kind != LOCK_BARRIER &&
	       stat->waiters > 1 && stat->passed * 2 >= stat->waits &&
	       is_worth_naming(report, stat);
}

bool rule_turns(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint32_t one = share_running(report, 1);
	const struct lock_stat *best = NULL;
	char *name OWNED(mem_freep) = NULL;
	char share[UNITS_BUFFER], waited[UNITS_BUFFER], waits[UNITS_BUFFER];

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_stat *stat = &report->locks[i];

		if (is_passed_on(report, stat) && (!best || stat->wait_ns > best->wait_ns))
			best = stat;
	}
	if (!best || situation->active < 2 || report->capacity.cpus < 2 || one < ALONE_PERMILLE ||
	    permille_of(best->wait_ns, report->covered_ns) < MOST_PERMILLE)
		return false;
	name = label_the_lock(report->trace, best->lock);
	finding_say(finding, stake_of_waits(report, best->wait_ns),
		    "One thread ran at a time for %s of the time, while others waited at %s: %s in "
		    "%s waits. Those who wait there wake one another, as at a lock that is made of "
		    "a condition, or in turns.",
		    format_permille(one, share), name, format_ns(best->wait_ns, waited),
		    format_count(best->waits, waits));
	finding_add(finding, "lock", EVIDENCE_LOCK, best->lock);
	finding_add(finding, "one_running", EVIDENCE_PERMILLE, one);
	finding_add(finding, "wait_ns", EVIDENCE_NS, best->wait_ns);
	finding_add(finding, "waits", EVIDENCE_COUNT, best->waits);
	finding_add(finding, "passed", EVIDENCE_COUNT, best->passed);
	return true;
}

bool rule_file_locks(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint64_t wait_ns = 0, longest_ns = 0;
	char *call OWNED(mem_freep) = NULL;
	char waited[UNITS_BUFFER], count[UNITS_BUFFER];
	size_t waiters = 0;
	int number = 0;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];

		if (stat->top_syscall != SYSCALL_FLOCK && stat->top_syscall != SYSCALL_FCNTL)
			continue;
		waiters++;
		wait_ns += stat->top_syscall_ns;
		if (stat->top_syscall_ns > longest_ns) {
			longest_ns = stat->top_syscall_ns;
			number = stat->top_syscall;
		}
	}
	if (waiters < 2 || !report->capacity.cpus ||
	    permille_of(wait_ns, report->covered_ns) < LOSS_PERMILLE)
		return false;
	call = label_syscall(report->trace, number);
	finding_say(finding, stake_of_waits(report, wait_ns),
		    "%s threads waited for a lock on a file (%s): %s. Which file, and who had it, "
		    "was not measured.",
		    format_count(waiters, count), call, format_ns(wait_ns, waited));
	finding_add(finding, "wait_ns", EVIDENCE_NS, wait_ns);
	finding_add(finding, "threads", EVIDENCE_COUNT, waiters);
	return true;
}
