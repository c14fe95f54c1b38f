/* SPDX-License-Identifier: GPL-2.0-only */
/* The plain fields of meta.json, once for the writer and the reader. Not for other files. */
#ifndef CONVOY_STREAM_META_FIELDS_H
#define CONVOY_STREAM_META_FIELDS_H

#include <stddef.h>

enum meta_type {
	META_STRING, /* char *; "" is null */
	META_STRINGS, /* char **, NULL-terminated */
	META_BOOL,
	META_U32,
	META_S32, /* -1 is null */
	META_U64,
	META_MEASURED, /* 64 bit; TRACE_NOT_MEASURED is null */
	META_S64,
};

struct meta_field {
	const char *key;
	enum meta_type type;
	size_t offset; /* in struct meta */
};

/* Ends with a row whose key is NULL. */
extern const struct meta_field meta_fields[];

/* Key of a loss counter in "loss"; NULL if it has none yet and is not saved. */
const char *meta_loss_name(size_t loss);

#endif
