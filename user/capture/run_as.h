/* SPDX-License-Identifier: GPL-2.0-only */
/* Becoming the user that capture/session.h decided on: only for a child about to exec. */
#ifndef CONVOY_CAPTURE_RUN_AS_H
#define CONVOY_CAPTURE_RUN_AS_H

#include "capture/session.h"

/*
 * Takes groups, gid, uid, HOME, USER, LOGNAME and SHELL of `as`, drops every capability unless that
 * is root, and reads all of it back. 0, or negative errno with the process in between: exit then.
 */
int run_as_become(const struct run_as *as);

#endif
