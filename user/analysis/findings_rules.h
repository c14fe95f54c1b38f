/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Between the files of the rules: what a rule sees, what it fills in, and the thresholds they
 * share. Not for other rooms: they include analysis/findings.h.
 */
#ifndef CONVOY_ANALYSIS_FINDINGS_RULES_H
#define CONVOY_ANALYSIS_FINDINGS_RULES_H

#include <stdbool.h>

#include "analysis/experiment.h"
#include "analysis/labels.h"
#include "analysis/lock_groups.h"
#include "analysis/report.h"

/* What a rule about one report judges. */
struct situation {
	const struct report *report;
	const struct report *baseline; /* NULL: none */
	struct lock_group *groups; /* locks that are called the same, the most lost first */
	size_t group_count;
	bool is_joint; /* slices were recorded: what ran at the same time is known */
	size_t active; /* threads that ran for at least ACTIVE_PERMILLE of the CPU time */
	uint32_t busiest; /* the one that ran longest, 0: none ran */
	uint64_t busiest_ns;
	uint64_t ran_ns; /* Σ running of all threads */
	uint64_t ready_ns; /* Σ preempted + queued of all threads */
	uint64_t class_ns[LOCK_STATE_COUNT]; /* Σ over threads */
};

/* What a rule about an experiment judges: one bill of it. */
struct comparison {
	const struct experiment *experiment;
	const struct bill *bill;
	const struct variant *variant;
	const struct variant *baseline;
	const struct report *report; /* of the variant's representative run */
	const struct report *baseline_report;
};

/* Fill says, stake, evidence (and `try` where it depends on the case); false: the rule is silent,
 * and nothing was filled. */
typedef bool (*report_rule_fn)(const struct situation *situation, struct finding *finding);
typedef bool (*comparison_rule_fn)(const struct comparison *comparison, struct finding *finding);

/* A thread below this share of the CPU time is bookkeeping: a main thread that starts and joins
 * others uses about 1 ‰. */
#define ACTIVE_PERMILLE 10
/* "Most of the time". */
#define MOST_PERMILLE 500
/* A loss below a tenth is within what a shared machine differs from run to run. */
#define LOSS_PERMILLE 100
/* Hand-offs cost 1–2 % where they are at their best (a GIL passed every 5 ms): worth a line from
 * here on. */
#define HAND_OFF_PERMILLE 10

void finding_say(struct finding *finding, uint64_t stake_ns, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void finding_add(struct finding *finding, const char *name, enum evidence_unit unit,
		 uint64_t value);

/* Whether another rule holds: a general sentence gives way to a precise one. */
bool rule_holds(report_rule_fn rule, const struct situation *situation);

/* The share of the covered time in which exactly (at least) `count` threads ran, in thousandths. */
uint32_t share_running(const struct report *report, size_t count);
uint32_t share_running_least(const struct report *report, size_t count);
const struct lock *lock_of(const struct report *report, const struct lock_stat *stat);
/* Whether the rest of the machine used a tenth of the CPUs in the window. */
bool others_were_busy(const struct report *report);
/* False for a lock inside of a runtime that costs too little to matter: no program can mend it. */
bool is_worth_naming(const struct report *report, const struct lock_stat *stat);
/* "620 ms in 126 episodes, 5.0 ms at a time", or per waiter where few waited. Free it. */
char *describe_waits(const struct report *report, const struct lock_group *group);
/* "the GIL (_PyRuntime in python3.11)", "the 128 mutexes in f() of p". Free it. */
char *label_group(const struct report *report, const struct lock_group *group);
/* What helps against waiting for this lock. Static. */
const char *try_against(const struct lock *lock);

bool rule_serialised(const struct situation *situation, struct finding *finding);
bool rule_contention(const struct situation *situation, struct finding *finding);
bool rule_hand_offs(const struct situation *situation, struct finding *finding);
bool rule_no_lock_wait(const struct situation *situation, struct finding *finding);
bool rule_yields(const struct situation *situation, struct finding *finding);

bool rule_deadlock(const struct situation *situation, struct finding *finding);
bool rule_never_let_go(const struct situation *situation, struct finding *finding);

bool rule_holder_preempted(const struct situation *situation, struct finding *finding);
bool rule_holder_blocked(const struct situation *situation, struct finding *finding);
bool rule_holder_native(const struct situation *situation, struct finding *finding);
bool rule_convoy(const struct situation *situation, struct finding *finding);
bool rule_writer_starves(const struct situation *situation, struct finding *finding);

bool rule_cpu_inflation(const struct situation *situation, struct finding *finding);
bool rule_more_threads(const struct situation *situation, struct finding *finding);
bool rule_one_cpu(const struct situation *situation, struct finding *finding);
bool rule_others(const struct situation *situation, struct finding *finding);
bool rule_quota(const struct situation *situation, struct finding *finding);
bool rule_cpu_wait(const struct situation *situation, struct finding *finding);
bool rule_cpus_busy(const struct situation *situation, struct finding *finding);

bool rule_turns(const struct situation *situation, struct finding *finding);
bool rule_file_locks(const struct situation *situation, struct finding *finding);

bool rule_single_thread(const struct situation *situation, struct finding *finding);
bool rule_little_parallel(const struct situation *situation, struct finding *finding);
bool rule_imbalance(const struct situation *situation, struct finding *finding);
bool rule_waiting(const struct situation *situation, struct finding *finding);
bool rule_nothing_seen(const struct situation *situation, struct finding *finding);

bool compare_outcome_slower(const struct comparison *comparison, struct finding *finding);
bool compare_outcome_none(const struct comparison *comparison, struct finding *finding);
bool compare_outcome_faster(const struct comparison *comparison, struct finding *finding);
bool compare_cpu(const struct comparison *comparison, struct finding *finding);
bool compare_gap(const struct comparison *comparison, struct finding *finding);

#endif
