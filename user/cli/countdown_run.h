/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One run of one variant under observation: started, sent off, heard, taken to the end, handed
 * over. Not for the order of runs or for what becomes of them.
 */
#ifndef CONVOY_CLI_COUNTDOWN_RUN_H
#define CONVOY_CLI_COUNTDOWN_RUN_H

#include <stdint.h>

#include "capture/session.h"
#include "cli/countdown_plan.h"
#include "cli/countdown_python.h"
#include "cli/observe.h"

struct run_request {
	const struct variant_row *variant;
	const struct python *python;
	uint64_t workers;
	uint64_t count; /* of each worker, 0: nothing is counted */
	uint32_t round; /* from 1 */
	unsigned int cpus; /* at once, for the machine's speed */
	const struct run_as *as;
	const struct session_options *session_options;
	/* Gets what was observed while its slices live, and may take the trace out of it. 0 or an
	 * error, printed. */
	int (*keep)(void *context, struct observation *taken);
	void *context;
};

/*
 * 0 after keep; -EINTR: convoy was asked to end, nothing printed; -ENOTSUP: the interpreter says
 * it cannot, *ret_why (owned by the caller) says why; else an error, printed. In every case nothing
 * of the run is left: no process, no file.
 */
int run_variant(const struct run_request *request, char **ret_why);

#endif
