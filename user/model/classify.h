/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Turns the futex words of a live trace into locks: which words belong together, of which kind and
 * state, under which name, by which rule. The ordered rules are those of ARCHITECTURE.md, "Which
 * lock is it?".
 */
#ifndef CONVOY_MODEL_CLASSIFY_H
#define CONVOY_MODEL_CLASSIFY_H

#include "stream/trace.h"

/*
 * Reads uses, use_rows, places and (once, for wakers) slices, whose .lock is a use number; fills
 * locks, wait_totals, uses[].lock and threads[].futex_class_ns. Totals come from use_rows, so they
 * survive lost slices. 0 or negative errno.
 */
int classify(struct trace *trace);

#endif
