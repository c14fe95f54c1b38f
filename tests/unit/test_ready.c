/* SPDX-License-Identifier: GPL-2.0-only */
/* In what order the replay gives CPUs to those who are ready. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/ready.h"
#include "array_source.h"

static void assert_model_is_exact(const struct example *example)
{
	assert_int_equal(example->report->what_if.state, WHAT_IF_MADE);
	assert_int_equal(example->report->what_if.model_wall_ns, example->report->wall_ns);
}

static void wait_alone(struct example *example, uint32_t thread, uint32_t lock, uint64_t from_ns,
		       uint64_t to_ns, uint32_t waker)
{
	struct slice *slice = example_wait(example, thread, lock, from_ns, to_ns);

	slice->waker = waker;
	slice->result = waker ? WAIT_RESULT_WOKEN : WAIT_RESULT_TIMED_OUT;
}

static void test_ready__turns_come_as_they_came(void **state)
{
	struct example *example = example_new(1000, 1200, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t b = example_mortal(example, 1000, 1100), c = example_thread(example);
	uint32_t a = example_thread(example), d = example_thread(example);

	(void)state;
	/* The long one went first, though it came last. */
	example_slice(example, a, STATE_RUNNING, 1000, 1200);
	example_slice(example, b, STATE_RUNNING, 1000, 1100);
	example_slice(example, c, STATE_QUEUED, 1000, 1100);
	example_slice(example, c, STATE_RUNNING, 1100, 1200);
	wait_alone(example, d, lock, 1000, 1200, 0);
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);

	assert_model_is_exact(example);
	example_free(example);
}

/* One CPU was free, but not for x; without the lock it never is. */
static void test_ready__who_was_kept_from_a_cpu_has_his_turn(void **state)
{
	struct example *example = example_new(1000, 3000, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t x = example_mortal(example, 1000, 1200), a = example_mortal(example, 1000, 2000);
	uint32_t b = example_thread(example);
	const struct what_if *what_if;

	(void)state;
	example_slice(example, x, STATE_QUEUED, 1000, 1100);
	example_slice(example, x, STATE_RUNNING, 1100, 1200);
	wait_alone(example, b, lock, 1000, 2000, a);
	for (uint64_t at = 1000; at < 2000; at += 100) {
		example_slice(example, a, STATE_RUNNING, at, at + 100);
		example_slice(example, b, STATE_RUNNING, at + 1000, at + 1100);
	}
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);

	assert_model_is_exact(example);
	what_if = &example->report->what_if;
	/* b is 100 later for the turn of x, and goes on by itself. */
	assert_int_equal(what_if->predictions[0].wall_ns, 1100);
	assert_int_equal(what_if->predictions[0].ready_ns, 200);
	example_free(example);
}

/* Any order in, the order of turns out, whoever may run by then. */
static void test_ready__turns_are_in_order(void **state)
{
	struct ready ready;
	uint64_t last_turn = 0;

	(void)state;
	ready_init(&ready, 100);
	for (uint32_t thread = 1; thread <= 100; thread++)
		ready_add(&ready, thread, thread * 37 % 101, thread % 3 ? 0 : thread);
	assert_int_equal(ready_next_ns(&ready, 0, false), UINT64_MAX);
	assert_int_equal(ready_next_ns(&ready, 0, true), 3);
	ready_pass(&ready, 60, 20, true);
	for (int i = 0; i < 60; i++) {
		uint32_t thread = ready_take(&ready);

		assert_true(thread && (thread % 3 || thread <= 60 || thread * 37 % 101 <= 20));
		assert_true(thread * 37 % 101 >= last_turn);
		last_turn = thread * 37 % 101;
	}
	ready_release(&ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready__turns_come_as_they_came),
		cmocka_unit_test(test_ready__who_was_kept_from_a_cpu_has_his_turn),
		cmocka_unit_test(test_ready__turns_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
