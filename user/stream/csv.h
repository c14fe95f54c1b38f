/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of the schema as CSV (RFC 4180): a fast writer, and a strict reader that streams plain or
 * gzip files. Not for other CSV: every file has a schema.
 */
#ifndef CONVOY_STREAM_CSV_H
#define CONVOY_STREAM_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "stream/schema.h"
#include "stream/trace_dir.h"

/* Text cells are cut to so many raw bytes: no name is longer for a reason. */
#define CSV_TEXT_MAX 8192
/* A longer row is an error. */
#define CSV_ROW_MAX (256 * 1024)

struct csv_writer;

/* Writes the header. Borrows file and schema. Never NULL. */
struct csv_writer *csv_writer_new(FILE *file, const struct schema_file *schema);
/*
 * Adds the next cell of the row; the row ends by itself after the last column. Numbers by the
 * column's type: signed ones cast to uint64_t; words by their enum. SCHEMA_EMPTY, the id 0 and a
 * word "" are empty cells. It is a programming error to leave a column empty that may not be.
 */
void csv_number(struct csv_writer *writer, uint64_t number);
void csv_text(struct csv_writer *writer, const char *raw);
void csv_empty(struct csv_writer *writer);
/* Flushes to the file and frees. 0, or the negative errno of the first write that failed. */
int csv_writer_finish(struct csv_writer *writer);

struct csv_reader;

/* A cell that was read and found to be of its column's type. */
struct csv_cell {
	uint64_t number; /* as for csv_number; SCHEMA_EMPTY if empty, an empty id 0 */
	const char *text; /* raw bytes, of text columns; valid until the next row */
};

/*
 * Reads from descriptor `fd` (owned from now on; plain or gzip). name: the path for messages,
 * copied. Reads and checks the header. NULL and the text on error.
 */
struct csv_reader *csv_reader_new(int fd, const char *name, const struct schema_file *schema,
				  struct trace_error *ret_error);
void csv_reader_free(struct csv_reader *reader);
/* The next row's cells, one per column: 1, at the end 0, or -EINVAL / -EIO and the text. */
int csv_reader_next(struct csv_reader *reader, const struct csv_cell **ret_cells,
		    struct trace_error *ret_error);
/* Back to the first row. 0 or as above. */
int csv_reader_rewind(struct csv_reader *reader, struct trace_error *ret_error);
/* Writes "name:line: <message>" of the row last read and returns -EINVAL. */
int csv_reader_fail(const struct csv_reader *reader, struct trace_error *ret_error,
		    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
