/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ctrl-C and its relatives: the first one is a request that a command reads here, the second one
 * ends convoy at once. Not for the signals of the command convoy runs.
 */
#ifndef CONVOY_CLI_SIGNALS_H
#define CONVOY_CLI_SIGNALS_H

#include <stdbool.h>

/* Catches SIGINT, SIGTERM and SIGHUP (if it was not ignored) and ignores SIGPIPE: call after
 * spawn_remember_signals. 0 or negative errno. */
int signals_install(void);

/* Readable once a signal has come, and from then on: for poll. */
int signals_fd(void);

/* The first signal that came, 0: none. */
int signals_first(void);
/* Whether it came from a terminal, which gave it to the whole foreground process group. */
bool signals_first_is_from_terminal(void);

#endif
