/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about a variant against its baseline: which of the three outcomes, and what the bill shows
 * where the difference is measurable. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* More CPU for the same count: below a twentieth, caches and clock speed explain it. */
#define MORE_CPU_PERMILLE 50
/* A lock, or the lack of a CPU, is named as a reason when this much of the CPUs was lost to it. */
#define NAMED_PERMILLE 50
/* CPython asks for the GIL every 5 ms; a wait that is handed over at once ends just after. */
#define SWITCH_INTERVAL_NS 5000000
#define SWITCH_INTERVAL_SLACK_NS 500000

static const struct bill_line *find_line(const struct bill *bill, const char *name)
{
	for (size_t i = 0; i < BILL_LINES; i++) {
		if (bill->lines[i].name && strcmp(bill->lines[i].name, name) == 0)
			return &bill->lines[i];
	}
	return NULL;
}

static const struct gap_cause *largest_gap(const struct report *report)
{
	const struct gap_cause *best = NULL;

	for (size_t i = 0; i < report->gap_count; i++) {
		if (!best || report->gaps[i].ns > best->ns)
			best = &report->gaps[i];
	}
	return best;
}

/* How many ran at a time, in a sentence. Free it. */
static char *describe_running(const struct report *report)
{
	const struct gap_cause *gap = largest_gap(report);
	uint32_t none = share_running(report, 0), one = share_running(report, 1);
	uint32_t more = share_running_least(report, 2);
	char a[UNITS_BUFFER], b[UNITS_BUFFER], c[UNITS_BUFFER];
	char *doing OWNED(mem_freep) = NULL;

	format_permille(none, a);
	format_permille(one, b);
	format_permille(more, c);
	if (one >= MOST_PERMILLE)
		return xasprintf("One ran at a time for %s of the count.", b);
	if (more >= MOST_PERMILLE)
		return xasprintf("Two or more ran at a time for %s of the count.", c);
	if (none < MOST_PERMILLE || !gap || gap->kind != GAP_STATE || gap->state == STATE_FUTEX)
		return xasprintf("Nobody ran for %s of the count, one for %s, more for %s.", a, b,
				 c);
	doing = label_doing(report->trace, gap->state, gap->syscall);
	return xasprintf("Nobody ran for %s of the count, most of it spent %s.", a, doing);
}

static bool is_switch_interval(const struct comparison *comparison, const struct lock_stat *stat)
{
	const struct lock *lock = lock_of(comparison->report, stat);

	return lock->kind == LOCK_GIL && stat->p50_ns != TRACE_NOT_MEASURED &&
	       strncmp(comparison->experiment->interpreter, "CPython 3", 9) == 0 &&
	       stat->p50_ns + SWITCH_INTERVAL_SLACK_NS >= SWITCH_INTERVAL_NS &&
	       stat->p50_ns <= SWITCH_INTERVAL_NS + SWITCH_INTERVAL_SLACK_NS;
}

/* The lock, or those that are called the same, that explains why no more ran. False: none does. */
static bool find_blamed(const struct report *report, struct lock_group *ret_blamed)
{
	struct lock_group *groups OWNED(mem_freep) = NULL;
	size_t count = lock_groups(report, &groups);
	const struct lock_group *group = costliest_group(report, groups, count);

	if (!group || report->capacity.cpus < 2 || group->sum.lost_ns == TRACE_NOT_MEASURED ||
	    permille_of(group->sum.lost_ns, report->capacity.total_ns) < NAMED_PERMILLE)
		return false;
	*ret_blamed = *group;
	return true;
}

/* That threads stood ready beside CPUs they could have used: a busy machine, or a slow wake-up; and
 * which of them, where it shows. "" where that is little. Free it. */
static char *describe_cpu_wait(const struct report *report)
{
	const struct capacity *capacity = &report->capacity;
	uint32_t lost = permille_of(capacity->cpu_wait_ns, capacity->total_ns);
	char share[UNITS_BUFFER], others[UNITS_BUFFER];

	if (lost < NAMED_PERMILLE)
		return xstrdup("");
	format_permille(lost, share);
	if (!others_were_busy(report))
		return xasprintf(" Threads that stood ready without a CPU cost %s of the CPUs' "
				 "time.",
				 share);
	return xasprintf(" Threads that stood ready without a CPU cost %s of the CPUs' time: other "
			 "programs on this machine used %s of it during that run.",
			 share, format_ns(report->trace->meta.others_run_ns, others));
}

/* Which lock kept more from running at a time; "" where none did. Free it. */
static char *describe_lock(const struct comparison *comparison)
{
	const struct report *report = comparison->report;
	struct lock_group group;
	char *name OWNED(mem_freep) = NULL, *waits OWNED(mem_freep) = NULL;

	if (report->capacity.cpus == 1)
		return xstrdup(" Only one CPU may be used, so no two could run at a time.");
	if (!find_blamed(report, &group))
		return xstrdup("");
	name = label_group(report, &group);
	waits = describe_waits(report, &group);
	return xasprintf(" While one ran, %s waited for %s: %s%s.",
			 comparison->experiment->workers == 2 ? "the other" : "others", name, waits,
			 is_switch_interval(comparison, &group.sum) ? ", CPython's switch interval"
								    : "");
}

/* What all three outcomes rest on. outcome: the first sentence. */
static void say_outcome(const struct comparison *comparison, struct finding *finding,
			const char *outcome)
{
	const struct report *report = comparison->report;
	struct lock_group group;
	const struct lock_stat *stat = &group.sum;
	uint64_t stake_ns = (uint64_t)llabs(comparison->bill->total_ns);
	char *running OWNED(mem_freep) = NULL, *waits OWNED(mem_freep) = NULL;
	char *ready OWNED(mem_freep) = NULL;

	finding_add(finding, "wall_ns", EVIDENCE_NS, comparison->variant->wall.median_ns);
	finding_add(finding, "baseline_wall_ns", EVIDENCE_NS, comparison->baseline->wall.median_ns);
	if (report->capacity.total_ns == TRACE_NOT_MEASURED) {
		finding_say(finding, stake_ns, "%s No slices were recorded: why is not known.",
			    outcome);
		return;
	}
	running = describe_running(report);
	waits = describe_lock(comparison);
	ready = describe_cpu_wait(report);
	finding_say(finding, stake_ns, "%s %s%s%s", outcome, running, waits, ready);
	finding_add(finding, "one_running", EVIDENCE_PERMILLE, share_running(report, 1));
	finding_add(finding, "more_running", EVIDENCE_PERMILLE, share_running_least(report, 2));
	if (!find_blamed(report, &group))
		return;
	finding_add(finding, "lock", EVIDENCE_LOCK, stat->lock);
	finding_add(finding, "wait_ns", EVIDENCE_NS, stat->wait_ns);
	finding_add(finding, "episodes", EVIDENCE_COUNT, stat->episodes);
	if (stat->p50_ns != TRACE_NOT_MEASURED)
		finding_add(finding, "p50_ns", EVIDENCE_NS, stat->p50_ns);
}

static void try_outcome(const struct comparison *comparison, struct finding *finding)
{
	struct lock_group group;

	if (find_blamed(comparison->report, &group))
		finding->try = try_against(lock_of(comparison->report, &group.sum));
}

bool compare_outcome_slower(const struct comparison *comparison, struct finding *finding)
{
	const struct variant *variant = comparison->variant, *baseline = comparison->baseline;
	char ratio[UNITS_BUFFER];
	char *outcome OWNED(mem_freep) = NULL;

	if (!variant->is_measurable || !variant->is_slower)
		return false;
	format_ratio(variant->wall.median_ns, baseline->wall.median_ns, ratio);
	outcome = xasprintf("%s took %s as long as %s.", variant->name, ratio, baseline->name);
	say_outcome(comparison, finding, outcome);
	try_outcome(comparison, finding);
	return true;
}

bool compare_outcome_none(const struct comparison *comparison, struct finding *finding)
{
	const struct variant *variant = comparison->variant, *baseline = comparison->baseline;
	char *outcome OWNED(mem_freep) = NULL;

	if (variant->is_measurable)
		return false;
	outcome = xasprintf("No measurable difference between %s and %s: %s.", variant->name,
			    baseline->name,
			    variant->run_count < 2 || baseline->run_count < 2
				    ? "with one run the spread is not known"
				    : "the runs of each differ as much as the two do");
	say_outcome(comparison, finding, outcome);
	finding->stake_ns = 0; /* nothing that was measured is at stake */
	try_outcome(comparison, finding);
	return true;
}

bool compare_outcome_faster(const struct comparison *comparison, struct finding *finding)
{
	const struct variant *variant = comparison->variant, *baseline = comparison->baseline;
	char ratio[UNITS_BUFFER];
	char *outcome OWNED(mem_freep) = NULL;

	if (!variant->is_measurable || variant->is_slower)
		return false;
	format_ratio(baseline->wall.median_ns, variant->wall.median_ns, ratio);
	outcome = xasprintf("%s: %s faster than %s.", variant->name, ratio, baseline->name);
	say_outcome(comparison, finding, outcome);
	return true;
}

/* The part of a line that a slower machine explains: not the variant's fault. */
static int64_t machine_part(const struct bill_line *line)
{
	int64_t sum_ns = 0;

	for (size_t i = 0; i < line->cause_count; i++) {
		if (strncmp(line->causes[i].name, "machine", 7) == 0)
			sum_ns += line->causes[i].ns;
	}
	return sum_ns > 0 ? sum_ns : 0;
}

bool compare_cpu(const struct comparison *comparison, struct finding *finding)
{
	const struct bill_line *line = find_line(comparison->bill, "CPU");
	uint64_t own_ns = comparison->report->cpu_ns;
	uint64_t baseline_ns = comparison->baseline_report->cpu_ns;
	char own[UNITS_BUFFER], other[UNITS_BUFFER], ratio[UNITS_BUFFER];
	int64_t more_ns;

	if (!line || !comparison->variant->is_measurable || line->min_ns <= 0 ||
	    own_ns == TRACE_NOT_MEASURED || baseline_ns == TRACE_NOT_MEASURED)
		return false;
	more_ns = line->ns - machine_part(line);
	if (more_ns <= 0 || permille_of((uint64_t)more_ns, baseline_ns) < MORE_CPU_PERMILLE)
		return false;
	finding_say(
		finding, (uint64_t)more_ns,
		"The same count cost more CPU time in %s than in %s, in every round: %s instead "
		"of %s (%s).",
		comparison->variant->name, comparison->baseline->name, format_ns(own_ns, own),
		format_ns(baseline_ns, other), format_ratio(own_ns, baseline_ns, ratio));
	finding_add(finding, "cpu_ns", EVIDENCE_NS, own_ns);
	finding_add(finding, "baseline_cpu_ns", EVIDENCE_NS, baseline_ns);
	finding_add(finding, "more_ns", EVIDENCE_NS, (uint64_t)more_ns);
	return true;
}

static const struct bill_cause *largest_cause(const struct bill_line *line)
{
	const struct bill_cause *best = NULL;

	for (size_t i = 0; i < line->cause_count; i++) {
		if (!best || line->causes[i].ns > best->ns)
			best = &line->causes[i];
	}
	return best;
}

bool compare_gap(const struct comparison *comparison, struct finding *finding)
{
	const struct variant *variant = comparison->variant;
	const struct bill_line *line = find_line(comparison->bill, "gap");
	const struct bill_cause *cause;
	char total[UNITS_BUFFER];

	if (!line || !variant->is_measurable || !variant->is_slower || line->min_ns <= 0 ||
	    line->ns <= 0 ||
	    permille_of((uint64_t)line->ns, comparison->baseline->wall.median_ns) <
		    HAND_OFF_PERMILLE)
		return false;
	cause = largest_cause(line);
	finding_say(finding, (uint64_t)line->ns,
		    "Nobody ran for %s longer in %s than in %s, in every round%s%s.",
		    format_ns((uint64_t)line->ns, total), variant->name, comparison->baseline->name,
		    cause ? "; most of it: " : "", cause ? cause->name : "");
	finding_add(finding, "gap_ns", EVIDENCE_NS, comparison->report->gap_ns);
	finding_add(finding, "baseline_gap_ns", EVIDENCE_NS, comparison->baseline_report->gap_ns);
	finding_add(finding, "more_ns", EVIDENCE_NS, (uint64_t)line->ns);
	return true;
}
