/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of --report: it appears under its name whole or not at all, and no link planted in its
 * place is followed. Not for the directories of traces.
 */
#ifndef CONVOY_CLI_REPORT_FILE_H
#define CONVOY_CLI_REPORT_FILE_H

#include <stdio.h>

#include "cli/observe.h"

struct report_file;

/*
 * Where a report goes: NULL: stderr; "-": stdout; a descriptor or device by its name in /dev; else
 * the named file, which is made next to its place, mode 0600, given to its owner. Open it before
 * the command starts, so that a place that cannot be written is known in time. NULL after an error
 * was printed.
 */
struct report_file *report_file_open(const char *path, const struct owner *owner);
FILE *report_file_stream(struct report_file *file);
/* Ends the writing, which went well if write_err is 0, and puts the file in its place. 0, or an
 * error, printed (-EPIPE is not). */
int report_file_commit(struct report_file *file, int write_err);
/* Takes NULL. Not committed: nothing is left. */
void report_file_free(struct report_file *file);
void report_file_freep(struct report_file **file);

#endif
