/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks of one call site are one line, with sums that are those of the locks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/findings.h"
#include "analysis/labels.h"
#include "analysis/lock_groups.h"
#include "array_source.h"
#include "sample.h"

static const struct lock_group *find(const struct lock_group *groups, size_t count, uint32_t lock)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i].sum.lock == lock)
			return &groups[i];
	return NULL;
}

static void test_lock_groups__locks_called_the_same_are_added_up(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t a = example_thread(example), b = example_thread(example);
	uint32_t first = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex in f() of p");
	uint32_t second = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex in f() of p");
	uint32_t other = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex 'x' in p");
	struct lock_group *groups;
	const struct report *report;
	const struct lock_group *group;
	uint64_t lost_ns;
	size_t count;

	(void)state;
	example_slice(example, a, STATE_RUNNING, 0, 100);
	example_wait(example, a, first, 100, 200);
	example_wait(example, a, second, 200, 500);
	example_wait(example, a, other, 500, 1000);
	example_slice(example, b, STATE_RUNNING, 0, 1000);
	report = example_report(example, 0, 1000);
	lost_ns = find_lock_stat(report, first)->lost_ns + find_lock_stat(report, second)->lost_ns;

	count = lock_groups(report, &groups);
	assert_int_equal(count, 2);
	group = find(groups, count, second); /* the longer wait stands for both */
	assert_non_null(group);
	assert_int_equal(group->locks, 2);
	assert_int_equal(group->sum.wait_ns, 400);
	assert_int_equal(group->sum.waits, 2);
	assert_int_equal(group->sum.min_ns, 100);
	assert_int_equal(group->sum.max_ns, 300);
	assert_int_equal(group->sum.lost_ns, lost_ns);
	assert_int_equal(group->sum.p50_ns, TRACE_NOT_MEASURED);
	group = find(groups, count, other);
	assert_int_equal(group->locks, 1);
	assert_int_not_equal(group->sum.p50_ns, TRACE_NOT_MEASURED);
	assert_true(groups[0].sum.lost_ns >= groups[1].sum.lost_ns);
	free(groups);
	example_free(example);
}

static void test_lock_groups__locks_inside_of_a_jvm_are_one_line(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t a = example_thread(example);
	uint32_t locks[3];
	struct lock_group *groups;
	size_t count;

	(void)state;
	for (int i = 0; i < 3; i++) {
		locks[i] =
			example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
				     i ? "JVM-internal mutex in f()" : "JVM-internal mutex in g()");
		trace_set_string(&example->trace->locks[i].evidence,
				 i == 2 ? "call-mutex" : "java-internal: pthread_mutex_lock");
		example_wait(example, a, locks[i], 300 * (uint64_t)i, 300 * (uint64_t)i + 300);
	}
	example_slice(example, a, STATE_RUNNING, 900, 1000);

	count = lock_groups(example_report(example, 0, 1000), &groups);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		bool is_alone = groups[i].sum.lock == locks[2];

		assert_int_equal(groups[i].locks, is_alone ? 1 : 2);
		assert_int_equal(groups[i].is_mixed, !is_alone);
	}
	free(groups);
	example_free(example);
}

static void test_lock_groups__processes_and_kinds_stay_apart(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t a = example_thread(example);
	uint32_t locks[3];
	struct lock_group *groups;

	(void)state;
	for (int i = 0; i < 3; i++) {
		locks[i] = example_lock(example, i == 2 ? LOCK_SEMAPHORE : LOCK_MUTEX,
					LOCK_STATE_LOCK, "lock in f() of p");
		example_wait(example, a, locks[i], 300 * (uint64_t)i, 300 * (uint64_t)i + 300);
	}
	example_slice(example, a, STATE_RUNNING, 900, 1000);
	example->trace->locks[1].pid = 4711;

	assert_int_equal(lock_groups(example_report(example, 0, 1000), &groups), 3);
	free(groups);
	example_free(example);
}

static void test_lock_groups__without_a_name_each_is_by_itself(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t a = example_thread(example);
	struct lock_group *groups;

	(void)state;
	for (uint64_t i = 0; i < 2; i++)
		example_wait(example, a, example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, ""),
			     500 * i, 500 * i + 500);
	assert_int_equal(lock_groups(example_report(example, 0, 1000), &groups), 2);
	free(groups);
	example_free(example);
}

#define CACHE_LOCKS 120

static bool has_said(const struct report *report, const char *id, const char *text)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		if (strcmp(report->findings[i].id, id) == 0)
			return strstr(report->findings[i].says, text) != NULL;
	}
	return false;
}

/* Two threads in turns, each time at another lock of one call site. */
static struct example *cache(void)
{
	struct example *example = example_new(0, CACHE_LOCKS * UINT64_C(100000), 2);
	uint32_t threads[2] = { example_thread(example), example_thread(example) };

	for (uint32_t i = 0; i < CACHE_LOCKS; i++) {
		uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
					     "mutex in cache_get() of p");
		struct slice *wait = example_wait(example, threads[i % 2], lock, i * 100000,
						  i * 100000 + 100000);

		wait->waker = threads[(i + 1) % 2];
		wait->result = WAIT_RESULT_WOKEN;
		wait->holder = wait->waker;
		example_slice(example, threads[(i + 1) % 2], STATE_RUNNING, i * 100000,
			      i * 100000 + 100000);
	}
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);
	findings_make(example->report, NULL);
	return example;
}

static void test_lock_groups__many_small_locks_are_found_and_predicted_as_one(void **state)
{
	struct example *example = cache();
	const struct report *report = example->report;
	const struct finding *finding = &report->findings[0];

	(void)state;
	assert_string_equal(finding->id, "lock-serialises");
	assert_non_null(strstr(finding->says, "the 120 mutexes in cache_get() of p: 12 ms in "));
	assert_int_equal(finding->stake_ns, report->capacity.locks_ns / 2);

	assert_int_equal(report->what_if.count, 1);
	assert_int_equal(report->what_if.predictions[0].lock_count, CACHE_LOCKS);
	assert_int_equal(report->what_if.predictions[0].wall_ns, report->wall_ns / 2);
	example_free(example);
}

/* No lock is worth a sentence, all together are. */
static void test_lock_groups__holders_of_small_locks_are_judged_together(void **state)
{
	struct example *example = example_new(0, CACHE_LOCKS * UINT64_C(100000), 2);
	uint32_t a = example_thread(example), b = example_thread(example);

	(void)state;
	for (uint32_t i = 0; i < CACHE_LOCKS; i++) {
		uint64_t at_ns = i * UINT64_C(100000);
		struct slice *wait = example_wait(
			example, a,
			example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex in f() of p"),
			at_ns, at_ns + 50000);

		wait->holder = b;
		example_slice(example, a, STATE_RUNNING, at_ns + 50000, at_ns + 100000);
	}
	example_slice(example, b, STATE_SLEEP, 0, CACHE_LOCKS * UINT64_C(100000));
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);
	findings_make(example->report, NULL);

	assert_true(has_said(example->report, "holder-blocked",
			     "waited for the 120 mutexes in f() of p, the thread that had one of "
			     "them was itself blocked for 6.0 ms"));
	example_free(example);
}

static int count_of(const char *text, const char *word)
{
	int count = 0;

	while ((text = strstr(text, word))) {
		count++;
		text++;
	}
	return count;
}

static void test_lock_groups__the_text_calls_them_by_one_name(void **state)
{
	struct example *example = cache();
	char *text = sample_print_report("text", example->report);

	(void)state;
	assert_non_null(strstr(text, "waiting for the 120 mutexes in cache_get() of p 50.0 %"));
	assert_non_null(strstr(text, "without the 120 mutexes in cache_get() of p: "));
	/* The tables of waits and holders; of who waited for whom; and the path. */
	assert_int_equal(count_of(text, "\n  120 × mutex in cache_get() of p "), 2);
	assert_int_equal(count_of(text, "exact   mutex in cache_get() of p"), 2);
	assert_int_equal(count_of(text, "the mutex in cache_get() of p"), 2);
	assert_null(strstr(text, "smaller parts"));
	free(text);
	example_free(example);
}

static void assert_called(struct example *example, uint32_t lock, const char *name)
{
	char *label = label_the_locks(example->trace, lock, 17);

	assert_string_equal(label, name);
	free(label);
}

static void test_lock_groups__many_are_called_so(void **state)
{
	struct example *example = example_new(0, 1000, 2);

	(void)state;
	assert_called(example,
		      example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
				   "JVM-internal mutex in CompileQueue::get() of libjvm.so"),
		      "the 17 JVM-internal mutexes in CompileQueue::get() of libjvm.so");
	assert_called(
		example,
		example_lock(example, LOCK_CONDITION, LOCK_STATE_CONDITION, "condition 'c' in p"),
		"the 17 conditions 'c' in p");
	assert_called(example,
		      example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK,
				   "JVM-internal lock of another kind"),
		      "the 17 × JVM-internal lock of another kind");
	example_free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_groups__locks_called_the_same_are_added_up),
		cmocka_unit_test(test_lock_groups__locks_inside_of_a_jvm_are_one_line),
		cmocka_unit_test(test_lock_groups__processes_and_kinds_stay_apart),
		cmocka_unit_test(test_lock_groups__without_a_name_each_is_by_itself),
		cmocka_unit_test(test_lock_groups__many_small_locks_are_found_and_predicted_as_one),
		cmocka_unit_test(test_lock_groups__holders_of_small_locks_are_judged_together),
		cmocka_unit_test(test_lock_groups__the_text_calls_them_by_one_name),
		cmocka_unit_test(test_lock_groups__many_are_called_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
