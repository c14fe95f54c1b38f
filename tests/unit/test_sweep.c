/* SPDX-License-Identifier: GPL-2.0-only */
/* What threads do at the same time: running together, holes, cuts, bad streams, capacity. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "array_source.h"

static struct example *example;

static int setup(void **state)
{
	(void)state;
	example = example_new(1000, 2000, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

static void test_sweep__threads_that_run_together_overlap(void **state)
{
	uint32_t a = example_thread(example), b = example_thread(example);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1600);
	example_slice(example, a, STATE_SLEEP, 1600, 2000);
	example_slice(example, b, STATE_SLEEP, 1000, 1200);
	example_slice(example, b, STATE_RUNNING, 1200, 1900);
	example_slice(example, b, STATE_SLEEP, 1900, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->parallel_count, 3);
	assert_int_equal(report->parallel_ns[0], 100);
	assert_int_equal(report->parallel_ns[1], 500);
	assert_int_equal(report->parallel_ns[2], 400);
	assert_int_equal(report->cpu_ns, 1300);
	assert_int_equal(report->overlap_ns, 400);
	assert_int_equal(report->gap_ns, 100);
	assert_int_equal(find_thread_stat(report, a)->alone_ns, 200);
	assert_int_equal(find_thread_stat(report, b)->alone_ns, 300);
	assert_no_residuals(report);
}

static void test_sweep__a_switch_is_neither_gap_nor_overlap(void **state)
{
	uint32_t a = example_thread(example), b = example_thread(example);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_slice(example, a, STATE_PREEMPTED, 1500, 2000);
	example_slice(example, b, STATE_QUEUED, 1000, 1500);
	example_slice(example, b, STATE_RUNNING, 1500, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->parallel_count, 2);
	assert_int_equal(report->parallel_ns[0], 0);
	assert_int_equal(report->parallel_ns[1], 1000);
	assert_int_equal(report->gap_count, 0);
	assert_no_residuals(report);
}

static void test_sweep__a_hole_is_not_recorded_for_all_threads(void **state)
{
	uint32_t a = example_thread(example), b = example_thread(example);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_slice(example, b, STATE_RUNNING, 1000, 1300);
	example_slice(example, b, STATE_RUNNING, 1400, 2000); /* 100 ns are lost */
	example->trace->threads[b - 1].slices_lost = 1;
	example->trace->threads[b - 1].state_ns[STATE_SLEEP] = 100;
	report = example_report(example, 0, 0);

	assert_int_equal(report->not_recorded_ns, 100);
	assert_int_equal(report->covered_ns, 900);
	assert_int_equal(report->parallel_ns[2], 900);
	assert_int_equal(report->cpu_ns, 1800);
	assert_int_equal(report->capacity.total_ns, 1800);
	assert_int_equal(find_thread_stat(report, a)->state_ns[STATE_RUNNING], 1000);
	assert_no_residuals(report);
}

static void test_sweep__a_thread_not_yet_born_has_no_hole(void **state)
{
	uint32_t a = example_thread(example), b = example_mortal(example, 1500, 1700);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_slice(example, b, STATE_RUNNING, 1500, 1700);
	report = example_report(example, 0, 0);

	assert_int_equal(report->not_recorded_ns, 0);
	assert_int_equal(report->parallel_ns[1], 800);
	assert_int_equal(report->parallel_ns[2], 200);
	assert_int_equal(find_thread_stat(report, b)->lifetime_ns, 200);
	assert_no_residuals(report);
}

static void test_sweep__a_thread_that_dies_early_without_slices_is_a_hole(void **state)
{
	uint32_t a = example_thread(example);
	const struct report *report;

	(void)state;
	example_mortal(example, 1500, 1700);
	example->trace->threads[1].slices_lost = 3;
	example->trace->threads[1].state_ns[STATE_RUNNING] = 200;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->not_recorded_ns, 200);
	assert_int_equal(report->parallel_ns[1], 800);
	assert_no_residuals(report);
}

static void test_sweep__a_phase_is_cut_from_the_slices(void **state)
{
	uint32_t a = example_thread(example);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1400);
	example_slice(example, a, STATE_SLEEP, 1400, 1500)->syscall = 35;
	example_slice(example, a, STATE_RUNNING, 1500, 2000);
	report = example_report(example, 1200, 1600);

	assert_false(report->is_whole);
	assert_int_equal(report->wall_ns, 400);
	assert_int_equal(report->gap_ns, 100);
	assert_int_equal(report->cpu_ns, 300);
	assert_int_equal(find_thread_stat(report, a)->state_ns[STATE_RUNNING], 300);
	assert_int_equal(find_thread_stat(report, a)->lifetime_ns, 400);
	assert_int_equal(find_thread_stat(report, a)->longest_ns[STATE_RUNNING], 200);
	assert_int_equal(find_thread_stat(report, a)->top_syscall, 35);
	assert_int_equal(find_thread_stat(report, a)->top_syscall_ns, 100);
	assert_no_residuals(report);
}

static void test_sweep__totals_that_contradict_the_slices_are_residuals(void **state)
{
	uint32_t a = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_finish(example);
	example->trace->threads[0].state_ns[STATE_RUNNING] -= 7;
	example->trace->threads[0].futex_class_ns[LOCK_STATE_LOCK] = 3;
	assert_int_equal(report_make(example->trace, 0, 0, &example->report), 0);

	assert_int_equal(example->report->residual_ns[0], 7);
	assert_int_equal(example->report->residual_ns[1], 7);
	assert_int_equal(example->report->residual_ns[6], 3);
}

static void test_sweep__bad_streams_are_refused(void **state)
{
	uint32_t a = example_thread(example);
	struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_slice(example, a, STATE_SLEEP, 1400, 2000); /* overlaps */
	assert_int_equal(report_make(example->trace, 0, 0, &report), -EPROTO);
	example->slices[1].start_ns = 999; /* out of order */
	example->slices[1].duration_ns = 1;
	assert_int_equal(report_make(example->trace, 0, 0, &report), -EPROTO);
	example->slices[1].start_ns = 1500;
	example->slices[1].thread = 2; /* no such thread */
	assert_int_equal(report_make(example->trace, 0, 0, &report), -EPROTO);
	example->slices[1].thread = 1;
	example->slices[1].lock = 1; /* no such lock */
	assert_int_equal(report_make(example->trace, 0, 0, &report), -EPROTO);
	example->slices[1].lock = 0;
	example->slices[1].duration_ns = UINT64_MAX; /* beyond the end of time */
	assert_int_equal(report_make(example->trace, 0, 0, &report), -EPROTO);
	assert_int_equal(report_make(example->trace, 900, 1500, &report), -EINVAL);
}

static void test_sweep__without_slices_only_totals_are_known(void **state)
{
	uint32_t a = example_thread(example);
	uint32_t lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1600);
	example_wait(example, a, lock, 1600, 2000);
	example_finish(example);
	example->trace->slices = NULL;
	assert_int_equal(report_make(example->trace, 0, 0, &example->report), 0);
	report = example->report;

	assert_int_equal(report->not_recorded_ns, 1000);
	assert_int_equal(report->covered_ns, 0);
	assert_int_equal(report->gap_ns, TRACE_NOT_MEASURED);
	assert_int_equal(report->capacity.total_ns, TRACE_NOT_MEASURED);
	assert_int_equal(find_thread_stat(report, a)->state_ns[STATE_RUNNING], 600);
	assert_int_equal(find_thread_stat(report, a)->alone_ns, TRACE_NOT_MEASURED);
	assert_int_equal(find_lock_stat(report, lock)->wait_ns, 400);
	assert_int_equal(find_lock_stat(report, lock)->episodes, TRACE_NOT_MEASURED);
	assert_int_equal(report->edge_count, 1);
	assert_int_equal(report->edges[0].wait_ns, 400);
	assert_no_residuals(report);
}

static void test_sweep__run_time_is_held_against_the_kernels(void **state)
{
	uint32_t a = example_thread(example), b = example_thread(example);
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_slice(example, b, STATE_RUNNING, 1000, 2000);
	example->trace->threads[0].own_run_ns = 900;
	example->trace->threads[0].kernel_run_ns = 895;
	example->trace->threads[1].own_run_ns = 900;
	example->trace->threads[1].kernel_run_ns = 930;
	example->trace->threads[1].charged_ready_ns = 35;
	example->trace->threads[1].uncharged_ns = 15;
	example->trace->threads[1].voluntary = 4;
	example->trace->threads[0].involuntary = 3;
	report = example_report(example, 0, 0);

	assert_int_equal(report->worst_run_error_ns, 10);
	assert_int_equal(report->worst_run_thread, b);
	assert_int_equal(report->own_run_ns, 1800);
	assert_int_equal(report->kernel_run_ns, 1825);
	assert_int_equal(report->charged_ready_ns, 35);
	assert_int_equal(report->uncharged_ns, 15);
	assert_int_equal(report->switches, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_sweep__##name, setup, teardown)
		CASE(threads_that_run_together_overlap),
		CASE(a_switch_is_neither_gap_nor_overlap),
		CASE(a_hole_is_not_recorded_for_all_threads),
		CASE(a_thread_not_yet_born_has_no_hole),
		CASE(a_thread_that_dies_early_without_slices_is_a_hole),
		CASE(a_phase_is_cut_from_the_slices),
		CASE(totals_that_contradict_the_slices_are_residuals),
		CASE(bad_streams_are_refused),
		CASE(without_slices_only_totals_are_known),
		CASE(run_time_is_held_against_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
