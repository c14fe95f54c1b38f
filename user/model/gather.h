/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words that say which thread waits and not what it waits for: each thread of a JVM waits on words
 * of its own, for every monitor and every lock. Those of a process that are used alike become one
 * word. Not for the words of one lock (model/words.c).
 */
#ifndef CONVOY_MODEL_GATHER_H
#define CONVOY_MODEL_GATHER_H

#include "model/words.h"

/* Changes the word of the uses that are gathered, and adds the words for them. Uses of which no
 * call was seen, such as wakes, follow the waits on their word. */
void words_gather(struct words *words);

#endif
