/* SPDX-License-Identifier: GPL-2.0-only */
/* The experiment: runs sorted into variants, compared with their baselines. */
#include "analysis/experiment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/bill.h"
#include "analysis/findings.h"
#include "analysis/noise.h"
#include "base/mem.h"

struct experiment *experiment_new(void)
{
	struct experiment *experiment = xcalloc(1, sizeof(*experiment));

	experiment->interpreter = xstrdup("");
	experiment->python = xstrdup("");
	return experiment;
}

static void free_variant(struct variant *variant)
{
	for (size_t i = 0; i < variant->run_count; i++) {
		report_free(variant->runs[i].report);
		trace_free(variant->runs[i].trace);
	}
	free(variant->runs);
	free(variant->name);
	free(variant->baseline);
}

void experiment_free(struct experiment *experiment)
{
	if (!experiment)
		return;
	for (size_t i = 0; i < experiment->variant_count; i++)
		free_variant(&experiment->variants[i]);
	for (size_t i = 0; i < experiment->bill_count; i++)
		bill_release(&experiment->bills[i]);
	for (size_t i = 0; i < experiment->skipped_count; i++) {
		free(experiment->skipped[i].name);
		free(experiment->skipped[i].why);
	}
	findings_free(experiment->findings, experiment->finding_count);
	free(experiment->variants);
	free(experiment->bills);
	free(experiment->skipped);
	free(experiment->interpreter);
	free(experiment->python);
	free(experiment);
}

static struct variant *find_variant(const struct experiment *experiment, const char *name)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		if (strcmp(experiment->variants[i].name, name) == 0)
			return &experiment->variants[i];
	}
	return NULL;
}

static struct variant *variant_of(struct experiment *experiment, const struct meta *meta)
{
	struct variant *variant = find_variant(experiment, meta->variant);

	if (variant)
		return variant;
	variant = array_add(&experiment->variants, &experiment->variant_count,
			    sizeof(*experiment->variants));
	variant->name = xstrdup(meta->variant);
	variant->baseline = xstrdup(meta->baseline);
	return variant;
}

static const struct phase *find_phase(const struct meta *meta, const char *name)
{
	for (size_t i = 0; i < meta->phase_count; i++) {
		if (strcmp(meta->phases[i].name, name) == 0)
			return &meta->phases[i];
	}
	return NULL;
}

static int by_round(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	uint32_t x_round = x->trace->meta.round, y_round = y->trace->meta.round;

	return x_round < y_round ? -1 : x_round > y_round;
}

static void trace_freep(struct trace **trace)
{
	trace_free(*trace);
}

/* Takes the trace; 0, 0 is its whole window. */
static int add_run(struct experiment *experiment, struct trace *taken, uint64_t begin_ns,
		   uint64_t end_ns)
{
	struct trace *trace OWNED(trace_freep) = taken;
	struct report *report;
	struct variant *variant;
	struct run *run;
	int err;

	err = report_make_deep(trace, begin_ns, end_ns, &report);
	if (err)
		return err;
	variant = variant_of(experiment, &trace->meta);
	run = array_add(&variant->runs, &variant->run_count, sizeof(*variant->runs));
	run->trace = trace;
	run->report = report;
	qsort(variant->runs, variant->run_count, sizeof(*variant->runs), by_round);
	if (!*experiment->interpreter)
		trace_set_string(&experiment->interpreter, trace->meta.interpreter);
	if (!experiment->count)
		experiment->count = trace->meta.count;
	if (variant->run_count > experiment->rounds)
		experiment->rounds = (uint32_t)variant->run_count;
	trace = NULL;
	return 0;
}

int experiment_add_run(struct experiment *experiment, struct trace *trace)
{
	const struct phase *count = find_phase(&trace->meta, "count");

	if (!count) {
		trace_free(trace);
		return -ENOENT;
	}
	return add_run(experiment, trace, count->begin_ns, count->end_ns);
}

int experiment_add_whole(struct experiment *experiment, struct trace *trace)
{
	return add_run(experiment, trace, 0, 0);
}

void experiment_add_skipped(struct experiment *experiment, const char *variant, const char *why)
{
	struct skipped_variant *skipped = array_add(
		&experiment->skipped, &experiment->skipped_count, sizeof(*experiment->skipped));

	skipped->name = xstrdup(variant);
	skipped->why = xstrdup(why);
}

static uint64_t wall_of(const struct variant *variant, size_t run)
{
	return variant->runs[run].report->wall_ns;
}

/* How many runs come before this one in order of wall; ties: the earlier first. */
static size_t rank_of(const struct variant *variant, size_t run)
{
	uint64_t wall_ns = wall_of(variant, run);
	size_t rank = 0;

	for (size_t i = 0; i < variant->run_count; i++) {
		uint64_t other_ns = wall_of(variant, i);

		rank += other_ns < wall_ns || (other_ns == wall_ns && i < run);
	}
	return rank;
}

static void judge_runs(struct variant *variant)
{
	variant->wall.min_ns = UINT64_MAX;
	for (size_t i = 0; i < variant->run_count; i++) {
		uint64_t wall_ns = wall_of(variant, i);

		if (wall_ns < variant->wall.min_ns)
			variant->wall.min_ns = wall_ns;
		if (wall_ns > variant->wall.max_ns)
			variant->wall.max_ns = wall_ns;
		if (rank_of(variant, i) == (variant->run_count - 1) / 2)
			variant->representative = i;
	}
	variant->wall.median_ns = wall_of(variant, variant->representative);
	/* All runs of the same length: the earliest of them. */
	for (size_t i = variant->representative; i-- > 0;) {
		if (wall_of(variant, i) == variant->wall.median_ns)
			variant->representative = i;
	}
}

/* Free the items. */
static struct samples walls_of(const struct variant *variant)
{
	struct samples walls = { xcalloc(variant->run_count, sizeof(*walls.items)),
				 variant->run_count };

	for (size_t i = 0; i < variant->run_count; i++)
		walls.items[i] =
			(struct sample){ variant->runs[i].trace->meta.round, wall_of(variant, i) };
	return walls;
}

static void judge_difference(struct variant *variant, const struct variant *baseline)
{
	struct samples own = walls_of(variant), other = walls_of(baseline);

	variant->is_measurable = noise_is_measurable(&own, &other);
	variant->is_slower = variant->wall.median_ns > baseline->wall.median_ns;
	free(own.items);
	free(other.items);
}

static void add_bill(struct experiment *experiment, const struct variant *from,
		     const struct variant *to)
{
	struct bill *bill =
		array_add(&experiment->bills, &experiment->bill_count, sizeof(*experiment->bills));
	uint64_t residual_ns;

	bill->from = (size_t)(from - experiment->variants);
	bill->to = (size_t)(to - experiment->variants);
	bill_make(bill, from, to);
	residual_ns = bill_residual(bill);
	if (residual_ns > experiment->residual_ns)
		experiment->residual_ns = residual_ns;
}

static void make_findings(struct variant *variant, const struct variant *baseline)
{
	const struct report *before = NULL;

	if (baseline)
		before = baseline->runs[baseline->representative].report;
	for (size_t i = 0; i < variant->run_count; i++)
		findings_make(variant->runs[i].report, before);
}

void experiment_finish(struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->variant_count; i++)
		judge_runs(&experiment->variants[i]);
	for (size_t i = 0; i < experiment->variant_count; i++) {
		struct variant *variant = &experiment->variants[i];
		const struct variant *baseline = NULL;

		if (*variant->baseline)
			baseline = find_variant(experiment, variant->baseline);
		if (baseline == variant)
			baseline = NULL;
		if (baseline) {
			judge_difference(variant, baseline);
			add_bill(experiment, baseline, variant);
		}
		make_findings(variant, baseline);
	}
	findings_make_experiment(experiment);
}
