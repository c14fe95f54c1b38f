/* SPDX-License-Identifier: GPL-2.0-only */
/* A report: one sweep over the slices with all observers, then what they found, put together. */
#include "analysis/report.h"

#include <errno.h>
#include <stdlib.h>

#include "analysis/capacity.h"
#include "analysis/deep.h"
#include "analysis/findings.h"
#include "analysis/gaps.h"
#include "analysis/lock_stat.h"
#include "analysis/residuals.h"
#include "analysis/sweep.h"
#include "analysis/thread_stat.h"
#include "base/mem.h"

/* Everything that watches the sweep. */
struct parts {
	struct thread_sweep threads;
	struct lock_sweep locks;
	struct capacity_sweep capacity;
	struct gaps gaps;
	struct steps_sweep steps; /* of a deep report */
};

static void parts_release(struct parts *parts)
{
	thread_sweep_release(&parts->threads);
	lock_sweep_release(&parts->locks);
	capacity_release(&parts->capacity);
	gaps_release(&parts->gaps);
	steps_sweep_release(&parts->steps);
}

static void on_covered(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns)
{
	struct report *report = self;

	while (report->parallel_count <= moment->running)
		array_add(&report->parallel_ns, &report->parallel_count,
			  sizeof(*report->parallel_ns));
	report->parallel_ns[moment->running] += to_ns - from_ns;
}

static void begin_steps(struct parts *parts, const struct report *report)
{
	steps_sweep_init(&parts->steps, report->trace, parts->capacity.steps,
			 parts->capacity.step_count);
}

/* What depends on the usable CPUs, with more of them. */
static int sweep_again(struct parts *parts, struct report *report)
{
	struct observer again[3] = { capacity_observer(&parts->capacity) };

	if (parts->steps.steps) {
		steps_sweep_release(&parts->steps);
		begin_steps(parts, report);
		again[1] = steps_sweep_observer(&parts->steps);
	}
	return sweep_run(report->trace, report->begin_ns, report->end_ns, again,
			 &report->covered_ns);
}

static int sweep_all(struct parts *parts, struct report *report)
{
	const struct trace *trace = report->trace;
	const struct observer all[] = {
		{ .self = report, .covered = on_covered },
		thread_sweep_observer(&parts->threads),
		lock_sweep_observer(&parts->locks),
		gaps_observer(&parts->gaps),
		capacity_observer(&parts->capacity),
		steps_sweep_observer(&parts->steps),
		{ 0 },
	};
	int err = sweep_run(trace, report->begin_ns, report->end_ns, all, &report->covered_ns);

	if (!err && capacity_must_repeat(&parts->capacity))
		err = sweep_again(parts, report);
	return err;
}

uint64_t report_run_ns(const struct report *report)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < report->thread_count; i++)
		sum_ns += report->threads[i].state_ns[STATE_RUNNING];
	return sum_ns;
}

static void sum_parallel(struct report *report)
{
	if (report->parallel_count)
		report->gap_ns = report->parallel_ns[0];
	for (size_t k = 2; k < report->parallel_count; k++)
		report->overlap_ns += (k - 1) * report->parallel_ns[k];
}

static int make_of_slices(struct report *report, bool is_deep)
{
	struct parts parts OWNED(parts_release) = { 0 };
	int err;

	thread_sweep_init(&parts.threads, report->trace);
	lock_sweep_init(&parts.locks, report->trace);
	capacity_init(&parts.capacity, report->trace);
	if (is_deep)
		begin_steps(&parts, report);
	err = sweep_all(&parts, report);
	if (err)
		return err;
	report->not_recorded_ns = report->wall_ns - report->covered_ns;
	report->cpu_ns = parts.threads.covered_run_ns;
	sum_parallel(report);
	gaps_finish(&parts.gaps, report);
	thread_sweep_finish(&parts.threads, report);
	capacity_finish(&parts.capacity, report, parts.locks.stats);
	lock_sweep_finish(&parts.locks, report);
	residual_slices(report, parts.threads.stats);
	residual_joint(report);
	if (is_deep)
		deep_make(report, &parts.steps, &parts.capacity);
	return 0;
}

/* Without slices nothing is known of what threads did at the same time. */
static void make_of_totals(struct report *report)
{
	report->not_recorded_ns = report->wall_ns;
	report->cpu_ns = TRACE_NOT_MEASURED;
	report->gap_ns = TRACE_NOT_MEASURED;
	report->overlap_ns = TRACE_NOT_MEASURED;
	report->capacity = (struct capacity){
		.total_ns = TRACE_NOT_MEASURED,
		.running_ns = TRACE_NOT_MEASURED,
		.cpu_wait_ns = TRACE_NOT_MEASURED,
		.locks_ns = TRACE_NOT_MEASURED,
		.not_asked_ns = TRACE_NOT_MEASURED,
	};
	report->what_if.state = WHAT_IF_NO_SLICES;
	thread_stats_of_totals(report);
	lock_stats_of_totals(report);
}

static int check_totals(const struct trace *trace)
{
	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];

		if (!total->thread || total->thread > trace->thread_count || !total->lock ||
		    total->lock > trace->lock_count)
			return -EPROTO;
	}
	return 0;
}

static void report_freep(struct report **report)
{
	report_free(*report);
}

static int make(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns, bool is_deep,
		struct report **ret_report)
{
	struct report *report OWNED(report_freep) = xcalloc(1, sizeof(*report));
	const struct meta *meta = &trace->meta;
	int err = check_totals(trace);

	if (begin_ns == 0 && end_ns == 0) {
		begin_ns = meta->start_ns;
		end_ns = meta->end_ns;
	}
	if (!err && (begin_ns < meta->start_ns || end_ns > meta->end_ns || begin_ns > end_ns))
		err = -EINVAL;
	if (err)
		return err;
	report->trace = trace;
	report->begin_ns = begin_ns;
	report->end_ns = end_ns;
	report->is_whole = begin_ns == meta->start_ns && end_ns == meta->end_ns;
	report->wall_ns = end_ns - begin_ns;
	report->what_if.model_wall_ns = TRACE_NOT_MEASURED;
	if (trace->slices)
		err = make_of_slices(report, is_deep);
	else
		make_of_totals(report);
	if (err)
		return err;
	if (trace->slices || report->is_whole)
		residual_threads(report);
	residual_accounting(report);
	*ret_report = report;
	report = NULL;
	return 0;
}

int report_make(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
		struct report **ret_report)
{
	return make(trace, begin_ns, end_ns, false, ret_report);
}

int report_make_deep(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
		     struct report **ret_report)
{
	return make(trace, begin_ns, end_ns, true, ret_report);
}

void report_free(struct report *report)
{
	if (!report)
		return;
	findings_free(report->findings, report->finding_count);
	free(report->parallel_ns);
	free(report->gaps);
	free(report->threads);
	free(report->locks);
	free(report->edges);
	free(report->open_waits);
	free(report->critical_path.parts);
	free(report);
}
