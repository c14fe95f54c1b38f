/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about locks: who waited for which, what its hand-offs cost; and the words they share with
 * the rules that compare. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/lock_name.h"

/* Capacity lost below this is not called contention: 5 % is half of what a shared machine differs
 * from run to run. */
#define CONTENTION_PERMILLE 50
/* Lock waits below this share of the CPU time are noise of start-up (a stdio or malloc lock). */
#define NO_WAIT_PERMILLE 1
/* A spinning thread yields every few µs; a well-behaved one a few hundred times a second. */
#define YIELDS_PER_SECOND 1000
#define YIELDS_LEAST 1000
/* Waiters named one by one in a sentence; more are only summed. */
#define WAITERS_NAMED 2

uint32_t share_running_least(const struct report *report, size_t count)
{
	uint64_t sum_ns = 0;

	for (size_t i = count; i < report->parallel_count; i++)
		sum_ns += report->parallel_ns[i];
	return permille_of(sum_ns, report->covered_ns);
}

uint32_t share_running(const struct report *report, size_t count)
{
	if (count >= report->parallel_count)
		return 0;
	return permille_of(report->parallel_ns[count], report->covered_ns);
}

const struct lock *lock_of(const struct report *report, const struct lock_stat *stat)
{
	const struct trace *trace = report->trace;

	if (stat->lock == 0 || stat->lock > trace->lock_count)
		return NULL;
	return &trace->locks[stat->lock - 1];
}

bool is_worth_naming(const struct report *report, const struct lock_stat *stat)
{
	const struct lock *lock = lock_of(report, stat);

	return lock &&
	       (!lock_is_internal(lock->evidence) ||
		permille_of(stat->lost_ns, report->capacity.total_ns) >= CONTENTION_PERMILLE);
}

const char *try_against(const struct lock *lock)
{
	if (lock->kind == LOCK_GIL || lock->kind == LOCK_HAND_OVER)
		return "processes, a free-threaded Python, or code that releases the GIL (convoy "
		       "countdown --variant nogil shows it)";
	if (lock->kind == LOCK_RWLOCK)
		return "hold it for less time, split it, or copy what readers need";
	return "do less under the lock, split it, or give each thread data of its own";
}

/* The waits of each waiter, "620 ms and 621 ms", if few waited and all of it lies in the interval;
 * else NULL. */
static char *describe_waiters(const struct report *report, const struct lock_stat *stat)
{
	const struct trace *trace = report->trace;
	char buffers[WAITERS_NAMED][UNITS_BUFFER];
	uint64_t sum_ns = 0;
	size_t count = 0;

	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];

		if (total->lock != stat->lock || total->wait_ns == 0)
			continue;
		if (count == WAITERS_NAMED)
			return NULL;
		format_ns(total->wait_ns, buffers[count++]);
		sum_ns += total->wait_ns;
	}
	if (count < 2 || sum_ns != stat->wait_ns)
		return NULL;
	return xasprintf("%s and %s", buffers[0], buffers[1]);
}

char *describe_waits(const struct report *report, const struct lock_group *group)
{
	const struct lock_stat *stat = &group->sum;
	char total[UNITS_BUFFER], episodes[UNITS_BUFFER], typical[UNITS_BUFFER];
	char *waiters OWNED(mem_freep) = group->locks == 1 ? describe_waiters(report, stat) : NULL;
	char *sum OWNED(mem_freep) = NULL;

	format_count(stat->episodes, episodes);
	format_ns(stat->wait_ns, total);
	sum = waiters ? xstrdup(waiters) : xstrdup(total);
	if (stat->episodes == 0 || stat->episodes == TRACE_NOT_MEASURED)
		return xstrdup(sum);
	if (stat->episodes == 1)
		return xasprintf("%s in one episode", sum);
	if (stat->p50_ns == TRACE_NOT_MEASURED)
		return xasprintf("%s in %s episodes", sum, episodes);
	format_ns(stat->p50_ns, typical);
	return xasprintf("%s in %s episodes, typically %s at a time", sum, episodes, typical);
}

char *label_group(const struct report *report, const struct lock_group *group)
{
	return group->locks > 1 ? label_the_locks(report->trace, group->sum.lock, group->locks)
				: label_the_lock_found(report->trace, group->sum.lock);
}

static void add_lock_evidence(struct finding *finding, const struct lock_group *group)
{
	const struct lock_stat *stat = &group->sum;

	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->wait_ns);
	finding_add(finding, "episodes", EVIDENCE_COUNT, stat->episodes);
	if (stat->p50_ns != TRACE_NOT_MEASURED)
		finding_add(finding, "p50_ns", EVIDENCE_NS, stat->p50_ns);
	finding_add(finding, "lost_ns", EVIDENCE_NS, stat->lost_ns);
	if (group->locks > 1)
		finding_add(finding, "locks", EVIDENCE_COUNT, group->locks);
}

bool rule_serialised(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct capacity *capacity = &report->capacity;
	const struct lock_group *group =
		costliest_group(report, situation->groups, situation->group_count);
	const struct lock_stat *stat = group ? &group->sum : NULL;
	uint32_t one = share_running(report, 1);
	char *waits OWNED(mem_freep) = NULL, *name OWNED(mem_freep) = NULL;
	char share[UNITS_BUFFER];

	if (!stat || capacity->cpus < 2 || one < MOST_PERMILLE ||
	    permille_of(stat->lost_ns, capacity->total_ns) < LOSS_PERMILLE)
		return false;
	waits = describe_waits(report, group);
	name = label_group(report, group);
	finding_say(finding, stat->lost_ns / capacity->cpus,
		    "One thread ran at a time for %s of the time, while others waited for %s: %s.",
		    format_permille(one, share), name, waits);
	finding->try = try_against(&report->trace->locks[stat->lock - 1]);
	finding_add(finding, "one_running", EVIDENCE_PERMILLE, one);
	add_lock_evidence(finding, group);
	return true;
}

bool rule_contention(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct capacity *capacity = &report->capacity;
	const struct lock_group *group =
		costliest_group(report, situation->groups, situation->group_count);
	const struct lock_stat *stat = group ? &group->sum : NULL;
	uint32_t lost;
	char *waits OWNED(mem_freep) = NULL, *name OWNED(mem_freep) = NULL;
	char share[UNITS_BUFFER];

	if (!stat || capacity->cpus < 2)
		return false;
	lost = permille_of(stat->lost_ns, capacity->total_ns);
	if (lost < CONTENTION_PERMILLE ||
	    (lost >= LOSS_PERMILLE && share_running(report, 1) >= MOST_PERMILLE))
		return false; /* the stronger sentence is rule_serialised's */
	waits = describe_waits(report, group);
	name = label_group(report, group);
	finding_say(
		finding, stat->lost_ns / capacity->cpus,
		"Threads waited for %s: %s. Meanwhile %s of what the CPUs could have done was left "
		"undone.",
		name, waits, format_permille(lost, share));
	finding->try = try_against(&report->trace->locks[stat->lock - 1]);
	finding_add(finding, "lost", EVIDENCE_PERMILLE, lost);
	add_lock_evidence(finding, group);
	return true;
}

static const struct gap_cause *largest_hand_off(const struct report *report)
{
	const struct gap_cause *best = NULL;

	for (size_t i = 0; i < report->gap_count; i++) {
		const struct gap_cause *gap = &report->gaps[i];

		if (gap->kind == GAP_HAND_OFF && (!best || gap->ns > best->ns))
			best = gap;
	}
	return best;
}

bool rule_hand_offs(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct gap_cause *gap = largest_hand_off(report);
	char total[UNITS_BUFFER], share[UNITS_BUFFER], count[UNITS_BUFFER], each[UNITS_BUFFER];
	char *name OWNED(mem_freep) = NULL;

	if (!gap || gap->count == 0 || permille_of(gap->ns, report->covered_ns) < HAND_OFF_PERMILLE)
		return false;
	name = label_the_lock(report->trace, gap->lock);
	finding_say(finding, gap->ns,
		    "Nobody ran for %s (%s) while %s was handed from thread to thread: %s times, "
		    "%s on average.",
		    format_ns(gap->ns, total),
		    format_permille(permille_of(gap->ns, report->covered_ns), share), name,
		    format_count(gap->count, count), format_ns(gap->ns / gap->count, each));
	finding_add(finding, "lock", EVIDENCE_LOCK, gap->lock);
	finding_add(finding, "gap_ns", EVIDENCE_NS, gap->ns);
	finding_add(finding, "gaps", EVIDENCE_COUNT, gap->count);
	return true;
}

/* Locks inside of a runtime that cost too little to be named. */
static uint64_t negligible_ns(const struct report *report)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock *lock = lock_of(report, &report->locks[i]);

		if (lock && lock->state == LOCK_STATE_LOCK &&
		    !is_worth_naming(report, &report->locks[i]))
			sum_ns += report->locks[i].wait_ns;
	}
	return sum_ns;
}

bool rule_no_lock_wait(const struct situation *situation, struct finding *finding)
{
	uint64_t lock_ns = situation->class_ns[LOCK_STATE_LOCK] - negligible_ns(situation->report);
	uint64_t futex_ns = situation->class_ns[LOCK_STATE_FUTEX];
	/* Or it could have one and did without: nobody waited for it. */
	bool has_no_gil = strstr(situation->report->trace->meta.interpreter, "free-threaded");

	if (situation->active < 2 ||
	    permille_of(lock_ns + futex_ns, situation->ran_ns) >= NO_WAIT_PERMILLE ||
	    rule_holds(rule_turns, situation) || rule_holds(rule_file_locks, situation))
		return false;
	finding_say(finding, 0,
		    "No thread blocked on a lock for a time worth naming%s. A thread that spins "
		    "for a lock counts as running: look at the CPU time.",
		    has_no_gil ? ", and this Python is free-threaded: it has no GIL" : "");
	finding_add(finding, "lock_ns", EVIDENCE_NS, lock_ns);
	finding_add(finding, "futex_ns", EVIDENCE_NS, futex_ns);
	finding_add(finding, "threads", EVIDENCE_COUNT, situation->active);
	return true;
}

bool rule_yields(const struct situation *situation, struct finding *finding)
{
	const struct trace *trace = situation->report->trace;
	const struct thread *most = NULL;
	uint64_t yields = 0, ran_ns = 0, rate;
	char count[UNITS_BUFFER], per_second[UNITS_BUFFER];
	char *name OWNED(mem_freep) = NULL;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		yields += thread->yields;
		ran_ns += thread->state_ns[STATE_RUNNING];
		if (!most || thread->yields > most->yields)
			most = thread;
	}
	rate = ran_ns ? (uint64_t)((double)yields * 1e9 / (double)ran_ns) : 0;
	if (yields < YIELDS_LEAST || rate < YIELDS_PER_SECOND)
		return false;
	name = label_thread(trace, most->id);
	/* What a yield costs was not measured: no stake. */
	finding_say(finding, 0,
		    "Threads gave up the CPU by sched_yield %s times, %s times per second of CPU "
		    "time, most often '%s': a sign of spinning for something.",
		    format_count(yields, count), format_count(rate, per_second), name);
	finding_add(finding, "yields", EVIDENCE_COUNT, yields);
	finding_add(finding, "yields_per_cpu_second", EVIDENCE_COUNT, rate);
	finding_add(finding, "thread", EVIDENCE_THREAD, most->id);
	return true;
}
