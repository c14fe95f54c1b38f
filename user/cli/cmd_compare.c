/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy compare`: two traces, or two countdowns, side by side. */
#include "cli/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/experiment_dir.h"
#include "cli/observe.h"
#include "output/compare.h"
#include "output/output.h"
#include "output/text_parts.h"

#define BEFORE "A"
#define AFTER "B"

struct compare_options {
	struct common_options common;
	const char *format;
};

/* The formats that can show two at once. */
static const char *compare_format(size_t index)
{
	for (const struct output_format *const *format = output_formats; (*format)->name;
	     format++) {
		if ((*format)->render_comparison && index-- == 0)
			return (*format)->name;
	}
	return NULL;
}

static const struct option_row compare_rows[] = {
	{ .name = "format",
	  .argument = "FORMAT",
	  .help = "form of the report",
	  .type = OPTION_CHOICE,
	  .kind = ARGUMENT_CHOICE,
	  .offset = offsetof(struct compare_options, format),
	  .choice = compare_format },
	{ 0 },
};

static const struct option_row *const compare_tables[] = { compare_rows, common_rows, NULL };

static const struct example compare_examples[] = {
	{ "convoy compare before after", "two traces saved by run -o or attach -o" },
	{ "convoy compare before after --format html > compare.html",
	  "the same as a page with pictures" },
	{ 0 },
};

static void list_release(struct compared_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		comparison_free((struct comparison *)list->items[i].comparison);
		free(list->items[i].title);
	}
	free(list->items);
	for (int i = 0; i < 2; i++) {
		free(list->sides[i].is);
		items_freep(&list->sides[i].only);
	}
}

/* Takes the title and the pair. */
static void add(struct compared_list *list, char *title, struct experiment *pair,
		const struct work *work)
{
	struct compared *item = array_add(&list->items, &list->count, sizeof(*list->items));

	item->title = title;
	item->comparison = comparison_new(pair, work);
}

/* "./server --threads 8" */
static char *describe_command(const struct meta *meta)
{
	char *line = xstrdup("");

	for (char *const *word = meta->command; *word; word++) {
		char *longer = xasprintf("%s%s%s", line, *line ? " " : "", *word);

		free(line);
		line = longer;
	}
	if (*line)
		return line;
	free(line);
	return xstrdup("attached processes");
}

static void call(struct trace *trace, bool is_after)
{
	trace_set_string(&trace->meta.variant, is_after ? AFTER : BEFORE);
	trace_set_string(&trace->meta.baseline, is_after ? BEFORE : "");
}

static int compare_traces(struct compared_list *list)
{
	const struct work work = { 0, 0 };
	struct experiment *pair = experiment_new();
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		struct trace_error error = { "" };
		struct trace *trace = NULL;

		err = trace_load(list->sides[i].path, &trace, &error);
		if (err) {
			err = fail_plain(err, "%s", error.text);
			break;
		}
		list->sides[i].is = describe_command(&trace->meta);
		call(trace, i == 1);
		err = experiment_add_whole(pair, trace);
		if (err)
			err = fail(err, "cannot read the slices of '%s'", list->sides[i].path);
	}
	if (err)
		experiment_free(pair);
	else
		add(list, xstrdup(""), pair, &work);
	return err;
}

/* The runs change hands: the loaded experiment keeps only their reports. */
static int move_runs(struct experiment *pair, struct variant *variant, bool is_after)
{
	for (size_t i = 0; i < variant->run_count; i++) {
		struct trace *trace = variant->runs[i].trace;
		int err;

		report_free(variant->runs[i].report);
		variant->runs[i].report = NULL;
		variant->runs[i].trace = NULL;
		call(trace, is_after);
		err = experiment_add_run(pair, trace);
		if (err)
			return fail(err, "cannot read the slices of a run of '%s'", variant->name);
	}
	return 0;
}

static int compare_variant(struct compared_list *list, struct variant *variants[2], char *title,
			   const struct work *work)
{
	struct experiment *pair = experiment_new();
	int err = move_runs(pair, variants[0], false);

	if (!err)
		err = move_runs(pair, variants[1], true);
	if (!err) {
		add(list, title, pair, work);
		return 0;
	}
	free(title);
	experiment_free(pair);
	return err;
}

static struct variant *find_variant(const struct experiment *experiment, const char *name)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		if (strcmp(experiment->variants[i].name, name) == 0)
			return &experiment->variants[i];
	}
	return NULL;
}

/* Variants of one that the other does not have. */
static void list_only(const struct experiment *of, const struct experiment *other, char ***names)
{
	for (size_t i = 0; i < of->variant_count; i++) {
		if (!find_variant(other, of->variants[i].name))
			trace_add_string(names, of->variants[i].name);
	}
}

/* is_one: the interpreter need not be named. */
static int compare_interpreter(struct compared_list *list, struct experiment *before,
			       struct experiment *after, bool is_one)
{
	const struct work work = { before->count * before->workers, after->count * after->workers };
	int err = 0;

	list_only(before, after, &list->sides[0].only);
	list_only(after, before, &list->sides[1].only);
	for (size_t i = 0; i < before->variant_count && !err; i++) {
		struct variant *variant = &before->variants[i];
		struct variant *both[] = { variant, find_variant(after, variant->name) };

		if (both[1])
			err = compare_variant(
				list, both,
				is_one ? xstrdup(variant->name)
				       : xasprintf("%s: %s", before->interpreter, variant->name),
				&work);
	}
	return err;
}

/* The same interpreter in the other countdown. Where each has but one, two different ones may be
 * what is to be compared. NULL: it is not there. */
static struct experiment *find_interpreter(const struct experiments *in,
					   const struct experiment *wanted, bool has_one_each)
{
	for (size_t i = 0; i < in->count; i++) {
		if (has_one_each || strcmp(in->items[i]->interpreter, wanted->interpreter) == 0)
			return in->items[i];
	}
	return NULL;
}

static void list_interpreters(const struct experiments *of, const struct experiments *other,
			      bool has_one_each, char ***names)
{
	for (size_t i = 0; i < of->count; i++) {
		if (!find_interpreter(other, of->items[i], has_one_each))
			trace_add_string(names, of->items[i]->interpreter);
	}
}

/* "CPython 3.11.2, count 20,000,000 for each of 2 workers" */
static char *describe_countdown(const struct experiments *experiments)
{
	const struct experiment *first = experiments->items[0];
	char count[UNITS_BUFFER];

	if (experiments->count > 1)
		return xasprintf("%zu interpreters", experiments->count);
	return xasprintf("%s, count %s for each of %" PRIu32 " worker%s", first->interpreter,
			 format_count(first->count, count), first->workers,
			 first->workers == 1 ? "" : "s");
}

static int compare_all(struct compared_list *list, const struct experiments loaded[2])
{
	bool has_one_each = loaded[0].count == 1 && loaded[1].count == 1;
	int err = 0;

	for (int i = 0; i < 2; i++) {
		list->sides[i].is = describe_countdown(&loaded[i]);
		list_interpreters(&loaded[i], &loaded[!i], has_one_each, &list->sides[i].only);
	}
	for (size_t i = 0; i < loaded[0].count && !err; i++) {
		struct experiment *before = loaded[0].items[i];
		struct experiment *after = find_interpreter(&loaded[1], before, has_one_each);

		if (after)
			err = compare_interpreter(list, before, after, has_one_each);
	}
	if (!err && !list->count)
		err = fail_plain(-EINVAL, "the two countdowns have no variant in common");
	return err;
}

static int compare_countdowns(struct compared_list *list, struct experiments loaded[2])
{
	for (int i = 0; i < 2; i++) {
		struct trace_error error = { "" };
		int err = experiment_dir_load(list->sides[i].path, &loaded[i], &error);

		if (err)
			return fail_plain(err, "%s", error.text);
	}
	return compare_all(list, loaded);
}

static int show(const struct compared_list *list, const struct compare_options *options)
{
	const struct output_format *format =
		output_find(options->format ? options->format : "text");
	struct output_options output;
	int err;

	observe_output_options(&options->common, stdout, &output);
	err = format->render_comparison(list, &output, stdout);
	return err ? args_write_failed(err) : args_flush_stdout();
}

static int compare_paths(const struct compare_options *options, char *const paths[2])
{
	bool is_countdown = experiment_dir_is(paths[0]);
	struct experiments loaded[2] = { 0 };
	struct compared_list list = { .sides = { { .path = paths[0], .only = items_new() },
						 { .path = paths[1], .only = items_new() } } };
	int err, status = STATUS_USAGE;

	if (is_countdown != experiment_dir_is(paths[1]))
		err = fail_plain(-EINVAL,
				 "'%s' is a countdown and '%s' is not: compare like with like",
				 paths[is_countdown ? 0 : 1], paths[is_countdown ? 1 : 0]);
	else if (is_countdown)
		err = compare_countdowns(&list, loaded);
	else
		err = compare_traces(&list);
	if (!err)
		status = show(&list, options);
	list_release(&list);
	experiments_release(&loaded[0]);
	experiments_release(&loaded[1]);
	return status;
}

static int compare_main(const struct command *command, int argc, char *argv[])
{
	struct compare_options options = { 0 };
	struct operands operands = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON)
		status = compare_paths(&options, operands.items);
	operands_release(&operands);
	return status;
}

const struct command cmd_compare = {
	.name = "compare",
	.summary = "two saved observations: what changed, and is it more than noise",
	.usage = "[OPTION...] DIR DIR",
	.details = "Compares two traces, or two countdowns variant by variant: the bill of the "
		   "difference, line by line, and the locks and threads that cost more or less. "
		   "Only several rounds can tell a difference from noise: two single runs are "
		   "compared, and their spread is said to be unknown. Countdowns compare only if "
		   "they counted to the same number: give both the same --count.\n",
	.examples = compare_examples,
	.options = compare_tables,
	.operand_kind = ARGUMENT_DIR,
	.operands_min = 2,
	.operands_max = 2,
	.main = compare_main,
};
