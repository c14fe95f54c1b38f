/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command held just before its exec: forked, dropped to its user, its descriptors closed, waiting
 * on a pipe. So the probes can be told its pid before its first instruction, and it inherits
 * nothing of convoy's.
 */
#ifndef CONVOY_CAPTURE_SPAWN_H
#define CONVOY_CAPTURE_SPAWN_H

#include <sys/types.h>

#include "capture/session.h"

struct spawn {
	pid_t pid; /* 0: none */
	int pidfd; /* -1: none; readable when the command is dead */
	int release_fd; /* writing here lets it exec */
	int error_fd; /* errno of a failed exec comes here; end of file: exec succeeded */
};

/*
 * Forks. The child gets 0, 1, 2 from stdio (-1: as they are), every other descriptor closed, signal
 * mask and dispositions as convoy found them (spawn_remember_signals), user, groups, HOME, USER,
 * LOGNAME and SHELL of `as`, no capabilities if that is not root. 0 or negative errno, printed.
 */
int spawn_hold(struct spawn *spawn, char *const argv[], const struct run_as *as,
	       const int stdio[3]);
/* Lets the child exec argv; waits for the outcome. 0, or the negative errno of the exec (not
 * printed; the child is reaped). */
int spawn_release(struct spawn *spawn);
/* Reaps if dead: the status as a shell shows it (128 + n for a signal), else -1. */
int spawn_reap(struct spawn *spawn);
/* Kills a child that was never released and closes everything. A released one lives on. */
void spawn_close(struct spawn *spawn);
/* Call first in main: what the command must find as convoy found it. */
void spawn_remember_signals(void);

#endif
