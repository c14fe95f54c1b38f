/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON: read back strictly, it has the promised keys; its integers hold the identities; what was
 * not measured is null; hostile names are text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "sample.h"
#include "stream/schema.h"

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	return root;
}

static json_t *parse_report(const struct report *report)
{
	char *text OWNED(mem_freep) = sample_print_report("json", report);

	return parse(text);
}

static void json_freep(json_t **json)
{
	json_decref(*json);
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("'%s' is no integer", key);
	return json_integer_value(value);
}

static json_int_t sum(const json_t *list, const char *key)
{
	json_int_t total = 0;

	assert_true(json_is_array(list));
	for (size_t i = 0; i < json_array_size(list); i++)
		total += number(json_array_get(list, i), key);
	return total;
}

static void test_json__a_report_has_the_promised_keys(void **state)
{
	static const char *const keys[] = {
		"convoy",	 "schema",   "kind",   "complete", "residuals_ns", "loss",
		"start_ns",	 "wall_ns",  "cpu_ns", "gap_ns",   "overlap_ns",   "parallel",
		"capacity",	 "threads",  "locks",  "edges",	   "handoffs",	   "what_if",
		"critical_path", "findings", "trust",
	};
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = parse_report(report);

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_object_get(root, keys[i]))
			fail_msg("'%s' is missing", keys[i]);
	}
	assert_string_equal(json_string_value(json_object_get(root, "start_ns")), "5000000000");
	assert_string_equal(json_string_value(json_object_get(root, "kind")), "run");
	assert_int_equal(number(root, "schema"), 1);
	sample_report_free(report);
}

static void test_json__numbers_of_a_report_hold_the_identities(void **state)
{
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = parse_report(report);
	const json_t *capacity = json_object_get(root, "capacity");

	(void)state;
	assert_int_equal(sum(json_object_get(root, "parallel"), "wall_ns"),
			 number(root, "wall_ns"));
	assert_int_equal(number(root, "gap_ns") + number(root, "cpu_ns") -
				 number(root, "overlap_ns"),
			 number(root, "wall_ns"));
	assert_int_equal(sum(json_object_get(root, "gaps"), "ns"), number(root, "gap_ns"));
	assert_int_equal(number(capacity, "running_ns") + number(capacity, "cpu_wait_ns") +
				 sum(json_object_get(capacity, "locks"), "lost_ns") +
				 number(capacity, "not_asked_ns"),
			 number(capacity, "total_ns"));
	sample_report_free(report);
}

/* Every column of the file is a key of the row, and the other way round. */
static void assert_columns(const json_t *row, const struct schema_file *file)
{
	size_t count = schema_column_count(file);

	assert_int_equal(json_object_size(row), count);
	for (size_t i = 0; i < count; i++) {
		if (!json_object_get(row, file->columns[i].name))
			fail_msg("column '%s' is missing", file->columns[i].name);
	}
}

static void test_json__rows_are_named_as_the_columns(void **state)
{
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = parse_report(report);

	(void)state;
	assert_columns(json_array_get(json_object_get(root, "threads"), 0), &schema_threads);
	assert_columns(json_array_get(json_object_get(root, "locks"), 0), &schema_locks);
	assert_columns(json_array_get(json_object_get(root, "edges"), 0), &schema_edges);
	sample_report_free(report);
}

static void test_json__states_of_a_thread_sum_to_its_lifetime(void **state)
{
	static const char *const states[] = { "running_ns", "preempted_ns", "queued_ns",
					      "lock_ns",    "condition_ns", "join_ns",
					      "futex_ns",   "io_ns",	    "kernel_ns",
					      "sleep_ns",   "stopped_ns",   "unknown_ns" };
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = parse_report(report);
	const json_t *threads = json_object_get(root, "threads");

	(void)state;
	assert_int_equal(json_array_size(threads), 20);
	for (size_t i = 0; i < json_array_size(threads); i++) {
		const json_t *thread = json_array_get(threads, i);
		json_int_t total = 0;

		for (size_t j = 0; j < sizeof(states) / sizeof(states[0]); j++)
			total += number(thread, states[j]);
		assert_int_equal(total, number(thread, "lifetime_ns"));
		assert_int_equal(number(thread, "start_ns"), 0);
	}
	sample_report_free(report);
}

static void test_json__not_measured_is_null(void **state)
{
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = NULL;
	const json_t *thread, *lock;

	(void)state;
	report->is_whole = false;
	report->worst_run_thread = 0;
	report->locks[1].timeouts = TRACE_NOT_MEASURED;
	report->capacity.total_ns = TRACE_NOT_MEASURED;
	root = parse_report(report);
	thread = json_array_get(json_object_get(root, "threads"), 0);
	lock = json_array_get(json_object_get(root, "locks"), 1);
	assert_true(json_is_null(json_object_get(root, "what_if")));
	assert_true(json_is_null(json_object_get(thread, "yields")));
	assert_true(json_is_null(json_object_get(thread, "kernel_run_ns")));
	assert_true(json_is_null(json_object_get(lock, "timeouts")));
	assert_true(json_is_null(json_object_get(json_object_get(root, "trust"), "bpf_run_ns")));
	assert_true(json_is_null(json_object_get(json_object_get(root, "trust"), "own_run_ns")));
	assert_true(json_is_null(json_object_get(json_object_get(root, "residuals_ns"), "I6")));
	assert_true(json_is_integer(json_object_get(json_object_get(root, "residuals_ns"), "I5")));
	assert_true(json_is_null(json_object_get(json_object_get(root, "capacity"), "total_ns")));
	sample_report_free(report);
}

static void test_json__hostile_names_are_escaped_text(void **state)
{
	struct report *report = sample_report_new();
	char *text OWNED(mem_freep) = sample_print_report("json", report);
	json_t *root OWNED(json_freep) = parse(text);
	const json_t *thread = json_array_get(json_object_get(root, "threads"), 3);

	(void)state;
	assert_null(strchr(text, '\x1b'));
	assert_null(strstr(text, "\\u001b"));
	assert_string_equal(json_string_value(json_object_get(thread, "comm")),
			    "\\x1b[31mred\\x0a\\xff");
	sample_report_free(report);
}

static void test_json__a_finding_has_its_evidence(void **state)
{
	struct report *report = sample_report_new();
	json_t *root OWNED(json_freep) = parse_report(report);
	const json_t *findings = json_object_get(root, "findings");

	(void)state;
	assert_true(json_array_size(findings) > 0);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *finding = json_array_get(findings, i);

		assert_true(json_is_string(json_object_get(finding, "id")));
		assert_true(json_is_string(json_object_get(finding, "says")));
		assert_true(json_is_string(json_object_get(finding, "try")));
		assert_true(json_object_size(json_object_get(finding, "evidence")) > 0);
		assert_true(number(finding, "stake_ns") >= 0);
	}
	sample_report_free(report);
}

static json_t *parse_experiments(const struct experiment *const *list, size_t count)
{
	char *text OWNED(mem_freep) = sample_print_experiments("json", list, count);

	return parse(text);
}

static void test_json__bills_of_a_countdown_add_up(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	json_t *root OWNED(json_freep) = parse_experiments(list, 1);
	const json_t *bills = json_object_get(root, "bills");

	(void)state;
	assert_int_equal(json_array_size(bills), 3);
	for (size_t i = 0; i < json_array_size(bills); i++) {
		const json_t *bill = json_array_get(bills, i);
		const json_t *lines = json_object_get(bill, "lines");

		assert_int_equal(sum(lines, "ns"), number(bill, "total_ns"));
		for (size_t j = 0; j < json_array_size(lines); j++) {
			const json_t *line = json_array_get(lines, j);

			assert_true(number(line, "min_ns") <= number(line, "max_ns"));
			assert_int_equal(sum(json_object_get(line, "causes"), "ns"),
					 number(line, "ns"));
		}
	}
	experiment_free(experiment);
}

static void test_json__a_countdown_has_its_variants_with_a_report_each(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment };
	json_t *root OWNED(json_freep) = parse_experiments(list, 1);
	const json_t *variants = json_object_get(root, "variants"), *serial, *threads;

	(void)state;
	assert_string_equal(json_string_value(json_object_get(root, "kind")), "countdown");
	assert_int_equal(json_array_size(variants), 5);
	serial = json_array_get(variants, 0);
	threads = json_array_get(variants, 1);
	assert_true(json_is_null(json_object_get(serial, "baseline")));
	assert_true(json_is_null(json_object_get(serial, "measurable")));
	assert_true(json_is_true(json_object_get(threads, "measurable")));
	assert_int_equal(number(threads, "rounds"), 5);
	assert_int_equal(number(json_object_get(threads, "wall_ns"), "median"),
			 number(json_object_get(threads, "representative"), "wall_ns"));
	assert_int_equal(json_array_size(json_object_get(root, "skipped")), 1);
	experiment_free(experiment);
}

static void test_json__several_interpreters_are_a_list(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment, experiment };
	json_t *root OWNED(json_freep) = parse_experiments(list, 2);
	const json_t *items = json_object_get(root, "interpreters");

	(void)state;
	assert_int_equal(json_array_size(items), 2);
	assert_true(json_is_array(json_object_get(json_array_get(items, 1), "variants")));
	experiment_free(experiment);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json__a_report_has_the_promised_keys),
		cmocka_unit_test(test_json__numbers_of_a_report_hold_the_identities),
		cmocka_unit_test(test_json__rows_are_named_as_the_columns),
		cmocka_unit_test(test_json__states_of_a_thread_sum_to_its_lifetime),
		cmocka_unit_test(test_json__not_measured_is_null),
		cmocka_unit_test(test_json__hostile_names_are_escaped_text),
		cmocka_unit_test(test_json__a_finding_has_its_evidence),
		cmocka_unit_test(test_json__bills_of_a_countdown_add_up),
		cmocka_unit_test(test_json__a_countdown_has_its_variants_with_a_report_each),
		cmocka_unit_test(test_json__several_interpreters_are_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
