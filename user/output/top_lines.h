/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A frame of the live view as lines of text: for a terminal to draw, or to print once. Not for the
 * terminal itself.
 */
#ifndef CONVOY_OUTPUT_TOP_LINES_H
#define CONVOY_OUTPUT_TOP_LINES_H

#include "analysis/live_view.h"

#define TOP_BAR_COLUMNS 24

struct top_line {
	char *text; /* owned, escaped */
	size_t bar_begin; /* byte of the first column of the bar; bar_length 0: none */
	size_t bar_length;
	uint32_t thread; /* whose row it is; 0: none */
	bool is_heading;
};

struct top_lines {
	struct top_line *items;
	size_t count;
};

struct top_facts {
	uint32_t cpus; /* usable */
	uint32_t own_permille; /* convoy's own cost, of one CPU */
	const char *order; /* what the rows are sorted by */
	bool is_frozen;
	uint32_t detail; /* thread to tell more of; 0: none */
};

/* The character of a part in a bar. */
char top_symbol(enum live_part part);

/* columns: width to keep to. */
void top_lines_make(struct top_lines *lines, const struct live_frame *frame,
		    const struct top_facts *facts, size_t columns);
void top_lines_release(struct top_lines *lines);

#endif
