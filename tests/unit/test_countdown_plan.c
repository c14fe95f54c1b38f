/* SPDX-License-Identifier: GPL-2.0-only */
/* The countdown's plan: baselines come by themselves, no variant is always first, counts are round.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Lives in the wet wing without being wet: taken in whole, for only the dry side is linked here. */
#include "cli/countdown_plan.c"

static void assert_plan(const struct plan *plan, const char *const *names)
{
	size_t count = 0;

	for (; names[count]; count++) {
		assert_true(count < plan->count);
		assert_string_equal(plan->variants[count]->name, names[count]);
	}
	assert_int_equal(plan->count, count);
}

static void test_plan__without_names_it_is_the_three_of_the_article(void **state)
{
	const char *const expected[] = { "serial", "threads", "processes", NULL };
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, &plan, &unknown), 0);
	assert_plan(&plan, expected);
	plan_release(&plan);
}

static void test_plan__baselines_come_by_themselves_and_first_and_once(void **state)
{
	char *const names[] = { "threads", "nogil", "processes", "serial", "threads" };
	const char *const expected[] = { "serial", "threads",	"nogil-serial",
					 "nogil",  "processes", NULL };
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(names, 5, &plan, &unknown), 0);
	assert_plan(&plan, expected);
	plan_release(&plan);
}

static void test_plan__every_baseline_is_a_variant_of_the_same_work(void **state)
{
	(void)state;
	for (const struct variant_row *row = variant_rows; row->name; row++) {
		const struct variant_row *baseline = variant_find(row->baseline);

		if (row->baseline[0] == '\0')
			continue;
		assert_non_null(baseline);
		assert_string_equal(baseline->baseline, "");
		assert_int_equal(baseline->family, row->family);
		assert_int_equal(baseline->is_native, row->is_native);
		assert_int_equal(baseline->needs_library, row->needs_library);
		assert_int_equal(baseline->width, WIDTH_ONE);
	}
}

static void test_plan__an_unknown_name_is_given_back(void **state)
{
	char *const names[] = { "threads", "thread" };
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(names, 2, &plan, &unknown), -EINVAL);
	assert_string_equal(unknown, "thread");
}

static void test_plan__a_round_has_every_variant_once(void **state)
{
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, &plan, &unknown), 0);
	for (size_t round = 0; round < 7; round++) {
		for (size_t i = 0; i < plan.count; i++) {
			size_t seen = 0;

			for (size_t turn = 0; turn < plan.count; turn++)
				seen += plan_variant(&plan, round, turn) == plan.variants[i];
			assert_int_equal(seen, 1);
		}
	}
	plan_release(&plan);
}

static void test_plan__each_variant_is_first_equally_often(void **state)
{
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, &plan, &unknown), 0);
	for (size_t i = 0; i < plan.count; i++) {
		size_t first = 0;

		for (size_t round = 0; round < 4 * plan.count; round++)
			first += plan_variant(&plan, round, 0) == plan.variants[i];
		assert_int_equal(first, 4);
	}
	plan_release(&plan);
}

static void test_plan__what_cannot_run_leaves_and_the_order_stays(void **state)
{
	const char *const expected[] = { "serial", "processes", NULL };
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, &plan, &unknown), 0);
	plan_remove(&plan, variant_find("threads"));
	plan_remove(&plan, variant_find("native"));
	assert_plan(&plan, expected);
	plan_release(&plan);
}

static void test_plan__only_native_variants_need_no_interpreter(void **state)
{
	char *const native[] = { "native", "native-lock" };
	char *const mixed[] = { "native", "nogil" };
	const char *unknown = NULL;
	struct plan plan;

	(void)state;
	assert_int_equal(plan_make(native, 2, &plan, &unknown), 0);
	assert_false(plan_needs_interpreter(&plan));
	assert_true(plan_needs(&plan, FAMILY_C));
	assert_false(plan_needs(&plan, FAMILY_PYTHON));
	plan_release(&plan);
	assert_int_equal(plan_make(mixed, 2, &plan, &unknown), 0);
	assert_true(plan_needs_interpreter(&plan));
	plan_release(&plan);
}

static void test_plan__threads_use_one_cpu_where_there_is_a_gil(void **state)
{
	const struct variant_row *threads = variant_find("threads");

	(void)state;
	assert_int_equal(variant_cpus(threads, 4, 8, true), 1);
	assert_int_equal(variant_cpus(threads, 4, 8, false), 4);
	assert_int_equal(variant_cpus(threads, 4, 2, false), 2);
	assert_int_equal(variant_cpus(variant_find("processes"), 4, 8, true), 4);
	assert_int_equal(variant_cpus(variant_find("serial"), 4, 8, false), 1);
}

static void test_plan__counts_are_rounded_to_two_digits(void **state)
{
	(void)state;
	assert_int_equal(round_count(0), 1);
	assert_int_equal(round_count(7), 7);
	assert_int_equal(round_count(99), 99);
	assert_int_equal(round_count(104), 100);
	assert_int_equal(round_count(105), 110);
	assert_int_equal(round_count(19512345), 20000000);
	assert_int_equal(round_count(996), 1000);
}

static void test_plan__the_count_makes_all_workers_in_a_row_take_the_time(void **state)
{
	(void)state;
	/* 4,000,000 in 0.2 s: 20,000,000 in a second, half of it for each of two. */
	assert_int_equal(pick_count(4000000, 200000000, 2, 1000000000), 10000000);
	assert_int_equal(pick_count(4000000, 200000000, 5, 1000000000), 4000000);
	assert_int_equal(pick_count(1, 1000000000, 1000, 1000000000), 1);
	/* Absurdly fast: bounded, not wrapped. */
	assert_true(pick_count(UINT64_MAX, 1, 1, 1000000000) >= COUNT_MAX / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plan__without_names_it_is_the_three_of_the_article),
		cmocka_unit_test(test_plan__baselines_come_by_themselves_and_first_and_once),
		cmocka_unit_test(test_plan__every_baseline_is_a_variant_of_the_same_work),
		cmocka_unit_test(test_plan__an_unknown_name_is_given_back),
		cmocka_unit_test(test_plan__a_round_has_every_variant_once),
		cmocka_unit_test(test_plan__each_variant_is_first_equally_often),
		cmocka_unit_test(test_plan__what_cannot_run_leaves_and_the_order_stays),
		cmocka_unit_test(test_plan__only_native_variants_need_no_interpreter),
		cmocka_unit_test(test_plan__threads_use_one_cpu_where_there_is_a_gil),
		cmocka_unit_test(test_plan__counts_are_rounded_to_two_digits),
		cmocka_unit_test(test_plan__the_count_makes_all_workers_in_a_row_take_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
