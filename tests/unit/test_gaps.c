/* SPDX-License-Identifier: GPL-2.0-only */
/* Gaps are charged to what the thread that ended them was doing; capacity goes where I5 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "array_source.h"

static struct example *example;
static uint32_t a, b, lock, idle;

static int setup(void **state)
{
	(void)state;
	example = example_new(1000, 2000, 2);
	a = example_thread(example);
	b = example_thread(example);
	lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	idle = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "queue");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

static void assert_cause(const struct gap_cause *cause, enum gap_kind kind, uint32_t of_lock,
			 uint64_t ns)
{
	assert_int_equal(cause->kind, kind);
	assert_int_equal(cause->lock, of_lock);
	assert_int_equal(cause->ns, ns);
	assert_int_equal(cause->count, 1);
}

static void test_gaps__queued_after_a_release_is_a_hand_off(void **state)
{
	const struct report *report;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	wait = example_wait(example, b, lock, 1000, 1500);
	wait->waker = a;
	wait->result = WAIT_RESULT_WOKEN;
	example_slice(example, b, STATE_QUEUED, 1500, 1530);
	example_slice(example, b, STATE_RUNNING, 1530, 2000);
	example_wait(example, a, lock, 1500, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_ns, 30);
	assert_int_equal(report->gap_count, 1);
	assert_cause(&report->gaps[0], GAP_HAND_OFF, lock, 30);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 1);
	assert_int_equal(find_lock_stat(report, lock)->handoff_ns, 30);
	assert_no_residuals(report);
}

static void test_gaps__a_time_out_is_no_hand_off(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_wait(example, a, lock, 1500, 2000);
	example_wait(example, b, lock, 1000, 1510)->result = WAIT_RESULT_TIMED_OUT;
	example_slice(example, b, STATE_QUEUED, 1510, 1530);
	example_slice(example, b, STATE_RUNNING, 1530, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_count, 2);
	assert_cause(&report->gaps[0], GAP_CPU, 0, 20);
	assert_cause(&report->gaps[1], GAP_STATE, lock, 10);
	assert_int_equal(report->gaps[1].state, STATE_FUTEX);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
}

static void test_gaps__lean_knows_the_releaser_by_its_call(void **state)
{
	struct slice *wait;
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_wait(example, a, lock, 1500, 2000);
	wait = example_wait(example, b, lock, 1000, 1500);
	wait->waker = a;
	wait->flags = SLICE_WAKER_RELEASED;
	example_slice(example, b, STATE_QUEUED, 1500, 1530);
	example_slice(example, b, STATE_RUNNING, 1530, 2000);
	report = example_report(example, 0, 0);

	assert_cause(&report->gaps[0], GAP_HAND_OFF, lock, 30);
}

static void test_gaps__who_let_go_himself_gets_no_hand_off(void **state)
{
	uint32_t let_go = example_lock(example, LOCK_HAND_OVER, LOCK_STATE_LOCK, "GIL hand-over");
	const struct report *report;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_wait(example, a, lock, 1500, 2000);
	wait = example_wait(example, b, let_go, 1000, 1500);
	wait->waker = a;
	wait->result = WAIT_RESULT_WOKEN;
	example_slice(example, b, STATE_QUEUED, 1500, 1530);
	example_slice(example, b, STATE_RUNNING, 1530, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_count, 1);
	assert_cause(&report->gaps[0], GAP_CPU, 0, 30);
	assert_int_equal(find_lock_stat(report, let_go)->handoffs, 0);
}

static void test_gaps__a_wake_up_of_an_idle_thread_is_no_hand_off(void **state)
{
	const struct report *report;
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_slice(example, a, STATE_SLEEP, 1500, 2000);
	wait = example_wait(example, b, idle, 1000, 1500);
	wait->waker = a;
	wait->result = WAIT_RESULT_WOKEN;
	example_slice(example, b, STATE_QUEUED, 1500, 1530);
	example_slice(example, b, STATE_RUNNING, 1530, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_count, 1);
	assert_cause(&report->gaps[0], GAP_CPU, 0, 30);
}

static void test_gaps__a_sleep_is_charged_to_its_call(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1200);
	example_slice(example, a, STATE_SLEEP, 1200, 1300)->syscall = 35;
	example_slice(example, a, STATE_QUEUED, 1300, 1310);
	example_slice(example, a, STATE_RUNNING, 1310, 1400);
	example_slice(example, a, STATE_SLEEP, 1400, 1550)->syscall = 35;
	example_slice(example, a, STATE_RUNNING, 1550, 2000);
	example_slice(example, b, STATE_STOPPED, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_count, 2);
	assert_int_equal(report->gaps[0].kind, GAP_STATE);
	assert_int_equal(report->gaps[0].state, STATE_SLEEP);
	assert_int_equal(report->gaps[0].syscall, 35);
	assert_int_equal(report->gaps[0].ns, 250);
	assert_int_equal(report->gaps[0].count, 2);
	assert_cause(&report->gaps[1], GAP_CPU, 0, 10);
	assert_no_residuals(report);
}

static void test_gaps__a_gap_at_the_end_has_its_own_cause(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1900);
	example_slice(example, a, STATE_SLEEP, 1900, 2000);
	example_wait(example, b, idle, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->gap_count, 1);
	assert_cause(&report->gaps[0], GAP_END, 0, 100);
}

static void test_gaps__a_gap_cut_by_a_hole_has_no_known_ender(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_slice(example, a, STATE_SLEEP, 1500, 1600);
	example_slice(example, a, STATE_RUNNING, 1700, 2000);
	example->trace->threads[a - 1].slices_lost = 1;
	example->trace->threads[a - 1].state_ns[STATE_RUNNING] = 100;
	example_slice(example, b, STATE_SLEEP, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->not_recorded_ns, 100);
	assert_int_equal(report->gap_ns, 100);
	assert_int_equal(report->gap_count, 1);
	assert_cause(&report->gaps[0], GAP_STATE, 0, 100);
	assert_int_equal(report->gaps[0].state, STATE_UNKNOWN);
	assert_no_residuals(report);
}

static void test_capacity__each_cpu_is_used_waited_for_lost_or_not_asked_for(void **state)
{
	const struct report *report;

	(void)state;
	/* 1000–1400 b waits for the lock; 1400–1500 for a CPU; then it sleeps. */
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_wait(example, b, lock, 1000, 1400);
	example_slice(example, b, STATE_QUEUED, 1400, 1500);
	example_slice(example, b, STATE_RUNNING, 1500, 1700);
	example_slice(example, b, STATE_SLEEP, 1700, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->capacity.cpus, 2);
	assert_int_equal(report->capacity.total_ns, 2000);
	assert_int_equal(report->capacity.running_ns, 1200);
	assert_int_equal(report->capacity.cpu_wait_ns, 100);
	assert_int_equal(report->capacity.locks_ns, 400);
	assert_int_equal(report->capacity.not_asked_ns, 300);
	assert_int_equal(find_lock_stat(report, lock)->lost_ns, 400);
	assert_no_residuals(report);
}

static void test_capacity__ready_threads_come_before_lock_waiters(void **state)
{
	const struct report *report;
	uint32_t c = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_slice(example, b, STATE_QUEUED, 1000, 2000);
	example_wait(example, c, lock, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->capacity.cpu_wait_ns, 1000);
	assert_int_equal(report->capacity.locks_ns, 0);
}

static void test_capacity__idle_waits_ask_for_nothing(void **state)
{
	const struct report *report;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_wait(example, b, idle, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->capacity.locks_ns, 0);
	assert_int_equal(report->capacity.not_asked_ns, 1000);
}

static void test_capacity__shares_are_equal_and_rounded_to_the_whole(void **state)
{
	uint32_t other = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "other");
	uint32_t c = example_thread(example), d = example_thread(example);
	const struct report *report;

	(void)state;
	/* One idle CPU, three waiters: 1000 ns in thirds; the odd one goes to the largest rest. */
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_wait(example, b, lock, 1000, 2000);
	example_wait(example, c, lock, 1000, 2000);
	example_wait(example, d, other, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(find_lock_stat(report, lock)->lost_ns, 667);
	assert_int_equal(find_lock_stat(report, other)->lost_ns, 333);
	assert_no_residuals(report);
}

static void test_capacity__usable_cpus_change_in_steps(void **state)
{
	const struct report *report;
	struct cpu_step *step = trace_add_cpu_step(example->trace);

	(void)state;
	step->from_ns = 1600;
	step->cpus = 1;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_slice(example, b, STATE_SLEEP, 1000, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->capacity.cpus, 2);
	assert_false(report->capacity.is_raised);
	assert_int_equal(report->capacity.total_ns, 2 * 600 + 400);
	assert_no_residuals(report);
}

static void test_capacity__is_raised_to_what_was_seen_running(void **state)
{
	const struct report *report;

	(void)state;
	example->trace->meta.cpu_steps[0].cpus = 1;
	example_slice(example, a, STATE_RUNNING, 1000, 2000);
	example_wait(example, b, lock, 1000, 1700);
	example_slice(example, b, STATE_RUNNING, 1700, 2000);
	report = example_report(example, 0, 0);

	assert_int_equal(report->capacity.cpus, 2);
	assert_true(report->capacity.is_raised);
	assert_int_equal(report->capacity.total_ns, 2000);
	assert_int_equal(report->capacity.locks_ns, 700);
	assert_int_equal(find_lock_stat(report, lock)->lost_ns, 700);
	assert_no_residuals(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		CASE(gaps__queued_after_a_release_is_a_hand_off),
		CASE(gaps__a_time_out_is_no_hand_off),
		CASE(gaps__lean_knows_the_releaser_by_its_call),
		CASE(gaps__who_let_go_himself_gets_no_hand_off),
		CASE(gaps__a_wake_up_of_an_idle_thread_is_no_hand_off),
		CASE(gaps__a_sleep_is_charged_to_its_call),
		CASE(gaps__a_gap_at_the_end_has_its_own_cause),
		CASE(gaps__a_gap_cut_by_a_hole_has_no_known_ender),
		CASE(capacity__each_cpu_is_used_waited_for_lost_or_not_asked_for),
		CASE(capacity__ready_threads_come_before_lock_waiters),
		CASE(capacity__idle_waits_ask_for_nothing),
		CASE(capacity__shares_are_equal_and_rounded_to_the_whole),
		CASE(capacity__usable_cpus_change_in_steps),
		CASE(capacity__is_raised_to_what_was_seen_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
