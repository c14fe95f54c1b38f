/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path and the what-if as a reader sees them, in text and in JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "analysis/findings.h"
#include "array_source.h"
#include "sample.h"

#define MS UINT64_C(1000000)

static void assert_says(const char *text, const char *sentence)
{
	if (!strstr(text, sentence)) {
		print_error("%s\n", text);
		fail_msg("not there: %s", sentence);
	}
}

/* Lines become one, so that it does not matter where they were wrapped. */
static void flatten(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '\n' && *from != ' ')
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

static void assert_silent(const char *text, const char *sentence)
{
	if (strstr(text, sentence))
		fail_msg("'%s' is in\n%s", sentence, text);
}

/* Two threads, in turns of 100 ms under one lock, for 400 ms, from 1 s on. */
static struct example *turns_new(enum lock_kind kind)
{
	uint64_t at_ns[5];
	struct example *example;
	uint32_t lock, threads[2];

	for (uint64_t i = 0; i < 5; i++)
		at_ns[i] = (1000 + 100 * i) * MS;
	example = example_new(at_ns[0], at_ns[4], 2);
	lock = example_lock(example, kind, LOCK_STATE_LOCK, "GIL");
	threads[0] = example_mortal(example, at_ns[0], at_ns[3]);
	threads[1] = example_thread(example);
	for (int i = 0; i < 4; i++) {
		uint32_t runs = threads[i % 2], waits = threads[(i + 1) % 2];
		struct slice *wait;

		example_slice(example, runs, STATE_RUNNING, at_ns[i], at_ns[i + 1]);
		if (i == 3)
			break;
		wait = example_wait(example, waits, lock, at_ns[i], at_ns[i + 1]);
		wait->waker = runs;
		wait->result = WAIT_RESULT_WOKEN;
	}
	memcpy(example->trace->threads[0].comm, "anna", 5);
	memcpy(example->trace->threads[1].comm, "bert", 5);
	return example;
}

static const struct report *deep(struct example *example)
{
	example_finish(example);
	assert_int_equal(report_make_deep(example->trace, 0, 0, &example->report), 0);
	findings_make(example->report, NULL);
	return example->report;
}

static void test_causes__the_path_is_a_table_that_adds_up(void **state)
{
	struct example *example = turns_new(LOCK_GIL);
	char *text = sample_print_report("text", deep(example));

	(void)state;
	assert_says(text, "The critical path: what the end had to wait for (400 ms = 100 %)");
	assert_says(text, "anna         running  the GIL           200 ms  50.0 %");
	assert_says(text, "bert         running                    100 ms  25.0 %");
	free(text);
	example_free(example);
}

static void test_causes__a_prediction_stands_with_its_error(void **state)
{
	struct example *example = turns_new(LOCK_GIL);
	char *text = sample_print_report("text", deep(example));

	(void)state;
	assert_says(text, "What if\n  without the GIL: 200 ms predicted instead of 400 ms (model "
			  "error 0.0 %)\n");
	free(text);
	example_free(example);
}

static void test_causes__no_prediction_says_why(void **state)
{
	struct example *example = turns_new(LOCK_GIL);
	struct what_if *what_if;
	char *text;

	(void)state;
	deep(example);
	what_if = &example->report->what_if;
	what_if->count = 0;
	what_if->state = WHAT_IF_MODEL_OFF;
	what_if->error_permille = 57;
	text = sample_print_report("text", example->report);
	assert_says(text, "no prediction: the model is off by 5.7 %");
	free(text);
	what_if->state = WHAT_IF_TOO_LONG;
	text = sample_print_report("text", example->report);
	assert_says(text, "no prediction: too many slices");
	free(text);
	example_free(example);
}

static void test_causes__a_report_that_was_not_asked_is_silent(void **state)
{
	struct example *example = turns_new(LOCK_GIL);
	char *text;
	json_t *json;

	(void)state;
	example_report(example, 0, 0);
	findings_make(example->report, NULL);
	text = sample_print_report("text", example->report);
	assert_silent(text, "critical path");
	assert_silent(text, "What if");
	free(text);
	text = sample_print_report("json", example->report);
	json = json_loads(text, 0, NULL);
	assert_true(json_is_null(json_object_get(json, "critical_path")));
	assert_true(json_is_null(json_object_get(json, "what_if")));
	json_decref(json);
	free(text);
	example_free(example);
}

static void test_causes__json_has_all_numbers(void **state)
{
	struct example *example = turns_new(LOCK_MUTEX);
	char *text = sample_print_report("json", deep(example));
	json_t *json = json_loads(text, 0, NULL), *path, *what_if, *parts, *part, *without;
	json_int_t sum_ns = 0;
	size_t i;

	(void)state;
	path = json_object_get(json, "critical_path");
	parts = json_object_get(path, "parts");
	json_array_foreach(parts, i, part) sum_ns +=
		json_integer_value(json_object_get(part, "ns"));
	assert_int_equal(sum_ns, 400 * MS);
	assert_int_equal(json_integer_value(json_object_get(path, "other_ns")), 0);
	assert_int_equal(json_integer_value(json_object_get(path, "end_thread")), 2);
	part = json_array_get(parts, 0);
	assert_string_equal(json_string_value(json_object_get(part, "state")), "running");
	assert_int_equal(json_integer_value(json_object_get(part, "held_lock")), 1);
	assert_true(json_is_null(json_object_get(part, "lock")));
	what_if = json_object_get(json, "what_if");
	assert_string_equal(json_string_value(json_object_get(what_if, "model")), "good");
	assert_int_equal(json_integer_value(json_object_get(what_if, "model_wall_ns")), 400 * MS);
	without = json_array_get(json_object_get(what_if, "without"), 0);
	assert_int_equal(json_integer_value(json_object_get(without, "lock")), 1);
	assert_int_equal(json_integer_value(json_object_get(without, "wall_ns")), 200 * MS);
	json_decref(json);
	free(text);
	example_free(example);
}

/* A run of a countdown; the example gives its trace away. */
static void add_run(struct experiment *experiment, struct example *example, const char *variant,
		    const char *baseline)
{
	struct meta *meta = &example->trace->meta;
	struct phase *phase = trace_add_phase(example->trace);

	trace_set_string(&meta->variant, variant);
	trace_set_string(&meta->baseline, baseline);
	meta->round = 1;
	trace_set_string(&phase->name, "count");
	phase->begin_ns = meta->start_ns;
	phase->end_ns = meta->end_ns;
	example_finish(example);
	assert_int_equal(experiment_add_run(experiment, example->trace), 0);
	example->trace = NULL;
}

/* Both run at once; the second for so long. */
static struct example *at_once_new(uint64_t second_ms)
{
	struct example *example = example_new(1000 * MS, (1000 + second_ms) * MS, 2);
	uint32_t a = example_mortal(example, 1000 * MS, 1200 * MS), b = example_thread(example);

	example_slice(example, a, STATE_RUNNING, 1000 * MS, 1200 * MS);
	example_slice(example, b, STATE_RUNNING, 1000 * MS, (1000 + second_ms) * MS);
	return example;
}

static char *print_countdown(uint64_t processes_ms)
{
	struct example *examples[] = { at_once_new(400), turns_new(LOCK_GIL),
				       at_once_new(processes_ms) };
	static const char *const names[] = { "serial", "threads", "processes" };
	struct experiment *experiment = experiment_new();
	char *text;

	experiment->workers = 2;
	for (int i = 0; i < 3; i++)
		add_run(experiment, examples[i], names[i], i ? "serial" : "");
	experiment_finish(experiment);
	text = sample_print_experiments("text", (const struct experiment *const *)&experiment, 1);
	experiment_free(experiment);
	for (int i = 0; i < 3; i++) {
		free(examples[i]->slices);
		free(examples[i]);
	}
	return text;
}

static void test_causes__a_countdown_checks_itself(void **state)
{
	char *text = print_countdown(210);

	(void)state;
	assert_says(text, "  without the GIL: 200 ms predicted instead of 400 ms (model error 0.0 "
			  "%);\n  processes measured 210 ms\n");
	assert_silent(text, "The two differ");
	free(text);
}

static void test_causes__a_countdown_says_where_the_two_differ(void **state)
{
	char *text = print_countdown(300);

	(void)state;
	flatten(text);
	assert_says(text, "The two differ: processes took +50 ms in CPU time for the same count, "
			  "+50 ms in uneven work and the rest.");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_causes__the_path_is_a_table_that_adds_up),
		cmocka_unit_test(test_causes__a_prediction_stands_with_its_error),
		cmocka_unit_test(test_causes__no_prediction_says_why),
		cmocka_unit_test(test_causes__a_report_that_was_not_asked_is_silent),
		cmocka_unit_test(test_causes__json_has_all_numbers),
		cmocka_unit_test(test_causes__a_countdown_checks_itself),
		cmocka_unit_test(test_causes__a_countdown_says_where_the_two_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
