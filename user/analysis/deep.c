/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path and the what-if, where they can be had. */
#include "analysis/deep.h"

#include <errno.h>

#include "analysis/labels.h"
#include "analysis/path.h"
#include "analysis/whatif.h"

#define LOST_MOST_PERMILLE 10 /* of wall: beyond it too much of what threads did is missing */

static enum what_if_state why_not(int err)
{
	return err == -EFBIG ? WHAT_IF_TOO_LONG : WHAT_IF_FAILED;
}

static int make_what_if(struct report *report, const struct steps_sweep *sweep,
			const struct capacity_sweep *capacity)
{
	struct replay_setup setup = {
		.trace = report->trace,
		.begin_ns = report->begin_ns,
		.end_ns = report->end_ns,
		.cpus = capacity->steps,
		.cpu_count = capacity->step_count,
	};

	/* A window ends with the last of all, a phase with the thread that ended it. */
	if (!report->is_whole)
		setup.end_thread = sweep->last_thread;
	if (permille_of(report->not_recorded_ns, report->wall_ns) > LOST_MOST_PERMILLE) {
		report->what_if.state = WHAT_IF_LOST;
		return 0;
	}
	return what_if_make(report, sweep->steps, &setup);
}

void deep_make(struct report *report, const struct steps_sweep *sweep,
	       const struct capacity_sweep *capacity)
{
	int err = sweep->err;

	if (!err)
		err = path_make(report, sweep->steps, sweep->last_thread);
	if (!err)
		err = make_what_if(report, sweep, capacity);
	if (err) {
		report->what_if.state = why_not(err);
		report->what_if.count = 0;
	}
}
