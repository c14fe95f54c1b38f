/* SPDX-License-Identifier: GPL-2.0-only */
/* The countdown as numbers: the count phase, representatives, what is measurable, bills. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/phase.h"
#include "array_source.h"
#include "base/mem.h"
#include "analysis/experiment.h"

#define RUNS_MAX 16

/* Examples whose traces belong to the experiment. */
static struct example *examples[RUNS_MAX];
static size_t example_count;
static struct experiment *experiment;

static int setup(void **state)
{
	(void)state;
	example_count = 0;
	experiment = experiment_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	experiment_free(experiment);
	for (size_t i = 0; i < example_count; i++) {
		examples[i]->trace = NULL;
		examples[i]->report = NULL;
		free(examples[i]->slices);
		free(examples[i]);
	}
	return 0;
}

/* Two threads: a runs, hands over after a gap to b, which runs to the end; and both run a while at
 * the same time. All within a count phase [1000, 1000 + wall). */
struct shape {
	uint64_t first_ns;
	uint64_t gap_ns;
	uint64_t second_ns;
	uint64_t both_ns;
};

static struct trace *add_shape(const struct shape *shape)
{
	uint64_t end_ns = 1000 + shape->first_ns + shape->gap_ns + shape->second_ns;
	uint64_t gap_at = 1000 + shape->first_ns, b_at = gap_at + shape->gap_ns;
	struct example *example = example_new(0, end_ns + 500, 2);
	uint32_t a = example_thread(example), b = example_thread(example);
	uint32_t gil = example_lock(example, LOCK_GIL, LOCK_STATE_LOCK, "GIL");
	struct phase *phase = trace_add_phase(example->trace);
	struct slice *wait;

	examples[example_count++] = example;
	trace_set_string(&phase->name, "count");
	phase->begin_ns = 1000;
	phase->end_ns = end_ns;
	example_slice(example, a, STATE_SLEEP, 0, 1000);
	example_slice(example, a, STATE_RUNNING, 1000, gap_at);
	wait = example_wait(example, b, gil, 0, gap_at);
	wait->result = WAIT_RESULT_WOKEN;
	wait->waker = a;
	if (shape->gap_ns)
		example_slice(example, b, STATE_QUEUED, gap_at, b_at);
	example_slice(example, b, STATE_RUNNING, b_at, end_ns);
	example_slice(example, b, STATE_SLEEP, end_ns, end_ns + 500);
	example_slice(example, a, STATE_SLEEP, gap_at, b_at + 1);
	if (shape->both_ns)
		example_slice(example, a, STATE_RUNNING, b_at + 1, b_at + 1 + shape->both_ns);
	example_slice(example, a, STATE_SLEEP, b_at + 1 + shape->both_ns, end_ns + 500);
	example_finish(example);
	return example->trace;
}

static struct trace *add_run(const char *variant, uint32_t round, const struct shape *shape)
{
	struct trace *trace = add_shape(shape);

	trace_set_string(&trace->meta.variant, variant);
	trace_set_string(&trace->meta.baseline, strcmp(variant, "serial") == 0 ? "" : "serial");
	trace->meta.round = round;
	trace->meta.count = 1000;
	assert_int_equal(experiment_add_run(experiment, trace), 0);
	return trace;
}

static void add_wall(const char *variant, uint32_t round, uint64_t wall_ns)
{
	const struct shape shape = { .first_ns = wall_ns / 2, .second_ns = wall_ns - wall_ns / 2 };

	add_run(variant, round, &shape);
}

static const struct bill_cause *find_cause(const struct bill_line *line, const char *name)
{
	for (size_t i = 0; i < line->cause_count; i++) {
		if (strcmp(line->causes[i].name, name) == 0)
			return &line->causes[i];
	}
	return NULL;
}

static void test_experiment__the_representative_is_the_lower_median(void **state)
{
	(void)state;
	add_wall("serial", 3, 700);
	add_wall("serial", 1, 900);
	add_wall("serial", 4, 700);
	add_wall("serial", 2, 800);
	experiment_finish(experiment);

	assert_int_equal(experiment->variant_count, 1);
	assert_int_equal(experiment->rounds, 4);
	assert_int_equal(experiment->variants[0].wall.median_ns, 700);
	assert_int_equal(experiment->variants[0].wall.min_ns, 700);
	assert_int_equal(experiment->variants[0].wall.max_ns, 900);
	assert_int_equal(experiment->variants[0].runs[0].trace->meta.round, 1);
	assert_int_equal(experiment->variants[0].representative, 2);
	assert_int_equal(experiment->bill_count, 0);
}

static bool is_measurable(const uint64_t *serial, const uint64_t *threads, uint32_t rounds)
{
	for (uint32_t i = 0; i < rounds; i++) {
		add_wall("serial", i + 1, serial[i]);
		add_wall("threads", i + 1, threads[i]);
	}
	experiment_finish(experiment);
	return experiment->variants[1].is_measurable;
}

static void test_experiment__ranges_apart_are_measurable(void **state)
{
	(void)state;
	assert_true(
		is_measurable((uint64_t[]){ 900, 1000, 950 }, (uint64_t[]){ 1001, 1100, 1200 }, 3));
	assert_true(experiment->variants[1].is_slower);
}

static void test_experiment__ranges_that_touch_are_not(void **state)
{
	(void)state;
	assert_false(
		is_measurable((uint64_t[]){ 900, 1000, 950 }, (uint64_t[]){ 1000, 1100, 1200 }, 3));
}

static void test_experiment__one_run_each_says_nothing(void **state)
{
	(void)state;
	assert_false(is_measurable((uint64_t[]){ 900 }, (uint64_t[]){ 1200 }, 1));
}

static void test_experiment__five_rounds_that_agree_are_measurable(void **state)
{
	(void)state;
	assert_true(is_measurable((uint64_t[]){ 900, 1000, 1100, 1200, 1300 },
				  (uint64_t[]){ 890, 990, 1090, 1190, 1290 }, 5));
	assert_false(experiment->variants[1].is_slower);
}

/* One sign, but as far from each other as only noise is: 10 … 250, in the middle 60. */
static void test_experiment__five_rounds_of_one_sign_far_apart_are_not(void **state)
{
	(void)state;
	assert_false(is_measurable((uint64_t[]){ 900, 1000, 1100, 1200, 1300 },
				   (uint64_t[]){ 890, 950, 1040, 950, 1220 }, 5));
}

static void test_experiment__five_rounds_of_mixed_sign_are_not(void **state)
{
	(void)state;
	assert_false(is_measurable((uint64_t[]){ 900, 1000, 1100, 1200, 1300 },
				   (uint64_t[]){ 890, 990, 1090, 1190, 1301 }, 5));
}

static void test_experiment__four_rounds_that_agree_are_too_few(void **state)
{
	(void)state;
	assert_false(is_measurable((uint64_t[]){ 900, 1000, 1100, 1200 },
				   (uint64_t[]){ 890, 990, 1090, 1190 }, 4));
}

static void test_bill__lines_and_causes_sum_to_the_difference(void **state)
{
	const struct shape serial = { .first_ns = 500, .second_ns = 500 };
	const struct shape threads = {
		.first_ns = 600, .gap_ns = 27, .second_ns = 600, .both_ns = 7
	};
	const struct bill *bill;

	(void)state;
	add_run("serial", 1, &serial);
	add_run("threads", 1, &threads);
	experiment_finish(experiment);
	bill = &experiment->bills[0];

	assert_int_equal(experiment->bill_count, 1);
	assert_int_equal(bill->from, 0);
	assert_int_equal(bill->to, 1);
	assert_int_equal(bill->total_ns, 227);
	assert_string_equal(bill->lines[0].name, "gap");
	assert_int_equal(bill->lines[0].ns, 27);
	assert_int_equal(find_cause(&bill->lines[0], "hand-offs of the GIL")->ns, 27);
	assert_int_equal(bill->lines[1].ns, 207);
	assert_int_equal(find_cause(&bill->lines[1], "the same count cost more CPU")->ns, 207);
	assert_int_equal(bill->lines[2].ns, -7);
	assert_int_equal(bill->lines[3].ns, 0);
	assert_int_equal(bill->lines[3].cause_count, 0);
	assert_int_equal(experiment->residual_ns, 0);
}

static void set_speed(struct trace *trace, uint64_t before_ns, uint64_t after_ns)
{
	trace->meta.calibration.before_ns = before_ns;
	trace->meta.calibration.after_ns = after_ns;
}

static const struct bill_line *cpu_line(uint64_t before_ns, uint64_t after_ns)
{
	const struct shape serial = { .first_ns = 500, .second_ns = 500 };
	const struct shape threads = { .first_ns = 600, .second_ns = 600 };

	set_speed(add_run("serial", 1, &serial), 1000, 1000);
	set_speed(add_run("threads", 1, &threads), before_ns, after_ns);
	experiment_finish(experiment);
	assert_int_equal(experiment->residual_ns, 0);
	return &experiment->bills[0].lines[1];
}

static void test_bill__a_slower_machine_is_told_from_more_work(void **state)
{
	const struct bill_line *line = cpu_line(1090, 1110);

	(void)state;
	assert_int_equal(line->ns, 200);
	assert_int_equal(line->causes[0].ns, 100);
	assert_int_equal(find_cause(line, "machine speed")->ns, 100);
	assert_int_equal(find_cause(line, "the same count cost more CPU")->ns, 100);
}

static void test_bill__a_speed_that_changed_meanwhile_tells_nothing(void **state)
{
	const struct bill_line *line = cpu_line(1000, 1051);

	(void)state;
	assert_null(find_cause(line, "machine speed"));
	assert_int_equal(find_cause(line, "the same count cost more CPU")->ns, 200);
}

static void test_bill__lines_have_the_spread_of_same_rounds(void **state)
{
	(void)state;
	add_wall("serial", 1, 1000);
	add_wall("threads", 1, 1100);
	add_wall("serial", 2, 1000);
	add_wall("threads", 2, 1300);
	add_wall("serial", 3, 1000);
	experiment_finish(experiment);

	assert_int_equal(experiment->bills[0].lines[1].ns, 100);
	assert_int_equal(experiment->bills[0].lines[1].min_ns, 100);
	assert_int_equal(experiment->bills[0].lines[1].max_ns, 300);
}

static void test_bill__without_slices_all_is_not_recorded(void **state)
{
	const struct shape serial = { .first_ns = 500, .second_ns = 500 };
	const struct shape threads = { .first_ns = 600, .second_ns = 600 };
	struct trace *trace = add_shape(&threads);

	(void)state;
	add_run("serial", 1, &serial);
	trace_set_string(&trace->meta.variant, "threads");
	trace_set_string(&trace->meta.baseline, "serial");
	trace->meta.round = 1;
	trace->slices = NULL;
	assert_int_equal(experiment_add_run(experiment, trace), 0);
	experiment_finish(experiment);

	assert_int_equal(experiment->bills[0].total_ns, 200);
	assert_int_equal(experiment->bills[0].lines[3].ns, 1200);
	assert_int_equal(experiment->residual_ns, 0);
}

static void test_experiment__a_run_without_a_count_is_refused(void **state)
{
	(void)state;
	assert_int_equal(experiment_add_run(experiment, trace_new()), -ENOENT);
	assert_int_equal(experiment->variant_count, 0);
}

/* main reads from 100 to 200, runs, and reads from 800 to 900; a second thread reads all the time,
 * as a JVM's signal thread does. */
static struct example *reading_example(void)
{
	struct example *example = example_new(0, 1000, 2);
	uint32_t other = example_thread(example), main_thread = example_thread(example);

	example_slice(example, other, STATE_SLEEP, 0, 1000)->syscall = 0;
	example_slice(example, main_thread, STATE_RUNNING, 0, 100);
	example_slice(example, main_thread, STATE_SLEEP, 100, 200)->syscall = 0;
	example_slice(example, main_thread, STATE_QUEUED, 200, 210);
	example_slice(example, main_thread, STATE_RUNNING, 210, 800);
	example_slice(example, main_thread, STATE_SLEEP, 800, 900)->syscall = 0;
	example_slice(example, main_thread, STATE_RUNNING, 900, 1000);
	example_finish(example);
	return example;
}

static void test_phase__the_count_lies_between_the_two_reads(void **state)
{
	struct example *example = reading_example();
	struct phase_bounds bounds;

	(void)state;
	assert_int_equal(phase_find_count(example->trace, 195, 890, &bounds), 0);
	assert_int_equal(bounds.begin_ns, 200);
	assert_int_equal(bounds.end_ns, 800);
	assert_int_equal(bounds.thread, 2);
	example_free(example);
}

static void test_phase__no_read_no_phase(void **state)
{
	struct example *example = reading_example();
	struct phase_bounds bounds;

	(void)state;
	assert_int_equal(phase_find_count(example->trace, 195, 500, &bounds), -ENOENT);
	assert_int_equal(phase_find_count(example->trace, 1001, 1002, &bounds), -ENOENT);
	example_free(example);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		CASE(experiment__the_representative_is_the_lower_median),
		CASE(experiment__ranges_apart_are_measurable),
		CASE(experiment__ranges_that_touch_are_not),
		CASE(experiment__one_run_each_says_nothing),
		CASE(experiment__five_rounds_that_agree_are_measurable),
		CASE(experiment__five_rounds_of_one_sign_far_apart_are_not),
		CASE(experiment__five_rounds_of_mixed_sign_are_not),
		CASE(experiment__four_rounds_that_agree_are_too_few),
		CASE(experiment__a_run_without_a_count_is_refused),
		CASE(bill__lines_and_causes_sum_to_the_difference),
		CASE(bill__a_slower_machine_is_told_from_more_work),
		CASE(bill__a_speed_that_changed_meanwhile_tells_nothing),
		CASE(bill__lines_have_the_spread_of_same_rounds),
		CASE(bill__without_slices_all_is_not_recorded),
		CASE(phase__the_count_lies_between_the_two_reads),
		CASE(phase__no_read_no_phase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
