/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text: reports by hand look as the golden files say, byte for byte; printed sums add; nothing is
 * wider than the terminal; hostile names stay text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/findings.h"
#include "base/escape.h"
#include "base/mem.h"
#include "golden.h"
#include "output/grid.h"
#include "output/output.h"
#include "output/scale.h"
#include "sample.h"

static void test_text__a_report_is_as_the_golden_file(void **state)
{
	struct report *report = sample_report_new();
	char *text OWNED(mem_freep) = sample_print_report("text", report);

	(void)state;
	golden_assert("report.txt", text, strlen(text));
	sample_report_free(report);
}

static void test_text__a_countdown_is_as_the_golden_file(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	char *text OWNED(mem_freep) = sample_print_experiments("text", list, 1);

	(void)state;
	golden_assert("countdown.txt", text, strlen(text));
	experiment_free(experiment);
}

/* Lines are at most 80 columns, without blanks at their ends and without control bytes. */
static void assert_tidy(const char *text)
{
	while (*text) {
		size_t bytes = strcspn(text, "\n");
		char *line OWNED(mem_freep) = xstrndup(text, bytes);

		if (text_columns(line) > 80)
			fail_msg("wider than 80 columns: %s", line);
		if (bytes && line[bytes - 1] == ' ')
			fail_msg("ends in a blank: %s", line);
		for (size_t i = 0; i < bytes; i++)
			assert_true((unsigned char)line[i] >= 0x20);
		text += bytes + (text[bytes] != '\0');
	}
}

static void test_text__lines_fit_a_terminal_and_hold_no_control_bytes(void **state)
{
	struct report *report = sample_report_new();
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment, experiment };
	char *one OWNED(mem_freep) = sample_print_report("text", report);
	char *two OWNED(mem_freep) = sample_print_experiments("text", list, 2);

	(void)state;
	assert_tidy(one);
	assert_tidy(two);
	sample_report_free(report);
	experiment_free(experiment);
}

static const char *find_word(const char *text, const char *word)
{
	const char *found = strstr(text, word);

	if (!found)
		fail_msg("'%s' is not in\n%s", word, text);
	return found + strlen(word);
}

/* The first number behind a word, without its decimal point: 12.3 is 123; − is a sign. */
static long number_behind(const char *text, const char *word)
{
	const char *found = find_word(text, word);
	long number = 0;
	int sign;

	found += strcspn(found, "0123456789");
	sign = strncmp(found - strlen("−"), "−", strlen("−")) == 0 ? -1 : 1;
	for (; (*found >= '0' && *found <= '9') || *found == '.'; found++) {
		if (*found != '.')
			number = number * 10 + (*found - '0');
	}
	return sign * number;
}

static void test_text__printed_lines_of_a_bill_add_up(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	char *text OWNED(mem_freep) = sample_print_experiments("text", list, 1);
	const char *bill = find_word(text, "not adding");
	long total = number_behind(text, "threads − serial");
	long gap = number_behind(bill, "hand-offs of the GIL");
	long cpu = number_behind(bill, "all threads together");
	long overlap = number_behind(bill, "ran at the same time");

	(void)state;
	assert_int_equal(total, 139);
	assert_int_equal(gap + cpu + overlap, total);
	assert_int_equal(number_behind(bill, "cost more CPU") + number_behind(bill, "speed"), cpu);
	assert_true(overlap < 0);
	experiment_free(experiment);
}

static void test_text__printed_shares_of_the_cpus_add_up_to_100(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	char *text OWNED(mem_freep) = sample_print_experiments("text", list, 1);
	const char *line = find_word(text, "CPUs went with threads");

	(void)state;
	assert_int_equal(number_behind(line, "running") + number_behind(line, "the GIL") +
				 number_behind(line, "for a CPU") +
				 number_behind(line, "not asked for"),
			 1000);
	experiment_free(experiment);
}

static void test_text__causes_add_up_to_a_line_that_is_not_rounded_to_the_nearest(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	struct bill *bill = &experiment->bills[0];
	const char *lines;
	char *text;

	(void)state;
	bill->lines[0].ns = bill->lines[0].causes[0].ns = 26400000;
	bill->lines[1].ns = 119450000;
	bill->lines[1].causes[0].ns = 117950000;
	bill->lines[1].causes[1].ns = 1500000;
	bill->lines[2].ns = bill->lines[2].causes[0].ns = -6650000;
	bill->total_ns = 139200000;
	text = sample_print_experiments("text", list, 1);
	lines = find_word(text, "not adding");
	assert_int_equal(number_behind(lines, "all threads together"), 120);
	assert_int_equal(number_behind(lines, "cost more CPU") + number_behind(lines, "speed"),
			 120);
	free(text);
	experiment_free(experiment);
}

static void test_text__shares_that_are_thirds_add_up_to_100(void **state)
{
	struct report *report = sample_report_new();
	char *text;

	(void)state;
	report->capacity.total_ns = 3000000000;
	report->capacity.running_ns = report->capacity.not_asked_ns = 1000000000;
	report->capacity.cpu_wait_ns = 0;
	report->capacity.locks_ns = report->locks[0].lost_ns = 1000000000;
	text = sample_print_report("text", report);
	assert_non_null(strstr(text, "running 33.4 %"));
	assert_non_null(strstr(text, "not asked for 33.3 %"));
	free(text);
	sample_report_free(report);
}

static void test_text__no_difference_is_never_told_as_a_penalty(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	char *text;

	(void)state;
	experiment->variants[1].is_measurable = false;
	findings_make_experiment(experiment);
	text = sample_print_experiments("text", list, 1);
	assert_non_null(strstr(text, "No measurable difference between threads and serial"));
	assert_non_null(strstr(text, "within the noise"));
	assert_null(strstr(text, "slower"));
	assert_null(strstr(text, "as long as serial"));
	free(text);
	experiment_free(experiment);
}

static void test_text__what_is_not_measured_is_said_not_invented(void **state)
{
	struct report *report = sample_report_new();
	char *text;

	(void)state;
	report->capacity.total_ns = TRACE_NOT_MEASURED;
	report->cpu_ns = TRACE_NOT_MEASURED;
	report->worst_run_thread = 0;
	report->locks[0].p50_ns = TRACE_NOT_MEASURED;
	text = sample_print_report("text", report);
	assert_non_null(strstr(text, "not measured: no slices were recorded"));
	assert_non_null(strstr(text, "run time not compared"));
	assert_null(strstr(text, "18446744073"));
	free(text);
	sample_report_free(report);
}

static void test_text__loss_is_said(void **state)
{
	struct report *report = sample_report_new();
	struct meta *meta = &((struct trace *)(uintptr_t)report->trace)->meta;
	char *text;

	(void)state;
	meta->is_complete = false;
	meta->slices_lost = 17;
	meta->loss[LOSS_DEAD_FULL] = 3;
	text = sample_print_report("text", report);
	assert_null(strstr(text, "no event lost"));
	assert_non_null(strstr(text, "17 of 1,234 slices lost"));
	assert_non_null(strstr(text, "dead threads summed"));
	free(text);
	sample_report_free(report);
}

static void test_text__color_is_only_where_it_is_asked_for(void **state)
{
	const struct output_options options = { .has_color = true, .columns = 100 };
	struct report *report = sample_report_new();
	char *plain OWNED(mem_freep) = sample_print_report("text", report);
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	(void)state;
	assert_int_equal(output_find("text")->render_report(report, &options, file), 0);
	fclose(file);
	assert_null(strchr(plain, '\033'));
	assert_non_null(strchr(text, '\033'));
	free(text);
	sample_report_free(report);
}

static void test_text__a_full_disk_is_an_error(void **state)
{
	const struct output_options options = { 0 };
	struct report *report = sample_report_new();
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(file);
	assert_true(output_find("text")->render_report(report, &options, file) < 0);
	fclose(file);
	file = fopen("/dev/full", "w");
	assert_true(output_find("json")->render_report(report, &options, file) < 0);
	fclose(file);
	sample_report_free(report);
}

/* Prints and frees a grid. */
static void assert_grid(struct grid *grid, size_t indent, const char *expected)
{
	size_t length;
	char *text = NULL;
	FILE *file = open_memstream(&text, &length);

	grid_print(grid, indent, file);
	fclose(file);
	assert_string_equal(text, expected);
	free(text);
	grid_free(grid);
}

static void test_text__cells_are_aligned_by_columns_and_cut_between_characters(void **state)
{
	struct grid *grid = grid_new();

	(void)state;
	grid_column(grid, GRID_LEFT, 5);
	grid_column(grid, GRID_RIGHT, 0);
	grid_add(grid, "n");
	grid_add(grid, "ms");
	grid_add(grid, "äöüßäöü");
	grid_add(grid, "1");
	grid_add(grid, "漢字漢字");
	grid_add(grid, "20");
	assert_grid(grid, 1, " n      ms\n äöüß…   1\n 漢字…  20\n");
}

static void test_text__names_of_threads_keep_what_tells_them_apart(void **state)
{
	struct grid *grid = grid_new();

	(void)state;
	grid_column(grid, GRID_NAME, 10);
	grid_add(grid, "thread 12 of server");
	grid_add(grid, "ForkJoinPool-1-worker-3");
	grid_add(grid, "thread 1234567 of server");
	grid_add(grid, "short");
	assert_grid(grid, 0, "thread 12\nFork…ker-3\nthre…34567\nshort\n");
}

static void test_text__a_scale_shows_the_same_unit_for_all(void **state)
{
	const struct scale *scale = scale_for(139276667);
	char buffer[UNITS_BUFFER];

	(void)state;
	assert_string_equal(scale_print_signed(scale, 27, buffer), "+27 ms");
	assert_string_equal(scale_print_signed(scale, -7, buffer), "−7 ms");
	assert_string_equal(scale_print_signed(scale, 0, buffer), "0 ms");
	scale = scale_for(2618000000);
	assert_string_equal(scale_print(scale, 2618, buffer), "2618 ms");
}

static void test_text__losses_of_runs_are_added_up(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	char *text OWNED(mem_freep) = NULL;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct meta *meta = &experiment->variants[i].runs[i].trace->meta;

		meta->loss[LOSS_REPAIRED] = 2 + i;
		trace_add_string(&meta->missing, "cgroups");
	}
	experiment->variants[0].runs[0].trace->meta.is_complete = false;
	text = sample_print_experiments("text", list, 1);

	assert_int_equal(number_behind(text, "by its"), 9);
	/* 2 ms of each of five runs, and 14 ms. */
	assert_int_equal(number_behind(text, "hypervisor took"), 80);
	assert_null(strstr(find_word(text, "cgroups"), "cgroups"));
	assert_int_equal(number_behind(text, "Trust"), 1);
	assert_non_null(strstr(text, "1 of 25 runs are not complete; "));
	experiment_free(experiment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text__a_report_is_as_the_golden_file),
		cmocka_unit_test(test_text__a_countdown_is_as_the_golden_file),
		cmocka_unit_test(test_text__lines_fit_a_terminal_and_hold_no_control_bytes),
		cmocka_unit_test(test_text__printed_lines_of_a_bill_add_up),
		cmocka_unit_test(test_text__printed_shares_of_the_cpus_add_up_to_100),
		cmocka_unit_test(
			test_text__causes_add_up_to_a_line_that_is_not_rounded_to_the_nearest),
		cmocka_unit_test(test_text__shares_that_are_thirds_add_up_to_100),
		cmocka_unit_test(test_text__no_difference_is_never_told_as_a_penalty),
		cmocka_unit_test(test_text__what_is_not_measured_is_said_not_invented),
		cmocka_unit_test(test_text__loss_is_said),
		cmocka_unit_test(test_text__color_is_only_where_it_is_asked_for),
		cmocka_unit_test(test_text__a_full_disk_is_an_error),
		cmocka_unit_test(
			test_text__cells_are_aligned_by_columns_and_cut_between_characters),
		cmocka_unit_test(test_text__names_of_threads_keep_what_tells_them_apart),
		cmocka_unit_test(test_text__a_scale_shows_the_same_unit_for_all),
		cmocka_unit_test(test_text__losses_of_runs_are_added_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
