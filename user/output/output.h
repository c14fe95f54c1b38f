/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The formats a report can be shown in: one row a format, one file a format. No output computes: it
 * shows what the report holds.
 */
#ifndef CONVOY_OUTPUT_OUTPUT_H
#define CONVOY_OUTPUT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "analysis/experiment.h"
#include "analysis/report.h"

struct output_options {
	bool has_color;
	bool is_ascii; /* text for a person must do without UTF-8 */
	unsigned int columns; /* width of the terminal, 0: not one (80 is used) */
};

struct compared_list; /* output/compare.h */

struct output_format {
	const char *name; /* of --format */
	const char *summary; /* for --help */
	/* One report; and all experiments of a countdown, one per interpreter. 0 or negative errno
	 * of the write. */
	int (*render_report)(const struct report *report, const struct output_options *options,
			     FILE *file);
	int (*render_experiments)(const struct experiment *const *experiments, size_t count,
				  const struct output_options *options, FILE *file);
	/* Two traces or countdowns side by side; NULL: not in this format. */
	int (*render_comparison)(const struct compared_list *list,
				 const struct output_options *options, FILE *file);
	bool is_binary; /* not for a terminal, and nothing without the slices of a trace */
};

/* NULL if there is no such format. The list ends with a row whose name is NULL. */
const struct output_format *output_find(const char *name);
extern const struct output_format *const output_formats[];

#endif
