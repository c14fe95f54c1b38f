/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Aligned text tables and wrapped paragraphs, measured in the columns of a terminal, so that names
 * in any script stay in line. Not for CSV, and not for colours inside a cell.
 */
#ifndef CONVOY_OUTPUT_GRID_H
#define CONVOY_OUTPUT_GRID_H

#include <stddef.h>
#include <stdio.h>

struct grid;

enum grid_align {
	GRID_LEFT,
	GRID_RIGHT,
	GRID_NAME, /* left; cut in the middle, as what tells threads apart is at the end */
};

/* Never NULL. The first row added is the heading. */
struct grid *grid_new(void);
void grid_free(struct grid *grid);
void grid_freep(struct grid **grid);

/* How a column is aligned, and how wide it may get: longer cells are cut, with a "…". 0: any. */
void grid_column(struct grid *grid, enum grid_align align, size_t max_columns);
/* Adds the next cell; a row is full when it has as many cells as there are columns. */
void grid_add(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* How many columns of cells it has. */
size_t grid_columns(const struct grid *grid);
/* Columns a printed row needs. */
size_t grid_width(const struct grid *grid);
/* Cuts the cells of one column so that a row needs at most `columns`, but leaves it a few. */
void grid_fit(struct grid *grid, size_t column, size_t columns);
/* Prints it with two columns between cells and `indent` before each row, no blanks at the ends. */
void grid_print(const struct grid *grid, size_t indent, FILE *file);

/* A copy of text that takes at most max_columns: cut and ended by "…" if longer. Free it. */
char *text_cut(const char *text, size_t max_columns);
/* Prints words of text in lines of at most `columns`, each after `indent` blanks. */
void text_wrap(const char *text, size_t indent, size_t columns, FILE *file);

#endif
