/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The function that a thread of CPython was started for, and the one in which it waits, read from
 * its frames while it lives. The places of the fields are known per version (3.7 to 3.15,
 * pylayout.h) and must prove right by what is found there. Not for what a running thread does.
 */
#ifndef CONVOY_NAMES_PYFRAME_H
#define CONVOY_NAMES_PYFRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "names/pylayout.h"

/* A process whose frames can be read. */
struct py_process {
	pid_t pid;
	uint64_t runtime; /* address of _PyRuntime */
	struct py_layout layout;
};

enum py_entry {
	PY_ENTRY_FOUND,
	PY_ENTRY_NOT_YET, /* no frame so far, or it was changing: ask again */
	PY_ENTRY_NONE, /* there is nothing to ask for */
};

/* interpreter: as names_interpreter says it. False: not a version whose frames are known. */
bool py_process_init(struct py_process *process, pid_t pid, uint64_t runtime,
		     const char *interpreter);
/* thread_pointer: of the thread, its pthread_t. *ret_name is written and owned by the caller only
 * if it is found. */
enum py_entry py_entry_read(const struct py_process *process, uint64_t thread_pointer,
			    char **ret_name);
/* The innermost function outside of Python's own library, of a thread that waits: "f() of x.py", or
 * "x.py"; NULL: not known. Owned by the caller. */
char *py_waiter_read(const struct py_process *process, uint64_t thread_pointer);

#endif
