/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON values with the project's meaning: not measured is null, outside text is escaped first. Not
 * for the layout of a report. */
#ifndef CONVOY_OUTPUT_JSON_PARTS_H
#define CONVOY_OUTPUT_JSON_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "analysis/experiment.h"
#include "output/compare.h"

/* An integer, or null for TRACE_NOT_MEASURED. */
json_t *json_measured(uint64_t value);
/* A string from outside, escaped to strict UTF-8. */
json_t *json_text(const char *raw);
/* A decimal number too large for a double, as a string. */
json_t *json_number_text(uint64_t value);

/* A NULL-terminated list of strings from outside. */
json_t *json_of_strings(char *const *strings);

/* The same, set in an object. */
void json_put(json_t *object, const char *key, uint64_t value);
void json_put_signed(json_t *object, const char *key, int64_t value);
void json_put_text(json_t *object, const char *key, const char *raw);
void json_put_bool(json_t *object, const char *key, bool value);

json_t *json_of_findings(const struct finding *findings, size_t count);
/* Rows named as the columns of threads.csv and locks.csv. */
json_t *json_of_threads(const struct report *report);
json_t *json_of_locks(const struct report *report);
/* null where they could not be had. */
json_t *json_of_path(const struct report *report);
json_t *json_of_what_if(const struct report *report);
/* The whole report as an object. */
json_t *json_of_report(const struct report *report);
/* All of one experiment, set in an object; variants that were run, in their order. */
void json_put_experiment(json_t *object, const struct experiment *experiment);

/* What is compared, of all; and of one: its variant, changes of locks and of threads. */
void json_put_compared(json_t *object, const struct compared_list *list);
void json_put_changes(json_t *object, const struct compared *compared);

/* Prints and frees it. 0 or negative errno of the write. */
int json_print(json_t *value, FILE *file);

#endif
