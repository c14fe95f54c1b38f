/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy report`: a saved trace or countdown, shown again from its files alone. */
#include "cli/commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "analysis/findings.h"
#include "base/err.h"
#include "cli/experiment_dir.h"
#include "cli/observe.h"
#include "output/json_schema.h"
#include "stream/schema.h"
#include "stream/trace_dir.h"

struct report_options {
	struct common_options common;
	const char *format;
	bool wants_schema;
	struct percent fail_on_loss;
};

static const struct option_row report_rows[] = {
	{ .name = "format",
	  .argument = "FORMAT",
	  .help = "form of the report",
	  .type = OPTION_CHOICE,
	  .kind = ARGUMENT_CHOICE,
	  .offset = offsetof(struct report_options, format),
	  .choice = format_choice },
	{ .name = "schema",
	  .help = "print the files and columns of a trace, and what they mean; with --format json "
		  "the JSON Schema of reports",
	  .offset = offsetof(struct report_options, wants_schema) },
	{ .name = "fail-on-loss",
	  .argument = "PCT",
	  .help = "leave with status 3 if the trace lost anything, or with PCT: if it lost more "
		  "than PCT percent of its slices",
	  .type = OPTION_PERCENT,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct report_options, fail_on_loss) },
	{ 0 },
};

static const struct option_row *const report_tables[] = { report_rows, common_rows, NULL };

static const struct example report_examples[] = {
	{ "convoy report trace", "the report of 'convoy run -o trace ...' again" },
	{ "convoy report trace --format json | jq .wall_ns", "one number of it" },
	{ "convoy report trace --format perfetto > trace.pftrace",
	  "a timeline for ui.perfetto.dev" },
	{ "convoy report trace --format folded | flamegraph.pl --countname us > trace.svg",
	  "where the time of each thread went, as a flame graph" },
	{ 0 },
};

/* The status of what was written to stdout, then of what the traces lost. */
static int written_status(int err, int loss)
{
	int status;

	if (err == -ENODATA)
		return fail_plain(err, "no slices were recorded: there is nothing to draw")
			       ? STATUS_USAGE
			       : STATUS_DONE;
	status = err ? args_write_failed(err) : args_flush_stdout();
	return status ? status : loss;
}

static int experiments_loss_status(const struct percent *limit,
				   const struct experiments *experiments)
{
	int status = STATUS_DONE;

	for (size_t i = 0; i < experiments->count; i++) {
		const struct experiment *experiment = experiments->items[i];

		for (size_t j = 0; j < experiment->variant_count; j++) {
			const struct variant *variant = &experiment->variants[j];

			for (size_t k = 0; k < variant->run_count; k++)
				if (observe_loss_status(limit, &variant->runs[k].trace->meta))
					status = STATUS_LOSS;
		}
	}
	return status;
}

static int show_experiments(const struct report_options *options,
			    const struct experiments *experiments)
{
	const struct output_format *format =
		output_find(options->format ? options->format : "text");
	const struct experiment *const *items =
		(const struct experiment *const *)experiments->items;
	struct output_options output;
	int err;

	observe_output_options(&options->common, stdout, &output);
	err = format->render_experiments(items, experiments->count, &output, stdout);
	return written_status(err, experiments_loss_status(&options->fail_on_loss, experiments));
}

static int report_countdown(const struct report_options *options, const char *path)
{
	struct experiments experiments = { 0 };
	struct trace_error error = { "" };
	int status;

	if (experiment_dir_load(path, &experiments, &error))
		return fail_plain(-EINVAL, "%s", error.text) ? STATUS_USAGE : STATUS_DONE;
	status = show_experiments(options, &experiments);
	experiments_release(&experiments);
	return status;
}

static int report_trace(const struct report_options *options, const struct trace *trace)
{
	struct report *report = NULL;
	int err = report_make_deep(trace, 0, 0, &report);

	if (err)
		return fail(err, "cannot read the slices of the trace") ? STATUS_USAGE : 0;
	findings_make(report, NULL);
	err = report_show(report, options->format, &options->common, stdout);
	report_free(report);
	return written_status(err, observe_loss_status(&options->fail_on_loss, &trace->meta));
}

static int report_dir(const struct report_options *options, const char *path)
{
	struct trace_error error = { "" };
	struct trace *trace = NULL;
	int status;

	if (experiment_dir_is(path))
		return report_countdown(options, path);
	if (trace_load(path, &trace, &error))
		return fail_plain(-EINVAL, "%s", error.text) ? STATUS_USAGE : STATUS_DONE;
	status = report_trace(options, trace);
	trace_free(trace);
	return status;
}

/* Of the tables for a person; of a report as JSON for a program. */
static int show_schema(const char *format)
{
	if (format && strcmp(format, "json") == 0)
		return written_status(json_schema_print(stdout), STATUS_DONE);
	schema_print(stdout);
	return args_flush_stdout();
}

static int report_main(const struct command *command, int argc, char *argv[])
{
	struct report_options options = { 0 };
	struct operands operands = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && options.wants_schema)
		status = show_schema(options.format);
	if (status == ARGS_GO_ON && operands.count == 0)
		status = args_usage(command, "say which trace: convoy report DIR");
	if (status == ARGS_GO_ON && observe_check_format(options.format, STDOUT_FILENO))
		status = STATUS_USAGE;
	if (status == ARGS_GO_ON)
		status = report_dir(&options, operands.items[0]);
	operands_release(&operands);
	return status;
}

const struct command cmd_report = {
	.name = "report",
	.summary = "show a saved trace or countdown again",
	.usage = "DIR [OPTION...]",
	.details = "Reads what 'run', 'attach' or 'countdown' saved with -o DIR, checks all files "
		   "against the schema and each other, computes everything again and prints the "
		   "same report. Needs neither root nor the machine it was measured on.\n",
	.examples = report_examples,
	.options = report_tables,
	.operand_kind = ARGUMENT_DIR,
	.operands_max = 1,
	.leaves_signals = true,
	.main = report_main,
};
