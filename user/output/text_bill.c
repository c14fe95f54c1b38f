/* SPDX-License-Identifier: GPL-2.0-only */
/* One bill of a countdown. The lines add up to the difference; causes add up to their line. */
#include "output/text_bill.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings.h"
#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/scale.h"
#include "output/text_causes.h"

#define NAME_COLUMNS 48

/* What a line is, for a reader, where it has several causes. */
struct line_words {
	const char *name;
	const char *words;
};

static const struct line_words line_words[] = {
	{ "gap", "nobody ran" },
	{ "CPU", "all threads together" },
	{ "overlap", "won back by running at the same time" },
};

static const char *words_of(const char *name)
{
	for (size_t i = 0; i < sizeof(line_words) / sizeof(line_words[0]); i++) {
		if (strcmp(line_words[i].name, name) == 0)
			return line_words[i].words;
	}
	return "";
}

/* "gap: hand-offs of the GIL" where that is all of it, else "gap: nobody ran". */
static void add_name(struct grid *grid, const struct bill_line *line)
{
	const char *words = words_of(line->name);

	if (line->cause_count == 1)
		words = line->causes[0].name; /* escaped already */
	if (strcmp(words, line->name) == 0 || !*words)
		grid_add(grid, "  %s", line->name);
	else
		grid_add(grid, "  %s: %s", line->name, words);
}

static uint64_t magnitude(int64_t ns)
{
	return ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
}

/* The scale of the largest number printed. */
static const struct scale *scale_of(const struct bill *bill)
{
	uint64_t largest_ns = magnitude(bill->total_ns);

	for (size_t i = 0; i < BILL_LINES; i++) {
		if (magnitude(bill->lines[i].ns) > largest_ns)
			largest_ns = magnitude(bill->lines[i].ns);
	}
	return scale_for(largest_ns);
}

/* Steps of the causes that add up to the printed line. */
static void round_causes(const struct bill_line *line, int64_t line_steps, int64_t step_ns,
			 int64_t *ret_steps)
{
	int64_t *parts OWNED(mem_freep) = xcalloc(line->cause_count, sizeof(*parts));

	for (size_t i = 0; i < line->cause_count; i++)
		parts[i] = line->causes[i].ns;
	round_parts_to(parts, line->cause_count, step_ns, line_steps, ret_steps);
}

static void add_causes(struct grid *grid, const struct bill_line *line, int64_t line_steps,
		       const struct scale *scale)
{
	int64_t *steps OWNED(mem_freep) = xcalloc(line->cause_count, sizeof(*steps));
	char time[UNITS_BUFFER];

	if (line->cause_count < 2)
		return;
	round_causes(line, line_steps, scale->step_ns, steps);
	for (size_t i = 0; i < line->cause_count; i++) {
		if (steps[i] == 0)
			continue;
		grid_add(grid, "    %s", line->causes[i].name);
		grid_add(grid, "%s", scale_print_signed(scale, steps[i], time));
		grid_add(grid, "%s", "");
	}
}

/* "+20 ms … +31 ms": each end is rounded by itself. */
static void add_range(struct grid *grid, const struct bill_line *line, const struct scale *scale)
{
	int64_t low, high;
	char least[UNITS_BUFFER], most[UNITS_BUFFER];

	round_parts(&line->min_ns, 1, scale->step_ns, &low);
	round_parts(&line->max_ns, 1, scale->step_ns, &high);
	grid_add(grid, "%s … %s", scale_print_signed(scale, low, least),
		 scale_print_signed(scale, high, most));
}

static bool is_shown(const struct bill_line *line)
{
	bool is_optional = strcmp(line->name, "gap") != 0 && strcmp(line->name, "CPU") != 0 &&
			   strcmp(line->name, "overlap") != 0;

	return !is_optional || line->ns || line->min_ns || line->max_ns;
}

void text_bill_lines(const struct text *text, const struct experiment *experiment,
		     const struct bill *bill)
{
	const struct variant *to = &experiment->variants[bill->to];
	const struct variant *from = &experiment->variants[bill->from];
	const struct scale *scale = scale_of(bill);
	struct grid *grid OWNED(grid_freep) = grid_new();
	bool has_rounds = to->run_count > 1 && from->run_count > 1;
	int64_t parts[BILL_LINES], steps[BILL_LINES], total;
	char time[UNITS_BUFFER];

	for (size_t i = 0; i < BILL_LINES; i++)
		parts[i] = bill->lines[i].name ? bill->lines[i].ns : 0;
	round_parts(parts, BILL_LINES, scale->step_ns, steps);
	round_parts(&bill->total_ns, 1, scale->step_ns, &total);
	grid_column(grid, GRID_LEFT, NAME_COLUMNS);
	grid_column(grid, GRID_RIGHT, 0);
	grid_column(grid, GRID_LEFT, 0);
	grid_add(grid, "%s − %s", to->name, from->name);
	grid_add(grid, "%s", scale_print_signed(scale, total, time));
	grid_add(grid, "%s", has_rounds ? "rounds (not adding up)" : "");
	for (size_t i = 0; i < BILL_LINES; i++) {
		const struct bill_line *line = &bill->lines[i];

		if (!line->name || !is_shown(line))
			continue;
		add_name(grid, line);
		grid_add(grid, "%s", scale_print_signed(scale, steps[i], time));
		if (has_rounds)
			add_range(grid, line, scale);
		else
			grid_add(grid, "%s", "");
		add_causes(grid, line, steps[i], scale);
	}
	grid_print(grid, TEXT_INDENT, text->file);
}

static void print_findings(const struct text *text, const struct experiment *experiment,
			   const struct variant *variant, bool is_outcome)
{
	for (size_t i = 0; i < experiment->finding_count; i++) {
		const struct finding *finding = &experiment->findings[i];

		if (finding->variant && strcmp(finding->variant, variant->name) == 0 &&
		    finding_is_outcome(finding) == is_outcome)
			text_say(text, "%s", finding->says);
	}
}

void text_bill(const struct text *text, const struct experiment *experiment,
	       const struct bill *bill)
{
	const struct variant *to = &experiment->variants[bill->to];
	const struct variant *from = &experiment->variants[bill->from];
	bool is_faster = to->is_measurable && !to->is_slower;

	text_heading(text, is_faster ? "Why %s beat %s" : "Why %s do not beat %s", to->name,
		     from->name);
	print_findings(text, experiment, to, true);
	print_findings(text, experiment, to, false);
	if (!to->is_measurable)
		text_say(text, "The bill of the two median runs, within the noise:");
	text_bill_lines(text, experiment, bill);
	if (to->run_count == 0)
		return;
	text_capacity(text, to->runs[to->representative].report, to->name);
	text_what_if_bill(text, experiment, bill);
}

void text_bill_none(const struct text *text, const struct experiment *experiment)
{
	text_heading(text, "What stands out");
	for (size_t i = 0; i < experiment->finding_count; i++)
		text_say(text, "%s", experiment->findings[i].says);
}
