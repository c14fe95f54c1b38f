/* SPDX-License-Identifier: GPL-2.0-only */
/* Who waits for whom without end: circles, those behind them, and locks that are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/stuck.h"
#include "array_source.h"

/* Each thread waits for a lock of its own, of holders[i], from from_ns on until the end at 1000. */
static struct example *waits_new(const uint32_t *holders, size_t count, uint64_t from_ns)
{
	struct example *example = example_new(0, 1000, 2);

	for (size_t i = 0; i < count; i++)
		example_thread(example);
	for (size_t i = 0; i < count; i++) {
		uint32_t thread = (uint32_t)i + 1;
		uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");

		if (from_ns)
			example_slice(example, thread, STATE_RUNNING, 0, from_ns);
		if (holders[i])
			example_wait(example, thread, lock, from_ns, 1000)->holder = holders[i];
		else
			example_slice(example, thread, STATE_SLEEP, from_ns, 1000);
	}
	example_report(example, 0, 0);
	return example;
}

static void test_stuck__circles_and_who_is_behind(void **state)
{
	static const struct {
		uint32_t holders[8];
		size_t count;
		size_t behind;
	} cases[] = {
		{ { 2, 3, 0 }, 0, 0 }, /* a chain ends with one that sleeps */
		{ { 2, 1 }, 2, 0 },
		{ { 2, 3, 4, 2 }, 3, 1 },
		{ { 2, 1, 1, 3, 4 }, 2, 3 },
		/* Of two circles the larger; who waits for the other is not behind it. */
		{ { 2, 1, 1, 5, 6, 4, 4, 7 }, 3, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t count = 8;
		struct example *example;
		struct deadlock deadlock;

		while (count > 3 && !cases[i].holders[count - 1])
			count--;
		example = waits_new(cases[i].holders, count, 100);
		find_deadlock(example->report, &deadlock);
		assert_int_equal(deadlock.count, cases[i].count);
		assert_int_equal(deadlock.behind, cases[i].behind);
		if (deadlock.count) {
			assert_int_equal(deadlock.since_ns, 100);
			assert_int_equal(deadlock.until_ns, 1000);
		}
		free(deadlock.waits);
		example_free(example);
	}
}

/* What was passed on or let go since is no wait for that holder. */
static void test_stuck__what_ended_or_passed_on_does_not_count(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_thread(example);
	uint32_t c = example_thread(example);
	struct slice *wait;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 400);
	example_slice(example, a, STATE_SLEEP, 400, 1000);
	example_wait(example, b, lock, 0, 1000)->holder = a;
	/* c is given it by a, and b waits on. */
	wait = example_wait(example, c, lock, 0, 300);
	wait->holder = wait->waker = a;
	wait->result = WAIT_RESULT_WOKEN;
	wait->flags = SLICE_WAKER_RELEASED;
	example_slice(example, c, STATE_RUNNING, 300, 1000);
	example_report(example, 0, 0);
	assert_int_equal(example->report->open_wait_count, 0);
	example_free(example);
}

/* Nobody is known to have woken it, but it runs on for longer than a death takes. */
static void test_stuck__who_runs_on_was_not_stuck(void **state)
{
	static const uint64_t runs_ns[] = { 1000000, 20000000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct example *example = example_new(0, 100000000 + runs_ns[i], 2);
		uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
		uint32_t a = example_thread(example), b = example_thread(example);

		example_wait(example, a, lock, 0, 100000000)->holder = b;
		example_slice(example, a, STATE_RUNNING, 100000000, 100000000 + runs_ns[i]);
		example_slice(example, b, STATE_SLEEP, 0, 100000000 + runs_ns[i]);
		example_report(example, 0, 0);
		assert_int_equal(example->report->open_wait_count, i == 0);
		example_free(example);
	}
}

static void test_stuck__the_lock_with_most_waiting_is_kept(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	struct kept_lock kept;

	(void)state;
	for (int i = 0; i < 5; i++)
		example_thread(example);
	example_lock(example, LOCK_MUTEX, LOCK_STATE_FUTEX, "");
	example_lock(example, LOCK_MUTEX, LOCK_STATE_FUTEX, "");
	example_wait(example, 1, 1, 0, 1000)->holder = 4;
	example_wait(example, 2, 2, 0, 1000)->holder = 5;
	example_wait(example, 3, 2, 0, 1000)->holder = 5;
	example_slice(example, 4, STATE_SLEEP, 0, 1000);
	example_slice(example, 5, STATE_IO, 0, 1000);
	example_report(example, 0, 0);

	find_kept_lock(example->report, 500, &kept);
	assert_non_null(kept.wait);
	assert_int_equal(kept.wait->lock, 2);
	assert_int_equal(kept.wait->holder, 5);
	assert_int_equal(kept.waiters, 2);
	assert_int_equal(kept.wait_ns, 2000);
	assert_int_equal(kept.state, STATE_IO);
	assert_false(kept.is_dead);
	example_free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stuck__circles_and_who_is_behind),
		cmocka_unit_test(test_stuck__what_ended_or_passed_on_does_not_count),
		cmocka_unit_test(test_stuck__who_runs_on_was_not_stuck),
		cmocka_unit_test(test_stuck__the_lock_with_most_waiting_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
