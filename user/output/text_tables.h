/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of a report in text: the bill of the wall, threads, locks, who waited for whom. Not
 * for their order on the page. */
#ifndef CONVOY_OUTPUT_TEXT_TABLES_H
#define CONVOY_OUTPUT_TEXT_TABLES_H

#include "analysis/lock_groups.h"
#include "output/grid.h"
#include "output/text_parts.h"

void text_wall(const struct text *text, const struct report *report);
void text_threads(const struct text *text, const struct report *report);
void text_locks(const struct text *text, const struct report *report);
void text_edges(const struct text *text, const struct report *report);
/* What holders did, and what handing over cost. */
void text_holders(const struct text *text, const struct report *report);
/* Cells: what the locks of a line are called, "128 × mutex in f() of p", and a time, which may not
 * be known. */
void text_add_group(struct grid *grid, const struct report *report, const struct lock_group *group);
void text_add_measured(struct grid *grid, uint64_t ns);

#endif
