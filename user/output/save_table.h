/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of saving a trace share: a table of the schema on its way into a directory. Not
 * for other rooms. */
#ifndef CONVOY_OUTPUT_SAVE_TABLE_H
#define CONVOY_OUTPUT_SAVE_TABLE_H

#include "stream/csv.h"
#include "stream/trace.h"
#include "stream/trace_dir.h"

struct save_table {
	FILE *file;
	struct csv_writer *writer;
	const struct schema_file *schema;
};

/* 0, or negative errno and the text: nothing is open then. */
int save_table_open(struct trace_dir *dir, const struct schema_file *schema,
		    struct save_table *ret_table, struct trace_error *ret_error);
/* Checks that all was written. */
int save_table_close(struct trace_dir *dir, struct save_table *table,
		     struct trace_error *ret_error);

/* The text for a failure while writing `name`; returns err. */
int save_failed(const char *name, int err, struct trace_error *ret_error);

/* slices.csv and waits.csv. */
int save_slices(struct trace_dir *dir, const struct trace *trace, struct trace_error *ret_error);
/* handoffs.csv, of a trace that has slices and is sound. */
int save_handoffs(struct trace_dir *dir, const struct trace *trace, struct trace_error *ret_error);

#endif
