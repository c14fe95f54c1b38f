/* SPDX-License-Identifier: GPL-2.0-only */
/* Aligned text tables and wrapped paragraphs. Cells are kept until all widths are known. */
#include "output/grid.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"

#define GAP 2 /* blanks between two cells */
#define COLUMN_LEAST 10 /* a name cut to less says nothing */

struct column {
	enum grid_align align;
	size_t max_columns;
	size_t width;
};

struct cell {
	char *text;
	size_t width;
};

struct grid {
	struct column *columns;
	size_t column_count;
	struct cell *cells;
	size_t cell_count;
};

struct grid *grid_new(void)
{
	return xcalloc(1, sizeof(struct grid));
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	for (size_t i = 0; i < grid->cell_count; i++)
		free(grid->cells[i].text);
	free(grid->cells);
	free(grid->columns);
	free(grid);
}

void grid_freep(struct grid **grid)
{
	grid_free(*grid);
	*grid = NULL;
}

void grid_column(struct grid *grid, enum grid_align align, size_t max_columns)
{
	struct column *column;

	assert(grid->cell_count == 0);
	column = array_add(&grid->columns, &grid->column_count, sizeof(*column));
	column->align = align;
	column->max_columns = max_columns;
}

/* Bytes of the character at text; escaped text is strict UTF-8. */
static size_t character_bytes(const char *text)
{
	size_t bytes = 1;

	while (((unsigned char)text[bytes] & 0xc0) == 0x80)
		bytes++;
	return bytes;
}

/* "thread 8 of node" keeps its number, any other name both its ends. */
static char *name_cut(const char *text, size_t max_columns)
{
	const char *of = strstr(text, " of "), *end;
	char *number OWNED(mem_freep) = of ? xstrndup(text, (size_t)(of - text)) : NULL;
	char *head OWNED(mem_freep) = NULL;

	if (number && strncmp(text, "thread ", 7) == 0)
		text = number;
	if (text_columns(text) <= max_columns)
		return xstrdup(text);
	end = text;
	while (text_columns(end) > max_columns / 2)
		end += character_bytes(end);
	head = text_cut(text, max_columns - text_columns(end));
	return xasprintf("%s%s", head, end);
}

/* Cuts a cell that is wider than the column may get. */
static void cell_cut(struct cell *cell, enum grid_align align, size_t max_columns)
{
	char *cut;

	if (cell->width <= max_columns)
		return;
	cut = align == GRID_NAME ? name_cut(cell->text, max_columns)
				 : text_cut(cell->text, max_columns);
	free(cell->text);
	cell->text = cut;
	cell->width = text_columns(cut);
}

void grid_add(struct grid *grid, const char *format, ...)
{
	struct column *column = &grid->columns[grid->cell_count % grid->column_count];
	struct cell *cell = array_add(&grid->cells, &grid->cell_count, sizeof(*cell));
	va_list args;

	va_start(args, format);
	if (vasprintf(&cell->text, format, args) < 0)
		cell->text = xstrdup("");
	va_end(args);
	cell->width = text_columns(cell->text);
	if (column->max_columns)
		cell_cut(cell, column->align, column->max_columns);
	if (cell->width > column->width)
		column->width = cell->width;
}

void grid_fit(struct grid *grid, size_t column, size_t columns)
{
	struct column *fitted = &grid->columns[column];
	size_t width = grid_width(grid), most;

	if (width <= columns)
		return;
	most = fitted->width > width - columns ? fitted->width - (width - columns) : 0;
	if (most < COLUMN_LEAST)
		most = COLUMN_LEAST;
	fitted->width = 0;
	for (size_t i = column; i < grid->cell_count; i += grid->column_count) {
		cell_cut(&grid->cells[i], fitted->align, most);
		if (grid->cells[i].width > fitted->width)
			fitted->width = grid->cells[i].width;
	}
}

size_t grid_columns(const struct grid *grid)
{
	return grid->column_count;
}

size_t grid_width(const struct grid *grid)
{
	size_t width = grid->column_count ? (grid->column_count - 1) * GAP : 0;

	for (size_t i = 0; i < grid->column_count; i++)
		width += grid->columns[i].width;
	return width;
}

/* Blanks are owed until something follows them, so that no row ends in one. */
static size_t print_cell(const struct cell *cell, const struct column *column, size_t owed,
			 FILE *file)
{
	size_t pad = column->width - cell->width;

	if (column->align == GRID_RIGHT)
		owed += pad;
	if (cell->width) {
		fprintf(file, "%*s%s", (int)owed, "", cell->text);
		owed = 0;
	}
	return column->align != GRID_RIGHT ? owed + pad : owed;
}

void grid_print(const struct grid *grid, size_t indent, FILE *file)
{
	size_t owed = indent;

	for (size_t i = 0; i < grid->cell_count; i++) {
		size_t place = i % grid->column_count;

		owed = print_cell(&grid->cells[i], &grid->columns[place], owed, file);
		owed += GAP;
		if (place + 1 == grid->column_count) {
			putc('\n', file);
			owed = indent;
		}
	}
}

char *text_cut(const char *text, size_t max_columns)
{
	char *copy OWNED(mem_freep) = xstrdup(text);
	size_t keep = 0;

	if (text_columns(text) <= max_columns)
		return xstrdup(text);
	while (text[keep]) {
		size_t next = keep + character_bytes(text + keep);
		char saved = copy[next];
		bool fits;

		copy[next] = '\0';
		fits = text_columns(copy) + 1 <= max_columns;
		copy[next] = saved;
		if (!fits)
			break;
		keep = next;
	}
	copy[keep] = '\0';
	return xasprintf("%s…", copy);
}

void text_wrap(const char *text, size_t indent, size_t columns, FILE *file)
{
	size_t used = 0; /* columns of the line so far, 0: nothing printed yet */

	while (*text) {
		size_t bytes = strcspn(text, " \n");
		char *word OWNED(mem_freep) = xstrndup(text, bytes);
		size_t width = text_columns(word);

		if (bytes && used && used + 1 + width > columns) {
			putc('\n', file);
			used = 0;
		}
		if (bytes) {
			fprintf(file, "%*s%s", (int)(used ? 1 : indent), "", word);
			used = (used ? used + 1 : indent) + width;
		}
		text += bytes + (text[bytes] != '\0');
	}
	putc('\n', file);
}
