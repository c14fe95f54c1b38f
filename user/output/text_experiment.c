/* SPDX-License-Identifier: GPL-2.0-only */
/* A countdown for a person: the table of variants, then for each bill why it came out so. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings.h"
#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/formats.h"
#include "output/grid.h"
#include "output/text_bill.h"
#include "output/text_parts.h"
#include "output/text_variants.h"

static void add(char ***items, char *owned)
{
	trace_add_string(items, owned);
	free(owned);
}

static const struct report *first_report(const struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		if (experiment->variants[i].run_count)
			return experiment->variants[i].runs[0].report;
	}
	return NULL;
}

/* "twice", "4 times": how often the count is counted. */
static char *describe_work(const struct experiment *experiment)
{
	char count[UNITS_BUFFER];

	format_count(experiment->count, count);
	if (experiment->workers == 1)
		return xasprintf("count %s once", count);
	if (experiment->workers == 2)
		return xasprintf("count %s twice", count);
	return xasprintf("count %s, %" PRIu32 " times", count, experiment->workers);
}

static void print_title(const struct text *text, const struct experiment *experiment)
{
	const struct report *report = first_report(experiment);
	char **items OWNED(items_freep) = items_new();
	char *name OWNED(mem_freep) = escape_text(experiment->interpreter);
	char number[UNITS_BUFFER];

	if (*name)
		add(&items, xstrdup(name));
	else
		add(&items, escape_text(experiment->python));
	add(&items, describe_work(experiment));
	if (report)
		add(&items, xasprintf("%" PRIu32 " CPU%s", report->capacity.cpus,
				      report->capacity.cpus == 1 ? "" : "s"));
	add(&items, experiment->rounds == 1 ? xstrdup("one round: spread unknown")
					    : xasprintf("%s rounds, order rotated",
							format_count(experiment->rounds, number)));
	fprintf(text->file, "%sconvoy countdown%s\n", text->style->heading, text->style->reset);
	text_items(text, items, TEXT_INDENT);
}

static void print_skipped(const struct text *text, const struct experiment *experiment)
{
	for (size_t i = 0; i < experiment->skipped_count; i++) {
		char *name OWNED(mem_freep) = escape_text(experiment->skipped[i].name);
		char *why OWNED(mem_freep) = escape_text(experiment->skipped[i].why);

		text_say(text, "not run: %s (%s)", name, why);
	}
}

/* "1.70 × faster" if `name` was run and was measurably faster; else NULL. Free it. */
static char *measured_here(const struct experiment *experiment, const char *name)
{
	for (size_t i = 0; i < experiment->bill_count; i++) {
		const struct variant *to = &experiment->variants[experiment->bills[i].to];
		const struct variant *from = &experiment->variants[experiment->bills[i].from];
		char ratio[UNITS_BUFFER];

		if (strcmp(to->name, name) != 0 || !to->is_measurable || to->is_slower)
			continue;
		format_ratio(from->wall.median_ns, to->wall.median_ns, ratio);
		return xasprintf("%s faster", ratio);
	}
	return NULL;
}

static bool was_said(const struct experiment *experiment, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(experiment->findings[i].try, experiment->findings[index].try) == 0)
			return true;
	}
	return false;
}

static void print_tries(const struct text *text, const struct experiment *experiment)
{
	static const char processes[] = "processes";
	char *measured OWNED(mem_freep) = measured_here(experiment, processes);
	bool has_heading = false;

	for (size_t i = 0; i < experiment->finding_count; i++) {
		const char *try = experiment->findings[i].try;

		if (!*try || was_said(experiment, i))
			continue;
		if (!has_heading)
			text_heading(text, "Try");
		has_heading = true;
		if (measured && strncmp(try, processes, strlen(processes)) == 0)
			text_say(text, "%s (measured here: %s)%s", processes, measured,
				 try + strlen(processes));
		else
			text_say(text, "%s", try);
	}
}

static void print_trust(const struct text *text, const struct experiment *experiment)
{
	char **items OWNED(items_freep) = items_new();

	trust_add_experiments(&items, &experiment, 1);
	if (*items)
		text_trust(text, items);
}

static void print_experiment(const struct text *text, const struct experiment *experiment)
{
	const struct bill *main_bill = findings_main_bill(experiment);

	print_title(text, experiment);
	putc('\n', text->file);
	text_variants(text, experiment);
	print_skipped(text, experiment);
	if (main_bill)
		text_bill(text, experiment, main_bill);
	else
		text_bill_none(text, experiment);
	for (size_t i = 0; i < experiment->bill_count; i++) {
		if (&experiment->bills[i] != main_bill)
			text_bill(text, experiment, &experiment->bills[i]);
	}
	print_tries(text, experiment);
	print_trust(text, experiment);
}

int text_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file)
{
	struct text text = text_open(options, file);

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			putc('\n', text.file);
		print_experiment(&text, experiments[i]);
	}
	return text_result(&text);
}
