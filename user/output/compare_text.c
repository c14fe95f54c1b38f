/* SPDX-License-Identifier: GPL-2.0-only */
/* A comparison for a person: the outcome, the bill, what got better or worse. */
#include "output/compare.h"

#include <stdlib.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"
#include "output/formats.h"
#include "output/grid.h"
#include "output/text_bill.h"
#include "output/text_parts.h"

#define SIDE_INDENT 5
#define ROWS_MAX 12
#define NAME_COLUMNS 40
/* Less than this share of the longer wall is not worth a row. */
#define WORTH_SHARE 1000

/* What a table of changes calls its columns, and how its rows are called. */
struct heads {
	const char *names[6];
	const char *rows; /* "locks" */
};

static const struct heads lock_heads = {
	{ "waited for", "A", "B", "B − A", "lost A", "lost B" },
	"locks",
};
static const struct heads thread_heads = {
	{ "thread: running", "A", "B", "B − A", "held up A", "held up B" },
	"threads",
};

/* One table, and what is worth a row in it. */
struct table {
	struct grid *grid;
	uint64_t least_ns;
	bool has_rounds; /* so that more than noise can be told from it */
	size_t rows;
	size_t left_out;
};

static void add_time(struct grid *grid, bool is_there, uint64_t ns)
{
	char time[UNITS_BUFFER];

	bool is_known = is_there && ns != TRACE_NOT_MEASURED;

	grid_add(grid, "%s", is_known ? format_ns(ns, time) : "–");
}

static void add_difference(struct grid *grid, const struct change *change)
{
	uint64_t before = change->before.ns, after = change->after.ns;
	char time[UNITS_BUFFER];

	if (!change->before.is_there)
		grid_add(grid, "new");
	else if (!change->after.is_there)
		grid_add(grid, "gone");
	else if (after >= before)
		grid_add(grid, "+%s", format_ns(after - before, time));
	else
		grid_add(grid, "−%s", format_ns(before - after, time));
}

static const char *const verdict_words[] = {
	[CHANGE_NOT_JUDGED] = "",   [CHANGE_UNKNOWN] = "",    [CHANGE_NONE] = "noise",
	[CHANGE_BETTER] = "better", [CHANGE_WORSE] = "worse",
};

static bool is_side_worth(const struct change_side *side, uint64_t least_ns)
{
	return side->ns >= least_ns ||
	       (side->lost_ns >= least_ns && side->lost_ns != TRACE_NOT_MEASURED);
}

static bool is_worth(const struct change *change, uint64_t least_ns)
{
	return is_side_worth(&change->before, least_ns) || is_side_worth(&change->after, least_ns);
}

static void add_row(struct table *table, const struct change *change)
{
	if (!is_worth(change, table->least_ns))
		return;
	if (table->rows == ROWS_MAX) {
		table->left_out++;
		return;
	}
	table->rows++;
	grid_add(table->grid, "%s", change->name);
	add_time(table->grid, change->before.is_there, change->before.ns);
	add_time(table->grid, change->after.is_there, change->after.ns);
	add_difference(table->grid, change);
	add_time(table->grid, change->before.is_there, change->before.lost_ns);
	add_time(table->grid, change->after.is_there, change->after.lost_ns);
	if (table->has_rounds)
		grid_add(table->grid, "%s", verdict_words[change->verdict]);
}

static void show_changes(const struct text *text, const struct changes *changes,
			 const struct heads *heads, struct table *table)
{
	struct grid *grid OWNED(grid_freep) = grid_new();
	char count[UNITS_BUFFER];

	table->grid = grid;
	grid_column(grid, GRID_LEFT, NAME_COLUMNS);
	for (int i = 0; i < 5; i++)
		grid_column(grid, GRID_RIGHT, 0);
	if (table->has_rounds)
		grid_column(grid, GRID_LEFT, 0);
	for (int i = 0; i < 6; i++)
		grid_add(grid, "%s", heads->names[i]);
	if (table->has_rounds)
		grid_add(grid, "%s", "");
	for (size_t i = 0; i < changes->count; i++)
		add_row(table, &changes->items[i]);
	if (!table->rows) {
		text_say(text, "none worth a row");
		return;
	}
	grid_fit(grid, 0, text->columns - TEXT_INDENT);
	grid_print(grid, TEXT_INDENT, text->file);
	if (table->left_out)
		text_say(text, "and %s more %s, changed less", format_count(table->left_out, count),
			 heads->rows);
}

static void show_one(const struct text *text, const struct compared *compared)
{
	const struct comparison *comparison = compared->comparison;
	const struct experiment *pair = comparison->pair;
	const struct variant *before = &pair->variants[pair->bills[0].from];
	const struct variant *after = &pair->variants[pair->bills[0].to];
	uint64_t wall_ns =
		before->wall.max_ns > after->wall.max_ns ? before->wall.max_ns : after->wall.max_ns;
	bool has_rounds = before->run_count > 1 && after->run_count > 1;
	struct table locks = { .least_ns = wall_ns / WORTH_SHARE, .has_rounds = has_rounds };
	struct table threads = locks;

	if (*compared->title) {
		char *title OWNED(mem_freep) = escape_text(compared->title);

		text_heading(text, "%s", title);
	}
	for (size_t i = 0; i < pair->finding_count; i++)
		text_say(text, "%s", pair->findings[i].says);
	text_bill_lines(text, pair, &pair->bills[0]);
	if (comparison->locks.count) {
		text_heading(text, "Locks and other futexes (lost: CPU time that could have run)");
		show_changes(text, &comparison->locks, &lock_heads, &locks);
	}
	text_heading(text, "Threads (held up: ready without a CPU, or waiting for a lock)");
	show_changes(text, &comparison->threads, &thread_heads, &threads);
}

/* Which two, and what only one of them has. */
static void show_sides(const struct text *text, const struct compared_side sides[2])
{
	for (int i = 0; i < 2; i++) {
		char *path OWNED(mem_freep) = escape_text(sides[i].path);
		char *is OWNED(mem_freep) = escape_text(sides[i].is);

		fprintf(text->file, "  %s  %s\n", i ? "B" : "A", path);
		text_wrap(is, SIDE_INDENT, text->columns, text->file);
	}
	for (int i = 0; i < 2; i++) {
		for (char **only = sides[i].only; *only; only++) {
			char *name OWNED(mem_freep) = escape_text(*only);

			text_say(text, "only in %s: %s", i ? "B" : "A", name);
		}
	}
}

static void show_trust(const struct text *text, const struct compared_list *list)
{
	char **items OWNED(items_freep) = items_new();
	const struct experiment **pairs OWNED(mem_freep) = compared_pairs(list);

	trust_add_experiments(&items, pairs, list->count);
	if (*items)
		text_trust(text, items);
}

int text_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file)
{
	struct text text = text_open(options, file);

	fprintf(text.file, "convoy compare\n");
	show_sides(&text, list->sides);
	if (!*list->items[0].title)
		putc('\n', text.file);
	for (size_t i = 0; i < list->count; i++)
		show_one(&text, &list->items[i]);
	show_trust(&text, list);
	return text_result(&text);
}
