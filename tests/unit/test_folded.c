/* SPDX-License-Identifier: GPL-2.0-only */
/* Folded stacks: frames that no name can break, weights that sum to lifetimes, and what was lost
 * is there without its detail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array_source.h"
#include "base/mem.h"
#include "sample.h"

#define US UINT64_C(1000)

static void assert_folded(const struct report *report, const char *expected)
{
	char *text OWNED(mem_freep) = sample_print_report("folded", report);

	assert_string_equal(text, expected);
}

static uint32_t add_thread(struct example *example, const char *comm)
{
	uint32_t number = example_thread(example);
	struct thread *thread = &example->trace->threads[number - 1];

	snprintf(thread->comm, sizeof(thread->comm), "%s", comm);
	thread->tid = 70 + (int32_t)number;
	return number;
}

static void test_folded__no_name_breaks_a_line(void **state)
{
	struct example *example = example_new(0, 10 * US, 1);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "a;b c\nd");
	uint32_t thread = add_thread(example, "x; y\n 9");

	(void)state;
	example_slice(example, thread, STATE_RUNNING, 0, 4 * US);
	example_wait(example, thread, lock, 4 * US, 10 * US);
	assert_folded(example_report(example, 0, 0),
		      "x\\x3b_y\\x0a_9;running 4\n"
		      "x\\x3b_y\\x0a_9;lock;mutex_a\\x3bb_c\\x0ad 6\n");
	example_free(example);
}

static void test_folded__threads_of_one_name_are_told_apart(void **state)
{
	struct example *example = example_new(0, 10 * US, 3);
	uint32_t one = add_thread(example, "w"), two = add_thread(example, "w");
	uint32_t nameless = add_thread(example, "");

	(void)state;
	example_slice(example, one, STATE_RUNNING, 0, 10 * US);
	example_slice(example, two, STATE_RUNNING, 0, 10 * US);
	example_slice(example, nameless, STATE_RUNNING, 0, 10 * US);
	assert_folded(example_report(example, 0, 0), "w_71;running 10\n"
						     "w_72;running 10\n"
						     "thread_73;running 10\n");
	example_free(example);
}

/* Three parts of 3.333 µs are 10 µs: one of them gets the rest. */
static void test_folded__weights_sum_to_the_lifetime(void **state)
{
	struct example *example = example_new(0, 10 * US, 1);
	uint32_t thread = add_thread(example, "w");
	struct slice *call;

	(void)state;
	example_slice(example, thread, STATE_RUNNING, 0, 3333);
	call = example_slice(example, thread, STATE_SLEEP, 3333, 6666);
	call->syscall = 35;
	call = example_slice(example, thread, STATE_SLEEP, 6666, 9800);
	call->syscall = RECORD_SYSCALL_NONE;
	example_slice(example, thread, STATE_QUEUED, 9800, 10 * US);
	assert_folded(example_report(example, 0, 0), "w;running 4\n"
						     "w;sleep;nanosleep 3\n"
						     "w;sleep 3\n");
	example_free(example);
}

/* Totals survive lost slices: what they do not explain has no third frame, waits have a lock. */
static void test_folded__lost_slices_are_in_the_sums(void **state)
{
	struct example *example = example_new(0, 20 * US, 1);
	uint32_t lock = example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "jobs");
	uint32_t thread = add_thread(example, "w");

	(void)state;
	example_slice(example, thread, STATE_SLEEP, 0, 4 * US)->syscall = 35;
	example_slice(example, thread, STATE_SLEEP, 4 * US, 9 * US)->syscall = 7;
	example_wait(example, thread, lock, 9 * US, 20 * US);
	example_finish(example);
	example->count = 1; /* the rest is lost */
	example->trace->meta.is_complete = false;
	assert_int_equal(report_make(example->trace, 0, 0, &example->report), 0);
	assert_folded(example->report, "w;sleep;nanosleep 4\n"
				       "w;sleep 5\n"
				       "w;condition;condition_jobs 11\n");
	example_free(example);
}

/* What is known of a state and what was lost of it are one line, rounded once. */
static void test_folded__a_state_half_lost_is_one_line(void **state)
{
	struct example *example = example_new(0, 20 * US, 1);
	uint32_t thread = add_thread(example, "w");

	(void)state;
	example_slice(example, thread, STATE_RUNNING, 0, 6 * US + 400);
	example_slice(example, thread, STATE_RUNNING, 6 * US + 400, 20 * US);
	example_finish(example);
	example->count = 1; /* the rest is lost */
	example->trace->meta.is_complete = false;
	assert_int_equal(report_make(example->trace, 0, 0, &example->report), 0);
	assert_folded(example->report, "w;running 20\n");
	example_free(example);
}

/* Of a part of the window only that part, by its slices. */
static void test_folded__threads_without_time_are_nothing(void **state)
{
	struct example *example = example_new(0, 10 * US, 1);
	uint32_t one = example_mortal(example, 10 * US, 10 * US);

	(void)state;
	assert_int_equal(one, 1);
	assert_folded(example_report(example, 0, 0), "");
	example_free(example);
}

static void test_folded__a_phase_is_cut(void **state)
{
	struct example *example = example_new(0, 20 * US, 1);
	uint32_t lock = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	uint32_t thread = add_thread(example, "w");

	(void)state;
	example_slice(example, thread, STATE_RUNNING, 0, 8 * US);
	example_wait(example, thread, lock, 8 * US, 20 * US);
	assert_folded(example_report(example, 5 * US, 10 * US), "w;running 3\n"
								"w;lock;GIL 2\n");
	example_free(example);
}

static void test_folded__a_countdown_begins_with_its_variants(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment, experiment };
	char *one OWNED(mem_freep) = sample_print_experiments("folded", list, 1);
	char *two OWNED(mem_freep) = sample_print_experiments("folded", list, 2);

	(void)state;
	assert_int_equal(strncmp(one, "serial;python3;running ", 23), 0);
	assert_non_null(strstr(one, "\nthreads;python3_100;running "));
	assert_int_equal(strncmp(two, "CPython_3.11.2;serial;python3;running ", 38), 0);
	experiment_free(experiment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded__no_name_breaks_a_line),
		cmocka_unit_test(test_folded__threads_of_one_name_are_told_apart),
		cmocka_unit_test(test_folded__weights_sum_to_the_lifetime),
		cmocka_unit_test(test_folded__lost_slices_are_in_the_sums),
		cmocka_unit_test(test_folded__a_state_half_lost_is_one_line),
		cmocka_unit_test(test_folded__threads_without_time_are_nothing),
		cmocka_unit_test(test_folded__a_phase_is_cut),
		cmocka_unit_test(test_folded__a_countdown_begins_with_its_variants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
