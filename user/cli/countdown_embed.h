/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is inside the binary for the countdown: the workload script and the `nogil` object, and how
 * the latter becomes a file that an interpreter can load. Not for running them.
 */
#ifndef CONVOY_CLI_COUNTDOWN_EMBED_H
#define CONVOY_CLI_COUNTDOWN_EMBED_H

#include "capture/session.h"

/* The workload script, for python -c; ends with NUL. */
extern const char workload_script[];

/* The `nogil` object as a file in a directory of its own. */
struct library {
	char *directory; /* NULL: none */
	char *path;
};

/*
 * Writes it under $TMPDIR (or /tmp) into a fresh directory that only the user the interpreter runs
 * as can enter. 0 or a negative errno, printed.
 */
int library_write(const struct run_as *as, struct library *ret_library);
/* Removes file and directory; also when there is none. A loaded object stays loaded. */
void library_remove(struct library *library);

#endif
