/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about the work itself: too little of it in parallel, unevenly divided, waiting instead of
 * computing, or not seen at all. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/mem.h"

/* Capacity that nobody asked for: below a fifth, starting and joining threads explains it. */
#define NOT_ASKED_PERMILLE 200
/* A thread that ran alone for less than this is not called the cause. */
#define ALONE_PERMILLE 300
/* A busiest thread with a quarter more than the average: less is the usual scatter of equal
 * shares. */
#define UNEVEN_PERMILLE 250
/* Threads that ran one at a time for so long did no work in parallel. */
#define SERIAL_PERMILLE 900
/* Nobody ran, waiting in the kernel: from three tenths of the time on, more than any start-up. */
#define WAITING_PERMILLE 300

static const struct thread_stat *loneliest(const struct report *report)
{
	const struct thread_stat *best = NULL;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];

		if (!best || stat->alone_ns > best->alone_ns)
			best = stat;
	}
	return best;
}

/* What could be saved at most if time alone were divided over all usable CPUs. */
static uint64_t stake_of_alone(const struct report *report, uint64_t alone_ns)
{
	uint32_t cpus = report->capacity.cpus;

	return cpus ? alone_ns - alone_ns / cpus : 0;
}

bool rule_single_thread(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	char share[UNITS_BUFFER];
	char *name OWNED(mem_freep) = NULL, *others OWNED(mem_freep) = NULL;
	uint32_t part = permille_of(situation->busiest_ns, report->cpu_ns);

	if (situation->active != 1 || report->capacity.cpus < 2 ||
	    permille_of(report->cpu_ns, report->covered_ns) < LOSS_PERMILLE)
		return false;
	name = label_thread(report->trace, situation->busiest);
	others = report->thread_count == 2 ? xstrdup("other")
					   : xasprintf("%zu others", report->thread_count - 1);
	if (report->thread_count == 1)
		finding_say(finding, stake_of_alone(report, situation->busiest_ns),
			    "There was only one thread, '%s': a second CPU had nothing to run.",
			    name);
	else
		finding_say(finding, stake_of_alone(report, situation->busiest_ns),
			    "One thread, '%s', used %s of the CPU time; the %s had next to nothing "
			    "to do.",
			    name, format_permille(part, share), others);
	finding_add(finding, "thread", EVIDENCE_THREAD, situation->busiest);
	finding_add(finding, "running_ns", EVIDENCE_NS, situation->busiest_ns);
	finding_add(finding, "share", EVIDENCE_PERMILLE, part);
	finding_add(finding, "threads", EVIDENCE_COUNT, report->thread_count);
	return true;
}

/* What others than a thread waited in most, "waited, most of all at the condition 'ready'"; where
 * that is less than half of the capacity that was not asked for, they were not there. Free it. */
static char *describe_others(const struct report *report, uint32_t thread)
{
	const struct lock_stat *most = NULL;
	const struct thread_stat *sleeper = NULL;
	char *what OWNED(mem_freep) = NULL;
	uint64_t least_ns = report->capacity.not_asked_ns / 2;

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock *lock = lock_of(report, &report->locks[i]);

		if (lock && lock->state != LOCK_STATE_LOCK && lock->state != LOCK_STATE_JOIN &&
		    (!most || report->locks[i].wait_ns > most->wait_ns))
			most = &report->locks[i];
	}
	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];

		if (stat->thread != thread &&
		    (!sleeper || stat->top_syscall_ns > sleeper->top_syscall_ns))
			sleeper = stat;
	}
	if (most && most->wait_ns >= least_ns &&
	    !(sleeper && sleeper->top_syscall_ns > most->wait_ns)) {
		what = label_the_lock(report->trace, most->lock);
		return xasprintf("waited, most of all at %s", what);
	}
	if (!sleeper || sleeper->top_syscall_ns < least_ns)
		return xstrdup("had nothing to do");
	what = label_syscall(report->trace, sleeper->top_syscall);
	return xasprintf("waited, most of all in %s", what);
}

bool rule_little_parallel(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct capacity *capacity = &report->capacity;
	const struct thread_stat *alone = loneliest(report);
	uint32_t idle = permille_of(capacity->not_asked_ns, capacity->total_ns);
	char total[UNITS_BUFFER], share[UNITS_BUFFER], lost[UNITS_BUFFER];
	char *name OWNED(mem_freep) = NULL, *others OWNED(mem_freep) = NULL;

	if (!alone || situation->active < 2 || capacity->cpus < 2 || idle < NOT_ASKED_PERMILLE ||
	    permille_of(alone->alone_ns, report->covered_ns) < ALONE_PERMILLE ||
	    rule_holds(rule_imbalance, situation) || rule_holds(rule_serialised, situation) ||
	    rule_holds(rule_turns, situation) ||
	    rule_holds(rule_file_locks, situation)) /* which say it better */
		return false;
	name = label_thread(report->trace, alone->thread);
	others = describe_others(report, alone->thread);
	finding_say(finding, stake_of_alone(report, alone->alone_ns),
		    "'%s' ran alone for %s (%s of the time). In all, %s of what the CPUs could "
		    "do was not asked for: the other threads %s.",
		    name, format_ns(alone->alone_ns, total),
		    format_permille(permille_of(alone->alone_ns, report->covered_ns), share),
		    format_permille(idle, lost), others);
	finding_add(finding, "thread", EVIDENCE_THREAD, alone->thread);
	finding_add(finding, "alone_ns", EVIDENCE_NS, alone->alone_ns);
	finding_add(finding, "not_asked_ns", EVIDENCE_NS, capacity->not_asked_ns);
	return true;
}

/* What shows uneven work: where the early ones waited, and how much the busiest had more. */
struct imbalance {
	uint32_t lock; /* a barrier; 0: a join */
	uint64_t wait_ns;
	uint64_t busiest_ns;
	uint32_t busiest;
	uint64_t mean_ns;
};

static const struct lock_stat *costliest_barrier(const struct report *report)
{
	const struct lock_stat *best = NULL;

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock *lock = lock_of(report, &report->locks[i]);

		if (lock && lock->kind == LOCK_BARRIER &&
		    (!best || report->locks[i].wait_ns > best->wait_ns))
			best = &report->locks[i];
	}
	return best;
}

static const struct thread_stat *longest_joiner(const struct report *report)
{
	const struct thread_stat *best = NULL;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];

		if (stat->class_ns[LOCK_STATE_JOIN] &&
		    (!best || stat->class_ns[LOCK_STATE_JOIN] > best->class_ns[LOCK_STATE_JOIN]))
			best = stat;
	}
	return best;
}

/* Compares the active threads but `left_out`; false: fewer than two. */
static bool measure_work(const struct report *report, uint32_t left_out, struct imbalance *found)
{
	uint64_t sum_ns = 0, floor_ns = report->cpu_ns / 1000 * ACTIVE_PERMILLE;
	size_t count = 0;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];
		uint64_t ran_ns = stat->state_ns[STATE_RUNNING];

		if (stat->thread == left_out || ran_ns <= floor_ns)
			continue;
		count++;
		sum_ns += ran_ns;
		if (ran_ns > found->busiest_ns) {
			found->busiest_ns = ran_ns;
			found->busiest = stat->thread;
		}
	}
	found->mean_ns = count ? sum_ns / count : 0;
	return count >= 2;
}

static bool find_imbalance(const struct report *report, struct imbalance *found)
{
	const struct lock_stat *barrier = costliest_barrier(report);
	const struct thread_stat *joiner = longest_joiner(report);

	if (barrier && permille_of(barrier->wait_ns, report->cpu_ns) >= LOSS_PERMILLE) {
		found->lock = barrier->lock;
		found->wait_ns = barrier->wait_ns;
		return measure_work(report, 0, found);
	}
	if (!joiner)
		return false;
	found->wait_ns = joiner->class_ns[LOCK_STATE_JOIN];
	return permille_of(found->wait_ns, report->covered_ns) >= LOSS_PERMILLE &&
	       measure_work(report, joiner->thread, found);
}

bool rule_imbalance(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	struct imbalance found = { 0 };
	char busiest[UNITS_BUFFER], mean[UNITS_BUFFER], waited[UNITS_BUFFER];
	char *name OWNED(mem_freep) = NULL, *place OWNED(mem_freep) = NULL;
	uint64_t excess_ns;

	/* Where they ran one after another it does not matter who had more to do. */
	if (share_running(report, 1) >= SERIAL_PERMILLE || !find_imbalance(report, &found))
		return false;
	excess_ns = found.busiest_ns - found.mean_ns;
	if (permille_of(excess_ns, found.mean_ns) < UNEVEN_PERMILLE ||
	    permille_of(excess_ns, report->covered_ns) < LOSS_PERMILLE)
		return false;
	name = label_thread(report->trace, found.busiest);
	place = found.lock ? label_the_lock(report->trace, found.lock) : xstrdup("a join");
	finding_say(finding, excess_ns,
		    "The work was divided unevenly: '%s' ran for %s, the busy threads on average "
		    "for %s; meanwhile %s was waited at %s.",
		    name, format_ns(found.busiest_ns, busiest), format_ns(found.mean_ns, mean),
		    format_ns(found.wait_ns, waited), place);
	finding_add(finding, "thread", EVIDENCE_THREAD, found.busiest);
	finding_add(finding, "running_ns", EVIDENCE_NS, found.busiest_ns);
	finding_add(finding, "mean_running_ns", EVIDENCE_NS, found.mean_ns);
	finding_add(finding, "wait_ns", EVIDENCE_NS, found.wait_ns);
	if (found.lock)
		finding_add(finding, "lock", EVIDENCE_LOCK, found.lock);
	return true;
}

/* A gap in which the next thread to run was not after a CPU or a lock. */
static bool is_waiting(const struct report *report, const struct gap_cause *gap)
{
	const struct trace *trace = report->trace;

	if (gap->kind == GAP_END)
		return true;
	if (gap->kind != GAP_STATE)
		return false;
	return gap->lock == 0 || gap->lock > trace->lock_count ||
	       trace->locks[gap->lock - 1].state != LOCK_STATE_LOCK;
}

static char *describe_gap(const struct report *report, const struct gap_cause *gap)
{
	char *lock OWNED(mem_freep) = NULL;

	if (gap->kind == GAP_END)
		return xstrdup("until the end, with nobody to run again");
	if (gap->state == STATE_FUTEX) {
		lock = label_the_lock(report->trace, gap->lock);
		return xasprintf("waiting at %s", lock);
	}
	return label_doing(report->trace, gap->state, gap->syscall);
}

bool rule_waiting(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct gap_cause *most = NULL;
	uint64_t sum_ns = 0;
	uint32_t part;
	char total[UNITS_BUFFER], share[UNITS_BUFFER], largest[UNITS_BUFFER];
	char *what OWNED(mem_freep) = NULL;

	if (report->cpu_ns == 0)
		return false; /* rule_nothing_seen says more */
	for (size_t i = 0; i < report->gap_count; i++) {
		const struct gap_cause *gap = &report->gaps[i];

		if (!is_waiting(report, gap))
			continue;
		sum_ns += gap->ns;
		if (!most || gap->ns > most->ns)
			most = gap;
	}
	part = permille_of(sum_ns, report->covered_ns);
	/* That nothing was asked also tells threads asleep at the end from such as lack a CPU. */
	if (!most || part < WAITING_PERMILLE || share_running(report, 0) < MOST_PERMILLE ||
	    permille_of(report->capacity.not_asked_ns, report->capacity.total_ns) < MOST_PERMILLE)
		return false;
	what = describe_gap(report, most);
	finding_say(
		finding, sum_ns,
		"Nobody ran for %s (%s): the threads asked for no CPU. The largest part, %s, was "
		"spent %s.",
		format_ns(sum_ns, total), format_permille(part, share),
		format_ns(most->ns, largest), what);
	finding_add(finding, "waiting_ns", EVIDENCE_NS, sum_ns);
	finding_add(finding, "largest_ns", EVIDENCE_NS, most->ns);
	finding_add(finding, "share", EVIDENCE_PERMILLE, part);
	return true;
}

bool rule_nothing_seen(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint64_t run_ns = report_run_ns(report);
	char wall[UNITS_BUFFER], ran[UNITS_BUFFER];

	if (report->cpu_ns > 0 || report->parallel_count > 1 ||
	    rule_holds(rule_deadlock, situation) || rule_holds(rule_never_let_go, situation))
		return false;
	if (run_ns > 0) {
		finding_say(finding, report->wall_ns,
			    "When the threads ran is not known: the slices of %s of the wall time "
			    "were not kept. In sum they ran for %s; what each did in sum is exact, "
			    "what they did at the same time cannot be said.",
			    format_ns(report->not_recorded_ns, wall), format_ns(run_ns, ran));
		finding->try = "a larger --max-size or --ring-size, or a shorter run";
	} else if (report->thread_count == 0)
		finding_say(finding, report->wall_ns, "No thread of the target was seen in %s.",
			    format_ns(report->wall_ns, wall));
	else if (report->thread_count == 1)
		finding_say(finding, report->wall_ns,
			    "No event was seen: the only thread did not run in %s.",
			    format_ns(report->wall_ns, wall));
	else
		finding_say(finding, report->wall_ns,
			    "No event was seen: none of the %zu threads ran in %s.",
			    report->thread_count, format_ns(report->wall_ns, wall));
	finding_add(finding, "cpu_ns", EVIDENCE_NS, run_ns);
	finding_add(finding, "threads", EVIDENCE_COUNT, report->thread_count);
	finding_add(finding, "wall_ns", EVIDENCE_NS, report->wall_ns);
	return true;
}
