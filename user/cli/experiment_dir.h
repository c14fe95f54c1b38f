/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory of a countdown, read back: every run of every variant becomes an experiment again.
 * Not for the trace of a single run.
 */
#ifndef CONVOY_CLI_EXPERIMENT_DIR_H
#define CONVOY_CLI_EXPERIMENT_DIR_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/experiment.h"
#include "stream/trace_dir.h"

struct experiments {
	struct experiment **items; /* owned, one per interpreter, in order of their beginning */
	size_t count;
};

/* Whether it is the directory of a countdown: it has a report.json and no trace of its own. */
bool experiment_dir_is(const char *path);
/* 0, or negative errno and the text: "file:line: what". */
int experiment_dir_load(const char *path, struct experiments *ret_experiments,
			struct trace_error *ret_error);
void experiments_release(struct experiments *experiments);

#endif
