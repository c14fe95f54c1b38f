/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of threads: each row is the lifetime of a thread divided into states, 100 %. */
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/text_tables.h"

#define ROWS_MAX 15
#define NAME_COLUMNS 24
#define CALL_COLUMNS 16
#define CALL_PERMILLE 10 /* of the lifetime: a shorter stay in a call is not worth its name */

/* The columns of states. Columns in which every row is 0.0 are left out, and small ones where there
 * is no room. */
enum part {
	PART_RUNNING,
	PART_READY,
	PART_LOCK,
	PART_CONDITION,
	PART_JOIN,
	PART_FUTEX,
	PART_IO,
	PART_KERNEL,
	PART_SLEEP,
	PART_STOPPED,
	PART_UNKNOWN,
	PART_COUNT,
};

static const char *const part_names[PART_COUNT] = { "running", "ready",	  "lock",   "cond.",
						    "join",    "futex",	  "I/O",    "kern.",
						    "sleep",   "stopped", "unknown" };

struct row {
	char *name;
	uint64_t lifetime_ns;
	uint64_t busy_ns; /* rows are ordered by it: what the thread asked of the CPUs */
	uint64_t parts[PART_COUNT];
	uint32_t permille[PART_COUNT];
	char *call; /* where it slept longest, or "" */
	uint32_t thread;
};

struct rows {
	struct row *items;
	size_t count;
	bool is_used[PART_COUNT];
};

static void row_fill(struct row *row, const struct thread_stat *stat)
{
	const uint64_t *state_ns = stat->state_ns;

	row->thread = stat->thread;
	row->lifetime_ns = stat->lifetime_ns;
	row->parts[PART_RUNNING] = state_ns[STATE_RUNNING];
	row->parts[PART_READY] = state_ns[STATE_PREEMPTED] + state_ns[STATE_QUEUED];
	row->parts[PART_LOCK] = stat->class_ns[LOCK_STATE_LOCK];
	row->parts[PART_CONDITION] = stat->class_ns[LOCK_STATE_CONDITION];
	row->parts[PART_JOIN] = stat->class_ns[LOCK_STATE_JOIN];
	row->parts[PART_FUTEX] = stat->class_ns[LOCK_STATE_FUTEX];
	row->parts[PART_IO] = state_ns[STATE_IO];
	row->parts[PART_KERNEL] = state_ns[STATE_KERNEL];
	row->parts[PART_SLEEP] = state_ns[STATE_SLEEP];
	row->parts[PART_STOPPED] = state_ns[STATE_STOPPED];
	row->parts[PART_UNKNOWN] = state_ns[STATE_UNKNOWN];
	row->busy_ns = row->parts[PART_RUNNING] + row->parts[PART_READY] + row->parts[PART_LOCK];
}

static int by_busy(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->busy_ns != right->busy_ns)
		return left->busy_ns > right->busy_ns ? -1 : 1;
	if (left->lifetime_ns != right->lifetime_ns)
		return left->lifetime_ns > right->lifetime_ns ? -1 : 1;
	return left->thread < right->thread ? -1 : left->thread > right->thread;
}

/* Folds all rows behind the biggest into one. */
static void rows_fold(struct rows *rows)
{
	struct row rest = { 0 };

	if (rows->count <= ROWS_MAX + 1)
		return;
	for (size_t i = ROWS_MAX; i < rows->count; i++) {
		rest.lifetime_ns += rows->items[i].lifetime_ns;
		for (size_t part = 0; part < PART_COUNT; part++)
			rest.parts[part] += rows->items[i].parts[part];
		free(rows->items[i].name);
		free(rows->items[i].call);
	}
	rest.name = xasprintf("%zu others", rows->count - ROWS_MAX);
	rest.call = xstrdup("");
	rows->items[ROWS_MAX] = rest;
	rows->count = ROWS_MAX + 1;
}

static void rows_make(struct rows *rows, const struct report *report)
{
	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];
		struct row *row = array_add(&rows->items, &rows->count, sizeof(*row));

		row_fill(row, stat);
		row->name = NULL;
		row->call = permille_of(stat->top_syscall_ns, stat->lifetime_ns) >= CALL_PERMILLE
				    ? label_syscall(report->trace, stat->top_syscall)
				    : xstrdup("");
	}
	if (rows->count)
		qsort(rows->items, rows->count, sizeof(*rows->items), by_busy);
	rows_fold(rows);
	for (size_t i = 0; i < rows->count; i++) {
		struct row *row = &rows->items[i];

		if (!row->name)
			row->name = label_thread(report->trace, row->thread);
		share_permille(row->parts, PART_COUNT, row->permille);
	}
}

/* Columns in which no row has so much are left out. */
static void rows_use(struct rows *rows, uint32_t least_permille)
{
	for (size_t part = 0; part < PART_COUNT; part++) {
		rows->is_used[part] = false;
		for (size_t i = 0; i < rows->count; i++)
			rows->is_used[part] |= rows->items[i].permille[part] >= least_permille;
	}
}

static struct grid *rows_grid(const struct rows *rows)
{
	struct grid *grid = grid_new();
	char buffer[UNITS_BUFFER];

	grid_column(grid, GRID_NAME, NAME_COLUMNS);
	grid_column(grid, GRID_RIGHT, 0);
	for (size_t part = 0; part < PART_COUNT; part++) {
		if (rows->is_used[part])
			grid_column(grid, GRID_RIGHT, 0);
	}
	grid_column(grid, GRID_LEFT, CALL_COLUMNS);
	grid_add(grid, "thread");
	grid_add(grid, "alive");
	for (size_t part = 0; part < PART_COUNT; part++) {
		if (rows->is_used[part])
			grid_add(grid, "%s", part_names[part]);
	}
	grid_add(grid, "waiting in");
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->items[i];

		grid_add(grid, "%s", row->name);
		grid_add(grid, "%s", format_ns(row->lifetime_ns, buffer));
		for (size_t part = 0; part < PART_COUNT; part++) {
			if (rows->is_used[part])
				grid_add(grid, "%u.%u", row->permille[part] / 10,
					 row->permille[part] % 10);
		}
		grid_add(grid, "%s", row->call);
	}
	return grid;
}

/* The names are cut first, then small columns go, then the names of calls are cut. */
static struct grid *rows_fitted(struct rows *rows, size_t columns)
{
	static const uint32_t least[] = { 1, 10, 30 };
	struct grid *grid = NULL;

	for (size_t i = 0; i < sizeof(least) / sizeof(least[0]); i++) {
		grid_freep(&grid);
		rows_use(rows, least[i]);
		grid = rows_grid(rows);
		grid_fit(grid, 0, columns);
		if (grid_width(grid) <= columns)
			return grid;
	}
	grid_fit(grid, grid_columns(grid) - 1, columns);
	return grid;
}

void text_threads(const struct text *text, const struct report *report)
{
	struct rows rows = { 0 };
	struct grid *grid OWNED(grid_freep) = NULL;

	if (report->thread_count == 0)
		return;
	rows_make(&rows, report);
	grid = rows_fitted(&rows, text->columns - TEXT_INDENT);
	text_heading(text, "Threads (%% of their lifetime; ready: off CPU, waiting for one)");
	grid_print(grid, TEXT_INDENT, text->file);
	for (size_t i = 0; i < rows.count; i++) {
		free(rows.items[i].name);
		free(rows.items[i].call);
	}
	free(rows.items);
}
