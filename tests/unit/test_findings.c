/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Findings: every rule has a trace where it speaks and one where it keeps silent. The situations of
 * tests/traces are loaded as any trace is, and must lead to exactly the findings they name.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "analysis/findings.h"
#include "analysis/labels.h"
#include "base/mem.h"
#include "sample.h"
#include "stream/trace_dir.h"

#define TRACES "tests/traces"
#define EXPECT_MAX 1024

static struct trace *load(const char *path)
{
	struct trace_error error = { "" };
	struct trace *trace = NULL;

	if (trace_load(path, &trace, &error))
		fail_msg("%s", error.text);
	return trace;
}

static char *join_ids(const struct finding *findings, size_t count)
{
	char *ids = xstrdup("");

	for (size_t i = 0; i < count; i++) {
		char *longer = xasprintf("%s%s\n", ids, findings[i].id);

		assert_true(strlen(findings[i].says) > 10);
		assert_non_null(findings[i].try);
		assert_true(findings[i].evidence_count > 0);
		free(ids);
		ids = longer;
	}
	return ids;
}

static char *ids_of_trace(const char *path)
{
	struct trace *trace = load(path);
	struct report *report = NULL;
	char *ids;

	assert_int_equal(report_make(trace, 0, 0, &report), 0);
	findings_make(report, NULL);
	for (size_t i = 0; i < RESIDUAL_COUNT; i++)
		assert_int_equal(report->residual_ns[i], 0);
	ids = join_ids(report->findings, report->finding_count);
	report_free(report);
	trace_free(trace);
	return ids;
}

/* Variants in order of their names but the baseline first, as a countdown has it. */
static char *ids_of_experiment(const char *path)
{
	static const char *const variants[] = { "serial", "threads", "processes" };
	struct experiment *experiment = experiment_new();
	char *ids;

	experiment->workers = 2;
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		for (int round = 1;; round++) {
			char *dir OWNED(mem_freep) =
				xasprintf("%s/%s/%d", path, variants[i], round);

			if (access(dir, F_OK))
				break;
			assert_int_equal(experiment_add_run(experiment, load(dir)), 0);
		}
	}
	experiment_finish(experiment);
	assert_int_equal(experiment->residual_ns, 0);
	ids = join_ids(experiment->findings, experiment->finding_count);
	experiment_free(experiment);
	return ids;
}

static char *ids_of(const char *name)
{
	char *path OWNED(mem_freep) = xasprintf(TRACES "/%s", name);
	char *meta OWNED(mem_freep) = xasprintf("%s/meta.json", path);

	return access(meta, F_OK) ? ids_of_experiment(path) : ids_of_trace(path);
}

static char *expected_of(const char *name)
{
	char *path OWNED(mem_freep) = xasprintf(TRACES "/%s/expect", name);
	char *text = xcalloc(1, EXPECT_MAX);
	FILE *file = fopen(path, "r");

	if (!file)
		fail_msg("%s is missing: run from the root of the source", path);
	assert_true(fread(text, 1, EXPECT_MAX - 1, file) > 0);
	fclose(file);
	return text;
}

static int is_situation(const struct dirent *entry)
{
	return strchr(entry->d_name, '.') == NULL;
}

static void test_findings__each_situation_leads_to_its_findings(void **state)
{
	struct dirent **entries;
	int count = scandir(TRACES, &entries, is_situation, alphasort), wrong = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char *expected OWNED(mem_freep) = expected_of(name);
		char *ids OWNED(mem_freep) = ids_of(name);

		if (strcmp(ids, expected) != 0) {
			print_error("%s: expected\n%sfound\n%s", name, expected, ids);
			wrong++;
		}
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(wrong, 0);
}

static bool has_line(const char *text, const char *line)
{
	size_t length = strlen(line);

	while (*text) {
		if (strncmp(text, line, length) == 0 && text[length] == '\n')
			return true;
		text += strcspn(text, "\n") + 1;
	}
	return false;
}

static void test_findings__each_rule_speaks_in_one_trace_and_not_in_another(void **state)
{
	const char *id;

	(void)state;
	for (size_t i = 0; (id = findings_rule_id(i)) != NULL; i++) {
		char *speaks OWNED(mem_freep) = xasprintf("%s-speaks", id);
		char *silent OWNED(mem_freep) = xasprintf("%s-silent", id);
		char *loud OWNED(mem_freep) = expected_of(speaks);
		char *quiet OWNED(mem_freep) = expected_of(silent);

		if (!has_line(loud, id) || has_line(quiet, id))
			fail_msg("%s: it must be in one and not in the other", id);
	}
}

static struct report *report_of(const struct trace *trace)
{
	struct report *report = NULL;

	assert_int_equal(report_make(trace, 0, 0, &report), 0);
	return report;
}

static bool has_finding(const struct report *report, const char *id)
{
	for (size_t i = 0; i < report->finding_count; i++) {
		if (strcmp(report->findings[i].id, id) == 0)
			return true;
	}
	return false;
}

static void test_findings__more_cpu_than_a_baseline_is_said_above_the_noise_only(void **state)
{
	struct trace *traces[] = { load(TRACES "/cpus-busy-speaks"),
				   load(TRACES "/single-threaded-speaks") };
	struct report *twice = report_of(traces[0]), *once = report_of(traces[1]);

	(void)state;
	findings_make(twice, once);
	assert_true(has_finding(twice, "cpu-inflation"));
	twice->cpu_ns = once->cpu_ns * 129 / 100;
	findings_make(twice, once);
	assert_false(has_finding(twice, "cpu-inflation"));
	report_free(twice);
	report_free(once);
	trace_free(traces[0]);
	trace_free(traces[1]);
}

static void test_findings__are_ordered_by_the_time_at_stake(void **state)
{
	struct trace *trace = load(TRACES "/hand-offs-speaks");
	struct report *report = report_of(trace);

	(void)state;
	findings_make(report, NULL);
	assert_true(report->finding_count > 1);
	for (size_t i = 1; i < report->finding_count; i++)
		assert_true(report->findings[i - 1].stake_ns >= report->findings[i].stake_ns);
	report_free(report);
	trace_free(trace);
}

static void test_findings__totals_alone_say_nothing_about_what_ran_at_once(void **state)
{
	struct trace *trace = load(TRACES "/lock-serialises-speaks");
	struct slice_source *slices = trace->slices;
	struct report *report;

	(void)state;
	trace->slices = NULL;
	report = report_of(trace);
	findings_make(report, NULL);
	assert_int_equal(report->finding_count, 1);
	assert_string_equal(report->findings[0].id, "nothing-stood-out");
	assert_non_null(strstr(report->findings[0].says, "not known"));
	report_free(report);
	trace->slices = slices;
	trace_free(trace);
}

static void test_findings__names_in_a_sentence_cannot_drive_a_terminal(void **state)
{
	struct trace *trace = load(TRACES "/single-threaded-speaks");
	struct report *report;

	(void)state;
	trace_set_string(&trace->threads[0].name, "\x1b[31m\n\xff");
	report = report_of(trace);
	findings_make(report, NULL);
	assert_non_null(strstr(report->findings[0].says, "the other had"));
	assert_null(strchr(report->findings[0].says, '\x1b'));
	assert_null(strchr(report->findings[0].says, '\n'));
	assert_non_null(strstr(report->findings[0].says, "\\x1b"));
	report_free(report);
	trace_free(trace);
}

static bool has_line_about(const struct experiment *experiment, const char *id, const char *variant)
{
	for (size_t i = 0; i < experiment->finding_count; i++) {
		const struct finding *finding = &experiment->findings[i];

		if (strcmp(finding->id, id) == 0 && strcmp(finding->variant, variant) == 0)
			return true;
	}
	return false;
}

static void test_findings__a_line_that_is_not_of_one_sign_is_no_penalty(void **state)
{
	struct experiment *experiment = sample_experiment_new();

	(void)state;
	assert_true(has_line_about(experiment, "cpu-inflation", "threads"));
	assert_true(has_line_about(experiment, "gap", "threads"));
	experiment->bills[0].lines[0].min_ns = -1;
	experiment->bills[0].lines[1].min_ns = -1;
	findings_make_experiment(experiment);
	assert_false(has_line_about(experiment, "cpu-inflation", "threads"));
	assert_false(has_line_about(experiment, "gap", "threads"));
	experiment_free(experiment);
}

static void test_findings__a_slower_machine_is_not_the_fault_of_the_variant(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	struct bill_line *line = &experiment->bills[0].lines[1];

	(void)state;
	line->causes[1].ns = line->ns; /* "machine speed" */
	line->causes[0].ns = 0;
	findings_make_experiment(experiment);
	assert_false(has_line_about(experiment, "cpu-inflation", "threads"));
	experiment_free(experiment);
}

static void test_findings__the_headline_of_threads_comes_first(void **state)
{
	struct experiment *experiment = sample_experiment_new();

	(void)state;
	assert_true(finding_is_outcome(&experiment->findings[0]));
	assert_string_equal(experiment->findings[0].variant, "threads");
	/* although more time is at stake elsewhere */
	assert_true(experiment->findings[1].stake_ns > experiment->findings[0].stake_ns);
	experiment_free(experiment);
}

static void test_findings__who_used_the_cpus_is_said_of_a_variant_too(void **state)
{
	static const char ready[] =
		"Threads that stood ready without a CPU cost 30.0 % of the CPUs'";
	struct experiment *experiment = sample_experiment_new();
	struct run *run = &experiment->variants[1].runs[experiment->variants[1].representative];
	const char *says;

	(void)state;
	run->report->capacity.cpu_wait_ns = run->report->capacity.total_ns * 3 / 10;
	findings_make_experiment(experiment);
	says = experiment->findings[0].says;
	assert_non_null(strstr(says, ready));
	assert_null(strstr(says, "other programs"));
	run->trace->meta.others_run_ns = run->report->wall_ns;
	findings_make_experiment(experiment);
	says = experiment->findings[0].says;
	assert_non_null(strstr(says, ready));
	assert_non_null(strstr(says, "time: other programs on this machine used "));
	experiment_free(experiment);
}

static void test_findings__native_code_that_keeps_a_gil_is_named_where_it_was_seen(void **state)
{
	static const char *const ends[] = { "so it was in native code that keeps it.",
					    "in native code that keeps it: f\\x1b() of x.so." };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trace *trace = load(TRACES "/holder-native-speaks");
		struct report *report = NULL;
		const char *says = NULL;
		char *label;

		trace_set_string(&trace->locks[0].evidence,
				 i ? "gil-range: _PyRuntime in x" EVIDENCE_KEPT_IN "f\x1b() of x.so"
				   : "gil-range: _PyRuntime in x");
		label = label_the_lock_found(trace, 1);
		assert_string_equal(label, "the GIL (_PyRuntime in x)");
		assert_int_equal(report_make(trace, 0, 0, &report), 0);
		findings_make(report, NULL);
		for (size_t j = 0; j < report->finding_count; j++)
			if (!strcmp(report->findings[j].id, "holder-native"))
				says = report->findings[j].says;
		assert_non_null(says);
		assert_non_null(strstr(says, ends[i]));
		free(label);
		report_free(report);
		trace_free(trace);
	}
}

/* What a function is called says nothing of the call that it makes. */
static void test_findings__a_reader_in_a_function_called_write_is_no_writer(void **state)
{
	static const char *const evidences[] = {
		"call-rwlock: pthread_rwlock_rdlock" EVIDENCE_CALLED_BY
		"write_page() of x (2 of 3 stacks), wrlock() of x (1)",
		"call-rwlock: pthread_rwlock_wrlock" EVIDENCE_CALLED_BY
		"write_page() of x (2 of 3 stacks), save() of x (1)",
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trace *trace = load(TRACES "/writer-starves-speaks");
		struct report *report = NULL;
		bool is_told = false;

		trace_set_string(&trace->locks[0].evidence, evidences[i]);
		assert_int_equal(report_make(trace, 0, 0, &report), 0);
		findings_make(report, NULL);
		for (size_t j = 0; j < report->finding_count; j++)
			is_told |= !strcmp(report->findings[j].id, "writer-starves");
		assert_int_equal(is_told, i == 1);
		report_free(report);
		trace_free(trace);
	}
}

static void test_findings__a_free_threaded_python_is_said_to_have_no_gil(void **state)
{
	static const char *const interpreters[] = { "CPython 3.14.0",
						    "CPython 3.14.0 (free-threaded)" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trace *trace = load(TRACES "/no-lock-wait-speaks");
		struct report *report = NULL;
		const char *says = NULL;

		trace_set_string(&trace->meta.interpreter, interpreters[i]);
		assert_int_equal(report_make(trace, 0, 0, &report), 0);
		findings_make(report, NULL);
		for (size_t j = 0; j < report->finding_count; j++)
			if (!strcmp(report->findings[j].id, "no-lock-wait"))
				says = report->findings[j].says;
		assert_non_null(says);
		assert_int_equal(strstr(says, "it has no GIL") != NULL, i == 1);
		report_free(report);
		trace_free(trace);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings__each_situation_leads_to_its_findings),
		cmocka_unit_test(test_findings__each_rule_speaks_in_one_trace_and_not_in_another),
		cmocka_unit_test(
			test_findings__more_cpu_than_a_baseline_is_said_above_the_noise_only),
		cmocka_unit_test(test_findings__are_ordered_by_the_time_at_stake),
		cmocka_unit_test(test_findings__totals_alone_say_nothing_about_what_ran_at_once),
		cmocka_unit_test(test_findings__a_line_that_is_not_of_one_sign_is_no_penalty),
		cmocka_unit_test(test_findings__a_slower_machine_is_not_the_fault_of_the_variant),
		cmocka_unit_test(test_findings__the_headline_of_threads_comes_first),
		cmocka_unit_test(test_findings__who_used_the_cpus_is_said_of_a_variant_too),
		cmocka_unit_test(
			test_findings__native_code_that_keeps_a_gil_is_named_where_it_was_seen),
		cmocka_unit_test(test_findings__a_reader_in_a_function_called_write_is_no_writer),
		cmocka_unit_test(test_findings__a_free_threaded_python_is_said_to_have_no_gil),
		cmocka_unit_test(test_findings__names_in_a_sentence_cannot_drive_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
