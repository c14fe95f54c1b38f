/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path of small runs by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "array_source.h"

/* The sum of the parts of a thread in a state, whatever was held up by it. */
static uint64_t path_ns(const struct example *example, uint32_t thread, enum state state)
{
	const struct critical_path *path = &example->report->critical_path;
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < path->part_count; i++) {
		if (path->parts[i].thread == thread && path->parts[i].state == state)
			sum_ns += path->parts[i].ns;
	}
	return sum_ns;
}

static uint64_t held_ns(const struct example *example, uint32_t thread, uint32_t lock)
{
	const struct critical_path *path = &example->report->critical_path;
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < path->part_count; i++) {
		if (path->parts[i].thread == thread && path->parts[i].held_lock == lock)
			sum_ns += path->parts[i].ns;
	}
	return sum_ns;
}

static void walk(struct example *example, uint64_t begin_ns, uint64_t end_ns)
{
	uint64_t sum_ns = 0;
	const struct critical_path *path;

	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, begin_ns, end_ns, &example->report), 0);
	path = &example->report->critical_path;
	assert_true(path->is_known);
	for (size_t i = 0; i < path->part_count; i++)
		sum_ns += path->parts[i].ns;
	assert_int_equal(sum_ns + path->other_ns, example->report->wall_ns);
}

static struct slice *wait_for(struct example *example, uint32_t thread, uint32_t lock,
			      uint64_t from_ns, uint64_t to_ns, uint32_t waker)
{
	struct slice *slice = example_wait(example, thread, lock, from_ns, to_ns);

	slice->waker = waker;
	slice->result = waker ? WAIT_RESULT_WOKEN : WAIT_RESULT_TIMED_OUT;
	return slice;
}

static void test_path__goes_through_the_thread_that_was_joined(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t join = example_lock(example, LOCK_JOIN, LOCK_STATE_JOIN, "");
	uint32_t first = example_thread(example);
	uint32_t worker = example_mortal(example, 1100, 1500);

	(void)state;
	example_slice(example, first, STATE_RUNNING, 1000, 1100);
	wait_for(example, first, join, 1100, 1500, worker);
	example_slice(example, first, STATE_QUEUED, 1500, 1520);
	example_slice(example, first, STATE_RUNNING, 1520, 1600);
	example_slice(example, worker, STATE_QUEUED, 1100, 1110)->waker = first;
	example_slice(example, worker, STATE_RUNNING, 1110, 1500);
	walk(example, 0, 0);

	assert_int_equal(example->report->critical_path.end_thread, first);
	assert_int_equal(path_ns(example, first, STATE_RUNNING), 180);
	assert_int_equal(path_ns(example, first, STATE_QUEUED), 20);
	assert_int_equal(path_ns(example, worker, STATE_QUEUED), 10);
	assert_int_equal(path_ns(example, worker, STATE_RUNNING), 390);
	assert_int_equal(example->report->critical_path.moves, 2);
	example_free(example);
}

/* a waits for what one will do who is not yet born: the path is with the one who makes it. */
static void test_path__before_a_birth_it_is_with_the_maker(void **state)
{
	struct example *example = example_new(1000, 1700, 3);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t news = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "");
	uint32_t d = example_thread(example), a = example_mortal(example, 1000, 1550);
	uint32_t maker = example_mortal(example, 1000, 1400);
	uint32_t child = example_mortal(example, 1390, 1500);

	(void)state;
	example_slice(example, d, STATE_RUNNING, 1000, 1100);
	wait_for(example, d, lock, 1100, 1300, 0)->holder = a;
	example_slice(example, d, STATE_RUNNING, 1300, 1700);
	example_slice(example, a, STATE_RUNNING, 1000, 1050);
	wait_for(example, a, news, 1050, 1500, child);
	example_slice(example, a, STATE_RUNNING, 1500, 1550);
	example_slice(example, maker, STATE_RUNNING, 1000, 1400);
	example_slice(example, child, STATE_QUEUED, 1390, 1400)->waker = maker;
	example_slice(example, child, STATE_RUNNING, 1400, 1500);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, d, STATE_RUNNING), 400);
	assert_int_equal(path_ns(example, maker, STATE_RUNNING), 300);
	assert_int_equal(held_ns(example, maker, lock), 200);
	example_free(example);
}

static void test_path__says_which_lock_it_held_up(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1300);
	example_slice(example, a, STATE_SLEEP, 1300, 1600);
	example_slice(example, b, STATE_RUNNING, 1000, 1100);
	wait_for(example, b, lock, 1100, 1300, a);
	example_slice(example, b, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, b, STATE_RUNNING), 300);
	assert_int_equal(path_ns(example, a, STATE_RUNNING), 300);
	assert_int_equal(held_ns(example, a, lock), 200);
	example_free(example);
}

static void test_path__retries_are_one_wait(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t gil = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1300);
	example_slice(example, a, STATE_SLEEP, 1300, 1600);
	wait_for(example, b, gil, 1000, 1100, 0)->holder = a;
	example_slice(example, b, STATE_RUNNING, 1100, 1110);
	wait_for(example, b, gil, 1110, 1300, a);
	example_slice(example, b, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(held_ns(example, a, gil), 300);
	example_free(example);
}

static void test_path__goes_through_the_holder_not_the_timer(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1200);
	example_slice(example, a, STATE_IO, 1200, 1600)->syscall = 1;
	example_slice(example, b, STATE_RUNNING, 1000, 1100);
	wait_for(example, b, lock, 1100, 1300, 0)->holder = a;
	example_slice(example, b, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, b, STATE_FUTEX), 0);
	assert_int_equal(path_ns(example, a, STATE_IO), 100);
	assert_int_equal(path_ns(example, a, STATE_RUNNING), 200);
	example_free(example);
}

static void test_path__a_lock_of_nobody_known_stays_a_wait(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	wait_for(example, a, lock, 1100, 1300, 0);
	example_slice(example, a, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, a, STATE_FUTEX), 200);
	assert_int_equal(example->report->critical_path.parts[1].lock, lock);
	example_free(example);
}

static void test_path__what_came_from_outside_stays(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	example_slice(example, a, STATE_SLEEP, 1100, 1400)->syscall = 35;
	example_slice(example, a, STATE_PREEMPTED, 1400, 1450);
	example_slice(example, a, STATE_RUNNING, 1450, 1600);
	example_slice(example, b, STATE_RUNNING, 1000, 1590);
	example_slice(example, b, STATE_SLEEP, 1590, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, a, STATE_SLEEP), 300);
	assert_int_equal(example->report->critical_path.parts[0].syscall, 35);
	assert_int_equal(path_ns(example, a, STATE_PREEMPTED), 50);
	assert_int_equal(path_ns(example, b, STATE_RUNNING), 0);
	example_free(example);
}

static void test_path__a_late_wake_up_is_still_waiting(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1200);
	example_slice(example, a, STATE_SLEEP, 1200, 1600);
	example_slice(example, b, STATE_SLEEP, 1000, 1230)->waker = a;
	example_slice(example, b, STATE_RUNNING, 1230, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, b, STATE_SLEEP), 30);
	assert_int_equal(path_ns(example, a, STATE_RUNNING), 200);
	assert_int_equal(path_ns(example, a, STATE_SLEEP), 0);
	example_free(example);
}

static void test_path__holes_are_not_recorded(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1200);
	example_slice(example, a, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, a, STATE_RUNNING), 500);
	assert_int_equal(path_ns(example, a, STATE_UNKNOWN), 100);
	example_free(example);
}

static void test_path__of_a_phase_is_cut_to_it(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1400);
	example_slice(example, a, STATE_SLEEP, 1400, 1600);
	example_slice(example, b, STATE_SLEEP, 1000, 1350)->waker = a;
	example_slice(example, b, STATE_RUNNING, 1350, 1600);
	walk(example, 1100, 1500);

	assert_int_equal(path_ns(example, b, STATE_RUNNING), 150);
	assert_int_equal(path_ns(example, a, STATE_RUNNING), 250);
	example_free(example);
}

static void test_path__a_timer_is_nobodys_doing(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);
	struct slice *slice;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1500);
	example_slice(example, a, STATE_SLEEP, 1500, 1600);
	slice = wait_for(example, b, lock, 1000, 1300, a);
	slice->result = WAIT_RESULT_TIMED_OUT;
	example_slice(example, b, STATE_RUNNING, 1300, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, b, STATE_FUTEX), 300);
	example_free(example);
}

static void test_path__of_two_at_the_end_the_first_counts(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, b, STATE_RUNNING, 1000, 1600);
	example_slice(example, a, STATE_SLEEP, 1000, 1100);
	example_slice(example, a, STATE_RUNNING, 1100, 1600);
	walk(example, 0, 0);

	assert_int_equal(example->report->critical_path.end_thread, a);
	example_free(example);
}

/* Each waits for a lock of the other all the time: somebody must be charged. */
static void test_path__circles_end(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	wait_for(example, a, lock, 1000, 1500, 0)->holder = b;
	example_slice(example, a, STATE_RUNNING, 1500, 1600);
	wait_for(example, b, lock, 1000, 1600, 0)->holder = a;
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, a, STATE_RUNNING), 100);
	assert_int_equal(path_ns(example, a, STATE_FUTEX) + path_ns(example, b, STATE_FUTEX), 500);
	example_free(example);
}

static void test_path__nobody_ran_is_of_no_thread(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t a = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_SLEEP, 1000, 1600);
	walk(example, 0, 0);

	assert_int_equal(path_ns(example, 0, STATE_UNKNOWN), 600);
	example_free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path__goes_through_the_thread_that_was_joined),
		cmocka_unit_test(test_path__before_a_birth_it_is_with_the_maker),
		cmocka_unit_test(test_path__says_which_lock_it_held_up),
		cmocka_unit_test(test_path__retries_are_one_wait),
		cmocka_unit_test(test_path__goes_through_the_holder_not_the_timer),
		cmocka_unit_test(test_path__a_lock_of_nobody_known_stays_a_wait),
		cmocka_unit_test(test_path__what_came_from_outside_stays),
		cmocka_unit_test(test_path__a_late_wake_up_is_still_waiting),
		cmocka_unit_test(test_path__holes_are_not_recorded),
		cmocka_unit_test(test_path__of_a_phase_is_cut_to_it),
		cmocka_unit_test(test_path__a_timer_is_nobodys_doing),
		cmocka_unit_test(test_path__of_two_at_the_end_the_first_counts),
		cmocka_unit_test(test_path__circles_end),
		cmocka_unit_test(test_path__nobody_ran_is_of_no_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
