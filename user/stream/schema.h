/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every CSV file of a trace and every column of it, once: the writer's header, the reader's check
 * and the printed schema come from this table. Not for meta.json, which has its own.
 */
#ifndef CONVOY_STREAM_SCHEMA_H
#define CONVOY_STREAM_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define SCHEMA_COLUMNS_MAX 32
#define SCHEMA_EMPTY UINT64_MAX /* the number of an empty cell; = TRACE_NOT_MEASURED */

enum schema_type {
	SCHEMA_U64, /* decimal */
	SCHEMA_U32,
	SCHEMA_S32,
	SCHEMA_CPU,
	SCHEMA_SYSCALL, /* number of the system call, 0 to 32767 */
	SCHEMA_ID, /* of a thread or lock, from 1 */
	SCHEMA_ADDRESS, /* 0x and hexadecimal digits */
	SCHEMA_TEXT, /* escaped, see base/escape.h */
	SCHEMA_STATE, /* the rest are words of a list */
	SCHEMA_LOCK_KIND,
	SCHEMA_LOCK_STATE,
	SCHEMA_FUTEX_OP,
	SCHEMA_RESULT,
	SCHEMA_MARK,
};

struct schema_column {
	const char *name;
	enum schema_type type;
	const char *unit; /* "ns" or "" */
	bool is_derived; /* computed from other columns or files; else raw: observed */
	bool may_be_empty;
	const char *help;
};

struct schema_file {
	const char *name; /* "threads.csv" */
	const char *help;
	const struct schema_column *columns; /* ends with a row whose name is NULL */
};

extern const struct schema_file schema_threads;
extern const struct schema_file schema_locks;
extern const struct schema_file schema_slices;
extern const struct schema_file schema_waits;
extern const struct schema_file schema_handoffs;
extern const struct schema_file schema_edges;
extern const struct schema_file schema_parallel;

/* All of them; ends with NULL. */
extern const struct schema_file *const schema_files[];

size_t schema_column_count(const struct schema_file *file);
const char *schema_type_name(enum schema_type type);
/* Of a type that is a list of words: the word of a value ("" : none), and back (-1: not one). */
bool schema_is_word(enum schema_type type);
const char *schema_word(enum schema_type type, uint64_t value);
int schema_word_parse(enum schema_type type, const char *word);
/* Bounds of a number, signed types as int64_t. Not for words and text. */
void schema_bounds(enum schema_type type, int64_t *ret_min, uint64_t *ret_max);

/* The whole table for a person. */
void schema_print(FILE *file);

#endif
