/* SPDX-License-Identifier: GPL-2.0-only */
/* What is taken from the reports of both runs, and what is left. */
#include "analysis/difference.h"

#include "analysis/bill_causes.h"

/* A thread that ran for less than this share of the CPU time only starts and joins others. */
#define WORKS_PERMILLE 10

static uint64_t ready_ns(const struct report *report)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < report->thread_count; i++)
		sum_ns += report->threads[i].state_ns[STATE_PREEMPTED] +
			  report->threads[i].state_ns[STATE_QUEUED];
	return sum_ns;
}

/* From the begin of the interval until all that work are there, and from where the last of them is
 * gone until its end. */
static void find_edges(const struct report *report, uint64_t *ret_start_ns, uint64_t *ret_end_ns)
{
	uint64_t floor_ns = report->cpu_ns / 1000 * WORKS_PERMILLE;
	uint64_t last_begin_ns = report->begin_ns, last_end_ns = report->begin_ns;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];
		const struct thread *thread = &report->trace->threads[stat->thread - 1];

		if (stat->state_ns[STATE_RUNNING] <= floor_ns)
			continue;
		if (thread->start_ns > last_begin_ns)
			last_begin_ns = thread->start_ns;
		if (thread->end_ns > last_end_ns)
			last_end_ns = thread->end_ns;
	}
	*ret_start_ns = last_begin_ns - report->begin_ns;
	*ret_end_ns = last_end_ns < report->end_ns ? report->end_ns - last_end_ns : 0;
}

static int64_t more(uint64_t measured_ns, uint64_t predicted_ns)
{
	return (int64_t)(measured_ns - predicted_ns);
}

/* How many work at a time: sums over threads are spread over so many. */
static int64_t spread_of(const struct report *report, uint64_t workers)
{
	uint32_t cpus = report->capacity.cpus;

	if (workers == 0 || workers > cpus)
		return cpus ? cpus : 1;
	return (int64_t)workers;
}

bool difference_make(const struct run *with, const struct run *without, uint64_t workers,
		     struct difference *ret_difference)
{
	const struct report *measured = without->report;
	const struct prediction *predicted = &with->report->what_if.predictions[0];
	struct difference difference = {
		.total_ns = more(measured->wall_ns, predicted->wall_ns),
		.steal_ns = { with->trace->meta.steal_ns, without->trace->meta.steal_ns },
	};
	int64_t spread = spread_of(measured, workers), *parts = difference.parts_ns;
	uint64_t start_ns[2], end_ns[2];

	if (measured->cpu_ns == TRACE_NOT_MEASURED)
		return false;
	find_edges(with->report, &start_ns[0], &end_ns[0]);
	find_edges(measured, &start_ns[1], &end_ns[1]);
	parts[DIFFERENCE_SPEED] = causes_speed_ns(with, without, predicted->cpu_ns) / spread;
	parts[DIFFERENCE_CPU] = more(measured->cpu_ns, predicted->cpu_ns) / spread;
	parts[DIFFERENCE_CPU] -= parts[DIFFERENCE_SPEED];
	parts[DIFFERENCE_READY] = more(ready_ns(measured), predicted->ready_ns) / spread;
	parts[DIFFERENCE_START] = more(start_ns[1], start_ns[0]);
	parts[DIFFERENCE_END] = more(end_ns[1], end_ns[0]);
	parts[DIFFERENCE_REST] = difference.total_ns;
	for (int i = 0; i < DIFFERENCE_REST; i++)
		parts[DIFFERENCE_REST] -= parts[i];
	*ret_difference = difference;
	return true;
}
