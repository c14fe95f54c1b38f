/* SPDX-License-Identifier: GPL-2.0-only */
/* What a countdown's report.json says that none of its traces can hold. Not for any number that can
 * be computed again. */
#ifndef CONVOY_CLI_EXPERIMENT_FACTS_H
#define CONVOY_CLI_EXPERIMENT_FACTS_H

#include "cli/experiment_dir.h"

/*
 * Adds what path/report.json says of the interpreters, what they were asked to do, and the variants
 * that could not run. The experiments are in the order of their runs, as the interpreters are in
 * the file; those that could run nothing are put between. 0, or negative errno and the text.
 */
int experiment_facts_read(const char *path, struct experiments *experiments,
			  struct trace_error *ret_error);

#endif
