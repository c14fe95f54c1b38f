/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What parked threads of JVMs wait for, asked again and again: a thread parks on the same word for
 * a lock now and for work then, and the looks tell how often for which. Not for what that means.
 */
#ifndef CONVOY_CAPTURE_PARKED_H
#define CONVOY_CAPTURE_PARKED_H

#include "stream/trace.h"

struct names;
struct parked;

/* names: borrowed. */
struct parked *parked_new(struct names *names);
void parked_free(struct parked *parked);
/* The place with this index is one of a thread that has begun to wait. Does nothing if that is not
 * to park. */
void parked_take(struct parked *parked, const struct life_record *life, struct place *places,
		 size_t place);
/* Looks at the threads, and adds to their places; call it every now and then: it does not do so
 * each time. */
void parked_look(struct parked *parked, struct place *places);

#endif
