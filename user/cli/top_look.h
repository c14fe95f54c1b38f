/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at a live session: threads and what they wait for, as the dry side wants them. And the
 * choice of targets where none is given.
 */
#ifndef CONVOY_CLI_TOP_LOOK_H
#define CONVOY_CLI_TOP_LOOK_H

#include "analysis/live_view.h"
#include "capture/session.h"
#include "cli/pids.h"

struct top_look; /* remembers the names of words */

struct top_look *top_look_new(void);
void top_look_free(struct top_look *look);

/* 0 or an error, printed. */
int top_look_take(struct top_look *look, struct session *session,
		  struct live_snapshot *ret_snapshot);

/*
 * The processes with two threads or more that used most CPU time within a fifth of a second, at
 * most `max`. 0 or an error, printed: there is none.
 */
int top_choose(size_t max, struct pids *ret_pids);

#endif
