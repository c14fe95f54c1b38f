/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up what an observation under way does not need: it reads names, files and memory of others
 * from then on. Not for the user a command runs as (run_as.h).
 */
#ifndef CONVOY_CAPTURE_PRIVILEGE_H
#define CONVOY_CAPTURE_PRIVILEGE_H

/*
 * Call it once the probes are attached and the command, if there is one, is born: afterwards this
 * process keeps the capabilities to read targets and BPF maps, to signal the command and to write
 * files for the user, and can gain none by an exec. For good. 0, or negative errno.
 */
int privilege_drop(void);

#endif
