/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path in text: a table that sums to the wall time. */
#include "output/text_causes.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/scale.h"

#define PARTS_SHOWN 8
#define PART_LEAST_PERMILLE 5
#define NAME_COLUMNS 28
#define HELD_COLUMN 2 /* the column that gives way */

/* "the GIL" of "the GIL (_PyRuntime in python3.11)": what stands in brackets is in a table. Free
 * it. */
static char *short_lock(const struct trace *trace, uint32_t lock)
{
	char *label = label_the_lock(trace, lock);

	text_cut_brackets(label);
	for (size_t end = strlen(label); end && label[end - 1] == ' '; end--)
		label[end - 1] = '\0';
	return label;
}

/* What the thread of a part was doing. Free it. */
static char *describe_part(const struct report *report, const struct path_part *part)
{
	if (part->state == STATE_FUTEX && part->lock) {
		char *lock OWNED(mem_freep) = short_lock(report->trace, part->lock);

		return xasprintf("waiting for %s", lock);
	}
	if (part->state == STATE_QUEUED)
		return xstrdup("waiting for a CPU");
	return label_doing(report->trace, part->state, part->syscall);
}

static int by_what(const void *a, const void *b)
{
	const struct path_part *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->syscall != y->syscall)
		return x->syscall < y->syscall ? -1 : 1;
	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->held_lock < y->held_lock ? -1 : x->held_lock > y->held_lock;
}

static int by_time(const void *a, const void *b)
{
	const struct path_part *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return by_what(a, b);
}

/* The parts as a reader sees them: preempted or queued, both are waiting for a CPU. */
static size_t merge_parts(const struct critical_path *path, struct path_part *ret_parts)
{
	size_t count = 0;

	for (size_t i = 0; i < path->part_count; i++) {
		ret_parts[i] = path->parts[i];
		if (ret_parts[i].state == STATE_PREEMPTED)
			ret_parts[i].state = STATE_QUEUED;
	}
	if (path->part_count)
		qsort(ret_parts, path->part_count, sizeof(*ret_parts), by_what);
	for (size_t i = 0; i < path->part_count; i++) {
		if (count && by_what(&ret_parts[count - 1], &ret_parts[i]) == 0)
			ret_parts[count - 1].ns += ret_parts[i].ns;
		else
			ret_parts[count++] = ret_parts[i];
	}
	if (count)
		qsort(ret_parts, count, sizeof(*ret_parts), by_time);
	return count;
}

static void add_part(struct grid *grid, const struct report *report, const struct path_part *part)
{
	char *thread OWNED(mem_freep) = label_thread(report->trace, part->thread);
	char *doing OWNED(mem_freep) = describe_part(report, part);
	char *lock OWNED(mem_freep) = NULL;

	if (part->held_lock)
		lock = short_lock(report->trace, part->held_lock);
	grid_add(grid, "%s", part->thread ? thread : "–");
	grid_add(grid, "%s", doing);
	grid_add(grid, "%s", lock ? lock : "");
}

/* How many rows are worth a line: the largest, and none of less than half a percent. */
static size_t count_shown(const struct path_part *parts, size_t count, uint64_t wall_ns)
{
	size_t shown = 0;

	while (shown < count && shown < PARTS_SHOWN &&
	       (!shown || permille_of(parts[shown].ns, wall_ns) >= PART_LEAST_PERMILLE))
		shown++;
	return shown;
}

static void add_rest(struct grid *grid)
{
	grid_add(grid, "%s", "");
	grid_add(grid, "%s", "smaller parts");
	grid_add(grid, "%s", "");
}

/* The shown parts and the rest, so that times and shares add up. */
struct path_rows {
	uint64_t ns[PARTS_SHOWN + 1];
	int64_t steps[PARTS_SHOWN + 1];
	uint32_t permille[PARTS_SHOWN + 1];
	size_t count;
};

static void fill_rows(struct path_rows *rows, const struct path_part *parts, size_t shown,
		      uint64_t wall_ns)
{
	int64_t signed_ns[PARTS_SHOWN + 1];
	uint64_t rest_ns = wall_ns;

	for (size_t i = 0; i < shown; i++) {
		rows->ns[i] = parts[i].ns;
		rest_ns -= parts[i].ns;
	}
	rows->ns[shown] = rest_ns;
	rows->count = rest_ns ? shown + 1 : shown;
	for (size_t i = 0; i < rows->count; i++)
		signed_ns[i] = (int64_t)rows->ns[i];
	round_parts(signed_ns, rows->count, scale_for(wall_ns)->step_ns, rows->steps);
	share_permille(rows->ns, rows->count, rows->permille);
	/* What rounds to nothing in both columns is not worth a line. */
	if (rows->count > shown && !rows->steps[shown] && !rows->permille[shown])
		rows->count = shown;
}

static struct grid *path_grid(void)
{
	static const char *const heads[] = { "on the path", "", "wanted meanwhile", "", "" };
	struct grid *grid = grid_new();

	grid_column(grid, GRID_NAME, NAME_COLUMNS);
	grid_column(grid, GRID_LEFT, NAME_COLUMNS);
	grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_RIGHT, 0);
	grid_column(grid, GRID_RIGHT, 0);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		grid_add(grid, "%s", heads[i]);
	return grid;
}

static void print_path(const struct text *text, const struct report *report,
		       const struct path_part *parts, size_t shown)
{
	const struct scale *scale = scale_for(report->wall_ns);
	struct grid *grid OWNED(grid_freep) = path_grid();
	struct path_rows rows;
	char time[UNITS_BUFFER], share[UNITS_BUFFER];

	fill_rows(&rows, parts, shown, report->wall_ns);
	for (size_t i = 0; i < rows.count; i++) {
		if (i < shown)
			add_part(grid, report, &parts[i]);
		else
			add_rest(grid);
		grid_add(grid, "%s", scale_print(scale, rows.steps[i], time));
		grid_add(grid, "%s", format_permille(rows.permille[i], share));
	}
	grid_fit(grid, HELD_COLUMN, text->columns - TEXT_INDENT);
	grid_print(grid, TEXT_INDENT, text->file);
}

void text_path(const struct text *text, const struct report *report)
{
	const struct critical_path *path = &report->critical_path;
	struct path_part *parts OWNED(mem_freep) = xcalloc(path->part_count, sizeof(*parts));
	size_t count = merge_parts(path, parts);
	const struct scale *scale = scale_for(report->wall_ns);
	int64_t wall = (int64_t)report->wall_ns, steps;
	char total[UNITS_BUFFER];

	if (!count)
		return;
	round_parts(&wall, 1, scale->step_ns, &steps);
	text_heading(text, "The critical path: what the end had to wait for (%s = 100 %%)",
		     scale_print(scale, steps, total));
	print_path(text, report, parts, count_shown(parts, count, report->wall_ns));
}
