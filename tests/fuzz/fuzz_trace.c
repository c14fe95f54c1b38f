/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole trace directory, its files being parts of the input: whatever is not refused can be
 * analysed, shown in every format and compared.
 */
#include <jansson.h>
#include <string.h>

#include "analysis/compare.h"
#include "analysis/experiment.h"
#include "analysis/findings.h"
#include "fuzz.h"
#include "output/compare.h"
#include "output/output.h"
#include "stream/trace_dir.h"
#include "world.h"

static struct trace *load(const uint8_t *input, size_t size)
{
	struct trace_error error = { "" };
	struct trace *trace = NULL;
	int err;

	world_begin(input, size);
	err = trace_load("trace", &trace, &error);
	world_end();
	must(!err == !*error.text, "an error has a text");
	return trace;
}

static void show(const struct trace *trace)
{
	const struct output_options options = { .columns = 80 };
	struct report *report = NULL;

	must(report_make_deep(trace, 0, 0, &report) == 0, "slices that were checked are read");
	findings_make(report, NULL);
	must(report->finding_count > 0, "there is always something to say");
	for (size_t i = 0; output_formats[i]->name; i++) {
		FILE *sink = world_sink();

		output_formats[i]->render_report(report, &options, sink);
		fclose(sink);
	}
	report_free(report);
}

static void show_json(const struct trace *trace)
{
	const struct output_options options = { .columns = 80 };
	struct report *report = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	json_t *json;

	must(report_make_deep(trace, 0, 0, &report) == 0, "slices are read again");
	findings_make(report, NULL);
	output_find("json")->render_report(report, &options, file);
	fclose(file);
	json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	must(json != NULL, "JSON is strict");
	json_decref(json);
	free(text);
	report_free(report);
}

static void add(struct experiment *pair, struct trace *trace, const char *name,
		const char *baseline)
{
	trace_set_string(&trace->meta.variant, name);
	trace_set_string(&trace->meta.baseline, baseline);
	must(experiment_add_whole(pair, trace) == 0, "a trace can be compared");
}

static void compare(const uint8_t *input, size_t size)
{
	const struct output_options options = { .columns = 80 };
	const struct work same = { 0, 0 };
	char *none[] = { NULL }, a[] = "a", b[] = "b", untitled[] = "";
	struct experiment *pair = experiment_new();
	struct compared compared = { .title = untitled };
	struct compared_list list = { .sides = { { "A", a, none }, { "B", b, none } },
				      .items = &compared,
				      .count = 1 };
	struct comparison *comparison;

	add(pair, load(input, size), "A", "");
	add(pair, load(input, size), "B", "A");
	compared.comparison = comparison = comparison_new(pair, &same);
	for (size_t i = 0; output_formats[i]->name; i++) {
		FILE *sink = world_sink();

		if (output_formats[i]->render_comparison)
			output_formats[i]->render_comparison(&list, &options, sink);
		fclose(sink);
	}
	comparison_free(comparison);
}

/* As a run of a countdown. */
static void show_run(struct trace *trace)
{
	const struct output_options options = { .columns = 80 };
	struct experiment *experiment = experiment_new();
	const struct experiment *const list[] = { experiment };

	if (!*trace->meta.variant)
		trace_set_string(&trace->meta.variant, "threads");
	if (experiment_add_run(experiment, trace) == 0) {
		experiment_finish(experiment);
		for (size_t i = 0; output_formats[i]->name; i++) {
			FILE *sink = world_sink();

			output_formats[i]->render_experiments(list, 1, &options, sink);
			fclose(sink);
		}
	}
	experiment_free(experiment);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct trace *trace = load(input, size);

	if (!trace)
		return 0;
	show(trace);
	show_json(trace);
	compare(input, size);
	show_run(trace);
	return 0;
}
