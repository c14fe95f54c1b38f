/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Births, execs, deaths and waits as the kernel tells them: words are named while their
 * process lives, allowed CPUs are followed. Not for totals.
 */
#ifndef CONVOY_CAPTURE_LIVES_H
#define CONVOY_CAPTURE_LIVES_H

#include <stdbool.h>
#include <stddef.h>

#include "stream/trace.h"

struct holders;
struct lives;

/*
 * gil_map: descriptor of the map by which the kernel side is told of words of a GIL; the flag that
 * there are any is set in *ret_has_gil. holders: learns of threads. All borrowed.
 */
struct lives *lives_new(struct holders *holders, int gil_map, volatile bool *ret_has_gil);
void lives_free(struct lives *lives);
/* One record of the small ring, as it is. */
void lives_take(struct lives *lives, const void *data, size_t bytes);
/* Call it every now and then: looks at what the records cannot tell, the names of threads. */
void lives_look(struct lives *lives);
/* There is something to look at that will not last. */
bool lives_wants_look(const struct lives *lives);
/* Gives the trace places, usable CPUs and the interpreter. Its window is set. */
void lives_hand_over(struct lives *lives, struct trace *trace);

#endif
