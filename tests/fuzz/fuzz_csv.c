/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CSV reader. The first byte chooses the table, the rest is its file, plain or gzip. What was
 * read, written and read again is the same; what is refused is refused with a line.
 */
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "stream/csv.h"
#include "world.h"

static void write_row(struct csv_writer *writer, const struct schema_file *schema,
		      const struct csv_cell *cells)
{
	for (size_t i = 0; schema->columns[i].name; i++) {
		if (schema->columns[i].type == SCHEMA_TEXT)
			csv_text(writer, cells[i].text);
		else
			csv_number(writer, cells[i].number);
	}
}

static bool is_same(const struct schema_file *schema, const struct csv_cell *a,
		    const struct csv_cell *b)
{
	for (size_t i = 0; schema->columns[i].name; i++)
		if (schema->columns[i].type == SCHEMA_TEXT
			    ? strncmp(a[i].text, b[i].text, CSV_TEXT_MAX) != 0
			    : a[i].number != b[i].number)
			return false;
	return true;
}

/* Reads all rows, and writes them to `text` if that is not NULL. False: refused. */
static bool copy_rows(struct csv_reader *reader, const struct schema_file *schema, FILE *text)
{
	struct csv_writer *writer = text ? csv_writer_new(text, schema) : NULL;
	struct trace_error error = { "" };
	const struct csv_cell *cells;
	int has_row;

	while ((has_row = csv_reader_next(reader, &cells, &error)) > 0)
		if (writer)
			write_row(writer, schema, cells);
	must(has_row == 0 || strchr(error.text, ':'), "an error names its line");
	if (writer)
		must(csv_writer_finish(writer) == 0, "rows can be written");
	return has_row == 0;
}

static void compare_rows(struct csv_reader *reader, struct csv_reader *again,
			 const struct schema_file *schema)
{
	struct trace_error error = { "" };
	const struct csv_cell *cells, *copies;
	int has_row;

	while ((has_row = csv_reader_next(reader, &cells, &error)) > 0) {
		must(csv_reader_next(again, &copies, &error) == 1, "a copy has the rows");
		must(is_same(schema, cells, copies), "a copy has the cells");
	}
	must(has_row == 0 && csv_reader_next(again, &copies, &error) == 0, "a copy ends too");
}

static void read_twice(struct csv_reader *reader, const struct schema_file *schema)
{
	struct trace_error error = { "" };
	struct csv_reader *again;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	bool is_good = copy_rows(reader, schema, file);

	fclose(file);
	must(csv_reader_rewind(reader, &error) == 0, "the header is as good as before");
	if (is_good) {
		again = csv_reader_new(world_file((const uint8_t *)text, size), "copy", schema,
				       &error);
		must(again != NULL, "a copy has the header");
		compare_rows(reader, again, schema);
		csv_reader_free(again);
	} else {
		must(!copy_rows(reader, schema, NULL), "what was refused stays refused");
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct trace_error error = { "" };
	const struct schema_file *schema;
	struct csv_reader *reader;
	size_t count = 0;

	if (size == 0)
		return 0;
	while (schema_files[count])
		count++;
	schema = schema_files[input[0] % count];
	reader = csv_reader_new(world_file(input + 1, size - 1), "input", schema, &error);
	must(reader || !strncmp(error.text, "input:1: ", 9), "a bad header is told");
	if (reader)
		read_twice(reader, schema);
	csv_reader_free(reader);
	return 0;
}
