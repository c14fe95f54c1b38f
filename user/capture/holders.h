/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whose lock it is: from what the kernel side read of a lock's memory (a CPython thread state, a
 * thread id) to the number of a thread. Asked while the process lives; an answer that cannot be
 * checked is 0.
 */
#ifndef CONVOY_CAPTURE_HOLDERS_H
#define CONVOY_CAPTURE_HOLDERS_H

#include <stdint.h>

#include "record.h"

struct holders;

struct holders *holders_new(void);
void holders_free(struct holders *holders);

/* A thread came, got its thread pointer, or changed its program. */
void holders_add(struct holders *holders, const struct life_record *life);
/* A thread was found waiting since before it was watched: who has the lock is read now. */
void holders_found_wait(struct holders *holders, const struct life_record *life);
/* Number of the thread that had the lock when the turn's wait began; 0: not known. */
uint32_t holders_find(struct holders *holders, const struct cycle_record *turn);
/* The id of a thread by its number, 0: not known. */
int32_t holders_tid(struct holders *holders, uint32_t thread);

#endif
