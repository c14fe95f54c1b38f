/* SPDX-License-Identifier: GPL-2.0-only */
/* A report and a countdown by hand, with round causes and crooked numbers, for the tests of the
 * outputs. All sums in them hold. */
#ifndef CONVOY_TESTS_SAMPLE_H
#define CONVOY_TESTS_SAMPLE_H

#include "analysis/experiment.h"

/* A program of 20 threads: a mutex, a condition, sleeps, hostile names. */
struct report *sample_report_new(void);
void sample_report_free(struct report *report);

/* serial, threads and processes in five rounds, two interpreters' worth of names; io beside its
 * own baseline; one variant skipped. */
struct experiment *sample_experiment_new(void);

/* Prints with a format into memory; free it. */
char *sample_print_report(const char *format, const struct report *report);
char *sample_print_experiments(const char *format, const struct experiment *const *experiments,
			       size_t count);

#endif
