/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading CSV, strictly: whatever the schema does not allow is an error with file and line. */
#include "stream/csv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/escape.h"
#include "base/mem.h"

#define BUFFER_BYTES (CSV_ROW_MAX + 64 * 1024)

/* What the cells of a column may be, looked up once. */
struct kind {
	enum schema_type type;
	bool is_word;
	int64_t min;
	uint64_t max;
};

struct csv_reader {
	gzFile file;
	char *name;
	const struct schema_file *schema;
	size_t column_count;
	char *buffer; /* BUFFER_BYTES */
	size_t begin; /* of what is not yet read */
	size_t end;
	bool is_at_end; /* of the file */
	uint64_t line; /* where the row last read begins */
	uint64_t next_line;
	struct kind kinds[SCHEMA_COLUMNS_MAX];
	struct csv_cell cells[SCHEMA_COLUMNS_MAX];
	char *raw[SCHEMA_COLUMNS_MAX]; /* cells of the row as text */
};

int csv_reader_fail(const struct csv_reader *reader, struct trace_error *ret_error,
		    const char *format, ...)
{
	char what[320];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(ret_error->text, sizeof(ret_error->text), "%.150s:%" PRIu64 ": %s", reader->name,
		 reader->line, what);
	return -EINVAL;
}

/* Moves what is left to the front and reads more behind it. */
static int reader_fill(struct csv_reader *reader, struct trace_error *ret_error)
{
	size_t left = reader->end - reader->begin;
	int got, code;

	memmove(reader->buffer, reader->buffer + reader->begin, left);
	reader->begin = 0;
	reader->end = left;
	got = gzread(reader->file, reader->buffer + left, (unsigned int)(BUFFER_BYTES - left));
	if (got < 0) {
		const char *why = gzerror(reader->file, &code);
		const char *colon = strstr(why, ": "); /* before it: a name zlib gave the file */

		csv_reader_fail(reader, ret_error, "cannot read: %s", colon ? colon + 2 : why);
		return -EIO;
	}
	if (got == 0) {
		gzerror(reader->file, &code);
		if (code == Z_BUF_ERROR) /* a gzip stream without its end */
			return csv_reader_fail(reader, ret_error, "the compressed file is cut off");
		reader->is_at_end = true;
	}
	reader->end += (size_t)got;
	return 0;
}

static const char *find_byte(const char *begin, const char *end, char byte)
{
	const char *found = memchr(begin, byte, (size_t)(end - begin));

	return found ? found : end;
}

/* Behind the quote that closes, counting lines; at the end where there is none. */
static const char *skip_quoted(struct csv_reader *reader, const char *here, const char *end,
			       bool *is_quoted)
{
	const char *quote = find_byte(here, end, '"');

	while ((here = find_byte(here, quote, '\n')) < quote) {
		reader->next_line++;
		here++;
	}
	*is_quoted = quote == end;
	return quote == end ? end : quote + 1;
}

/* Goes on from *at to the line feed that ends the row, or to the end of what there is. Most rows
 * have no quotes: two looks at each are enough. */
static void row_scan(struct csv_reader *reader, size_t *at, bool *is_quoted)
{
	const char *row = reader->buffer + reader->begin, *end = reader->buffer + reader->end;
	const char *here = row + *at, *feed = here;

	while (here < end) {
		const char *quote;

		if (*is_quoted) {
			here = skip_quoted(reader, here, end, is_quoted);
			continue;
		}
		if (feed <= here)
			feed = find_byte(here, end, '\n');
		quote = find_byte(here, feed, '"');
		if (quote == feed) {
			here = feed;
			break;
		}
		here = quote + 1;
		*is_quoted = true;
	}
	*at = (size_t)(here - row);
}

/*
 * Length of the row at `begin` without its line feed, which is in the buffer; -ENODATA at the end
 * of the file.
 */
static ssize_t row_find(struct csv_reader *reader, struct trace_error *ret_error)
{
	size_t at = 0;
	bool is_quoted = false;

	for (;;) {
		int err;

		row_scan(reader, &at, &is_quoted);
		if (at < reader->end - reader->begin)
			return (ssize_t)at;
		if (at >= CSV_ROW_MAX)
			return csv_reader_fail(reader, ret_error, "row longer than %d bytes",
					       CSV_ROW_MAX);
		if (reader->is_at_end)
			break;
		err = reader_fill(reader, ret_error);
		if (err)
			return err;
	}
	if (is_quoted)
		return csv_reader_fail(reader, ret_error, "a quote is not closed");
	if (at)
		return csv_reader_fail(reader, ret_error, "the file ends within a row");
	return -ENODATA;
}

/* Ends the cell at `cell` with a 0 and returns its separator, or the end of the row; NULL: quotes
 * where none may be. */
static char *cell_split(char *cell, char *row_end, char **ret_text)
{
	char *out = cell, *in = cell;

	*ret_text = cell;
	if (*cell != '"') {
		while (in < row_end && *in != ',') {
			if (*in++ == '"')
				return NULL;
		}
		return in;
	}
	for (in++; in < row_end; in++) {
		if (*in == '"' && *++in != '"')
			break;
		*out++ = *in;
	}
	if (in < row_end && *in != ',')
		return NULL;
	*out = '\0';
	return in;
}

/* Cuts a row into its cells, in place. */
static int row_split(struct csv_reader *reader, char *row, size_t length,
		     struct trace_error *ret_error)
{
	char *end = row + length, *cell = row;
	size_t count = 0;

	if (memchr(row, '\0', length))
		return csv_reader_fail(reader, ret_error, "there is a 0 byte");
	*end = '\0';
	for (;; count++) {
		char *cell_end, *text;

		cell_end = cell_split(cell, end, &text);
		if (!cell_end)
			return csv_reader_fail(reader, ret_error, "a quote in the wrong place");
		if (count < reader->column_count)
			reader->raw[count] = text;
		if (cell_end == end)
			break;
		*cell_end = '\0';
		cell = cell_end + 1;
	}
	count++;
	if (count != reader->column_count)
		return csv_reader_fail(reader, ret_error, "%zu cells, expected %zu", count,
				       reader->column_count);
	return 0;
}

/* Reads the next row into reader->raw. 1, 0 at the end, or an error. */
static int row_next(struct csv_reader *reader, struct trace_error *ret_error)
{
	ssize_t found;
	size_t length;
	char *row;
	int err;

	reader->line = reader->next_line;
	found = row_find(reader, ret_error);
	if (found == -ENODATA)
		return 0;
	if (found < 0)
		return (int)found;
	length = (size_t)found;
	row = reader->buffer + reader->begin;
	reader->begin += length + 1;
	reader->next_line++;
	if (length && row[length - 1] == '\r')
		length--;
	err = row_split(reader, row, length, ret_error);
	return err ? err : 1;
}

/* So many digits always fit. */
#define SAFE_DIGITS 19

static bool parse_u64(const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;
	unsigned int digit;

	for (int i = 0; i < SAFE_DIGITS && (digit = (unsigned int)(*text - '0')) <= 9; i++) {
		number = number * 10 + digit;
		text++;
		if (*text)
			continue;
		*ret_number = number;
		return true;
	}
	do {
		digit = (unsigned int)(*text++ - '0');
		if (digit > 9 || __builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	} while (*text);
	*ret_number = number;
	return true;
}

static bool parse_address(const char *text, uint64_t *ret_number)
{
	size_t length = strlen(text);
	char *end;

	/* strtoull alone would take blanks, signs and a second 0x. */
	if (length < 3 || length > 18 || strncmp(text, "0x", 2) ||
	    strspn(text + 2, "0123456789abcdef") != length - 2)
		return false;
	*ret_number = strtoull(text + 2, &end, 16);
	return true;
}

static bool parse_number(const struct kind *kind, const char *text, uint64_t *ret_number)
{
	bool is_negative = *text == '-';
	uint64_t number;

	if (kind->type == SCHEMA_ADDRESS)
		return parse_address(text, ret_number) && *ret_number != SCHEMA_EMPTY;
	if (!parse_u64(text + is_negative, &number))
		return false;
	if (is_negative ? kind->min >= 0 || number > -(uint64_t)kind->min : number > kind->max)
		return false;
	if (kind->min > 0 && number < (uint64_t)kind->min)
		return false;
	*ret_number = is_negative ? -number : number;
	return true;
}

/* Checks and converts one cell of the row. */
static int cell_read(struct csv_reader *reader, size_t index, struct trace_error *ret_error)
{
	const struct schema_column *column = &reader->schema->columns[index];
	const struct kind *kind = &reader->kinds[index];
	struct csv_cell *cell = &reader->cells[index];
	char *text = reader->raw[index];
	bool is_good;

	*cell = (struct csv_cell){ .number = SCHEMA_EMPTY, .text = "" };
	if (!*text) {
		if (column->type == SCHEMA_ID)
			cell->number = 0;
		if (!column->may_be_empty)
			return csv_reader_fail(reader, ret_error, "column '%s' is empty",
					       column->name);
		return 0;
	}
	if (column->type == SCHEMA_TEXT) {
		cell->text = text;
		is_good = !unescape_text(text);
	} else if (kind->is_word) {
		int word = schema_word_parse(column->type, text);

		cell->number = (uint64_t)word;
		is_good = word >= 0;
	} else {
		is_good = parse_number(kind, text, &cell->number);
	}
	if (!is_good)
		return csv_reader_fail(reader, ret_error, "column '%s': '%.80s' is not %s",
				       column->name, text, schema_type_name(column->type));
	return 0;
}

int csv_reader_next(struct csv_reader *reader, const struct csv_cell **ret_cells,
		    struct trace_error *ret_error)
{
	int has_row = row_next(reader, ret_error);

	if (has_row <= 0)
		return has_row;
	for (size_t i = 0; i < reader->column_count; i++) {
		int err = cell_read(reader, i, ret_error);

		if (err)
			return err;
	}
	*ret_cells = reader->cells;
	return 1;
}

static int header_check(struct csv_reader *reader, struct trace_error *ret_error)
{
	int has_row = row_next(reader, ret_error);

	if (has_row < 0)
		return has_row;
	if (!has_row)
		return csv_reader_fail(reader, ret_error, "the header is missing");
	for (size_t i = 0; i < reader->column_count; i++) {
		const char *name = reader->schema->columns[i].name;

		if (strcmp(reader->raw[i], name))
			return csv_reader_fail(reader, ret_error,
					       "column %zu is '%.80s', expected '%s'", i + 1,
					       reader->raw[i], name);
	}
	return 0;
}

int csv_reader_rewind(struct csv_reader *reader, struct trace_error *ret_error)
{
	reader->begin = reader->end = 0;
	reader->is_at_end = false;
	reader->line = reader->next_line = 1;
	if (gzrewind(reader->file)) {
		csv_reader_fail(reader, ret_error, "cannot go back to the begin");
		return -EIO;
	}
	return header_check(reader, ret_error);
}

static void csv_reader_freep(struct csv_reader **reader)
{
	csv_reader_free(*reader);
}

struct csv_reader *csv_reader_new(int fd, const char *name, const struct schema_file *schema,
				  struct trace_error *ret_error)
{
	struct csv_reader *reader OWNED(csv_reader_freep) = xcalloc(1, sizeof(*reader));
	struct csv_reader *ready;

	reader->name = xstrdup(name);
	reader->schema = schema;
	reader->column_count = schema_column_count(schema);
	for (size_t i = 0; i < reader->column_count; i++) {
		struct kind *kind = &reader->kinds[i];

		kind->type = schema->columns[i].type;
		kind->is_word = schema_is_word(kind->type);
		schema_bounds(kind->type, &kind->min, &kind->max);
	}
	reader->buffer = xcalloc(1, BUFFER_BYTES);
	reader->line = reader->next_line = 1;
	reader->file = gzdopen(fd, "rb");
	if (!reader->file) {
		close(fd);
		csv_reader_fail(reader, ret_error, "cannot read");
		return NULL;
	}
	gzbuffer(reader->file, 64 * 1024);
	if (header_check(reader, ret_error))
		return NULL;
	ready = reader;
	reader = NULL;
	return ready;
}

void csv_reader_free(struct csv_reader *reader)
{
	if (!reader)
		return;
	if (reader->file)
		gzclose_r(reader->file);
	free(reader->buffer);
	free(reader->name);
	free(reader);
}
