/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the ring of turns to slices: each turn becomes up to three, each futex use gets a number.
 * Not for totals.
 */
#ifndef CONVOY_CAPTURE_TURNS_H
#define CONVOY_CAPTURE_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "stream/slice_store.h"
#include "stream/trace.h"

struct holders;
struct looks;
struct turns;

/* max_bytes: of slices, 0: no limit; holders: borrowed. */
struct turns *turns_new(uint64_t max_bytes, struct holders *holders);
/* Who is told of waits that ended in vain; borrowed. */
void turns_look(struct turns *turns, struct looks *looks);
void turns_free(struct turns *turns);

/* Takes one record of the ring, which holds one turn or a few; bad ones are counted. 0, or the
 * error of the slice store.
 */
int turns_take(struct turns *turns, const void *data, size_t bytes);

/* Number, from 1, of a use of a process; made if need be. */
uint32_t turns_use(struct turns *turns, uint32_t proc, const struct futex_use *use);

uint64_t turns_taken(const struct turns *turns); /* slices stored */
uint64_t turns_bad(const struct turns *turns); /* records of a wrong size or content */
bool turns_is_truncated(
	const struct turns *turns); /* the limit was reached: later slices are gone */

/* Appends the uses to the trace and gives it the sorted slices (borrowed: they live as long as
 * turns). */
void turns_hand_over(struct turns *turns, struct trace *trace);
/* After classify: slices carry lock numbers from now on. */
void turns_use_locks(struct turns *turns, const struct trace *trace);

#endif
