/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about who has a lock while others wait: off the CPU, blocked, deaf in native code; and
 * about how it goes round. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "model/lock_name.h"

/* What holders did is worth a sentence from a tenth of the wait on, and a hundredth of the wall. */
#define HOLDER_PERMILLE 100
#define HOLDER_WALL_PERMILLE 10
/* CPython asks again every 5 ms; a much shorter switch interval times out within one bytecode. */
#define STUCK_LEAST_NS 5000000
/* An episode that is the only one must be so long. */
#define STUCK_ALONE_NS 25000000
/* Two behind the one who has it, all the time, is a queue; and it moves. */
#define CONVOY_WAITERS 3
#define CONVOY_QUEUE 2
#define CONVOY_ROUNDS 5
/* A writer is starved who waits alone, for a tenth of the time at a stretch. */
#define STARVED_SHARE_PERMILLE 800

/* Threads have it in turn: its holder means something. */
static bool has_holder(const struct report *report, const struct lock_stat *stat)
{
	const struct lock *lock = lock_of(report, stat);

	return lock && lock->state == LOCK_STATE_LOCK && lock->kind != LOCK_HAND_OVER &&
	       stat->wait_ns && stat->waiters;
}

typedef uint64_t (*part_fn)(const struct lock_stat *stat);

static uint64_t ready_part(const struct lock_stat *stat)
{
	return stat->holder_ready_ns;
}

static uint64_t blocked_part(const struct lock_stat *stat)
{
	return stat->holder_blocked_ns;
}

/* The locks of one name with most of a part of holder time, if that is worth a sentence; else NULL.
 */
static const struct lock_group *worst_lock(const struct situation *situation, part_fn part)
{
	const struct report *report = situation->report;
	const struct lock_group *worst = NULL;

	for (size_t i = 0; i < situation->group_count; i++) {
		const struct lock_stat *sum = &situation->groups[i].sum;

		if (!has_holder(report, sum) || !is_worth_naming(report, sum) ||
		    permille_of(part(sum), sum->wait_ns) < HOLDER_PERMILLE ||
		    permille_of(part(sum), report->covered_ns) < HOLDER_WALL_PERMILLE)
			continue;
		if (!worst || part(sum) > part(&worst->sum))
			worst = &situation->groups[i];
	}
	return worst;
}

static void add_holder_evidence(struct finding *finding, const struct lock_stat *stat, uint64_t ns,
				const struct holder_peak *peak)
{
	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->wait_ns);
	finding_add(finding, "part_ns", EVIDENCE_NS, ns);
	if (peak->thread) {
		finding_add(finding, "holder", EVIDENCE_THREAD, peak->thread);
		finding_add(finding, "holder_ns", EVIDENCE_NS, peak->ns);
	}
}

static const char *pronoun(const struct lock_group *group)
{
	return group->locks > 1 ? "one of them" : "it";
}

bool rule_holder_preempted(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct lock_group *group = worst_lock(situation, ready_part);
	const struct lock_stat *stat = group ? &group->sum : NULL;
	char *name OWNED(mem_freep) = NULL, *holder OWNED(mem_freep) = NULL;
	char part[UNITS_BUFFER], total[UNITS_BUFFER], share[UNITS_BUFFER];

	if (!stat)
		return false;
	name = label_the_locks(report->trace, stat->lock, group->locks);
	holder = label_thread(report->trace, stat->ready.thread);
	finding_say(finding, stat->holder_ready_ns / stat->waiters,
		    "Of the %s that threads waited for %s, the thread that had %s was itself off "
		    "the CPU for %s (%s), ready to run; most often '%s'.",
		    format_ns(stat->wait_ns, total), name, pronoun(group),
		    format_ns(stat->holder_ready_ns, part),
		    format_permille(permille_of(stat->holder_ready_ns, stat->wait_ns), share),
		    holder);
	add_holder_evidence(finding, stat, stat->holder_ready_ns, &stat->ready);
	return true;
}

/* "in nanosleep", "for another lock" …, from what the holder was blocked in most. */
static char *describe_block(const struct report *report, const struct holder_peak *peak)
{
	if (peak->state == STATE_FUTEX)
		return xstrdup("waiting for another futex");
	return label_doing(report->trace, (enum state)peak->state, peak->syscall);
}

bool rule_holder_blocked(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct lock_group *group = worst_lock(situation, blocked_part);
	const struct lock_stat *stat = group ? &group->sum : NULL;
	char *name OWNED(mem_freep) = NULL, *holder OWNED(mem_freep) = NULL;
	char *doing OWNED(mem_freep) = NULL;
	char part[UNITS_BUFFER], total[UNITS_BUFFER], share[UNITS_BUFFER];

	if (!stat)
		return false;
	name = label_the_locks(report->trace, stat->lock, group->locks);
	holder = label_thread(report->trace, stat->blocked.thread);
	doing = describe_block(report, &stat->blocked);
	finding_say(finding, stat->holder_blocked_ns / stat->waiters,
		    "Of the %s that threads waited for %s, the thread that had %s was itself "
		    "blocked for %s (%s); most often '%s', %s.",
		    format_ns(stat->wait_ns, total), name, pronoun(group),
		    format_ns(stat->holder_blocked_ns, part),
		    format_permille(permille_of(stat->holder_blocked_ns, stat->wait_ns), share),
		    holder, doing);
	add_holder_evidence(finding, stat, stat->holder_blocked_ns, &stat->blocked);
	return true;
}

/*
 * Whether nothing else explains that a holder let requests pass: the host may take its CPU for a
 * moment, while it counts as running; and between two requests the lock may have gone to a third
 * thread and come back. Neither lasts for five requests of CPython's 5 ms, nor comes twice in a
 * hundredth of a run.
 */
static bool is_surely_deaf(const struct report *report, const struct stuck_stat *stuck)
{
	uint64_t steal_ns = report->trace->meta.steal_ns;

	if (steal_ns != TRACE_NOT_MEASURED && stuck->wait_ns <= steal_ns)
		return false;
	return stuck->episodes >= 2 || stuck->wait_ns >= STUCK_ALONE_NS;
}

static const struct lock_stat *deaf_lock(const struct report *report)
{
	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_stat *stat = &report->locks[i];
		const struct stuck_stat *stuck = &stat->stuck;

		if (has_holder(report, stat) && lock_of(report, stat)->kind == LOCK_GIL &&
		    stuck->episodes && stuck->wait_ns / stuck->episodes >= STUCK_LEAST_NS &&
		    is_surely_deaf(report, stuck) &&
		    permille_of(stuck->wait_ns, report->covered_ns) >= HOLDER_WALL_PERMILLE)
			return stat;
	}
	return NULL;
}

/* ": work() of native.so", where that was seen; else "". Free it. */
static char *describe_native(const struct lock *lock)
{
	char *evidence OWNED(mem_freep) = escape_text(lock->evidence);
	const char *kept = strstr(evidence, EVIDENCE_KEPT_IN);

	return kept ? xasprintf(": %s", kept + strlen(EVIDENCE_KEPT_IN)) : xstrdup("");
}

bool rule_holder_native(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct lock_stat *stat = deaf_lock(report);
	char *name OWNED(mem_freep) = NULL, *holder OWNED(mem_freep) = NULL;
	char *native OWNED(mem_freep) = NULL;
	char time[UNITS_BUFFER], count[UNITS_BUFFER];

	if (!stat)
		return false;
	name = label_the_lock(report->trace, stat->lock);
	holder = label_thread(report->trace, stat->stuck.holder);
	native = describe_native(lock_of(report, stat));
	finding_say(finding, stat->stuck.wait_ns / stat->waiters,
		    "Threads asked for %s in vain, for %s in %s episode%s: who had it, most often "
		    "'%s', ran on through two requests and more to let it go, so it was in native "
		    "code that keeps it%s.",
		    name, format_ns(stat->stuck.wait_ns, time),
		    format_count(stat->stuck.episodes, count), stat->stuck.episodes == 1 ? "" : "s",
		    holder, native);
	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->stuck.wait_ns);
	finding_add(finding, "episodes", EVIDENCE_COUNT, stat->stuck.episodes);
	finding_add(finding, "holder", EVIDENCE_THREAD, stat->stuck.holder);
	finding_add(finding, "holder_ns", EVIDENCE_NS, stat->stuck.holder_ns);
	return true;
}

/* Many threads, always some in the queue, and each had several turns. A GIL has rules of its own.
 */
static bool is_convoy(const struct report *report, const struct lock_stat *stat)
{
	return has_holder(report, stat) && lock_of(report, stat)->kind != LOCK_GIL &&
	       stat->waiters >= CONVOY_WAITERS && stat->handoffs != TRACE_NOT_MEASURED &&
	       stat->handoffs >= (uint64_t)stat->waiters * CONVOY_ROUNDS &&
	       stat->wait_ns / CONVOY_QUEUE >= report->covered_ns;
}

bool rule_convoy(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct lock_stat *stat = NULL;
	char *name OWNED(mem_freep) = NULL;
	char count[UNITS_BUFFER], each[UNITS_BUFFER], sum[UNITS_BUFFER];

	for (size_t i = 0; i < report->lock_count; i++) {
		if (is_convoy(report, &report->locks[i]) &&
		    (!stat || report->locks[i].wait_ns > stat->wait_ns))
			stat = &report->locks[i];
	}
	if (!stat)
		return false;
	name = label_the_lock(report->trace, stat->lock);
	finding_say(finding, stat->dead_ns,
		    "%" PRIu32 " threads go round in a queue for %s: %.1f of them wait on "
		    "average, %s hand-offs, one every %s; handing over took %s in all.",
		    stat->waiters, name, (double)stat->wait_ns / (double)report->covered_ns,
		    format_count(stat->handoffs, count),
		    format_ns(report->covered_ns / stat->handoffs, each),
		    format_ns(stat->handoff_ns, sum));
	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "waiters", EVIDENCE_COUNT, stat->waiters);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->wait_ns);
	finding_add(finding, "handoffs", EVIDENCE_COUNT, stat->handoffs);
	finding_add(finding, "handoff_ns", EVIDENCE_NS, stat->handoff_ns);
	return true;
}

/* Who waited most for a lock, and how long. */
static uint32_t main_waiter(const struct report *report, uint32_t lock, uint64_t *ret_ns)
{
	const struct trace *trace = report->trace;
	uint32_t most = 0;

	*ret_ns = 0;
	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];

		if (total->lock == lock && total->wait_ns > *ret_ns) {
			*ret_ns = total->wait_ns;
			most = total->thread;
		}
	}
	return most;
}

/* Its waits were seen in a call that takes it to write. */
static bool is_waited_to_write(const struct lock *lock)
{
	return lock_evidence_has(lock->evidence, "wrlock") ||
	       lock_evidence_has(lock->evidence, "write");
}

static bool is_starved(const struct report *report, const struct lock_stat *stat,
		       uint32_t *ret_writer)
{
	uint64_t most_ns;

	if (!report->is_whole || !has_holder(report, stat) ||
	    lock_of(report, stat)->kind != LOCK_RWLOCK || stat->max_ns == TRACE_NOT_MEASURED ||
	    !is_waited_to_write(lock_of(report, stat)) ||
	    permille_of(stat->max_ns, report->covered_ns) < LOSS_PERMILLE)
		return false;
	*ret_writer = main_waiter(report, stat->lock, &most_ns);
	return permille_of(most_ns, stat->wait_ns) >= STARVED_SHARE_PERMILLE;
}

bool rule_writer_starves(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct lock_stat *stat = NULL;
	uint32_t writer = 0;
	char *name OWNED(mem_freep) = NULL, *waiter OWNED(mem_freep) = NULL;
	char total[UNITS_BUFFER], longest[UNITS_BUFFER];

	/* Readers overlap: with one other thread, it only waits its turn. */
	if (report->thread_count < 3)
		return false;
	for (size_t i = 0; i < report->lock_count && !stat; i++) {
		if (is_starved(report, &report->locks[i], &writer))
			stat = &report->locks[i];
	}
	if (!stat)
		return false;
	name = label_the_lock(report->trace, stat->lock);
	waiter = label_thread(report->trace, writer);
	finding_say(finding, stat->max_ns,
		    "'%s' waited to write %s for %s, up to %s at a time, while the threads that "
		    "read it hardly waited: they overtake the writer.",
		    waiter, name, format_ns(stat->wait_ns, total),
		    format_ns(stat->max_ns, longest));
	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "thread", EVIDENCE_THREAD, writer);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->wait_ns);
	finding_add(finding, "max_ns", EVIDENCE_NS, stat->max_ns);
	return true;
}
