/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which library call a thread waits in, and which function of the program made it, by the frames
 * on its stack. Not for what that says of the lock.
 */
#ifndef CONVOY_NAMES_CALLER_H
#define CONVOY_NAMES_CALLER_H

#include "names/stack.h"

/* Sets primitive, caller, caller_above, caller_object and caller_offset as far as known. */
void caller_find(const struct frames *frames, struct place *place);

/* The function of the program or of an extension that runs, as names_native says it. */
char *native_find(const struct frames *frames);

/* Of names like "pthread_mutex_lock", with or without leading underscores: a call that may wait. */
bool is_wait_call(const char *function);
/* Any call of the same families. */
bool is_library_call(const char *function);
/* Those that call the program's main function or a thread's first one. */
bool is_start_call(const char *function);
/* Functions that only pass a wait on, of a runtime library or its inlined parts. */
bool is_runtime_function(const char *function);
/* Those at the bottom, which say nothing of what is waited for. */
bool is_plain_wait(const char *function);

#endif
