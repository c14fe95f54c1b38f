/* SPDX-License-Identifier: GPL-2.0-only */
/* Rules about CPUs: too few of them for the threads, taken by others, by a quota, or spent on more
 * work than the baseline needed. */
#include "analysis/findings_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* Without rounds the spread is unknown: only what exceeds the 10–30 % by which shared machines
 * differ from run to run is called more CPU. */
#define INFLATION_PERMILLE 300
/* CPUs are "busy" above this: the rest is the beginning and the end of the threads. */
#define BUSY_PERMILLE 900
/* Capacity lost to threads that stood ready beside a usable CPU: a scheduler takes a few µs a
 * switch, which stays below this. */
#define CPU_WAIT_PERMILLE 50
/* A throttled or foreign CPU time below this share of the wall changes nothing. */
#define FOREIGN_PERMILLE 10

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t per_cpu(const struct report *report, uint64_t ns)
{
	return report->capacity.cpus ? ns / report->capacity.cpus : ns;
}

bool rule_cpu_inflation(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report, *baseline = situation->baseline;
	char own[UNITS_BUFFER], other[UNITS_BUFFER], ratio[UNITS_BUFFER];

	/* A countdown has rounds: the rules that compare judge it. */
	if (!baseline || *report->trace->meta.variant || baseline->cpu_ns == TRACE_NOT_MEASURED ||
	    baseline->cpu_ns == 0 || report->cpu_ns <= baseline->cpu_ns ||
	    permille_of(report->cpu_ns - baseline->cpu_ns, baseline->cpu_ns) < INFLATION_PERMILLE)
		return false;
	finding_say(
		finding, report->cpu_ns - baseline->cpu_ns,
		"The same work took %s of CPU time instead of %s: %s. It is one run of each, so "
		"the spread is not known.",
		format_ns(report->cpu_ns, own), format_ns(baseline->cpu_ns, other),
		format_ratio(report->cpu_ns, baseline->cpu_ns, ratio));
	finding_add(finding, "cpu_ns", EVIDENCE_NS, report->cpu_ns);
	finding_add(finding, "baseline_cpu_ns", EVIDENCE_NS, baseline->cpu_ns);
	return true;
}

/* " of the 8 of this machine", or nothing where all may be used or the number is not known. Free
 * it. */
static char *describe_others_cpus(const struct report *report)
{
	uint32_t online = report->trace->meta.cpus_online;

	if (online <= report->capacity.cpus)
		return xstrdup("");
	return xasprintf(" of the %" PRIu32 " of this machine", online);
}

bool rule_one_cpu(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	char ready[UNITS_BUFFER];
	char *of OWNED(mem_freep) = NULL;

	if (report->capacity.cpus != 1 || situation->active < 2 ||
	    permille_of(situation->ready_ns, report->covered_ns) < LOSS_PERMILLE)
		return false;
	of = describe_others_cpus(report);
	finding_say(finding, smaller(situation->ready_ns, report->wall_ns),
		    "Only one CPU%s may be used: %zu threads took turns on it and stood ready "
		    "without it for %s in sum.",
		    of, situation->active, format_ns(situation->ready_ns, ready));
	finding_add(finding, "cpus", EVIDENCE_COUNT, 1);
	finding_add(finding, "cpus_online", EVIDENCE_COUNT, report->trace->meta.cpus_online);
	finding_add(finding, "threads", EVIDENCE_COUNT, situation->active);
	finding_add(finding, "ready_ns", EVIDENCE_NS, situation->ready_ns);
	return true;
}

bool rule_more_threads(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint32_t cpus = report->capacity.cpus;
	uint32_t full = share_running_least(report, cpus);
	char share[UNITS_BUFFER], ready[UNITS_BUFFER];
	char *of OWNED(mem_freep) = NULL;

	if (cpus < 2 || situation->active <= cpus || full < MOST_PERMILLE ||
	    permille_of(situation->ready_ns, report->cpu_ns) < LOSS_PERMILLE)
		return false;
	of = describe_others_cpus(report);
	finding_say(finding, smaller(per_cpu(report, situation->ready_ns), report->wall_ns),
		    "%zu busy threads shared %" PRIu32 " usable CPUs%s: all of these were busy for "
		    "%s of the time, and threads stood ready without a CPU for %s in sum.",
		    situation->active, cpus, of, format_permille(full, share),
		    format_ns(situation->ready_ns, ready));
	finding_add(finding, "threads", EVIDENCE_COUNT, situation->active);
	finding_add(finding, "cpus", EVIDENCE_COUNT, cpus);
	finding_add(finding, "all_busy", EVIDENCE_PERMILLE, full);
	finding_add(finding, "ready_ns", EVIDENCE_NS, situation->ready_ns);
	return true;
}

bool others_were_busy(const struct report *report)
{
	const struct meta *meta = &report->trace->meta;

	return meta->others_run_ns != TRACE_NOT_MEASURED && report->capacity.cpus != 0 &&
	       permille_of(per_cpu(report, meta->others_run_ns), meta->end_ns - meta->start_ns) >=
		       LOSS_PERMILLE;
}

bool rule_others(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	uint64_t others_ns = report->trace->meta.others_run_ns;
	char others[UNITS_BUFFER], ready[UNITS_BUFFER];

	if (!others_were_busy(report) ||
	    permille_of(situation->ready_ns, report->cpu_ns) < CPU_WAIT_PERMILLE)
		return false;
	finding_say(finding, per_cpu(report, smaller(others_ns, situation->ready_ns)),
		    "Other programs on this machine used %s of CPU time meanwhile, and threads "
		    "stood ready without a CPU for %s in sum.",
		    format_ns(others_ns, others), format_ns(situation->ready_ns, ready));
	finding_add(finding, "others_run_ns", EVIDENCE_NS, others_ns);
	finding_add(finding, "ready_ns", EVIDENCE_NS, situation->ready_ns);
	return true;
}

bool rule_quota(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct quota *quota = &report->trace->meta.quota;
	char limit[UNITS_BUFFER] = "a CPU quota", total[UNITS_BUFFER], count[UNITS_BUFFER];

	if (!quota->is_known || quota->throttled_count == 0 ||
	    quota->throttled_count == TRACE_NOT_MEASURED ||
	    quota->throttled_ns == TRACE_NOT_MEASURED ||
	    permille_of(per_cpu(report, quota->throttled_ns), report->wall_ns) < FOREIGN_PERMILLE)
		return false;
	if (quota->cpus > 0)
		snprintf(limit, sizeof(limit), "a quota of %.2f CPUs", quota->cpus);
	finding_say(
		finding, smaller(per_cpu(report, quota->throttled_ns), report->wall_ns),
		"The control group has %s: it was stopped %s times, for %s in sum over its CPUs.",
		limit, format_count(quota->throttled_count, count),
		format_ns(quota->throttled_ns, total));
	finding_add(finding, "throttled_ns", EVIDENCE_NS, quota->throttled_ns);
	finding_add(finding, "throttled", EVIDENCE_COUNT, quota->throttled_count);
	finding_add(finding, "quota_millicpus", EVIDENCE_COUNT,
		    quota->cpus > 0 ? (uint64_t)(quota->cpus * 1000 + 0.5) : 0);
	return true;
}

bool rule_cpu_wait(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct capacity *capacity = &report->capacity;
	uint32_t lost = permille_of(capacity->cpu_wait_ns, capacity->total_ns);
	char total[UNITS_BUFFER], share[UNITS_BUFFER];

	if (lost < CPU_WAIT_PERMILLE || rule_holds(rule_one_cpu, situation) ||
	    rule_holds(rule_quota, situation) || rule_holds(rule_others, situation))
		return false; /* or there is a better reason */
	finding_say(
		finding, per_cpu(report, capacity->cpu_wait_ns),
		"Threads stood ready although fewer of them ran than there are usable CPUs: %s, "
		"%s of what the CPUs could have done.",
		format_ns(capacity->cpu_wait_ns, total), format_permille(lost, share));
	finding_add(finding, "cpu_wait_ns", EVIDENCE_NS, capacity->cpu_wait_ns);
	finding_add(finding, "lost", EVIDENCE_PERMILLE, lost);
	return true;
}

bool rule_cpus_busy(const struct situation *situation, struct finding *finding)
{
	const struct report *report = situation->report;
	const struct capacity *capacity = &report->capacity;
	uint32_t busy = permille_of(capacity->running_ns, capacity->total_ns);
	char share[UNITS_BUFFER];

	if (capacity->cpus < 2 || busy < BUSY_PERMILLE)
		return false;
	finding_say(finding, 0,
		    "The threads kept the %" PRIu32 " usable CPUs busy: %s of what these could do "
		    "was done.",
		    capacity->cpus, format_permille(busy, share));
	finding_add(finding, "busy", EVIDENCE_PERMILLE, busy);
	finding_add(finding, "cpus", EVIDENCE_COUNT, capacity->cpus);
	return true;
}
