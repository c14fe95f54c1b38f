/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes the files of a trace: the raw columns from the trace, the derived ones from the report of
 * its whole window.
 */
#ifndef CONVOY_OUTPUT_SAVE_H
#define CONVOY_OUTPUT_SAVE_H

#include "analysis/report.h"
#include "stream/trace_dir.h"

/* Adds meta.json and every CSV file to dir (the caller commits it). 0, or negative errno and the
 * text. */
int trace_save(struct trace_dir *dir, const struct report *report, struct trace_error *ret_error);

#endif
