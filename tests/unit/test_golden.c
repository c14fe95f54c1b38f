/* SPDX-License-Identifier: GPL-2.0-only */
/* One saved trace, with every state and kind of wait in it: loaded, it is shown in every format
 * for other tools as its golden files say, and saved again it is the same files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "analysis/findings.h"
#include "base/mem.h"
#include "golden.h"
#include "output/output.h"
#include "trace_fixture.h"

#define TRACE "tests/golden/trace"

static struct report *golden_report(void)
{
	struct report *report = NULL;

	assert_int_equal(report_make(fixture_load(TRACE), 0, 0, &report), 0);
	findings_make(report, NULL);
	return report;
}

static void golden_report_free(struct report *report)
{
	struct trace *trace = (struct trace *)(uintptr_t)report->trace;

	report_free(report);
	trace_free(trace);
}

static void test_golden__every_format_is_as_its_file(void **state)
{
	static const struct {
		const char *format;
		const char *file;
	} formats[] = {
		{ "json", "trace.json" },
		{ "perfetto", "trace.pftrace" },
		{ "folded", "trace.folded" },
	};
	const struct output_options options = { 0 };
	struct report *report = golden_report();

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct output_format *format = output_find(formats[i].format);
		size_t length;
		char *bytes = NULL;
		FILE *file = open_memstream(&bytes, &length);

		assert_non_null(file);
		assert_int_equal(format->render_report(report, &options, file), 0);
		fclose(file);
		golden_assert(formats[i].file, bytes, length);
		free(bytes);
	}
	golden_report_free(report);
}

static void test_golden__a_saved_trace_is_saved_again_the_same(void **state)
{
	const struct fixture *fixture = *state;
	struct report *report = golden_report();

	fixture_save(report, fixture->path);
	for (size_t i = 0; i < FIXTURE_FILES; i++) {
		char *path OWNED(mem_freep) = fixture_file_path(fixture, fixture_files[i]);
		char *name OWNED(mem_freep) = xasprintf("trace/%s", fixture_files[i]);
		size_t length;
		char *text OWNED(mem_freep) = fixture_read_text(path, &length);

		golden_assert(name, text, length);
	}
	golden_report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_golden__a_saved_trace_is_saved_again_the_same,
						fixture_setup, fixture_teardown),
		cmocka_unit_test(test_golden__every_format_is_as_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
