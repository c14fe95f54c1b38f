/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of a report in text, but for the threads': where the wall went, locks, edges. */
#include "output/text_tables.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/scale.h"

#define LEVELS_MAX 5 /* nobody … four; the rest is "more" */
#define CAUSES_MAX 4
#define LOCKS_MAX 10
#define EDGES_MAX 10
#define LOCK_COLUMNS 48
#define THREAD_COLUMNS 18
#define EDGE_LOCK 4 /* the column that gives way */

/* What a gap was spent on, in words. Free it. */
static char *describe_cause(const struct report *report, const struct gap_cause *gap)
{
	char *lock OWNED(mem_freep) = label_the_lock(report->trace, gap->lock);

	switch ((enum gap_kind)gap->kind) {
	case GAP_HAND_OFF:
		return xasprintf("hand-offs of %s", lock);
	case GAP_CPU:
		return xstrdup("ready, no CPU yet");
	case GAP_END:
		return xstrdup("nobody ran again");
	case GAP_STATE:
		break;
	}
	if (gap->state == STATE_FUTEX)
		return xasprintf("waiting for %s", lock);
	return label_doing(report->trace, gap->state, gap->syscall);
}

/* Lines of a bill: a name, a time and a share each; they add up in both. */
struct bill_lines {
	char *names[LEVELS_MAX + 2];
	int64_t ns[LEVELS_MAX + 2];
	size_t count;
};

static void bill_add(struct bill_lines *lines, uint64_t ns, char *name)
{
	lines->ns[lines->count] = (int64_t)ns;
	lines->names[lines->count++] = name;
}

static void bill_print(const struct text *text, struct bill_lines *lines, uint64_t total_ns)
{
	const struct scale *scale = scale_for(total_ns);
	struct grid *grid OWNED(grid_freep) = grid_new();
	int64_t steps[LEVELS_MAX + 2];
	uint64_t parts[LEVELS_MAX + 2];
	uint32_t permille[LEVELS_MAX + 2];
	char time[UNITS_BUFFER], share[UNITS_BUFFER];

	round_parts(lines->ns, lines->count, scale->step_ns, steps);
	for (size_t i = 0; i < lines->count; i++)
		parts[i] = (uint64_t)lines->ns[i];
	share_permille(parts, lines->count, permille);
	grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_RIGHT, 0);
	grid_column(grid, GRID_RIGHT, 0);
	for (size_t i = 0; i < lines->count; i++) {
		grid_add(grid, "%s", lines->names[i]);
		grid_add(grid, "%s", scale_print(scale, steps[i], time));
		grid_add(grid, "%s", format_permille(permille[i], share));
		free(lines->names[i]);
	}
	grid_print(grid, TEXT_INDENT, text->file);
}

static void print_gap_causes(const struct text *text, const struct report *report)
{
	char **items OWNED(items_freep) = items_new();
	char time[UNITS_BUFFER];
	uint64_t rest_ns = report->gap_ns;

	for (size_t i = 0; i < report->gap_count && i < CAUSES_MAX; i++) {
		char *cause OWNED(mem_freep) = describe_cause(report, &report->gaps[i]);
		char *item OWNED(mem_freep) =
			xasprintf("%s %s", cause, format_ns(report->gaps[i].ns, time));

		trace_add_string(&items, item);
		rest_ns -= report->gaps[i].ns;
	}
	if (rest_ns > 0 && report->gap_count > CAUSES_MAX) {
		char *item OWNED(mem_freep) = xasprintf("other %s", format_ns(rest_ns, time));

		trace_add_string(&items, item);
	}
	if (*items) {
		text_say(text, "Nobody ran:");
		text_items(text, items, TEXT_DEEP);
	}
}

void text_wall(const struct text *text, const struct report *report)
{
	struct bill_lines lines = { 0 };
	const struct scale *scale = scale_for(report->wall_ns);
	int64_t wall = (int64_t)report->wall_ns, steps;
	uint64_t more_ns = 0;
	char number[UNITS_BUFFER], total[UNITS_BUFFER];

	if (report->capacity.total_ns == TRACE_NOT_MEASURED) {
		text_heading(text, "Threads running at a time");
		text_say(text, "not measured: no slices were recorded");
		return;
	}
	for (size_t i = 0; i < report->parallel_count && i < LEVELS_MAX; i++)
		bill_add(&lines, report->parallel_ns[i],
			 xasprintf("%s ran", label_number(i, number)));
	for (size_t i = LEVELS_MAX; i < report->parallel_count; i++)
		more_ns += report->parallel_ns[i];
	if (report->parallel_count > LEVELS_MAX)
		bill_add(&lines, more_ns, xstrdup("more ran"));
	if (report->not_recorded_ns)
		bill_add(&lines, report->not_recorded_ns, xstrdup("not recorded"));
	round_parts(&wall, 1, scale->step_ns, &steps);
	text_heading(text, "Threads running at a time (%s = 100 %%)",
		     scale_print(scale, steps, total));
	bill_print(text, &lines, report->wall_ns);
	print_gap_causes(text, report);
}

void text_add_group(struct grid *grid, const struct report *report, const struct lock_group *group)
{
	char *name OWNED(mem_freep) = label_lock(report->trace, group->sum.lock);
	char *where = strstr(name, " in ");

	if (group->is_mixed && where)
		*where = '\0'; /* of the one waited for longest */
	if (group->locks > 1)
		grid_add(grid, "%zu × %s", group->locks, name);
	else
		grid_add(grid, "%s", name);
}

void text_add_measured(struct grid *grid, uint64_t ns)
{
	char buffer[UNITS_BUFFER];

	grid_add(grid, "%s", ns == TRACE_NOT_MEASURED ? "–" : format_ns(ns, buffer));
}

static void add_lock(struct grid *grid, const struct report *report, const struct lock_group *group)
{
	const struct lock_stat *stat = &group->sum;
	char count[UNITS_BUFFER];

	text_add_group(grid, report, group);
	text_add_measured(grid, stat->wait_ns);
	grid_add(grid, "%s",
		 stat->episodes == TRACE_NOT_MEASURED ? "–" : format_count(stat->episodes, count));
	text_add_measured(grid, stat->p50_ns);
	text_add_measured(grid, stat->p99_ns);
	text_add_measured(grid, stat->lost_ns);
}

/* Where a lock is waited for, if stacks showed more than one place. */
static void say_callers(const struct text *text, const struct report *report,
			const struct lock_group *group)
{
	const struct lock *lock = &report->trace->locks[group->sum.lock - 1];
	const char *callers = strstr(lock->evidence, EVIDENCE_CALLED_BY);
	char *name OWNED(mem_freep) = NULL, *shown OWNED(mem_freep) = NULL;

	/* Where idle threads wait is no question anybody has. */
	if (!callers || group->locks > 1 || lock->state != LOCK_STATE_LOCK)
		return;
	name = label_the_lock(report->trace, lock->id);
	shown = escape_text(callers + strlen(EVIDENCE_CALLED_BY));
	text_say(text, "The waiters for %s came from %s", name, shown);
}

void text_locks(const struct text *text, const struct report *report)
{
	struct lock_group *groups OWNED(mem_freep) = NULL;
	size_t group_count = lock_groups(report, &groups);
	struct grid *grid OWNED(grid_freep) = grid_new();
	static const char *const names[] = { "waited", "episodes", "median", "p99", "lost" };
	size_t shown = group_count < LOCKS_MAX ? group_count : LOCKS_MAX;

	if (report->lock_count == 0)
		return;
	grid_column(grid, GRID_LEFT, LOCK_COLUMNS);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		grid_column(grid, GRID_RIGHT, 0);
	grid_add(grid, "waited for");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		grid_add(grid, "%s", names[i]);
	for (size_t i = 0; i < shown; i++)
		add_lock(grid, report, &groups[i]);
	grid_fit(grid, 0, text->columns - TEXT_INDENT);
	text_heading(text,
		     "Locks and other futexes (lost: CPU time that could have run meanwhile)");
	grid_print(grid, TEXT_INDENT, text->file);
	if (shown < group_count)
		text_say(text, "and %zu more, with less lost", group_count - shown);
	for (size_t i = 0; i < shown; i++)
		say_callers(text, report, &groups[i]);
}

static int by_wait(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->wait_ns != right->wait_ns)
		return left->wait_ns > right->wait_ns ? -1 : 1;
	if (left->waiter != right->waiter)
		return left->waiter < right->waiter ? -1 : 1;
	return left->holder < right->holder ? -1 : left->holder > right->holder;
}

/* Edges that a person reads as one: of the same threads and locks that are called the same. */
static int by_ends(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	if (left->waiter != right->waiter)
		return left->waiter < right->waiter ? -1 : 1;
	if (left->holder != right->holder)
		return left->holder < right->holder ? -1 : 1;
	if (left->lock != right->lock)
		return left->lock < right->lock ? -1 : 1;
	return left->mark < right->mark ? -1 : left->mark > right->mark;
}

/* Those with a holder, the longest first. Free *ret_edges. */
static size_t merge_edges(const struct report *report, struct edge **ret_edges)
{
	struct edge *edges = xcalloc(report->edge_count, sizeof(*edges));
	uint32_t *leaders OWNED(mem_freep) = lock_leaders(report->trace);
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < report->edge_count; i++) {
		if (!report->edges[i].holder)
			continue;
		edges[count] = report->edges[i];
		edges[count].lock = leaders[edges[count].lock - 1];
		count++;
	}
	if (count > 0)
		qsort(edges, count, sizeof(*edges), by_ends);
	for (size_t i = 0; i < count; i++) {
		if (kept && by_ends(&edges[kept - 1], &edges[i]) == 0)
			edges[kept - 1].wait_ns += edges[i].wait_ns;
		else
			edges[kept++] = edges[i];
	}
	if (kept > 0)
		qsort(edges, kept, sizeof(*edges), by_wait);
	*ret_edges = edges;
	return kept;
}

static const char *mark_word(const struct edge *edge)
{
	return edge->mark == HOLDER_EXACT ? "exact" : "likely";
}

static void add_edge(struct grid *grid, const struct report *report, const struct edge *edge)
{
	char *waiter OWNED(mem_freep) = label_thread(report->trace, edge->waiter);
	char *holder OWNED(mem_freep) = label_thread(report->trace, edge->holder);
	char *lock OWNED(mem_freep) = label_lock(report->trace, edge->lock);
	char time[UNITS_BUFFER];

	grid_add(grid, "%s", waiter);
	grid_add(grid, "%s", holder);
	grid_add(grid, "%s", format_ns(edge->wait_ns, time));
	grid_add(grid, "%s", mark_word(edge));
	grid_add(grid, "%s", lock);
}

void text_edges(const struct text *text, const struct report *report)
{
	struct edge *edges OWNED(mem_freep) = NULL;
	struct grid *grid OWNED(grid_freep) = grid_new();
	size_t count = merge_edges(report, &edges);

	if (count == 0)
		return;
	grid_column(grid, GRID_NAME, THREAD_COLUMNS);
	grid_column(grid, GRID_NAME, THREAD_COLUMNS);
	grid_column(grid, GRID_RIGHT, 0);
	grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_LEFT, 0);
	grid_add(grid, "waited");
	grid_add(grid, "for");
	grid_add(grid, "time");
	grid_add(grid, "holder");
	grid_add(grid, "who had");
	for (size_t i = 0; i < count && i < EDGES_MAX; i++)
		add_edge(grid, report, &edges[i]);
	grid_fit(grid, EDGE_LOCK, text->columns - TEXT_INDENT);
	text_heading(text, "Who waited for whom");
	grid_print(grid, TEXT_INDENT, text->file);
	if (count > EDGES_MAX)
		text_say(text, "and %zu more, shorter", count - EDGES_MAX);
}
