/* SPDX-License-Identifier: GPL-2.0-only */
/* What those who had a lock did while others waited, and what handing it over cost: two tables of
 * a report, because waiting one's turn and passing on are two things. */
#include "output/text_tables.h"

#include <stdlib.h>

#include "analysis/labels.h"
#include "base/mem.h"
#include "output/grid.h"

#define SHOWN_MAX 5
#define LOCK_COLUMNS 34
/* Locks waited for less than this share of the wall are left out. */
#define SHOWN_PERMILLE 1

static bool is_shown(const struct report *report, const struct lock_stat *stat)
{
	const struct lock *lock = &report->trace->locks[stat->lock - 1];

	return lock->state == LOCK_STATE_LOCK && lock->kind != LOCK_HAND_OVER &&
	       stat->handoffs != TRACE_NOT_MEASURED &&
	       permille_of(stat->wait_ns, report->wall_ns) >= SHOWN_PERMILLE;
}

static int by_wait(const void *a, const void *b)
{
	const struct lock_stat *left = &((const struct lock_group *)a)->sum;
	const struct lock_stat *right = &((const struct lock_group *)b)->sum;

	if (left->wait_ns != right->wait_ns)
		return left->wait_ns > right->wait_ns ? -1 : 1;
	return left->lock < right->lock ? -1 : left->lock > right->lock;
}

static void add_holder(struct grid *grid, const struct report *report,
		       const struct lock_group *group)
{
	const struct lock_stat *stat = &group->sum;
	const uint64_t parts[] = { stat->holder_running_ns, stat->holder_ready_ns,
				   stat->holder_blocked_ns, stat->holder_unknown_ns };
	char *doing OWNED(mem_freep) = NULL;
	uint32_t permille[4];
	char share[UNITS_BUFFER];

	if (stat->blocked.thread && stat->blocked.state == STATE_FUTEX)
		doing = xstrdup("waiting for a futex");
	else if (stat->blocked.thread)
		doing = label_doing(report->trace, (enum state)stat->blocked.state,
				    stat->blocked.syscall);
	share_permille(parts, 4, permille);
	text_add_group(grid, report, group);
	for (size_t i = 0; i < 4; i++)
		grid_add(grid, "%s", format_permille(permille[i], share));
	grid_add(grid, "%s", doing ? doing : "");
}

static void print_holders(const struct text *text, const struct report *report,
			  const struct lock_group *list, size_t count)
{
	static const char *const names[] = { "ran", "ready", "blocked", "not known" };
	struct grid *grid OWNED(grid_freep) = grid_new();

	grid_column(grid, GRID_LEFT, LOCK_COLUMNS);
	for (size_t i = 0; i < 4; i++)
		grid_column(grid, GRID_RIGHT, 0);
	grid_column(grid, GRID_LEFT, 0);
	grid_add(grid, "lock");
	for (size_t i = 0; i < 4; i++)
		grid_add(grid, "%s", names[i]);
	grid_add(grid, "mostly");
	for (size_t i = 0; i < count; i++)
		add_holder(grid, report, &list[i]);
	grid_fit(grid, 0, text->columns - TEXT_INDENT);
	text_heading(text, "What holders did while others waited (%% of the wait)");
	grid_print(grid, TEXT_INDENT, text->file);
}

static void add_handoffs(struct grid *grid, const struct report *report,
			 const struct lock_group *group)
{
	const struct lock_stat *stat = &group->sum;
	const struct handoff_stat *handoff = &stat->handoff;
	uint64_t known = handoff->same_cpu + handoff->other_cpu;
	char text[UNITS_BUFFER];

	text_add_group(grid, report, group);
	grid_add(grid, "%s", format_count(stat->handoffs, text));
	text_add_measured(grid, handoff->p50_ns);
	text_add_measured(grid, handoff->p99_ns);
	grid_add(grid, "%s", format_ns(stat->handoff_ns, text));
	grid_add(grid, "%s", format_permille(permille_of(stat->handoff_ns, report->wall_ns), text));
	grid_add(grid, "%s", format_ns(stat->dead_ns, text));
	grid_add(grid, "%s",
		 known ? format_permille(permille_of(handoff->same_cpu, known), text) : "–");
}

static void print_handoffs(const struct text *text, const struct report *report,
			   const struct lock_group *list, size_t count)
{
	static const char *const names[] = { "hand-offs", "median",   "p99",	 "sum",
					     "of wall",	  "nobody's", "same CPU" };
	struct grid *grid OWNED(grid_freep) = grid_new();
	size_t rows = 0;

	grid_column(grid, GRID_LEFT, LOCK_COLUMNS);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		grid_column(grid, GRID_RIGHT, 0);
	grid_add(grid, "lock");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		grid_add(grid, "%s", names[i]);
	for (size_t i = 0; i < count; i++) {
		if (list[i].sum.handoffs) {
			add_handoffs(grid, report, &list[i]);
			rows++;
		}
	}
	if (!rows)
		return;
	grid_fit(grid, 0, text->columns - TEXT_INDENT);
	text_heading(text, "Handing over: from the wake-up to running, besides the waits above");
	grid_print(grid, TEXT_INDENT, text->file);
}

void text_holders(const struct text *text, const struct report *report)
{
	struct lock_group *list OWNED(mem_freep) = NULL;
	size_t group_count = lock_groups(report, &list), count = 0;

	for (size_t i = 0; i < group_count; i++) {
		if (is_shown(report, &list[i].sum))
			list[count++] = list[i];
	}
	if (!count)
		return;
	qsort(list, count, sizeof(*list), by_wait);
	count = count < SHOWN_MAX ? count : SHOWN_MAX;
	print_holders(text, report, list, count);
	print_handoffs(text, report, list, count);
}
