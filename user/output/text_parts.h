/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts that the text of a run and of a countdown share: headings, rows of items, where the
 * CPUs went, and how far to trust it all.
 */
#ifndef CONVOY_OUTPUT_TEXT_PARTS_H
#define CONVOY_OUTPUT_TEXT_PARTS_H

#include <stdio.h>

#include "analysis/report.h"
#include "output/output.h"
#include "output/style.h"

#define TEXT_INDENT 2
#define TEXT_DEEP 6

/* Where text goes, and how. */
struct text {
	FILE *file; /* all text goes here, and nowhere else before text_result */
	const struct style *style;
	size_t columns;
	struct draft *draft; /* what becomes ASCII at the end; NULL: file is where it goes */
};

struct text text_open(const struct output_options *options, FILE *file);
/* Ends it: flushes. 0 or negative errno of any write since. */
int text_result(struct text *text);

void text_heading(const struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A wrapped paragraph at TEXT_INDENT. */
void text_say(const struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Items in a row, three blanks between, wrapped as wholes; NULL-terminated list of owned strings
 * (trace_add_string grows one). */
char **items_new(void);
void items_freep(char ***items);
void text_items(const struct text *text, char *const *items, size_t indent);

/* Takes off what a label says in brackets; those of a function are its name. */
void text_cut_brackets(char *label);

/* "Where the two CPUs went (2.618 s = 100 %)" and its line. variant: NULL, or with which one. */
void text_capacity(const struct text *text, const struct report *report, const char *variant);

/* Adds whether these traces are complete, what was lost and what could not be seen. */
void trust_add_losses(char ***items, const struct report *const *reports, size_t count);
/* Adds how far the sums and the run time are from exact. */
void trust_add_errors(char ***items, const struct report *const *reports, size_t count);
/* Adds both for all runs of experiments. */
void trust_add_experiments(char ***items, const struct experiment *const *experiments,
			   size_t count);
void text_trust(const struct text *text, char *const *items);

#endif
