/* SPDX-License-Identifier: GPL-2.0-only */
/* The samples of the tests of the outputs. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings.h"
#include "base/mem.h"
#include "output/output.h"

#define START UINT64_C(5000000000)
#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

static void fill_meta(struct trace *trace, uint64_t window_ns)
{
	struct meta *meta = &trace->meta;

	trace_set_string(&meta->version, "0.1.0");
	trace_set_string(&meta->kind, "run");
	trace_set_string(&meta->mode, "default");
	trace_set_string(&meta->arch, "x86_64");
	meta->uid = 1000;
	meta->cpus_online = 2;
	meta->start_ns = START;
	meta->end_ns = START + window_ns;
	meta->is_complete = true;
	meta->own_cpu_ns = window_ns / 250;
	meta->slices_produced = 1234;
}

static struct thread *add_thread(struct trace *trace, const char *name, uint64_t life_ns)
{
	struct thread *thread = trace_add_thread(trace);

	thread->pid = 100;
	thread->tid = 99 + (int32_t)thread->id;
	thread->ppid = 1;
	snprintf(thread->comm, sizeof(thread->comm), "%s", name);
	thread->start_ns = START;
	thread->end_ns = START + life_ns;
	thread->kernel_run_ns = TRACE_NOT_MEASURED;
	thread->kernel_wait_ns = TRACE_NOT_MEASURED;
	return thread;
}

static uint32_t add_lock(struct trace *trace, enum lock_kind kind, const char *name,
			 const char *evidence)
{
	struct lock *lock = trace_add_lock(trace);

	lock->pid = 100;
	lock->address = UINT64_C(0x7f0000001000) + lock->id;
	lock->kind = kind;
	lock->state = kind == LOCK_CONDITION ? LOCK_STATE_CONDITION : LOCK_STATE_LOCK;
	trace_set_string(&lock->name, name);
	trace_set_string(&lock->evidence, evidence);
	return lock->id;
}

static struct report *report_new(struct trace *trace)
{
	struct report *report = xcalloc(1, sizeof(*report));

	report->trace = trace;
	report->begin_ns = trace->meta.start_ns;
	report->end_ns = trace->meta.end_ns;
	report->is_whole = true;
	report->wall_ns = report->covered_ns = report->end_ns - report->begin_ns;
	report->worst_run_thread = 1;
	report->own_run_ns = 1000000;
	report->kernel_run_ns = 1005400;
	report->charged_ready_ns = 20000;
	report->uncharged_ns = 15000;
	report->switches = 500;
	return report;
}

/* Nobody, one and two ran so long; the rest of two usable CPUs' time follows. */
static void fill_parallel(struct report *report, uint64_t none_ns, uint64_t two_ns)
{
	struct capacity *capacity = &report->capacity;

	report->parallel_count = 3;
	report->parallel_ns = xcalloc(3, sizeof(*report->parallel_ns));
	report->parallel_ns[0] = report->gap_ns = none_ns;
	report->parallel_ns[1] = report->wall_ns - none_ns - two_ns;
	report->parallel_ns[2] = report->overlap_ns = two_ns;
	report->cpu_ns = report->parallel_ns[1] + 2 * two_ns;
	capacity->cpus = 2;
	capacity->total_ns = 2 * report->wall_ns;
	capacity->running_ns = report->cpu_ns;
	capacity->not_asked_ns = capacity->total_ns - capacity->running_ns;
}

static void lose(struct report *report, uint64_t lock_ns, uint64_t cpu_ns)
{
	report->capacity.locks_ns = lock_ns;
	report->capacity.cpu_wait_ns = cpu_ns;
	report->capacity.not_asked_ns -= lock_ns + cpu_ns;
}

static struct gap_cause *add_gap(struct report *report, enum gap_kind kind, uint64_t ns,
				 uint64_t count)
{
	struct gap_cause *gap = array_add(&report->gaps, &report->gap_count, sizeof(*report->gaps));

	gap->kind = (uint8_t)kind;
	gap->syscall = RECORD_SYSCALL_NONE;
	gap->ns = ns;
	gap->count = count;
	return gap;
}

static struct thread_stat *add_stat(struct report *report, const struct thread *thread)
{
	struct thread_stat *stat =
		array_add(&report->threads, &report->thread_count, sizeof(*report->threads));

	stat->thread = thread->id;
	stat->lifetime_ns = thread->end_ns - thread->start_ns;
	stat->top_syscall = RECORD_SYSCALL_NONE;
	return stat;
}

static struct lock_stat *add_lock_stat(struct report *report, uint32_t lock, uint64_t wait_ns)
{
	struct lock_stat *stat =
		array_add(&report->locks, &report->lock_count, sizeof(*report->locks));

	stat->lock = lock;
	stat->waits = 2 * stat->episodes;
	stat->wait_ns = wait_ns;
	stat->timeouts = TRACE_NOT_MEASURED;
	stat->holder_unknown_ns = wait_ns;
	return stat;
}

/* Thread `number` of the sample: two busy ones, a hostile name, and many that sleep. */
static void add_sample_thread(struct report *report, struct trace *trace, size_t number)
{
	static const char *const names[] = { "main", "worker", "worker", "\x1b[31mred\n\xff",
					     "\xe6\xbc\xa2\xe5\xad\x97" };
	uint64_t life_ns = report->wall_ns;
	struct thread *thread = add_thread(trace, names[number < 5 ? number : 4], life_ns);
	struct thread_stat *stat = add_stat(report, thread);

	if (number == 0)
		stat->state_ns[STATE_RUNNING] = report->cpu_ns - 300 * MS - 17;
	if (number == 1)
		stat->state_ns[STATE_RUNNING] = 300 * MS + 17;
	if (number == 1)
		stat->state_ns[STATE_FUTEX] = stat->class_ns[LOCK_STATE_LOCK] = 250 * MS + 333;
	if (number == 2)
		stat->state_ns[STATE_FUTEX] = stat->class_ns[LOCK_STATE_CONDITION] = life_ns;
	if (number <= 1)
		stat->state_ns[STATE_QUEUED] = 3 * MS;
	stat->state_ns[STATE_SLEEP] = life_ns;
	for (size_t i = 0; i < STATE_COUNT; i++)
		stat->state_ns[STATE_SLEEP] -= i == STATE_SLEEP ? 0 : stat->state_ns[i];
	stat->top_syscall_ns = stat->state_ns[STATE_SLEEP];
	stat->top_syscall = number % 2 ? 232 : 9999;
}

static void fill_sample_meta(struct trace *trace)
{
	struct meta *meta = &trace->meta;

	fill_meta(trace, 1000 * MS + 499);
	trace_add_string(&meta->command, "./server");
	trace_add_string(&meta->command, "--name=\x1b[31m");
	trace_add_string(&meta->left_behind, "4242 help\x07"
					     "er");
	meta->exit_status = 139;
	meta->cpus_online = 8;
}

static void fill_sample_locks(struct report *report, uint32_t mutex, uint32_t condition)
{
	struct lock_stat *stat = add_lock_stat(report, mutex, 250 * MS + 333);

	*stat = (struct lock_stat){
		.lock = mutex,
		.episodes = 1250,
		.waits = 1300,
		.timeouts = 0,
		.wait_ns = 250 * MS + 333,
		.min_ns = 900,
		.max_ns = 9 * MS,
		.p50_ns = 200 * US,
		.p90_ns = 400 * US,
		.p99_ns = 8 * MS,
		.waiters = 1,
		.handoffs = 1249,
		.handoff_ns = 12 * MS,
		.dead_ns = 12 * MS,
		.lost_ns = 250 * MS,
		.holder_running_ns = 200 * MS + 333,
		.holder_ready_ns = 10 * MS,
		.holder_blocked_ns = 40 * MS,
		.blocked = { .thread = 1, .state = STATE_SLEEP, .syscall = 1, .ns = 40 * MS },
		.handoff = { .p50_ns = 8 * US,
			     .p99_ns = 60 * US,
			     .same_cpu = 900,
			     .other_cpu = 349 }
	};
	stat = add_lock_stat(report, condition, report->wall_ns);
	stat->episodes = stat->waits = stat->waiters = 1;
	stat->min_ns = stat->max_ns = report->wall_ns;
	stat->p50_ns = stat->p90_ns = stat->p99_ns = report->wall_ns;
}

static struct edge *add_edge(struct report *report)
{
	return array_add(&report->edges, &report->edge_count, sizeof(*report->edges));
}

struct report *sample_report_new(void)
{
	struct trace *trace = trace_new();
	struct report *report;
	uint32_t mutex = add_lock(trace, LOCK_MUTEX, "jobs+8 in \x1b]0;server", "value 2");
	uint32_t condition = add_lock(trace, LOCK_CONDITION, "condition on the heap 0x10", "roles");
	struct gap_cause *gap;

	fill_sample_meta(trace);
	report = report_new(trace);
	fill_parallel(report, 333 * MS + 333, 100 * MS + 99);
	lose(report, 250 * MS, 3 * MS + 7);
	for (size_t i = 0; i < 20; i++)
		add_sample_thread(report, trace, i);
	report->threads[0].alone_ns = 500 * MS;
	fill_sample_locks(report, mutex, condition);
	gap = add_gap(report, GAP_STATE, 313 * MS, 40);
	gap->state = STATE_SLEEP;
	gap->syscall = 9999;
	gap = add_gap(report, GAP_HAND_OFF, 20 * MS + 333, 200);
	gap->lock = mutex;
	*add_edge(report) = (struct edge){ .waiter = 2,
					   .holder = 1,
					   .lock = mutex,
					   .mark = HOLDER_LIKELY,
					   .episodes = 1250,
					   .wait_ns = 250 * MS + 333 };
	*add_edge(report) = (struct edge){
		.waiter = 3, .lock = condition, .episodes = 1, .wait_ns = report->wall_ns
	};
	findings_make(report, NULL);
	return report;
}

void sample_report_free(struct report *report)
{
	struct trace *trace = (struct trace *)(uintptr_t)report->trace;

	report_free(report);
	trace_free(trace);
}

/* What distinguishes the variants of the sample. */
struct sample_variant {
	const char *name;
	const char *baseline;
	uint64_t wall_ns;
	uint64_t none_ns;
	uint64_t two_ns;
	bool has_gil;
	bool sleeps;
	uint64_t late_ns; /* the second thread comes so much later */
	uint64_t steal_ns;
};

static const struct sample_variant sample_variants[] = {
	{ "serial", "", 1170 * MS + 123456, 0, 0, false, false, 0, 0 },
	{ "threads", "serial", 1309 * MS + 400123, 26 * MS + 700321, 6 * MS + 900111, true, false,
	  0, 2 * MS },
	{ "processes", "serial", 690 * MS + 77, 13 * MS, 580 * MS + 500000, false, false, 9 * MS,
	  14 * MS },
	{ "io-serial", "", 1000 * MS + 4321, 998 * MS + 1234, 0, false, true, 0, 0 },
	{ "io", "io-serial", 503 * MS + 999, 501 * MS + 2, 400 * US, false, true, 0, 0 },
};

/* Waits of both threads for the GIL, and what it cost. */
static void add_gil(struct report *report, struct trace *trace)
{
	uint32_t gil = add_lock(trace, LOCK_GIL, "GIL", "gil: _PyRuntime in python3.11");
	struct lock_stat *stat = add_lock_stat(report, gil, 1241 * MS);

	stat->episodes = 252;
	stat->waits = 252;
	stat->min_ns = 5000 * US;
	stat->p50_ns = stat->p90_ns = stat->p99_ns = 5 * MS + 20 * US;
	stat->max_ns = 6 * MS;
	stat->waiters = 2;
	stat->handoffs = 252;
	stat->lost_ns = 1233 * MS;
	lose(report, stat->lost_ns, 34 * MS);
	for (uint32_t i = 0; i < 2; i++)
		*trace_add_wait_total(trace) = (struct wait_total){ .thread = i + 1,
								    .lock = gil,
								    .wait_ns = (620 + i) * MS };
	report->gaps[0].kind = GAP_HAND_OFF;
	report->gaps[0].lock = gil;
	report->what_if = (struct what_if){
		.state = WHAT_IF_MADE,
		.model_wall_ns = report->wall_ns,
		.predictions = { { .lock = gil,
				   .lock_count = 1,
				   .wall_ns = 590 * MS,
				   .cpu_ns = 1150 * MS,
				   .ready_ns = 10 * MS } },
		.count = 1,
	};
}

static struct run sample_run(const struct sample_variant *sample, uint32_t round)
{
	struct trace *trace = trace_new();
	/* 2 % up and down around the third round, which is the median. */
	uint64_t wall_ns = sample->wall_ns + sample->wall_ns / 100 * round;
	struct run run = { .trace = trace };

	wall_ns -= sample->wall_ns / 100 * 3;
	fill_meta(trace, wall_ns);
	trace_set_string(&trace->meta.kind, "countdown");
	trace_set_string(&trace->meta.variant, sample->name);
	trace_set_string(&trace->meta.baseline, sample->baseline);
	trace->meta.round = round;
	run.report = report_new(trace);
	run.report->is_whole = false;
	fill_parallel(run.report, sample->none_ns, sample->two_ns);
	if (sample->steal_ns)
		trace->meta.steal_ns = sample->steal_ns;
	for (size_t i = 0; i < (sample->two_ns ? 2 : 1); i++) {
		struct thread_stat *stat =
			add_stat(run.report, add_thread(trace, "python3", wall_ns));

		trace->threads[i].start_ns += i * sample->late_ns;

		stat->state_ns[STATE_RUNNING] = run.report->cpu_ns / (sample->two_ns ? 2 : 1);
		stat->state_ns[STATE_SLEEP] = wall_ns - stat->state_ns[STATE_RUNNING];
	}
	if (sample->none_ns) {
		struct gap_cause *gap = add_gap(run.report, GAP_STATE, sample->none_ns, 252);

		gap->state = STATE_SLEEP;
		gap->syscall = sample->sleeps ? 230 : 61;
	}
	if (sample->has_gil)
		add_gil(run.report, trace);
	return run;
}

static void add_cause(struct bill_line *line, const char *name, int64_t ns)
{
	struct bill_cause *cause =
		array_add(&line->causes, &line->cause_count, sizeof(*line->causes));

	cause->name = xstrdup(name);
	cause->ns = ns;
}

static void add_bill(struct experiment *experiment, size_t from, size_t to)
{
	const struct report *before = experiment->variants[from].runs[2].report;
	const struct report *after = experiment->variants[to].runs[2].report;
	struct bill *bill =
		array_add(&experiment->bills, &experiment->bill_count, sizeof(*experiment->bills));
	static const char *const names[BILL_LINES] = { "gap", "CPU", "overlap", "not recorded" };
	int64_t parts[BILL_LINES] = { (int64_t)after->gap_ns - (int64_t)before->gap_ns,
				      (int64_t)after->cpu_ns - (int64_t)before->cpu_ns,
				      (int64_t)before->overlap_ns - (int64_t)after->overlap_ns };

	*bill = (struct bill){ .from = from, .to = to };
	bill->total_ns = (int64_t)after->wall_ns - (int64_t)before->wall_ns;
	for (size_t i = 0; i < BILL_LINES; i++) {
		struct bill_line *line = &bill->lines[i];

		line->name = names[i];
		line->ns = parts[i];
		line->min_ns = parts[i] - (parts[i] ? 7 * (int64_t)MS : 0);
		line->max_ns = parts[i] + (parts[i] ? 9 * (int64_t)MS : 0);
	}
	add_cause(&bill->lines[0], to == 1 ? "hand-offs of the GIL" : "waiting in wait4", parts[0]);
	add_cause(&bill->lines[1], "the same count cost more CPU", parts[1] - 1499999);
	add_cause(&bill->lines[1], "machine speed", 1499999);
	add_cause(&bill->lines[2], "ran at the same time", parts[2]);
}

struct experiment *sample_experiment_new(void)
{
	struct experiment *experiment = experiment_new();

	trace_set_string(&experiment->interpreter, "CPython 3.11.2");
	trace_set_string(&experiment->python, "/usr/bin/python3");
	experiment->count = 20000000;
	experiment->workers = 2;
	experiment->rounds = 5;
	for (size_t i = 0; i < sizeof(sample_variants) / sizeof(sample_variants[0]); i++) {
		const struct sample_variant *sample = &sample_variants[i];
		struct variant *variant =
			array_add(&experiment->variants, &experiment->variant_count,
				  sizeof(*experiment->variants));

		variant->name = xstrdup(sample->name);
		variant->baseline = xstrdup(sample->baseline);
		for (uint32_t round = 1; round <= 5; round++)
			*(struct run *)array_add(&variant->runs, &variant->run_count,
						 sizeof(struct run)) = sample_run(sample, round);
		variant->representative = 2;
		variant->wall = (struct spread){ variant->runs[2].report->wall_ns,
						 variant->runs[0].report->wall_ns,
						 variant->runs[4].report->wall_ns };
		variant->is_measurable = *sample->baseline != '\0';
		variant->is_slower = sample->has_gil;
	}
	add_bill(experiment, 0, 1);
	add_bill(experiment, 0, 2);
	add_bill(experiment, 3, 4);
	experiment_add_skipped(experiment, "subinterpreters", "needs CPython 3.12 or later");
	findings_make_experiment(experiment);
	return experiment;
}

char *sample_print_report(const char *format, const struct report *report)
{
	const struct output_options options = { 0 };
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	if (!file || output_find(format)->render_report(report, &options, file))
		abort();
	fclose(file);
	return text;
}

char *sample_print_experiments(const char *format, const struct experiment *const *experiments,
			       size_t count)
{
	const struct output_options options = { 0 };
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	if (!file || output_find(format)->render_experiments(experiments, count, &options, file))
		abort();
	fclose(file);
	return text;
}
