/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a futex word lies: mapping, file, symbol, GIL; found while the process lives, with what
 * /proc and the mapped ELF files say. Everything read from a target is bounded and never trusted;
 * nothing here stops or changes a target.
 */
#ifndef CONVOY_NAMES_NAMES_H
#define CONVOY_NAMES_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "stream/trace.h"

struct names;

struct names *names_new(void);
void names_free(struct names *names);

/* A process generation, if it is not known yet: pid has the address space `proc`; parent_proc is
 * whose map it inherits until its first exec, 0: none. */
void names_add_process(struct names *names, uint32_t proc, pid_t pid, uint32_t parent_proc);

/*
 * Names a word now, by reading /proc/PID/maps and the file mapped there (cached per file). If the
 * process is gone, the parent's map of a fork child that has not exec'ed is used; else the place is
 * PLACE_GONE. Fills *ret_place (strings owned by the caller's trace).
 */
void names_resolve(struct names *names, uint32_t proc, const struct futex_use *use,
		   struct place *ret_place);

/* The top of a waiter's stack, as it was when it began to wait. */
struct wait_stack {
	uint64_t instruction;
	uint64_t pointer;
	const uint8_t *bytes;
	size_t size;
};

/* Sets the primitive and the caller of a place that has been resolved, by the stack of the thread
 * that waits there. Leaves them empty where the stack proves nothing. */
void names_resolve_caller(struct names *names, uint32_t proc, const struct wait_stack *stack,
			  struct place *place);

/* The native function that a thread runs in, by its registers and stack: "work() of native.so", or
 * "native.so+0x1234"; NULL: it interprets bytecode, or it is not known. Owned by the caller. */
char *names_native(struct names *names, uint32_t proc, const struct wait_stack *stack);

/*
 * Which interpreter the process runs, as far as its mapped files say: "CPython 3.11.2" (from
 * Py_Version), "CPython 3.8" or "PyPy 3.9" (from the name of the library or the program), "" for
 * none or not known. Borrowed, valid until the next call for the same process.
 */
const char *names_interpreter(struct names *names, uint32_t proc);

struct jvm;

/* The process as one whose parked Java threads can be asked; false: it is none, or no longer. */
bool names_jvm(struct names *names, uint32_t proc, struct jvm *ret_jvm);

struct py_process;

/* The process as one whose Python frames can be read; false: it is none, or no longer. */
bool names_python(struct names *names, uint32_t proc, struct py_process *ret_python);

/* Whether a GIL with the fields of CPython 3.7 and later is known to begin there. */
bool names_has_gil_struct(struct names *names, uint32_t proc, uint64_t gil_start);

/* The address of the struct of the main interpreter's GIL, once a wait has shown it. */
bool names_gil(struct names *names, uint32_t proc, uint64_t *ret_gil_start);

#endif
