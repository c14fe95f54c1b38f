/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The critical path: from the end of the interval backwards through whatever the end had to wait
 * for. From a wait it goes on with the thread that ended it, from a wait for a lock with its
 * holder. Not for what would be won by making a part of it shorter: the path then takes another
 * way.
 */
#ifndef CONVOY_ANALYSIS_PATH_H
#define CONVOY_ANALYSIS_PATH_H

#include "analysis/report.h"
#include "analysis/steps.h"

/*
 * Fills report->critical_path from where end_thread was at the end of the interval; 0: of no
 * thread. The parts cover the interval exactly. 0 or the error of the steps.
 */
int path_make(struct report *report, struct steps *steps, uint32_t end_thread);

#endif
