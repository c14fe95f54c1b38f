/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory of `countdown -o`: one trace a run in DIR/[INTERPRETER/]VARIANT/ROUND, and
 * report.json. It has its name only when all is in it. Not for what is in a trace.
 */
#ifndef CONVOY_CLI_COUNTDOWN_ARCHIVE_H
#define CONVOY_CLI_COUNTDOWN_ARCHIVE_H

#include <stdint.h>

#include "analysis/experiment.h"
#include "cli/observe.h"

struct archive;

/* Begins DIR.partial. NULL after an error was printed. */
struct archive *archive_open(const char *path);
/* Not committed: removes all that was written. Takes NULL. */
void archive_free(struct archive *archive);

/* Where a run is and what it is called there. */
struct archive_place {
	const char *interpreter; /* NULL: only one, no directory of its own */
	const char *variant;
	uint32_t round;
};

/* Saves a run. 0 or an error, printed. */
int archive_save(struct archive *archive, const struct archive_place *place,
		 const struct observation *observation);
/* Takes out a run that shall not count; no error if it is not there. */
void archive_remove(struct archive *archive, const struct archive_place *place);
/* Adds report.json and gives DIR its name. 0 or an error, printed. */
int archive_commit(struct archive *archive, const struct experiment *const *experiments,
		   size_t count);

#endif
