/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits on a word and who wakes: of a lock the same threads do both, of a queue they do not.
 * Not for the verdict, which is a rule's.
 */
#ifndef CONVOY_MODEL_ROLES_H
#define CONVOY_MODEL_ROLES_H

#include "model/words.h"

/* Fills waits, waiters, both and the last waker of every word; reads the slices once. */
int roles_collect(struct words *words);

#endif
