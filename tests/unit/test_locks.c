/* SPDX-License-Identifier: GPL-2.0-only */
/* What locks cost: waits, episodes, quantiles, holders, edges, loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/episode.h"
#include "analysis/quantile.h"
#include "array_source.h"

#define MS 1000000

static struct example *example;
static uint32_t a, b, c, lock;

static int setup(void **state)
{
	(void)state;
	example = example_new(0, 100 * MS, 2);
	a = example_thread(example);
	b = example_thread(example);
	c = example_mortal(example, 0, 0);
	lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

/* b waits 5 ms, times out, runs for run_ns, waits 5 ms more, then runs; a runs all the time. */
static const struct report *two_waits(uint64_t run_ns)
{
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	example_wait(example, b, lock, 0, 5 * MS)->result = WAIT_RESULT_TIMED_OUT;
	example_slice(example, b, STATE_RUNNING, 5 * MS, 5 * MS + run_ns);
	example_wait(example, b, lock, 5 * MS + run_ns, 10 * MS + run_ns)->result =
		WAIT_RESULT_WOKEN;
	example_slice(example, b, STATE_RUNNING, 10 * MS + run_ns, 100 * MS);
	return example_report(example, 0, 0);
}

static void test_locks__a_retried_wait_is_one_episode(void **state)
{
	const struct lock_stat *stat = find_lock_stat(two_waits(99999), lock);

	(void)state;
	assert_int_equal(stat->episodes, 1);
	assert_int_equal(stat->waits, 2);
	assert_int_equal(stat->timeouts, 1);
	assert_int_equal(stat->wait_ns, 10 * MS);
	assert_int_equal(stat->p50_ns, 10 * MS + 99999);
	assert_int_equal(stat->waiters, 1);
	assert_no_residuals(example->report);
}

static void test_locks__real_work_between_waits_makes_two_episodes(void **state)
{
	const struct lock_stat *stat = find_lock_stat(two_waits(100000), lock);

	(void)state;
	assert_int_equal(stat->episodes, 2);
	assert_int_equal(stat->p50_ns, 5 * MS);
	assert_int_equal(stat->p99_ns, 5 * MS);
}

static void test_locks__going_to_sleep_ends_an_episode(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	example_wait(example, b, lock, 0, 5 * MS);
	example_slice(example, b, STATE_SLEEP, 5 * MS, 50 * MS);
	example_wait(example, b, lock, 50 * MS, 100 * MS);
	report = example_report(example, 0, 0);

	assert_int_equal(find_lock_stat(report, lock)->episodes, 2);
	assert_int_equal(find_lock_stat(report, lock)->min_ns, 5 * MS);
	assert_int_equal(find_lock_stat(report, lock)->max_ns, 50 * MS);
}

static void test_locks__another_lock_ends_an_episode(void **state)
{
	const struct slice waits[] = {
		{ .state = STATE_FUTEX, .lock = 1, .start_ns = 0, .duration_ns = 10 },
		{ .state = STATE_QUEUED, .start_ns = 10, .duration_ns = 1 },
		{ .state = STATE_FUTEX, .lock = 1, .start_ns = 11, .duration_ns = 9 },
		{ .state = STATE_FUTEX, .lock = 2, .start_ns = 20, .duration_ns = 10 },
	};
	struct episode open = { 0 }, ended;

	(void)state;
	assert_false(episode_take(&open, &waits[0], &ended));
	assert_false(episode_take(&open, &waits[1], &ended));
	assert_false(episode_take(&open, &waits[2], &ended));
	assert_true(episode_take(&open, &waits[3], &ended));
	assert_int_equal(ended.number, 1);
	assert_int_equal(ended.block_ns, 0);
	assert_int_equal(ended.wake_ns, 20);
	assert_int_equal(open.number, 2);
	assert_int_equal(open.lock, 2);
}

static void test_locks__quantiles_are_exact_at_first_and_within_one_percent_later(void **state)
{
	struct quantile *quantile = NULL;
	uint64_t exact, close;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		quantile_add(&quantile, (i * 7919) % 1009 * 1000);
	exact = quantile_get(quantile, 500);
	for (uint64_t i = 0; i < 99000; i++)
		quantile_add(&quantile, (i * 7919) % 1009 * 1000);
	close = quantile_get(quantile, 990);
	quantile_free(quantile);

	assert_int_equal(exact % 1000, 0);
	assert_in_range(exact, 495000, 514000);
	assert_in_range(close, 998000 * 0.99, 998000 * 1.01);
}

static void test_locks__quantiles_hold_for_every_size_of_value(void **state)
{
	(void)state;
	for (int shift = 0; shift < 64; shift++) {
		struct quantile *quantile = NULL;
		uint64_t value = UINT64_C(1) << shift, got;

		value += value / 3;
		for (int i = 0; i <= QUANTILE_EXACT; i++)
			quantile_add(&quantile, value);
		got = quantile_get(quantile, 900);
		quantile_free(quantile);
		assert_true((got > value ? got - value : value - got) <= value / 100);
	}
}

static void test_locks__what_the_holder_did_sums_to_the_wait(void **state)
{
	const struct report *report;
	const struct lock_stat *stat;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 40 * MS);
	example_slice(example, a, STATE_PREEMPTED, 40 * MS, 60 * MS);
	example_slice(example, a, STATE_RUNNING, 60 * MS, 70 * MS);
	example_slice(example, a, STATE_SLEEP, 70 * MS, 100 * MS);
	wait = example_wait(example, b, lock, 10 * MS, 80 * MS);
	wait->holder = a;
	example_slice(example, b, STATE_RUNNING, 0, 10 * MS);
	example_wait(example, b, lock, 80 * MS, 100 * MS);
	report = example_report(example, 0, 0);
	stat = find_lock_stat(report, lock);

	assert_int_equal(stat->holder_running_ns, 40 * MS);
	assert_int_equal(stat->holder_ready_ns, 20 * MS);
	assert_int_equal(stat->holder_blocked_ns, 10 * MS);
	assert_int_equal(stat->holder_unknown_ns, 20 * MS);
	assert_int_equal(stat->wait_ns, 90 * MS);
	assert_int_equal(report->edge_count, 2);
	assert_int_equal(report->edges[0].holder, 0);
	assert_int_equal(report->edges[0].wait_ns, 20 * MS);
	assert_int_equal(report->edges[1].holder, a);
	assert_int_equal(report->edges[1].wait_ns, 70 * MS);
	assert_int_equal(report->edges[1].mark, HOLDER_EXACT);
	assert_no_residuals(report);
}

static void test_locks__what_slices_lost_is_charged_to_an_unknown_holder(void **state)
{
	struct trace *trace = example->trace;
	const struct report *report;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	wait = example_wait(example, b, lock, 0, 60 * MS);
	wait->holder = a;
	example_finish(example);
	trace->wait_totals[0].wait_ns += 40 * MS;
	trace->wait_totals[0].waits++;
	trace->locks[0].wait_ns += 40 * MS;
	trace->locks[0].waits++;
	trace->threads[b - 1].slices_lost = 1;
	trace->threads[b - 1].state_ns[STATE_FUTEX] += 40 * MS;
	trace->threads[b - 1].futex_class_ns[LOCK_STATE_LOCK] += 40 * MS;
	assert_int_equal(report_make(trace, 0, 0, &example->report), 0);
	report = example->report;

	assert_int_equal(report->not_recorded_ns, 40 * MS);
	assert_int_equal(find_lock_stat(report, lock)->wait_ns, 100 * MS);
	assert_int_equal(find_lock_stat(report, lock)->waits, 2);
	assert_int_equal(find_lock_stat(report, lock)->holder_unknown_ns, 40 * MS);
	assert_int_equal(report->edge_count, 2);
	assert_int_equal(report->edges[0].holder, 0);
	assert_int_equal(report->edges[0].wait_ns, 40 * MS);
	assert_int_equal(find_thread_stat(report, b)->class_ns[LOCK_STATE_LOCK], 100 * MS);
	assert_no_residuals(report);
}

static void test_locks__slices_beyond_the_total_are_a_residual(void **state)
{
	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	example_wait(example, b, lock, 0, 100 * MS);
	example_finish(example);
	example->trace->wait_totals[0].wait_ns -= 9;
	assert_int_equal(report_make(example->trace, 0, 0, &example->report), 0);

	assert_int_equal(example->report->residual_ns[7], 9);
	assert_int_equal(example->report->residual_ns[6], 9);
}

static void test_locks__an_edge_counts_an_episode_once(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	for (uint64_t i = 0; i < 10; i++)
		example_wait(example, b, lock, 10 * MS * i, 10 * MS * (i + 1))->holder = a;
	report = example_report(example, 0, 0);

	assert_int_equal(report->edge_count, 1);
	assert_int_equal(report->edges[0].episodes, 1);
	assert_int_equal(find_lock_stat(report, lock)->waits, 10);
	assert_no_residuals(report);
}

static void test_locks__a_hole_ends_an_episode_and_hides_a_hand_off(void **state)
{
	const struct report *report;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	example_wait(example, b, lock, 0, 10 * MS);
	wait = example_wait(example, b, lock, 20 * MS, 30 * MS);
	wait->waker = a;
	wait->result = WAIT_RESULT_WOKEN;
	example_slice(example, b, STATE_QUEUED, 40 * MS, 50 * MS);
	example_slice(example, b, STATE_RUNNING, 50 * MS, 100 * MS);
	example->trace->threads[b - 1].slices_lost = 2;
	example->trace->threads[b - 1].state_ns[STATE_RUNNING] = 20 * MS;
	report = example_report(example, 0, 0);

	assert_int_equal(report->not_recorded_ns, 20 * MS);
	assert_int_equal(find_lock_stat(report, lock)->episodes, 2);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
	assert_no_residuals(report);
}

static void test_locks__a_phase_counts_its_own_waits(void **state)
{
	const struct report *report;
	const struct lock_stat *stat;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100 * MS);
	example_wait(example, b, lock, 0, 30 * MS);
	example_slice(example, b, STATE_RUNNING, 30 * MS, 60 * MS);
	example_wait(example, b, lock, 60 * MS, 100 * MS);
	report = example_report(example, 20 * MS, 50 * MS);
	stat = find_lock_stat(report, lock);

	assert_int_equal(stat->waits, 1);
	assert_int_equal(stat->wait_ns, 10 * MS);
	assert_int_equal(stat->waiters, 1);
	assert_int_equal(stat->episodes, 1);
	assert_int_equal(stat->holder_unknown_ns, 10 * MS);
	assert_int_equal(report->edge_count, 0);
	assert_int_equal(find_thread_stat(report, b)->class_ns[LOCK_STATE_LOCK], 10 * MS);
	assert_null(find_thread_stat(report, c));
	assert_no_residuals(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_locks__##name, setup, teardown)
		CASE(a_retried_wait_is_one_episode),
		CASE(real_work_between_waits_makes_two_episodes),
		CASE(going_to_sleep_ends_an_episode),
		CASE(another_lock_ends_an_episode),
		CASE(quantiles_are_exact_at_first_and_within_one_percent_later),
		CASE(quantiles_hold_for_every_size_of_value),
		CASE(what_the_holder_did_sums_to_the_wait),
		CASE(what_slices_lost_is_charged_to_an_unknown_holder),
		CASE(slices_beyond_the_total_are_a_residual),
		CASE(an_edge_counts_an_episode_once),
		CASE(a_hole_ends_an_episode_and_hides_a_hand_off),
		CASE(a_phase_counts_its_own_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
