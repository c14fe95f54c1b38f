/* SPDX-License-Identifier: GPL-2.0-only */
/* The identities, checked. */
#include "analysis/residuals.h"

#include "base/mem.h"

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static void keep_worst(struct report *report, int identity, uint64_t residual_ns)
{
	if (residual_ns > report->residual_ns[identity])
		report->residual_ns[identity] = residual_ns;
}

static uint64_t sum(const uint64_t *numbers, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += numbers[i];
	return total;
}

/* A thread that was summed up in "other threads" has slices but no row of its own. */
static bool is_summed_elsewhere(const struct thread *thread)
{
	return thread->is_rest || thread->end_ns <= thread->start_ns;
}

void residual_slices(struct report *report, const struct thread_stat *seen)
{
	const struct trace *trace = report->trace;

	if (!report->is_whole || trace->meta.is_truncated)
		return;
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		if (thread->slices_lost || is_summed_elsewhere(thread))
			continue;
		for (int s = 0; s < STATE_COUNT; s++)
			keep_worst(report, 0, distance(seen[i].state_ns[s], thread->state_ns[s]));
	}
}

/* A phase has only slices to go by: where some are missing its states cannot sum to the lifetime.
 */
static bool has_all_states(const struct report *report, const struct thread *thread)
{
	return report->is_whole || (!thread->slices_lost && !report->trace->meta.is_truncated &&
				    !is_summed_elsewhere(thread));
}

static uint64_t *wait_sums(const struct trace *trace)
{
	uint64_t *sums = xcalloc(trace->thread_count, sizeof(*sums));

	for (size_t i = 0; i < trace->wait_total_count; i++)
		sums[trace->wait_totals[i].thread - 1] += trace->wait_totals[i].wait_ns;
	return sums;
}

void residual_threads(struct report *report)
{
	const struct trace *trace = report->trace;
	uint64_t *waits OWNED(mem_freep) = wait_sums(trace);

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];
		const struct thread *thread = &trace->threads[stat->thread - 1];

		if (has_all_states(report, thread))
			keep_worst(report, 1,
				   distance(sum(stat->state_ns, STATE_COUNT), stat->lifetime_ns));
		if (report->is_whole)
			keep_worst(report, 6,
				   distance(sum(stat->class_ns, LOCK_STATE_COUNT),
					    waits[stat->thread - 1]));
	}
}

void residual_joint(struct report *report)
{
	const struct capacity *capacity = &report->capacity;
	uint64_t running_ns = 0, lost_ns = 0;

	for (size_t k = 0; k < report->parallel_count; k++)
		running_ns += k * report->parallel_ns[k];
	for (size_t i = 0; i < report->lock_count; i++)
		lost_ns += report->locks[i].lost_ns;
	keep_worst(report, 2, distance(report->cpu_ns, running_ns));
	keep_worst(report, 3,
		   distance(report->wall_ns - report->not_recorded_ns + report->overlap_ns,
			    report->gap_ns + report->cpu_ns));
	keep_worst(report, 5,
		   distance(capacity->total_ns, capacity->running_ns + capacity->cpu_wait_ns +
							lost_ns + capacity->not_asked_ns));
	keep_worst(report, 5, distance(capacity->running_ns, report->cpu_ns));
	keep_worst(report, 5, distance(capacity->locks_ns, lost_ns));
}

void residual_accounting(struct report *report)
{
	const struct trace *trace = report->trace;

	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		uint64_t ready_ns = thread->charged_ready_ns, taken_ns = thread->uncharged_ns;
		uint64_t error_ns;

		report->switches += thread->voluntary + thread->involuntary;
		if (thread->own_run_ns == TRACE_NOT_MEASURED ||
		    thread->kernel_run_ns == TRACE_NOT_MEASURED)
			continue;
		report->own_run_ns += thread->own_run_ns;
		report->kernel_run_ns += thread->kernel_run_ns;
		if (ready_ns == TRACE_NOT_MEASURED)
			ready_ns = 0;
		if (taken_ns == TRACE_NOT_MEASURED)
			taken_ns = 0;
		report->charged_ready_ns += ready_ns;
		report->uncharged_ns += taken_ns;
		error_ns =
			distance(thread->own_run_ns + ready_ns, thread->kernel_run_ns + taken_ns);
		if (!report->worst_run_thread || error_ns > report->worst_run_error_ns) {
			report->worst_run_error_ns = error_ns;
			report->worst_run_thread = thread->id;
		}
	}
}
