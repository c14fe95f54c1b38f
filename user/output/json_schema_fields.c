/* SPDX-License-Identifier: GPL-2.0-only */
/* Every key of a report in JSON, once. */
#include "output/json_schema.h"

#include <stddef.h>

#define TEXT(key, text)                                                                            \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_TEXT, .help = text                                \
	}
#define COUNT(key, text)                                                                           \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_COUNT, .help = text                               \
	}
#define MEASURED(key, text)                                                                        \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_MEASURED, .help = text                            \
	}
#define SIGNED(key, text)                                                                          \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_SIGNED, .help = text                              \
	}
#define BOOL(key, text)                                                                            \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_BOOL, .help = text                                \
	}
#define TEXTS(key, text)                                                                           \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_TEXTS, .help = text                               \
	}
#define NAMED(key, text)                                                                           \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_NAMED, .help = text                               \
	}
#define OBJECT(key, of, text)                                                                      \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_OBJECT, .help = text, .fields = of                \
	}
#define OBJECT_OR_NULL(key, of, text)                                                              \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_OBJECT, .help = text, .fields = of,               \
		.may_be_null = true                                                                \
	}
#define LIST(key, of, text)                                                                        \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_LIST, .help = text, .fields = of                  \
	}
#define ROWS(key, of, text)                                                                        \
	{                                                                                          \
		.name = key, .shape = JSON_SHAPE_ROWS, .help = text, .columns = of                 \
	}
#define OR_NULL(key, kind, text)                                                                   \
	{                                                                                          \
		.name = key, .shape = kind, .help = text, .may_be_null = true                      \
	}

static const struct json_field residuals[] = {
	MEASURED("I0", "slices against the kernel's totals"),
	MEASURED("I1", "states of a thread against its lifetime"),
	MEASURED("I2", "CPU of the threads against threads running over time"),
	MEASURED("I3", "wall against gap + CPU - overlap"),
	MEASURED("I4", "a bill against the difference of walls"),
	MEASURED("I5", "capacity against where it went"),
	MEASURED("I6", "waits by lock against waits by thread"),
	MEASURED("I7", "waits against what was charged to holders"),
	{ 0 },
};

static const struct json_field parallel[] = {
	COUNT("running", "number of threads running at once"),
	COUNT("wall_ns", "time in which exactly so many ran"),
	{ 0 },
};

static const struct json_field gaps[] = {
	TEXT("cause", "hand-off, cpu, state or end"),
	OR_NULL("state", JSON_SHAPE_TEXT, "of the thread that ended it, if that is the cause"),
	MEASURED("syscall", "the number of its system call, if it was blocked in one"),
	MEASURED("lock", "the lock that it waited for or was given"),
	COUNT("ns", "time in which no thread ran, for this cause"),
	COUNT("count", "how often"),
	{ 0 },
};

static const struct json_field capacity_locks[] = {
	COUNT("lock", "of the rows of locks"),
	COUNT("lost_ns", "CPU time that could have been used but for it"),
	{ 0 },
};

static const struct json_field capacity[] = {
	COUNT("cpus", "the most that were usable at any time"),
	MEASURED("total_ns", "usable CPUs x time: the sum of the rest, but what was not recorded"),
	MEASURED("running_ns", "used"),
	MEASURED("cpu_wait_ns", "threads were ready, without a CPU"),
	LIST("locks", capacity_locks, "threads waited for a lock"),
	MEASURED("not_asked_ns", "no thread wanted it"),
	COUNT("not_recorded_ns", "wall time with holes, not in the sums"),
	{ 0 },
};

static const struct json_field handoffs[] = {
	COUNT("lock", "of the rows of locks"),
	COUNT("count", "how often it passed from one thread to another"),
	COUNT("sum_ns", "time from the wake-up to running, of all"),
	MEASURED("p50_ns", "median of these times"),
	MEASURED("p99_ns", "of these times"),
	COUNT("same_cpu", "how often the receiver ran where the giver was"),
	COUNT("other_cpu", "how often it ran elsewhere"),
	MEASURED("dead_ns", "time in which nobody had the lock for it, of all"),
	{ 0 },
};

static const struct json_field path_parts[] = {
	MEASURED("thread", "where the path was"),
	TEXT("state", "of that thread, as the columns of threads.csv"),
	MEASURED("syscall", "the number of its system call, if it was blocked in one"),
	MEASURED("lock", "the lock that it waited for; of those called the same the first"),
	MEASURED("held_lock", "the lock that the rest of the path waited for meanwhile, likewise"),
	COUNT("ns", "wall time"),
	{ 0 },
};

static const struct json_field critical_path[] = {
	MEASURED("end_thread", "where it ends"),
	COUNT("moves", "from thread to thread"),
	LIST("parts", path_parts, "largest first; with other_ns they sum to wall_ns"),
	COUNT("other_ns", "in smaller parts"),
	{ 0 },
};

static const struct json_field without[] = {
	MEASURED("lock", "of the rows of locks; null: without any contended lock"),
	COUNT("locks", "how many are left out: all GILs and their hand-overs are one, and so are "
		       "locks that are called the same"),
	COUNT("wall_ns", "predicted, if they never blocked"),
	COUNT("cpu_ns", "running time left, of all threads"),
	COUNT("ready_ns", "time ready, but off the CPU, of all threads"),
	{ 0 },
};

static const struct json_field what_if[] = {
	TEXT("model", "good; off: too far from what was measured; or why there is none"),
	MEASURED("model_wall_ns", "wall time of a replay with nothing left out"),
	MEASURED("error_permille", "how far that is from wall_ns"),
	LIST("without", without, "predictions, the costliest lock first"),
	{ 0 },
};

static const struct json_field findings[] = {
	TEXT("id", "the rule"),
	TEXT("says", "a sentence"),
	{ .name = "variant",
	  .shape = JSON_SHAPE_TEXT,
	  .help = "of a countdown: the one it is about",
	  .may_be_missing = true },
	COUNT("stake_ns", "wall time at stake"),
	NAMED("evidence", "the numbers that the sentence rests on"),
	TEXT("try", "what to try; may be empty"),
	{ 0 },
};

static const struct json_field trust[] = {
	MEASURED("own_run_ns", "running time of the threads that could be compared"),
	MEASURED("kernel_run_ns", "the same as the kernel charged it"),
	MEASURED("charged_ready_ns",
		 "between a wake-up and its switch: ready, running for the kernel"),
	MEASURED("uncharged_ns",
		 "running, but taken by interrupts or the hypervisor, or charged by "
		 "the kernel to the thread woken next"),
	MEASURED("worst_run_error_ns", "largest difference of a thread, these two taken into "
				       "account"),
	MEASURED("worst_run_thread", "that thread"),
	MEASURED("own_cpu_ns", "CPU time of convoy itself"),
	MEASURED("bpf_run_ns", "run time of its probes, with BPF statistics on"),
	MEASURED("bpf_memory_bytes", "memory of its probes"),
	MEASURED("steal_ns", "CPU time that the hypervisor took from the machine"),
	MEASURED("others_run_ns", "CPU time of the rest of the machine"),
	COUNT("switches", "of the threads, in the whole window"),
	BOOL("truncated", "slices ended before the window did"),
	BOOL("interrupted", "the command was still running"),
	TEXTS("missing", "what this kernel could not give, and what is lost by that"),
	TEXTS("left_behind", "descendants alive at the end"),
	{ 0 },
};

static const struct json_field report[] = {
	TEXT("convoy", "version of convoy that measured it"),
	COUNT("schema", "version of the layout of traces and reports"),
	TEXT("kind", "run, attach or countdown"),
	TEXT("mode", "default or lean"),
	TEXTS("command", "with its arguments; empty if it was attached to"),
	COUNT("uid", "user it ran as"),
	MEASURED("exit_status", "of the command as a shell shows it"),
	BOOL("complete", "nothing was lost"),
	OBJECT("residuals_ns", residuals, "what is left over of each identity: 0 where it holds"),
	NAMED("loss", "how much was lost, by place"),
	TEXT("start_ns", "CLOCK_MONOTONIC; times below are relative to it"),
	COUNT("begin_ns", "begin of the interval that is reported on"),
	COUNT("end_ns", "its end"),
	COUNT("wall_ns", "end_ns - begin_ns"),
	COUNT("covered_ns", "the part of it without holes"),
	COUNT("run_ns", "running time of all threads, of the whole window"),
	MEASURED("cpu_ns", "the same, of the time that was covered"),
	MEASURED("gap_ns", "wall time in which no thread ran"),
	MEASURED("overlap_ns", "wall time in which k threads ran, counted k - 1 times"),
	LIST("parallel", parallel, "wall time by number of threads running"),
	LIST("gaps", gaps, "why nobody ran; sums to gap_ns"),
	OBJECT("capacity", capacity, "where the CPUs went"),
	ROWS("threads", &schema_threads, "as threads.csv, of the interval"),
	ROWS("locks", &schema_locks, "as locks.csv, of the interval"),
	ROWS("edges", &schema_edges, "as edges.csv"),
	LIST("handoffs", handoffs, "by lock"),
	OBJECT_OR_NULL("critical_path", critical_path, "what the end had to wait for"),
	OBJECT_OR_NULL("what_if", what_if, "the wall time without a lock"),
	LIST("findings", findings, "what stood out, the most important first"),
	OBJECT("trust", trust, "what the numbers rest on"),
	{ 0 },
};

static const struct json_field spread[] = {
	COUNT("median", "the lower one"),
	COUNT("min", ""),
	COUNT("max", ""),
	{ 0 },
};

static const struct json_field runs[] = {
	COUNT("round", "from 1"),   COUNT("wall_ns", "of the count phase, as all of these"),
	MEASURED("cpu_ns", ""),	    MEASURED("gap_ns", ""),
	MEASURED("overlap_ns", ""), { 0 },
};

static const struct json_field variants[] = {
	TEXT("name", ""),
	OR_NULL("baseline", JSON_SHAPE_TEXT, "the variant it is held against; null: it is one"),
	COUNT("rounds", "how many were run"),
	OBJECT("wall_ns", spread, "of the count phase, over the rounds"),
	OR_NULL("measurable", JSON_SHAPE_BOOL, "it differs from its baseline"),
	OR_NULL("slower", JSON_SHAPE_BOOL, "than its baseline; null where no difference was seen"),
	LIST("runs", runs, ""),
	COUNT("representative_round", "the one with the median wall"),
	OBJECT("representative", report, "its report"),
	{ 0 },
};

static const struct json_field causes[] = {
	TEXT("name", ""),
	SIGNED("ns", ""),
	{ 0 },
};

static const struct json_field lines[] = {
	TEXT("name", "gap, CPU, overlap or not recorded"),
	SIGNED("ns", "what it adds, of the representative runs"),
	SIGNED("min_ns", "over the rounds; these do not add up"),
	SIGNED("max_ns", ""),
	LIST("causes", causes, "sum to the line"),
	{ 0 },
};

static const struct json_field bills[] = {
	TEXT("from", "the baseline"),
	TEXT("to", "the variant"),
	SIGNED("total_ns", "difference of their walls: the sum of the lines"),
	LIST("lines", lines, ""),
	{ 0 },
};

static const struct json_field skipped[] = {
	TEXT("name", "of a variant that could not be run"),
	TEXT("why", ""),
	{ 0 },
};

static const struct json_field residual_of_bills[] = {
	MEASURED("I4", "a bill against the difference of walls"),
	{ 0 },
};

#define EXPERIMENT                                                                                 \
	TEXT("interpreter", "its name and version"), TEXT("python", "path of it, as given"),       \
		COUNT("count", "of one worker"), COUNT("workers", ""),                             \
		COUNT("rounds", "asked for"), BOOL("complete", "nothing was lost in any run"),     \
		OBJECT("residuals_ns", residual_of_bills, ""),                                     \
		LIST("variants", variants, "in the order they were asked for"),                    \
		LIST("bills", bills, "one for each variant with a baseline"),                      \
		LIST("skipped", skipped, ""), LIST("findings", findings, "the headline first")

#define HEAD                                                                                       \
	TEXT("convoy", "version of convoy that made this"),                                        \
		COUNT("schema", "version of the layout of traces and reports"),                    \
		TEXT("kind", "what this is")

static const struct json_field interpreters[] = { EXPERIMENT, { 0 } };
static const struct json_field countdown[] = { HEAD, EXPERIMENT, { 0 } };
static const struct json_field countdowns[] = {
	HEAD,
	LIST("interpreters", interpreters, "a countdown each"),
	{ 0 },
};

static const struct json_field compared_lock[] = {
	COUNT("locks", "how many are called so"),
	COUNT("wait_ns", "waited for it, in the representative run"),
	MEASURED("lost_ns", "CPU time that could have been used but for it"),
	COUNT("wait_min_ns", "over the rounds"),
	COUNT("wait_max_ns", ""),
	{ 0 },
};

static const struct json_field compared_thread[] = {
	COUNT("threads", "how many are called so"),
	COUNT("running_ns", "in the representative run"),
	COUNT("held_up_ns", "ready without a CPU, or waiting for a lock"),
	COUNT("held_up_min_ns", "over the rounds"),
	COUNT("held_up_max_ns", ""),
	{ 0 },
};

#define CHANGE(of)                                                                                 \
	OR_NULL("verdict", JSON_SHAPE_TEXT,                                                        \
		"better, worse, none (no measurable difference), unknown (one run each, or not "   \
		"the same work); null: idle waits are not judged"),                                \
		OBJECT_OR_NULL("before", of, "null: only B has it"),                               \
		OBJECT_OR_NULL("after", of, "null: only A has it")

static const struct json_field compared_locks[] = {
	TEXT("name", "without what differs from run to run"),
	TEXT("kind", "as in locks.csv"),
	TEXT("state", "what waiting for it means"),
	CHANGE(compared_lock),
	{ 0 },
};

static const struct json_field compared_threads[] = {
	TEXT("name", "and the order of birth among those of that name"),
	CHANGE(compared_thread),
	{ 0 },
};

static const struct json_field compared_side[] = {
	TEXT("path", "as given"),
	TEXT("is", "the command, or interpreter and count"),
	TEXTS("only", "variants and interpreters that the other does not have"),
	{ 0 },
};

static const struct json_field comparisons[] = {
	TEXT("title", "the variant; empty for traces"),
	EXPERIMENT,
	LIST("locks", compared_locks, "the largest difference first"),
	LIST("threads", compared_threads, "likewise"),
	{ 0 },
};

static const struct json_field compare[] = {
	HEAD,
	OBJECT("before", compared_side, "A"),
	OBJECT("after", compared_side, "B"),
	LIST("comparisons", comparisons, "one for two traces, one a variant for two countdowns"),
	{ 0 },
};

const struct json_kind json_kinds[] = {
	{ "report", "of one trace: 'run', 'attach', or one run of a countdown", report },
	{ "countdown", "with one interpreter", countdown },
	{ "countdowns", "with several interpreters", countdowns },
	{ "compare", "two traces, or two countdowns, side by side", compare },
	{ NULL, NULL, NULL },
};
