/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What waiting in a library call means, by the name of the call and of the function that made it:
 * the one table of names. Not for waits whose call is not known.
 */
#ifndef CONVOY_MODEL_CALLS_H
#define CONVOY_MODEL_CALLS_H

#include <stdbool.h>

#include "stream/trace.h"

enum wait_call {
	CALL_NOT_KNOWN,
	CALL_MUTEX,
	CALL_RWLOCK,
	CALL_BARRIER,
	CALL_ONCE,
	CALL_CONDITION,
	CALL_SEMAPHORE,
	CALL_SEMAPHORE_LOCK, /* a lock whose waiters sleep on semaphores of their own */
	CALL_JOIN,
	CALL_GIL, /* CPython's, where its place does not show it */
	CALL_GIL_HAND_OVER,
	CALL_JAVA_MONITOR,
	CALL_JAVA_PARK, /* java.util.concurrent: a lock or a condition */
	CALL_JAVA_PARK_LOCK, /* a lock, as the looks at the thread say */
	CALL_JAVA_PARK_IDLE, /* for work or news, likewise */
	CALL_JAVA_WAIT, /* Object.wait() */
	CALL_JAVA_SLEEP, /* Thread.sleep() */
	CALL_JAVA_INTERNAL, /* the JVM's own threads, and Java's while they serve it */
	CALL_OPENMP_IDLE, /* a worker between parallel regions */
};

/* Of a place that may have no primitive. */
enum wait_call wait_call_of(const struct place *place);
/* Whether a function of the Java virtual machine made the call. */
bool is_call_of_jvm(const struct place *place);
/*
 * Whether each thread waits so on a word of its own, whatever it waits for: the word names the
 * thread, and all that wait so in a process are one group.
 */
bool is_call_by_thread(enum wait_call call);

#endif
