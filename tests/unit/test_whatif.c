/* SPDX-License-Identifier: GPL-2.0-only */
/* What would be without a lock, in small runs by hand; and how steps are kept. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/steps.h"
#include "analysis/whatif.h"
#include "array_source.h"

static const struct what_if *ask(struct example *example, uint64_t begin_ns, uint64_t end_ns)
{
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, begin_ns, end_ns, &example->report), 0);
	return &example->report->what_if;
}

static void assert_model_is_exact(const struct example *example)
{
	const struct what_if *what_if = &example->report->what_if;

	assert_int_equal(what_if->state, WHAT_IF_MADE);
	assert_int_equal(what_if->model_wall_ns, example->report->wall_ns);
	assert_int_equal(what_if->error_permille, 0);
}

static struct slice *wait_for(struct example *example, uint32_t thread, uint32_t lock,
			      uint64_t from_ns, uint64_t to_ns, uint32_t waker)
{
	struct slice *slice = example_wait(example, thread, lock, from_ns, to_ns);

	slice->waker = waker;
	slice->result = waker ? WAIT_RESULT_WOKEN : WAIT_RESULT_TIMED_OUT;
	return slice;
}

/* Two threads in turns of 100 under one lock, for 400. */
static struct example *turns(uint32_t cpus, enum lock_kind kind)
{
	struct example *example = example_new(1000, 1400, cpus);
	uint32_t lock = example_lock(example, kind, LOCK_STATE_LOCK, "");
	uint32_t a = example_mortal(example, 1000, 1300), b = example_thread(example);

	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	wait_for(example, a, lock, 1100, 1200, b);
	example_slice(example, a, STATE_RUNNING, 1200, 1300);
	wait_for(example, b, lock, 1000, 1100, a);
	example_slice(example, b, STATE_RUNNING, 1100, 1200);
	wait_for(example, b, lock, 1200, 1300, a);
	example_slice(example, b, STATE_RUNNING, 1300, 1400);
	return example;
}

static void test_whatif__threads_in_turns_run_at_once_without_their_lock(void **state)
{
	struct example *example = turns(2, LOCK_MUTEX);
	const struct what_if *what_if = ask(example, 0, 0);

	(void)state;
	assert_model_is_exact(example);
	assert_int_equal(what_if->count, 1);
	assert_int_equal(what_if->predictions[0].lock, 1);
	assert_int_equal(what_if->predictions[0].wall_ns, 200);
	assert_int_equal(what_if->predictions[0].cpu_ns, 400);
	example_free(example);
}

static void test_whatif__one_cpu_wins_nothing(void **state)
{
	struct example *example = turns(1, LOCK_MUTEX);

	(void)state;
	ask(example, 0, 0);
	assert_model_is_exact(example);
	/* No capacity was lost to the lock: nobody asks. */
	assert_int_equal(example->report->what_if.count, 0);
	example_free(example);
}

static void test_whatif__a_phase_ends_with_its_last_thread(void **state)
{
	struct example *example = turns(2, LOCK_MUTEX);
	const struct what_if *what_if = ask(example, 1100, 1350);

	(void)state;
	assert_model_is_exact(example);
	assert_int_equal(what_if->count, 1);
	assert_int_equal(what_if->predictions[0].wall_ns, 150);
	example_free(example);
}

static void test_whatif__cpus_are_shared_in_turn(void **state)
{
	struct example *example = example_new(1000, 1600, 2);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t threads[3];

	(void)state;
	/* Three threads one after the other: 200 each; two fit at once. */
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t begin_ns = 1000 + 200 * i;

		threads[i] = example_mortal(example, 1000, begin_ns + 200);
		if (i > 0)
			wait_for(example, threads[i], lock, 1000, begin_ns, threads[i - 1]);
		example_slice(example, threads[i], STATE_RUNNING, begin_ns, begin_ns + 200);
	}
	ask(example, 0, 0);

	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 400);
	assert_int_equal(example->report->what_if.predictions[0].ready_ns, 200);
	example_free(example);
}

static void test_whatif__cpus_come_and_go(void **state)
{
	struct example *example = example_new(1000, 1600, 1);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	struct cpu_step *step = trace_add_cpu_step(example->trace);
	uint32_t threads[3];

	(void)state;
	step->from_ns = 1100;
	step->cpus = 3;
	for (uint32_t i = 0; i < 3; i++) {
		uint64_t begin_ns = 1000 + 200 * i;

		threads[i] = example_mortal(example, 1000, begin_ns + 200);
		if (i > 0)
			wait_for(example, threads[i], lock, 1000, begin_ns, threads[i - 1]);
		example_slice(example, threads[i], STATE_RUNNING, begin_ns, begin_ns + 200);
	}
	ask(example, 0, 0);

	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 300);
	example_free(example);
}

/* A waits for the lock until 1100; `result` says how its first wait, until 1050, ended. */
static struct example *retried(enum wait_result result)
{
	struct example *example = example_new(1000, 1300, 2);
	uint32_t gil = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "");
	uint32_t a = example_mortal(example, 1000, 1100), b = example_thread(example);
	struct slice *first;

	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	first = wait_for(example, b, gil, 1000, 1050, 0);
	first->result = (uint8_t)result;
	example_slice(example, b, STATE_QUEUED, 1050, 1055);
	example_slice(example, b, STATE_RUNNING, 1055, 1060);
	wait_for(example, b, gil, 1060, 1100, a);
	example_slice(example, b, STATE_RUNNING, 1100, 1300);
	return example;
}

static void test_whatif__the_run_of_a_retry_vanishes(void **state)
{
	struct example *example = retried(WAIT_RESULT_TIMED_OUT);

	(void)state;
	ask(example, 0, 0);
	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 200);
	assert_int_equal(example->report->what_if.predictions[0].cpu_ns, 300);
	example_free(example);
}

static void test_whatif__the_run_after_a_grant_is_work(void **state)
{
	struct example *example = retried(WAIT_RESULT_WOKEN);

	(void)state;
	ask(example, 0, 0);
	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 205);
	assert_int_equal(example->report->what_if.predictions[0].cpu_ns, 305);
	example_free(example);
}

static void test_whatif__the_gil_goes_with_its_hand_over(void **state)
{
	struct example *example = example_new(1000, 1300, 2);
	uint32_t over = example_lock(example, LOCK_HAND_OVER, LOCK_STATE_LOCK, "");
	uint32_t gil = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_mortal(example, 1000, 1200);
	const struct what_if *what_if;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	wait_for(example, a, over, 1100, 1150, b);
	wait_for(example, a, gil, 1150, 1200, b);
	example_slice(example, a, STATE_RUNNING, 1200, 1300);
	wait_for(example, b, gil, 1000, 1100, a);
	example_slice(example, b, STATE_RUNNING, 1100, 1200);
	what_if = ask(example, 0, 0);

	assert_model_is_exact(example);
	assert_int_equal(what_if->count, 1);
	assert_int_equal(what_if->predictions[0].lock, gil);
	assert_int_equal(what_if->predictions[0].lock_count, 2);
	assert_int_equal(what_if->predictions[0].wall_ns, 200);
	example_free(example);
}

/* What others did for a thread comes when they have come as far again; a sleep stays. */
static void test_whatif__causes_come_sooner_and_timers_do_not(void **state)
{
	struct example *example = example_new(1000, 1800, 4);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t join = example_lock(example, LOCK_JOIN, LOCK_STATE_JOIN, "");
	uint32_t first = example_thread(example);
	uint32_t a = example_mortal(example, 1100, 1300), b = example_mortal(example, 1100, 1600);

	(void)state;
	example_slice(example, first, STATE_RUNNING, 1000, 1100);
	wait_for(example, first, join, 1100, 1600, b);
	example_slice(example, first, STATE_SLEEP, 1600, 1700);
	example_slice(example, first, STATE_RUNNING, 1700, 1800);
	example_slice(example, a, STATE_QUEUED, 1100, 1110)->waker = first;
	example_slice(example, a, STATE_RUNNING, 1110, 1300);
	example_slice(example, b, STATE_QUEUED, 1100, 1110)->waker = first;
	wait_for(example, b, lock, 1110, 1300, a);
	example_slice(example, b, STATE_QUEUED, 1300, 1310);
	example_slice(example, b, STATE_RUNNING, 1310, 1600);
	ask(example, 0, 0);

	assert_model_is_exact(example);
	/* 100 + 10 + 290 of b + sleep 100 + 100: the wait and the queueing after it are gone. */
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 600);
	example_free(example);
}

static void test_whatif__what_was_done_already_is_not_waited_for(void **state)
{
	struct example *example = example_new(1000, 1600, 4);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t queue = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "");
	uint32_t a = example_thread(example), b = example_mortal(example, 1000, 1500);
	uint32_t c = example_mortal(example, 1000, 1400);

	(void)state;
	/* b must have the lock of c before it feeds a. */
	example_slice(example, a, STATE_RUNNING, 1000, 1300);
	wait_for(example, a, queue, 1300, 1500, b);
	example_slice(example, a, STATE_RUNNING, 1500, 1600);
	wait_for(example, b, lock, 1000, 1400, c);
	example_slice(example, b, STATE_RUNNING, 1400, 1500);
	example_slice(example, c, STATE_RUNNING, 1000, 1400);
	ask(example, 0, 0);

	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 400);
	example_free(example);
}

static void test_whatif__a_model_that_is_off_predicts_nothing(void **state)
{
	const struct cpu_step one = { .from_ns = 1000, .cpus = 1 };
	struct example *example = turns(2, LOCK_MUTEX);
	struct replay_setup setup = {
		.trace = example->trace,
		.begin_ns = 1000,
		.end_ns = 1400,
		.cpus = &one,
		.cpu_count = 1,
	};
	const struct what_if *what_if;
	struct steps *steps = steps_new(2);

	(void)state;
	example_report(example, 0, 0);
	/* Not what the slices say: both at once, for which one CPU takes twice as long. */
	for (uint32_t thread = 1; thread <= 2; thread++)
		assert_int_equal(steps_add(steps, thread,
					   &(struct step){ .start_ns = 1000, .duration_ns = 400 }),
				 0);
	assert_int_equal(what_if_make(example->report, steps, &setup), 0);

	what_if = &example->report->what_if;
	assert_int_equal(what_if->state, WHAT_IF_MODEL_OFF);
	assert_int_equal(what_if->model_wall_ns, 800);
	assert_int_equal(what_if->error_permille, 1000);
	assert_int_equal(what_if->count, 0);
	steps_free(steps);
	example_free(example);
}

static void test_whatif__too_many_holes_predict_nothing(void **state)
{
	struct example *example = turns(2, LOCK_MUTEX);

	(void)state;
	example->slices[0].duration_ns -= 10;
	ask(example, 0, 0);
	assert_int_equal(example->report->what_if.state, WHAT_IF_LOST);
	assert_int_equal(example->report->what_if.model_wall_ns, TRACE_NOT_MEASURED);
	example_free(example);
}

static void test_whatif__a_plain_report_does_not_ask(void **state)
{
	struct example *example = turns(2, LOCK_MUTEX);

	(void)state;
	example_report(example, 0, 0);
	assert_int_equal(example->report->what_if.state, WHAT_IF_NOT_MADE);
	assert_false(example->report->critical_path.is_known);
	example_free(example);
}

/* The work of a thread that goes on beyond the phase is none that its end waits for. */
static void test_whatif__a_phase_does_not_wait_for_others(void **state)
{
	struct example *example = turns(3, LOCK_MUTEX);
	uint32_t other = example_thread(example);

	(void)state;
	example_slice(example, other, STATE_RUNNING, 1000, 1400);
	ask(example, 1010, 1350);
	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 150);
	example_free(example);
}

/* One lock behind the other: neither of them alone helps as both do. */
static void test_whatif__all_locks_at_once_come_last(void **state)
{
	struct example *example = example_new(1000, 1400, 2);
	uint32_t outer = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t inner = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "");
	uint32_t a = example_thread(example), b = example_mortal(example, 1000, 1200);
	const struct what_if *what_if;

	(void)state;
	wait_for(example, a, outer, 1000, 1100, b);
	wait_for(example, a, inner, 1100, 1200, b);
	example_slice(example, a, STATE_RUNNING, 1200, 1400);
	example_slice(example, b, STATE_RUNNING, 1000, 1200);
	what_if = ask(example, 0, 0);
	assert_model_is_exact(example);
	assert_int_equal(what_if->count, 3);
	assert_int_equal(what_if->predictions[0].wall_ns, 400);
	assert_int_equal(what_if->predictions[1].wall_ns, 300);
	assert_int_equal(what_if->predictions[2].lock, 0);
	assert_int_equal(what_if->predictions[2].lock_count, 2);
	assert_int_equal(what_if->predictions[2].wall_ns, 200);
	example_free(example);
}

static void test_whatif__holes_take_their_time(void **state)
{
	struct example *example = example_new(1000, 2000, 2);
	uint32_t a = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1400);
	example_slice(example, a, STATE_RUNNING, 1408, 2000);
	ask(example, 0, 0);
	assert_model_is_exact(example);
	example_free(example);
}

/* b wakes c while it comes back to ask again for the lock: that run vanishes, the wake-up not. */
static void test_whatif__who_waits_for_a_retry_is_woken(void **state)
{
	struct example *example = example_new(1000, 1300, 3);
	uint32_t queue = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "");
	uint32_t gil = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "");
	uint32_t c = example_thread(example), a = example_mortal(example, 1000, 1100);
	uint32_t b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	wait_for(example, b, gil, 1000, 1050, 0);
	example_slice(example, b, STATE_RUNNING, 1050, 1060);
	wait_for(example, b, gil, 1060, 1100, a);
	example_slice(example, b, STATE_SLEEP, 1100, 1150);
	example_slice(example, b, STATE_RUNNING, 1150, 1300);
	wait_for(example, c, queue, 1000, 1055, b);
	example_slice(example, c, STATE_RUNNING, 1055, 1300);
	ask(example, 0, 0);
	assert_model_is_exact(example);
	assert_int_equal(example->report->what_if.predictions[0].wall_ns, 245);
	example_free(example);
}

/* Whoever did not run while another waited has not ended its wait. */
static void test_whatif__a_waker_that_did_not_run_is_none(void **state)
{
	struct example *example = example_new(1000, 1400, 2);
	uint32_t queue = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	example_slice(example, a, STATE_RUNNING, 1000, 1100);
	example_slice(example, a, STATE_SLEEP, 1100, 1400);
	example_slice(example, b, STATE_RUNNING, 1000, 1200);
	wait_for(example, b, queue, 1200, 1300, a);
	example_slice(example, b, STATE_RUNNING, 1300, 1400);
	ask(example, 0, 0);
	assert_model_is_exact(example);
	example_free(example);
}

/* Both were woken by the other, which began to run at that instant: no cause can be that late. */
static void test_whatif__no_circle_stops_the_replay(void **state)
{
	struct example *example = example_new(1000, 1300, 2);
	uint32_t queue = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "");
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	wait_for(example, a, queue, 1000, 1100, b);
	wait_for(example, b, queue, 1000, 1100, a);
	example_slice(example, a, STATE_RUNNING, 1100, 1300);
	example_slice(example, b, STATE_RUNNING, 1100, 1300);
	ask(example, 0, 0);
	assert_model_is_exact(example);
	example_free(example);
}

/* So many that most of them must go to the file. */
static void test_steps__come_back_as_they_went(void **state)
{
	const uint32_t threads = 3;
	const size_t each = 200001;
	struct steps *steps = steps_new(threads);

	(void)state;
	for (size_t i = 0; i < each; i++) {
		for (uint32_t thread = 1; thread <= threads; thread++) {
			const struct step step = { .start_ns = i * threads + thread,
						   .lock = thread };

			assert_int_equal(steps_add(steps, thread, &step), 0);
		}
	}
	assert_int_equal(steps_total(steps), threads * each);
	for (size_t i = 0; i < each; i++) {
		for (uint32_t thread = 1; thread <= threads; thread++) {
			size_t at = i % 2 ? i : each - 1 - i;
			struct step step;

			assert_int_equal(steps_get(steps, thread, at, &step), 0);
			assert_int_equal(step.start_ns, at * threads + thread);
			assert_int_equal(step.lock, thread);
		}
	}
	assert_int_equal(steps_count(steps, 1), each);
	steps_free(steps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whatif__threads_in_turns_run_at_once_without_their_lock),
		cmocka_unit_test(test_whatif__one_cpu_wins_nothing),
		cmocka_unit_test(test_whatif__a_phase_ends_with_its_last_thread),
		cmocka_unit_test(test_whatif__cpus_are_shared_in_turn),
		cmocka_unit_test(test_whatif__cpus_come_and_go),
		cmocka_unit_test(test_whatif__the_run_of_a_retry_vanishes),
		cmocka_unit_test(test_whatif__the_run_after_a_grant_is_work),
		cmocka_unit_test(test_whatif__the_gil_goes_with_its_hand_over),
		cmocka_unit_test(test_whatif__causes_come_sooner_and_timers_do_not),
		cmocka_unit_test(test_whatif__what_was_done_already_is_not_waited_for),
		cmocka_unit_test(test_whatif__a_model_that_is_off_predicts_nothing),
		cmocka_unit_test(test_whatif__too_many_holes_predict_nothing),
		cmocka_unit_test(test_whatif__a_plain_report_does_not_ask),
		cmocka_unit_test(test_whatif__a_phase_does_not_wait_for_others),
		cmocka_unit_test(test_whatif__all_locks_at_once_come_last),
		cmocka_unit_test(test_whatif__holes_take_their_time),
		cmocka_unit_test(test_whatif__who_waits_for_a_retry_is_woken),
		cmocka_unit_test(test_whatif__a_waker_that_did_not_run_is_none),
		cmocka_unit_test(test_whatif__no_circle_stops_the_replay),
		cmocka_unit_test(test_steps__come_back_as_they_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
