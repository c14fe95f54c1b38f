/* SPDX-License-Identifier: GPL-2.0-only */
/* The process numbers a person gives: read and checked, so that every mistake gets its own words.
 */
#ifndef CONVOY_CLI_PIDS_H
#define CONVOY_CLI_PIDS_H

#include <stddef.h>
#include <sys/types.h>

#include "cli/args.h"

struct pids {
	pid_t *items; /* owned */
	size_t count;
	uid_t first_uid; /* the user of the first one */
};

/*
 * Reads the words as numbers of live processes that can be observed, each once. 0 or an error,
 * printed: not a number, no such process, ended, a thread, a kernel thread, convoy itself.
 */
int pids_read(const struct text_list *words, struct pids *ret_pids);
void pids_release(struct pids *pids);

#endif
