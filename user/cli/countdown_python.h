/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An interpreter asked about itself, unmeasured: its name, what it cannot do, how fast it counts.
 * Not for running the experiment.
 */
#ifndef CONVOY_CLI_COUNTDOWN_PYTHON_H
#define CONVOY_CLI_COUNTDOWN_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/session.h"

struct inability {
	char *variant;
	char *why;
};

struct python {
	char *path; /* what is executed; NULL: no interpreter at all */
	char *name; /* "CPython 3.11.2" */
	bool has_gil;
	struct inability *inabilities;
	size_t inability_count;
	uint64_t count; /* counted in took_ns; 0: was not asked */
	uint64_t took_ns;
};

/*
 * Starts `given` (found by PATH if it has no slash) as the user and asks. NULL: python3, and the
 * executable it says it is is used from then on, without the wrappers in front of it. 0 or negative
 * errno, printed.
 */
int python_ask(const char *given, const struct run_as *as, bool measures,
	       struct python *ret_python);
void python_release(struct python *python);

/* Why it cannot run a variant, NULL: it can. */
const char *python_inability(const struct python *python, const char *variant);

/* Says that `path` could not be executed, and what to try. Returns err. */
int python_exec_failed(int err, const char *path, const struct run_as *as);

#endif
