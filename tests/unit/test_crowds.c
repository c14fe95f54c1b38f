/* SPDX-License-Identifier: GPL-2.0-only */
/* Thousands of threads that wait for each other: sums stay exact, time and memory bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "analysis/edges.h"
#include "analysis/holders.h"
#include "array_source.h"
#include "base/mem.h"

#define US 1000

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* So many threads ask for a lock at once and get it one after the other, for 10 us each. */
static uint32_t add_crowd(struct example *example, uint32_t count)
{
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex");
	uint32_t before = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint32_t thread = example_thread(example);
		uint64_t turn_ns = i * 10 * US;

		if (before) {
			struct slice *wait = example_wait(example, thread, lock, 0, turn_ns);

			wait->result = WAIT_RESULT_WOKEN;
			wait->waker = before;
			wait->flags = SLICE_WAKER_RELEASED;
		}
		example_slice(example, thread, STATE_RUNNING, turn_ns, turn_ns + 10 * US);
		example_slice(example, thread, STATE_SLEEP, turn_ns + 10 * US, 100000 * US);
		before = thread;
	}
	return lock;
}

/* Σ edges of every waiter is what it waited. */
static void assert_edges_sum(const struct report *report)
{
	uint64_t *sums OWNED(mem_freep) = xcalloc(report->trace->thread_count + 1, sizeof(*sums));

	for (size_t i = 0; i < report->edge_count; i++)
		sums[report->edges[i].waiter] += report->edges[i].wait_ns;
	for (size_t i = 0; i < report->trace->thread_count; i++)
		assert_int_equal(sums[i + 1], report->trace->threads[i].state_ns[STATE_FUTEX]);
}

static uint64_t known_holder_ns(const struct report *report)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < report->edge_count; i++)
		sum_ns += report->edges[i].holder ? report->edges[i].wait_ns : 0;
	return sum_ns;
}

static void test_crowds__of_a_few_everybody_is_told_apart(void **state)
{
	struct example *example = example_new(0, 100000 * US, 2);
	const struct report *report;
	uint32_t lock = add_crowd(example, 100);

	(void)state;
	report = example_report(example, 0, 0);
	/* Each of them but the last two behind every one between, and the first's release. */
	assert_true(known_holder_ns(report) > find_lock_stat(report, lock)->wait_ns * 9 / 10);
	assert_edges_sum(report);
	assert_no_residuals(report);
	example_free(example);
}

static void test_crowds__thousands_on_one_lock_take_bounded_time(void **state)
{
	struct example *example = example_new(0, 100000 * US, 2);
	double begin = cpu_seconds();
	const struct report *report;
	uint32_t lock = add_crowd(example, 5000);

	(void)state;
	report = example_report(example, 0, 0);
	printf("%zu edges, %.2f s\n", report->edge_count, cpu_seconds() - begin);
	assert_int_equal(find_lock_stat(report, lock)->handoffs, 4999);
	assert_true(find_lock_stat(report, lock)->holder_running_ns > 0);
	assert_true(report->edge_count < HOLDERS_CROWD * HOLDERS_CROWD + 5000);
	assert_edges_sum(report);
	assert_no_residuals(report);
	assert_true(cpu_seconds() - begin < 3);
	example_free(example);
}

static void test_crowds__edges_are_bounded(void **state)
{
	struct example *example = example_new(0, 100000 * US, 2);
	const struct report *report;

	(void)state;
	for (int i = 0; i < 4; i++)
		add_crowd(example, HOLDERS_CROWD);
	report = example_report(example, 0, 0);
	printf("%zu edges\n", report->edge_count);
	assert_true(report->edge_count >= EDGES_MAX);
	assert_true(report->edge_count <= EDGES_MAX + report->trace->thread_count);
	assert_edges_sum(report);
	assert_no_residuals(report);
	example_free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crowds__of_a_few_everybody_is_told_apart),
		cmocka_unit_test(test_crowds__thousands_on_one_lock_take_bounded_time),
		cmocka_unit_test(test_crowds__edges_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
