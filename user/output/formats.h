/* SPDX-License-Identifier: GPL-2.0-only */
/* The functions behind the table of formats, one set a format. Only output.c calls them; others
 * ask output_find. And what they share. */
#ifndef CONVOY_OUTPUT_FORMATS_H
#define CONVOY_OUTPUT_FORMATS_H

#include "output/output.h"

/* Flushes; 0 or negative errno of any write since. */
int output_flush(FILE *file);

int text_report(const struct report *report, const struct output_options *options, FILE *file);
int text_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file);
int text_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file);
int json_report(const struct report *report, const struct output_options *options, FILE *file);
int json_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file);
int json_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file);
int html_report(const struct report *report, const struct output_options *options, FILE *file);
int html_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file);
int html_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file);
int perfetto_report(const struct report *report, const struct output_options *options, FILE *file);
int perfetto_experiments(const struct experiment *const *experiments, size_t count,
			 const struct output_options *options, FILE *file);
int folded_report(const struct report *report, const struct output_options *options, FILE *file);
int folded_experiments(const struct experiment *const *experiments, size_t count,
		       const struct output_options *options, FILE *file);

#endif
