/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where an interpreter's GIL lies, told by the shape of its struct in memory: no version table, no
 * debug symbols. CPython 3.7 and later keep the same struct; older ones and PyPy are told by
 * symbols and object names. Not for holders or Python frames.
 */
#ifndef CONVOY_NAMES_CPYTHON_H
#define CONVOY_NAMES_CPYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "names/elf_symbols.h"
#include "record.h"
#include "stream/trace.h"

#define GILS_MAX 256 /* per process: one per interpreter */

enum gil_layout {
	GIL_LAYOUT_CPYTHON, /* the struct of 3.7 and later */
	GIL_LAYOUT_PYPY, /* the two words of a condition and the mutex behind them */
	GIL_LAYOUT_SEMAPHORE, /* one semaphore (2.7) */
};

struct gil {
	uint64_t start; /* of the struct, or of the first word */
	uint32_t interpreter; /* 0: the main one */
	uint8_t layout; /* enum gil_layout */
};

/* Of one address space. */
struct gils {
	struct gil *list;
	size_t count;
};

/* What is known of a futex word besides its address. */
struct gil_query {
	pid_t pid; /* whose memory may be read, 0: none */
	const struct futex_use *use;
	bool is_in_runtime; /* inside _PyRuntime */
	bool is_in_file; /* in the data of a mapped file: the main interpreter's */
	bool is_in_pypy; /* in writable data of a PyPy library */
};

/* The GIL whose word this is, and which part; found by what is known already, then by shape.
 * NULL: none. Borrowed until the next call. */
const struct gil *gils_find(struct gils *gils, const struct gil_query *query,
			    enum gil_part *ret_part);
#define GIL_WAIT_WORDS 5

/* The words of a CPython GIL by which threads wait for it, wherever its C library keeps them. */
void gil_wait_words(uint64_t gil_start, uint64_t ret_words[GIL_WAIT_WORDS]);
/* The part of a word in _PyRuntime whose struct could not be recognised: by the call alone. */
enum gil_part gil_part_of_call(const struct futex_use *use);
/* One more; NULL if there are too many. */
const struct gil *gils_add(struct gils *gils, struct gil gil);
/* What a forked child begins with. */
void gils_copy(struct gils *to, const struct gils *from);
void gils_release(struct gils *gils);

/* "CPython 3.11.2" by Py_Version, or by the base name of the library or program; NULL: neither.
 * Owned by the caller. file may be NULL. */
char *cpython_version(struct elf_file *file, const char *base_name);

/* What CPython 3.13 and later say of themselves at the start of _PyRuntime; a table of offsets is
 * behind it (names/pylayout.h). */
struct debug_offsets {
	char cookie[8];
	uint64_t version; /* as Py_Version */
	uint64_t is_free_threaded; /* built so that it can do without a GIL */
};

/* False: older, or not readable. */
bool cpython_debug_offsets(pid_t pid, uint64_t runtime, struct debug_offsets *ret_offsets);

/* Whether the base name is that of an interpreter or its library. */
bool is_interpreter_name(const char *base_name);
bool is_pypy_name(const char *base_name);
/* 3.2 to 3.6: the GIL is a few variables of the file. */
bool is_cpython36_name(const char *base_name);
/* The parts of the GIL of 3.6, which are variables of their own; GIL_NOT for other symbols. */
enum gil_part cpython36_part(const char *symbol);

#endif
