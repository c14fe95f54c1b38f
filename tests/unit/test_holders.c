/* SPDX-License-Identifier: GPL-2.0-only */
/* Who has a lock while others wait, told from reads, releases and acquisitions; and the ledger of
 * how it passed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/futex.h>

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
	c = example_thread(example);
	lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

/* A wait that `waker` ends by letting go. */
static struct slice *released(uint32_t thread, uint64_t from_ms, uint64_t to_ms, uint32_t waker)
{
	struct slice *wait = example_wait(example, thread, lock, from_ms * MS, to_ms * MS);

	wait->result = WAIT_RESULT_WOKEN;
	wait->waker = waker;
	wait->flags = SLICE_WAKER_RELEASED;
	return wait;
}

static void run(uint32_t thread, uint64_t from_ms, uint64_t to_ms)
{
	example_slice(example, thread, STATE_RUNNING, from_ms * MS, to_ms * MS);
}

/* Wait time of one waiter charged to a holder with a mark. */
static uint64_t charged_ns(const struct report *report, uint32_t waiter, uint32_t holder,
			   enum holder_mark mark)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < report->edge_count; i++) {
		const struct edge *edge = &report->edges[i];

		if (edge->waiter == waiter && edge->holder == holder && edge->mark == mark)
			sum_ns += edge->wait_ns;
	}
	return sum_ns;
}

static uint64_t charged_ms(const struct report *report, uint32_t waiter, uint32_t holder,
			   enum holder_mark mark)
{
	return charged_ns(report, waiter, holder, mark) / MS;
}

/* a has it until 20, hands it to b, who has it until 50 and hands it to c. */
static const struct report *passed_on(void)
{
	run(a, 0, 100);
	run(b, 0, 10);
	released(b, 10, 20, a)->holder = a;
	example_slice(example, b, STATE_QUEUED, 20 * MS, 25 * MS);
	run(b, 25, 100);
	run(c, 0, 15);
	released(c, 15, 50, b)->holder = a;
	run(c, 50, 100);
	return example_report(example, 0, 0);
}

static void test_holders__the_lock_moves_on_while_one_waits(void **state)
{
	const struct report *report = passed_on();

	(void)state;
	assert_int_equal(charged_ms(report, b, a, HOLDER_EXACT), 10);
	assert_int_equal(charged_ms(report, c, a, HOLDER_EXACT), 5);
	assert_int_equal(charged_ms(report, c, 0, HOLDER_UNKNOWN), 5);
	assert_int_equal(charged_ms(report, c, b, HOLDER_LIKELY), 25);
	assert_int_equal(find_lock_stat(report, lock)->holder_running_ns, 40 * MS);
	assert_int_equal(find_lock_stat(report, lock)->holder_unknown_ns, 5 * MS);
	assert_no_residuals(report);
}

static void test_holders__hand_offs_are_counted_with_their_dead_time(void **state)
{
	const struct lock_stat *stat = find_lock_stat(passed_on(), lock);

	(void)state;
	assert_int_equal(stat->handoffs, 2);
	assert_int_equal(stat->handoff_ns, 5 * MS);
	assert_int_equal(stat->dead_ns, 5 * MS);
	assert_int_equal(stat->handoff.p50_ns, 0);
	assert_int_equal(stat->handoff.p99_ns, 5 * MS);
	assert_int_equal(stat->handoff.same_cpu, 2);
	assert_int_equal(stat->handoff.other_cpu, 0);
}

static void test_holders__who_finds_it_taken_again_got_no_hand_off(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 100);
	released(b, 0, 20, a)->holder = a;
	example_slice(example, b, STATE_RUNNING, 20 * MS, 20 * MS + 5000);
	example_wait(example, b, lock, 20 * MS + 5000, 100 * MS)->holder = a;
	run(c, 0, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
	assert_int_equal(find_lock_stat(report, lock)->dead_ns, 0);
	assert_int_equal(charged_ms(report, b, a, HOLDER_EXACT), 99);
	assert_no_residuals(report);
}

static void test_holders__who_held_it_briefly_and_waits_again_got_it(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 100);
	released(b, 0, 20, a)->holder = a;
	example_slice(example, b, STATE_RUNNING, 20 * MS, 20 * MS + 5000);
	run(c, 0, 10);
	released(c, 10, 20, a);
	example->slices[example->count - 1].duration_ns += 4000;
	example->slices[example->count - 1].waker = b;
	example_slice(example, c, STATE_RUNNING, 20 * MS + 4000, 100 * MS);
	example_wait(example, b, lock, 20 * MS + 5000, 100 * MS)->holder = c;
	report = example_report(example, 0, 0);

	assert_int_equal(find_lock_stat(report, lock)->handoffs, 2);
	assert_no_residuals(report);
}

static void test_holders__a_release_tells_who_had_it(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 100);
	run(b, 0, 10);
	released(b, 10, 40, a);
	run(c, 0, 100);
	run(b, 40, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, b, a, HOLDER_LIKELY), 30);
	assert_no_residuals(report);
}

/* Only the release by b shows that b had it all the time; what nobody releases stays unknown. */
static void test_holders__a_guess_needs_a_release(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 100);
	run(b, 0, 10);
	released(b, 10, 20, a)->holder = a;
	run(b, 20, 100);
	run(c, 0, 50);
	released(c, 50, 60, b);
	run(c, 60, 70);
	example_wait(example, c, lock, 70 * MS, 80 * MS)->result = WAIT_RESULT_TIMED_OUT;
	run(c, 80, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, c, b, HOLDER_LIKELY), 10);
	assert_int_equal(charged_ms(report, c, 0, HOLDER_UNKNOWN), 10);
	assert_int_equal(find_lock_stat(report, lock)->holder_running_ns, 20 * MS);
	assert_no_residuals(report);
}

static void test_holders__the_dead_hold_nothing(void **state)
{
	const struct report *report;
	uint32_t mortal = example_mortal(example, 0, 40 * MS);

	(void)state;
	run(a, 0, 100);
	run(c, 0, 100);
	run(mortal, 0, 40);
	example_wait(example, b, lock, 0, 100 * MS)->holder = mortal;
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, b, mortal, HOLDER_EXACT), 40);
	assert_int_equal(charged_ms(report, b, 0, HOLDER_UNKNOWN), 60);
	assert_no_residuals(report);
}

static void test_holders__a_join_is_charged_to_the_joined(void **state)
{
	const struct report *report;

	(void)state;
	lock = example_lock(example, LOCK_JOIN, LOCK_STATE_JOIN, "join");
	run(a, 0, 100);
	released(b, 0, 60, a);
	run(b, 60, 100);
	run(c, 0, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, b, a, HOLDER_EXACT), 60);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
	assert_no_residuals(report);
}

/* The holder waits for the mutex inside of the GIL, in which another asks for the GIL. */
static void test_holders__the_mutex_inside_of_the_gil_is_no_gil(void **state)
{
	const struct report *report;
	struct slice *wait;

	(void)state;
	lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	run(c, 0, 100);
	run(a, 0, 30);
	released(a, 30, 40, b)->op = FUTEX_WAIT;
	run(a, 40, 100);
	wait = example_wait(example, b, lock, 0, 100 * MS);
	wait->op = FUTEX_WAIT_BITSET;
	wait->holder = a;
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, b, a, HOLDER_EXACT), 100);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
	assert_no_residuals(report);
}

static void test_holders__a_deaf_holder_needs_two_time_outs(void **state)
{
	const struct report *report;

	(void)state;
	lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	run(a, 0, 100);
	run(c, 0, 100);
	for (uint64_t i = 0; i < 4; i++) {
		struct slice *wait = example_wait(example, b, lock, 10 * MS * i, 10 * MS * (i + 1));

		/* Once, then work; then three times in a row, the last one is woken. */
		if (i == 1) {
			wait->state = STATE_RUNNING;
			wait->lock = 0;
			continue;
		}
		wait->holder = a;
		wait->op = FUTEX_WAIT_BITSET;
		wait->result = WAIT_RESULT_TIMED_OUT;
	}
	run(b, 40, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(find_lock_stat(report, lock)->stuck.episodes, 1);
	assert_int_equal(find_lock_stat(report, lock)->stuck.wait_ns, 20 * MS);
	assert_int_equal(find_lock_stat(report, lock)->stuck.holder, a);
	assert_no_residuals(report);
}

static void test_holders__what_a_holder_was_blocked_in_is_kept(void **state)
{
	const struct report *report;
	const struct lock_stat *stat;

	(void)state;
	run(a, 0, 20);
	example_slice(example, a, STATE_SLEEP, 20 * MS, 50 * MS)->syscall = 35;
	example_slice(example, a, STATE_PREEMPTED, 50 * MS, 60 * MS);
	run(a, 60, 100);
	example_wait(example, b, lock, 0, 100 * MS)->holder = a;
	run(c, 0, 40);
	example_wait(example, c, lock, 40 * MS, 100 * MS)->holder = a;
	report = example_report(example, 0, 0);
	stat = find_lock_stat(report, lock);

	assert_int_equal(stat->holder_blocked_ns, 40 * MS);
	assert_int_equal(stat->blocked.ns, 40 * MS);
	assert_int_equal(stat->blocked.thread, a);
	assert_int_equal(stat->blocked.syscall, 35);
	assert_int_equal(stat->holder_ready_ns, 20 * MS);
	assert_int_equal(stat->ready.ns, 20 * MS);
	assert_no_residuals(report);
}

/* a took it again before b ran, as c saw. */
static void test_holders__who_is_woken_too_late_has_nothing(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 100);
	released(b, 0, 20, a)->holder = a;
	example_slice(example, b, STATE_QUEUED, 20 * MS, 30 * MS);
	example_slice(example, b, STATE_RUNNING, 30 * MS, 30 * MS + 5000);
	example_wait(example, b, lock, 30 * MS + 5000, 100 * MS)->holder = a;
	run(c, 0, 25);
	example_wait(example, c, lock, 25 * MS, 100 * MS)->holder = a;
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ns(report, c, b, HOLDER_LIKELY), 0);
	assert_int_equal(charged_ms(report, c, a, HOLDER_EXACT), 75);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 0);
	assert_no_residuals(report);
}

static void test_holders__who_waits_for_it_has_it_no_more(void **state)
{
	const struct report *report;

	(void)state;
	run(a, 0, 10);
	released(a, 10, 20, b);
	run(a, 20, 40);
	example_wait(example, a, lock, 40 * MS, 100 * MS);
	run(b, 0, 100);
	run(c, 0, 15);
	example_wait(example, c, lock, 15 * MS, 100 * MS);
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, c, b, HOLDER_LIKELY), 5);
	assert_int_equal(charged_ms(report, c, a, HOLDER_LIKELY), 20);
	assert_int_equal(charged_ms(report, c, 0, HOLDER_UNKNOWN), 60);
	assert_no_residuals(report);
}

/* a was read as the holder, but d let go: it passed in between, and nobody saw when. */
static void test_holders__a_release_by_another_makes_a_reading_likely(void **state)
{
	const struct report *report;
	uint32_t d = example_thread(example);

	(void)state;
	run(a, 0, 100);
	run(d, 0, 100);
	run(c, 0, 100);
	run(b, 0, 20);
	released(b, 20, 50, d)->holder = a;
	run(b, 50, 100);
	report = example_report(example, 0, 0);

	assert_int_equal(charged_ms(report, b, a, HOLDER_EXACT), 0);
	assert_int_equal(charged_ms(report, b, a, HOLDER_LIKELY), 30);
	assert_no_residuals(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_holders__##name, setup, teardown)
		CASE(the_lock_moves_on_while_one_waits),
		CASE(hand_offs_are_counted_with_their_dead_time),
		CASE(who_finds_it_taken_again_got_no_hand_off),
		CASE(who_held_it_briefly_and_waits_again_got_it),
		CASE(a_release_tells_who_had_it),
		CASE(a_guess_needs_a_release),
		CASE(the_dead_hold_nothing),
		CASE(who_is_woken_too_late_has_nothing),
		CASE(who_waits_for_it_has_it_no_more),
		CASE(a_release_by_another_makes_a_reading_likely),
		CASE(a_join_is_charged_to_the_joined),
		CASE(the_mutex_inside_of_the_gil_is_no_gil),
		CASE(a_deaf_holder_needs_two_time_outs),
		CASE(what_a_holder_was_blocked_in_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
