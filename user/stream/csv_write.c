/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing CSV: cells are formatted into a large buffer by hand, for millions of rows. */
#include "stream/csv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"

#define BUFFER_BYTES (128 * 1024)
/* Escaped four-fold, quoted, and a separator: what one cell can need. */
#define CELL_MAX (CSV_TEXT_MAX * 4 + 8)

struct csv_writer {
	FILE *file;
	const struct schema_file *schema;
	const struct schema_column *column; /* of the next cell */
	int err;
	size_t used;
	char buffer[BUFFER_BYTES];
};

_Static_assert(CELL_MAX < BUFFER_BYTES, "a cell fits into an empty buffer");

static void writer_flush(struct csv_writer *writer)
{
	errno = 0;
	if (!writer->err && fwrite(writer->buffer, 1, writer->used, writer->file) != writer->used)
		writer->err = errno ? -errno : -EIO;
	writer->used = 0;
}

static void put_bytes(struct csv_writer *writer, const char *bytes, size_t count)
{
	memcpy(writer->buffer + writer->used, bytes, count);
	writer->used += count;
}

static void cell_begin(struct csv_writer *writer)
{
	if (BUFFER_BYTES - writer->used < CELL_MAX)
		writer_flush(writer);
	if (writer->column != writer->schema->columns)
		writer->buffer[writer->used++] = ',';
}

static void cell_end(struct csv_writer *writer)
{
	writer->column++;
	if (writer->column->name)
		return;
	put_bytes(writer, "\r\n", 2);
	writer->column = writer->schema->columns;
}

static void put_u64(struct csv_writer *writer, uint64_t number)
{
	char digits[20], *first = digits + sizeof(digits);

	do {
		*--first = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	put_bytes(writer, first, (size_t)(digits + sizeof(digits) - first));
}

static void put_hex(struct csv_writer *writer, uint64_t number)
{
	char digits[16], *first = digits + sizeof(digits);

	do {
		*--first = "0123456789abcdef"[number & 15];
		number >>= 4;
	} while (number);
	put_bytes(writer, "0x", 2);
	put_bytes(writer, first, (size_t)(digits + sizeof(digits) - first));
}

static void put_number(struct csv_writer *writer, uint64_t number)
{
	int64_t is_signed = (int64_t)number;
	const char *word;

	if (schema_is_word(writer->column->type)) {
		word = schema_word(writer->column->type, number);
		assert(*word || writer->column->may_be_empty);
		put_bytes(writer, word, strlen(word));
	} else if (writer->column->type == SCHEMA_ADDRESS) {
		put_hex(writer, number);
	} else if (writer->column->type == SCHEMA_S32 && is_signed < 0) {
		writer->buffer[writer->used++] = '-';
		put_u64(writer, -number);
	} else {
		put_u64(writer, number);
	}
}

void csv_number(struct csv_writer *writer, uint64_t number)
{
	assert(writer->column->type != SCHEMA_TEXT);
	if (number == SCHEMA_EMPTY || (number == 0 && writer->column->type == SCHEMA_ID)) {
		csv_empty(writer);
		return;
	}
	cell_begin(writer);
	put_number(writer, number);
	cell_end(writer);
}

void csv_empty(struct csv_writer *writer)
{
	assert(writer->column->may_be_empty);
	cell_begin(writer);
	cell_end(writer);
}

static void put_quoted(struct csv_writer *writer, const char *text)
{
	writer->buffer[writer->used++] = '"';
	for (; *text; text++) {
		if (*text == '"')
			writer->buffer[writer->used++] = '"';
		writer->buffer[writer->used++] = *text;
	}
	writer->buffer[writer->used++] = '"';
}

void csv_text(struct csv_writer *writer, const char *raw)
{
	char *cut OWNED(mem_freep) = xstrndup(raw, CSV_TEXT_MAX);
	char *escaped OWNED(mem_freep) = escape_cell(cut);

	assert(writer->column->type == SCHEMA_TEXT);
	assert(*raw || writer->column->may_be_empty);
	cell_begin(writer);
	if (strpbrk(escaped, ",\""))
		put_quoted(writer, escaped);
	else
		put_bytes(writer, escaped, strlen(escaped));
	cell_end(writer);
}

static void put_header(struct csv_writer *writer)
{
	for (size_t i = schema_column_count(writer->schema); i > 0; i--) {
		cell_begin(writer);
		put_bytes(writer, writer->column->name, strlen(writer->column->name));
		cell_end(writer);
	}
}

struct csv_writer *csv_writer_new(FILE *file, const struct schema_file *schema)
{
	struct csv_writer *writer = xcalloc(1, sizeof(*writer));

	writer->file = file;
	writer->schema = schema;
	writer->column = schema->columns;
	put_header(writer);
	return writer;
}

int csv_writer_finish(struct csv_writer *writer)
{
	int err;

	assert(writer->column == writer->schema->columns);
	writer_flush(writer);
	err = writer->err;
	free(writer);
	return err;
}
