/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a report in JSON looks like, as a JSON Schema: one row a key, in tables. A key that is not
 * there is not in any report; tests hold reports to it. Not for the CSV files: stream/schema.h has
 * their columns, and the rows of a report borrow them.
 */
#ifndef CONVOY_OUTPUT_JSON_SCHEMA_H
#define CONVOY_OUTPUT_JSON_SCHEMA_H

#include <stdbool.h>
#include <stdio.h>

#include "stream/schema.h"

enum json_shape {
	JSON_SHAPE_TEXT,
	JSON_SHAPE_COUNT, /* an integer, not negative */
	JSON_SHAPE_MEASURED, /* the same, or null where it was not measured */
	JSON_SHAPE_SIGNED, /* an integer */
	JSON_SHAPE_REAL, /* a number, or null where it was not measured */
	JSON_SHAPE_BOOL,
	JSON_SHAPE_TEXTS, /* a list of texts */
	JSON_SHAPE_NAMED, /* an object of measured integers with names of their own */
	JSON_SHAPE_OBJECT, /* of `fields` */
	JSON_SHAPE_LIST, /* of objects of `fields` */
	JSON_SHAPE_ROWS, /* of objects named as the columns of `columns`, and of `fields` if any */
};

struct json_field {
	const char *name; /* NULL ends a table */
	enum json_shape shape;
	const char *help;
	const struct json_field *fields;
	const struct schema_file *columns;
	bool may_be_null;
	bool may_be_missing;
};

/* Objects that stand for a whole document. */
struct json_kind {
	const char *name; /* NULL ends the list */
	const char *help;
	const struct json_field *fields;
};

extern const struct json_kind json_kinds[];

/* Prints the JSON Schema (draft 2020-12) of all documents. 0 or negative errno of the write. */
int json_schema_print(FILE *file);

#endif
