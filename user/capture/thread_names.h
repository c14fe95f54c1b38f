/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Better names for threads than the kernel has: the Python function each was started for, asked for
 * until it can be read or the thread is given up; else "thread 2 of server", numbered by birth
 * within its process, where the thread is called as its process is. Not for the main thread of a
 * process.
 */
#ifndef CONVOY_CAPTURE_THREAD_NAMES_H
#define CONVOY_CAPTURE_THREAD_NAMES_H

#include <stdbool.h>

#include "stream/trace.h"

struct names;
struct thread_names;

/* names: borrowed. */
struct thread_names *thread_names_new(struct names *names);
void thread_names_free(struct thread_names *threads);
/* A life event of any kind. */
void thread_names_take(struct thread_names *threads, const struct life_record *life);
/* Looks at threads without a name; call it every now and then: it does not do so each time. */
void thread_names_look(struct thread_names *threads);
/* A thread may have a name that was not found yet. */
bool thread_names_are_wanted(const struct thread_names *threads);
/* Gives the trace's threads their names. */
void thread_names_hand_over(struct thread_names *threads, struct trace *trace);

#endif
