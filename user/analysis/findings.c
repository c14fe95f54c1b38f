/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of rules, asked one by one; what holds is ranked by the time at stake. */
#include "analysis/findings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings_rules.h"
#include "base/mem.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* What a rule rests on: without slices, nobody knows what ran at the same time. */
enum rule_base {
	OF_TOTALS,
	OF_SLICES,
};

struct report_rule {
	const char *id;
	report_rule_fn holds;
	const char *try;
	enum rule_base base;
};

struct comparison_rule {
	const char *id;
	comparison_rule_fn holds;
	const char *try;
};

/* Where stakes are equal, the order here decides. */
static const struct report_rule report_rules[] = {
	{ "deadlock", rule_deadlock,
	  "take the locks in the same order everywhere, or one lock for what both protect",
	  OF_SLICES },
	{ "never-let-go", rule_never_let_go,
	  "let it go on every way out, also where the thread ends or begins to wait; a robust "
	  "mutex (PTHREAD_MUTEX_ROBUST) tells of a holder that died",
	  OF_SLICES },
	{ "nothing-seen", rule_nothing_seen,
	  "attach for longer (-d), or while the program is at work", OF_SLICES },
	{ "lock-serialises", rule_serialised, "", OF_SLICES }, /* tries depend on the lock */
	{ "lock-contention", rule_contention, "", OF_SLICES },
	{ "turns-at-condition", rule_turns,
	  "hold it for less time or split what it protects; where it is an interpreter's own, use "
	  "processes",
	  OF_SLICES },
	{ "file-locks", rule_file_locks,
	  "hold the lock on the file for less time, or lock parts of the file", OF_SLICES },
	{ "hand-offs", rule_hand_offs,
	  "take the lock less often and do more each time, or let fewer threads share it",
	  OF_SLICES },
	{ "holder-preempted", rule_holder_preempted,
	  "fewer busy threads than CPUs, a lock held for less time, or a mutex that lends "
	  "priority (PTHREAD_PRIO_INHERIT)",
	  OF_SLICES },
	{ "holder-blocked", rule_holder_blocked,
	  "do what sleeps or waits for devices before taking the lock, or after letting it go",
	  OF_SLICES },
	{ "holder-native", rule_holder_native,
	  "release the GIL in that code (Py_BEGIN_ALLOW_THREADS, nogil in Cython)", OF_SLICES },
	{ "lock-convoy", rule_convoy,
	  "take the lock less often and do more each time, split it, or let fewer threads "
	  "share it",
	  OF_SLICES },
	{ "writer-starves", rule_writer_starves,
	  "a lock that prefers writers (PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), shorter "
	  "reads, or a copy for readers",
	  OF_SLICES },
	{ "cpu-inflation", rule_cpu_inflation,
	  "look for work that is done once per thread, and for data that several threads write",
	  OF_SLICES },
	{ "one-cpu", rule_one_cpu, "allow more CPUs (taskset, cpuset, a larger machine)",
	  OF_SLICES },
	{ "cpu-quota", rule_quota, "raise the quota (cpu.max), or run fewer threads at once",
	  OF_TOTALS },
	{ "others-on-machine", rule_others,
	  "measure on an idle machine, or give the program CPUs of its own (cpuset)", OF_SLICES },
	{ "more-threads-than-cpus", rule_more_threads,
	  "as many busy threads as usable CPUs, or more CPUs", OF_SLICES },
	{ "waiting-for-cpu", rule_cpu_wait,
	  "look for other programs on the same CPUs, for threads pinned to one CPU, and for "
	  "threads that wake others and run on: these may wait for the CPU of the one that "
	  "woke them",
	  OF_SLICES },
	{ "single-threaded", rule_single_thread,
	  "divide the work of this thread: another CPU has nothing to run", OF_SLICES },
	{ "little-parallel-work", rule_little_parallel,
	  "divide the work that is done alone, or start the others earlier", OF_SLICES },
	{ "imbalance", rule_imbalance,
	  "divide the work evenly, or in smaller pieces that idle threads fetch", OF_SLICES },
	{ "waiting-not-computing", rule_waiting,
	  "overlap the waits (more requests at once) or shorten what is waited for; more CPUs "
	  "do not help",
	  OF_SLICES },
	{ "cpus-busy", rule_cpus_busy,
	  "less work, or more CPUs; threads that spin for a lock count as running too: perf "
	  "record shows where they run",
	  OF_SLICES },
	{ "yields", rule_yields, "block on a lock or a condition instead of yielding in a loop",
	  OF_TOTALS },
	{ "no-lock-wait", rule_no_lock_wait, "", OF_SLICES },
};

/* The three outcomes come first: exactly one of them holds for a bill. */
static const struct comparison_rule comparison_rules[] = {
	{ "slower", compare_outcome_slower, "" },
	{ "no-difference", compare_outcome_none, "more rounds (--rounds) on an idle machine" },
	{ "faster", compare_outcome_faster, "" },
	{ "cpu-inflation", compare_cpu, "" },
	{ "gap", compare_gap, "" },
};

#define OUTCOMES 3
#define ID_FALLBACK "nothing-stood-out"
#define ID_NOTHING_COMPARED "nothing-compared"

const char *findings_rule_id(size_t index)
{
	static const char *const others[] = { ID_FALLBACK, ID_NOTHING_COMPARED };

	if (index < COUNT_OF(report_rules))
		return report_rules[index].id;
	index -= COUNT_OF(report_rules);
	if (index < COUNT_OF(comparison_rules))
		return comparison_rules[index].id;
	index -= COUNT_OF(comparison_rules);
	return index < COUNT_OF(others) ? others[index] : NULL;
}

bool finding_is_outcome(const struct finding *finding)
{
	for (size_t i = 0; i < OUTCOMES; i++) {
		if (strcmp(comparison_rules[i].id, finding->id) == 0)
			return true;
	}
	return false;
}

void finding_say(struct finding *finding, uint64_t stake_ns, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&finding->says, format, args) < 0)
		finding->says = xstrdup("");
	va_end(args);
	finding->stake_ns = stake_ns;
}

void finding_add(struct finding *finding, const char *name, enum evidence_unit unit, uint64_t value)
{
	assert(finding->evidence_count < FINDING_EVIDENCE_MAX);
	finding->evidence[finding->evidence_count++] =
		(struct evidence){ .name = name, .unit = unit, .value = value };
}

bool rule_holds(report_rule_fn rule, const struct situation *situation)
{
	struct finding finding = { 0 };
	bool holds = rule(situation, &finding);

	free(finding.says);
	return holds;
}

void findings_free(struct finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(findings[i].says);
	free(findings);
}

/* Findings in the order of asking, sorted by stake without changing the order of equals: there are
 * few. */
struct list {
	struct finding *items;
	size_t count;
};

static void list_add(struct list *list, const struct finding *finding)
{
	struct finding *item = array_add(&list->items, &list->count, sizeof(*item));

	*item = *finding;
}

static void list_rank(struct list *list, size_t first)
{
	for (size_t i = first + 1; i < list->count; i++) {
		struct finding moving = list->items[i];
		size_t place = i;

		for (; place > first && list->items[place - 1].stake_ns < moving.stake_ns; place--)
			list->items[place] = list->items[place - 1];
		list->items[place] = moving;
	}
}

static void situation_add_thread(struct situation *situation, const struct thread_stat *stat)
{
	uint64_t ran_ns = stat->state_ns[STATE_RUNNING];
	uint64_t floor_ns = situation->ran_ns / 1000 * ACTIVE_PERMILLE;

	situation->active += ran_ns > floor_ns;
	if (ran_ns > situation->busiest_ns) {
		situation->busiest_ns = ran_ns;
		situation->busiest = stat->thread;
	}
	situation->ready_ns += stat->state_ns[STATE_PREEMPTED] + stat->state_ns[STATE_QUEUED];
	for (size_t i = 0; i < LOCK_STATE_COUNT; i++)
		situation->class_ns[i] += stat->class_ns[i];
}

static struct situation situation_of(const struct report *report, const struct report *baseline)
{
	struct situation situation = { .report = report, .baseline = baseline };

	situation.group_count = lock_groups(report, &situation.groups);
	situation.is_joint = report->capacity.total_ns != TRACE_NOT_MEASURED;
	for (size_t i = 0; i < report->thread_count; i++)
		situation.ran_ns += report->threads[i].state_ns[STATE_RUNNING];
	for (size_t i = 0; i < report->thread_count; i++)
		situation_add_thread(&situation, &report->threads[i]);
	return situation;
}

static void add_fallback(struct list *list, const struct situation *situation)
{
	const struct report *report = situation->report;
	struct finding finding = { .id = ID_FALLBACK, .try = "" };
	char none[UNITS_BUFFER], one[UNITS_BUFFER];
	uint32_t nobody = share_running(report, 0), alone = share_running(report, 1);

	if (!situation->is_joint) {
		finding_say(&finding, 0,
			    "Nothing stood out in the totals of the threads. What ran at the same "
			    "time is not known: no slices were recorded.");
		list_add(list, &finding);
		return;
	}
	finding_say(&finding, 0,
		    "Nothing stood out: nobody ran for %s of the time, one thread for %s; no lock, "
		    "no lack of CPUs and no uneven work explains more than a tenth of it.",
		    format_permille(nobody, none), format_permille(alone, one));
	finding_add(&finding, "nobody_running", EVIDENCE_PERMILLE, nobody);
	finding_add(&finding, "one_running", EVIDENCE_PERMILLE, alone);
	list_add(list, &finding);
}

static void situation_release(struct situation *situation)
{
	free(situation->groups);
}

void findings_make(struct report *report, const struct report *baseline)
{
	struct situation situation OWNED(situation_release) = situation_of(report, baseline);
	struct list list = { 0 };

	for (size_t i = 0; i < COUNT_OF(report_rules); i++) {
		struct finding finding = { .id = report_rules[i].id, .try = report_rules[i].try };

		if (report_rules[i].base == OF_SLICES && !situation.is_joint)
			continue;
		if (report_rules[i].holds(&situation, &finding))
			list_add(&list, &finding);
	}
	list_rank(&list, 0);
	if (list.count == 0)
		add_fallback(&list, &situation);
	findings_free(report->findings, report->finding_count);
	report->findings = list.items;
	report->finding_count = list.count;
}

static const struct run *representative_of(const struct variant *variant)
{
	return variant->representative < variant->run_count
		       ? &variant->runs[variant->representative]
		       : NULL;
}

/* False: a side of the bill has no report. */
static bool comparison_of(const struct experiment *experiment, const struct bill *bill,
			  struct comparison *ret_comparison)
{
	struct comparison comparison = { .experiment = experiment, .bill = bill };
	const struct run *run, *baseline_run;

	if (bill->from >= experiment->variant_count || bill->to >= experiment->variant_count)
		return false;
	comparison.variant = &experiment->variants[bill->to];
	comparison.baseline = &experiment->variants[bill->from];
	run = representative_of(comparison.variant);
	baseline_run = representative_of(comparison.baseline);
	if (!run || !baseline_run)
		return false;
	comparison.report = run->report;
	comparison.baseline_report = baseline_run->report;
	*ret_comparison = comparison;
	return true;
}

static void add_bill(struct list *list, const struct experiment *experiment,
		     const struct bill *bill)
{
	struct comparison comparison;

	if (!comparison_of(experiment, bill, &comparison))
		return;
	for (size_t i = 0; i < COUNT_OF(comparison_rules); i++) {
		struct finding finding = { .id = comparison_rules[i].id,
					   .try = comparison_rules[i].try,
					   .variant = comparison.variant->name };

		if (comparison_rules[i].holds(&comparison, &finding))
			list_add(list, &finding);
	}
}

const struct bill *findings_main_bill(const struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->bill_count; i++) {
		const struct bill *bill = &experiment->bills[i];

		if (strcmp(experiment->variants[bill->to].name, "threads") == 0)
			return bill;
	}
	return experiment->bill_count ? experiment->bills : NULL;
}

static void make_representatives(struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct run *run = representative_of(&experiment->variants[i]);

		if (run && run->report->finding_count == 0)
			findings_make(run->report, NULL);
	}
}

static void add_nothing_compared(struct list *list, const struct experiment *experiment)
{
	struct finding finding = { .id = ID_NOTHING_COMPARED,
				   .try = "run a variant together with its baseline" };

	if (experiment->variant_count == 0)
		finding_say(&finding, 0, "No variant ran: there is nothing to compare.");
	else
		finding_say(&finding, 0,
			    "No variant ran beside its baseline: there is nothing to compare.");
	finding_add(&finding, "variants", EVIDENCE_COUNT, experiment->variant_count);
	list_add(list, &finding);
}

void findings_make_experiment(struct experiment *experiment)
{
	const struct bill *main_bill = findings_main_bill(experiment);
	struct list list = { 0 };

	make_representatives(experiment);
	if (main_bill)
		add_bill(&list, experiment, main_bill);
	for (size_t i = 0; i < experiment->bill_count; i++) {
		if (&experiment->bills[i] != main_bill)
			add_bill(&list, experiment, &experiment->bills[i]);
	}
	if (list.count == 0)
		add_nothing_compared(&list, experiment);
	list_rank(&list, 1); /* the headline, an outcome of the main bill, stays first */
	findings_free(experiment->findings, experiment->finding_count);
	experiment->findings = list.items;
	experiment->finding_count = list.count;
}
