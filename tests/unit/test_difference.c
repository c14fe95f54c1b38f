/* SPDX-License-Identifier: GPL-2.0-only */
/* Why a prediction and what was measured differ: each part by itself, and their sum. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analysis/difference.h"
#include "array_source.h"

/* Two threads that work; times from 1000 on. */
struct shape {
	uint64_t late_ns; /* the second comes so much later */
	uint64_t stand_ns; /* and is ready so long before it runs */
	uint64_t work_ns; /* of each */
	uint64_t more_ns; /* of the second besides */
	uint64_t wind_down_ns; /* what remains after both are gone */
};

static struct example *run_of(const struct shape *shape)
{
	uint64_t born_ns = 1000 + shape->late_ns, runs_ns = born_ns + shape->stand_ns;
	uint64_t done_ns = runs_ns + shape->work_ns + shape->more_ns;
	struct example *example = example_new(1000, done_ns + shape->wind_down_ns, 2);
	uint32_t main_thread = example_thread(example);
	uint32_t first = example_mortal(example, 1000, 1000 + shape->work_ns);
	uint32_t second = example_mortal(example, born_ns, done_ns);

	example_slice(example, main_thread, STATE_SLEEP, 1000, done_ns + shape->wind_down_ns);
	example_slice(example, first, STATE_RUNNING, 1000, 1000 + shape->work_ns);
	if (shape->stand_ns)
		example_slice(example, second, STATE_QUEUED, born_ns, runs_ns);
	example_slice(example, second, STATE_RUNNING, runs_ns, done_ns);
	example_report(example, 0, 0);
	return example;
}

static struct difference difference_of(struct example *with, struct example *without)
{
	struct run runs[2] = { { .trace = with->trace, .report = with->report },
			       { .trace = without->trace, .report = without->report } };
	struct difference difference;
	int64_t sum_ns = 0;

	assert_true(difference_make(&runs[0], &runs[1], 2, &difference));
	for (int i = 0; i < DIFFERENCE_PARTS; i++)
		sum_ns += difference.parts_ns[i];
	assert_int_equal(sum_ns, difference.total_ns);
	return difference;
}

/* As the run with the lock was predicted without it. */
static struct example *predicted(uint64_t before_ns)
{
	const struct shape shape = { .work_ns = 10000 };
	struct example *example = run_of(&shape);

	example->trace->meta.calibration = (struct calibration){ before_ns, before_ns, 2 };
	example->report->what_if.predictions[0] =
		(struct prediction){ .wall_ns = 10000, .cpu_ns = 20000, .ready_ns = 0 };
	return example;
}

static void test_difference__each_part_is_told_apart(void **state)
{
	static const struct {
		struct shape shape;
		int64_t parts_ns[DIFFERENCE_PARTS];
	} cases[] = {
		{ { .work_ns = 10000 }, { 0 } },
		{ { .work_ns = 11000 }, { [DIFFERENCE_CPU] = 1000 } },
		{ { .work_ns = 10000, .late_ns = 700 }, { [DIFFERENCE_START] = 700 } },
		{ { .work_ns = 10000, .wind_down_ns = 500 }, { [DIFFERENCE_END] = 500 } },
		{ { .work_ns = 10000, .stand_ns = 800 },
		  { [DIFFERENCE_READY] = 400, [DIFFERENCE_REST] = 400 } },
		{ { .work_ns = 10000, .more_ns = 600 },
		  { [DIFFERENCE_CPU] = 300, [DIFFERENCE_REST] = 300 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct example *with = predicted(0), *without = run_of(&cases[i].shape);
		struct difference difference = difference_of(with, without);

		for (int part = 0; part < DIFFERENCE_PARTS; part++)
			assert_int_equal(difference.parts_ns[part], cases[i].parts_ns[part]);
		example_free(with);
		example_free(without);
	}
}

/* The machine's loop took a tenth longer: so does the count. */
static void test_difference__a_slower_machine_is_not_the_count(void **state)
{
	const struct shape shape = { .work_ns = 11500 };
	struct example *with = predicted(1000), *without = run_of(&shape);
	struct difference difference;

	(void)state;
	without->trace->meta.calibration = (struct calibration){ 1100, 1100, 2 };
	with->trace->meta.steal_ns = 7;
	without->trace->meta.steal_ns = 9;
	difference = difference_of(with, without);

	assert_int_equal(difference.parts_ns[DIFFERENCE_SPEED], 1000);
	assert_int_equal(difference.parts_ns[DIFFERENCE_CPU], 500);
	assert_int_equal(difference.steal_ns[0], 7);
	assert_int_equal(difference.steal_ns[1], 9);
	example_free(with);
	example_free(without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_difference__each_part_is_told_apart),
		cmocka_unit_test(test_difference__a_slower_machine_is_not_the_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
