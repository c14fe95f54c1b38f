/* SPDX-License-Identifier: GPL-2.0-only */
/* CSV: what is written comes back; what the schema does not allow is refused with file and line. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "stream/csv.h"

static const struct schema_column columns[] = {
	{ "id", SCHEMA_ID, "", false, true, "" },
	{ "name", SCHEMA_TEXT, "", false, true, "" },
	{ "time_ns", SCHEMA_U64, "ns", false, true, "" },
	{ "pid", SCHEMA_S32, "", false, false, "" },
	{ "address", SCHEMA_ADDRESS, "", false, true, "" },
	{ "state", SCHEMA_STATE, "", false, true, "" },
	{ 0 },
};
static const struct schema_file schema = { "test.csv", "", columns };

#define HEADER "id,name,time_ns,pid,address,state\r\n"

static int temporary_file(const char *content, size_t length, bool is_packed)
{
	char name[] = "/tmp/convoy-test-csv-XXXXXX";
	int fd = mkostemp(name, O_CLOEXEC);

	assert_true(fd >= 0);
	if (is_packed) {
		gzFile file = gzdopen(dup(fd), "wb");

		assert_int_equal(gzwrite(file, content, (unsigned int)length), (int)length);
		gzclose(file);
	} else {
		assert_int_equal(write(fd, content, length), (ssize_t)length);
	}
	unlink(name);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static struct csv_reader *open_text(const char *content, struct trace_error *ret_error)
{
	return csv_reader_new(temporary_file(content, strlen(content), false), "t.csv", &schema,
			      ret_error);
}

/* Reads rows until one fails, and compares the message. */
static void assert_refused(const char *content, const char *message)
{
	struct trace_error error = { "" };
	struct csv_reader *reader = open_text(content, &error);
	const struct csv_cell *cells;
	int has_row = reader ? 1 : -EINVAL;

	while (has_row > 0)
		has_row = csv_reader_next(reader, &cells, &error);
	assert_int_equal(has_row, -EINVAL);
	assert_string_equal(error.text, message);
	csv_reader_free(reader);
}

static void assert_row(struct csv_reader *reader, const uint64_t *numbers, const char *name)
{
	const struct csv_cell *cells;
	struct trace_error error = { "" };

	assert_int_equal(csv_reader_next(reader, &cells, &error), 1);
	for (size_t i = 0; i < 6; i++) {
		if (i != 1)
			assert_true(cells[i].number == numbers[i]);
	}
	assert_string_equal(cells[1].text, name);
}

static const char *const hostile_names[] = {
	"plain",
	"a,b \"quoted\"",
	"=cmd|' /C calc'!A0",
	"\xff\xfe line\r\nfeed \x1b[31m",
	"\\x41",
	"\"",
	",",
	"größe \u202e",
	"-1,@,+",
	"",
};
#define NAME_COUNT (sizeof(hostile_names) / sizeof(hostile_names[0]))

static char *write_rows(size_t *ret_length)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, ret_length);
	struct csv_writer *writer = csv_writer_new(file, &schema);

	for (size_t i = 0; i < NAME_COUNT; i++) {
		csv_number(writer, i);
		csv_text(writer, hostile_names[i]);
		csv_number(writer, i % 2 ? SCHEMA_EMPTY : UINT64_MAX - 1);
		csv_number(writer, (uint64_t)(i % 2 ? INT64_C(-2147483648) : 7));
		csv_number(writer, 0xdeadbeef00 + i);
		csv_number(writer, i % 9);
	}
	assert_int_equal(csv_writer_finish(writer), 0);
	fclose(file);
	return text;
}

static void read_rows(struct csv_reader *reader)
{
	const struct csv_cell *cells;
	struct trace_error error;

	for (size_t i = 0; i < NAME_COUNT; i++) {
		const uint64_t numbers[] = { i,
					     0,
					     i % 2 ? SCHEMA_EMPTY : UINT64_MAX - 1,
					     (uint64_t)(i % 2 ? INT64_C(-2147483648) : 7),
					     0xdeadbeef00 + i,
					     i % 9 };

		assert_row(reader, numbers, hostile_names[i]);
	}
	assert_int_equal(csv_reader_next(reader, &cells, &error), 0);
}

static void test_csv__rows_come_back_plain_and_packed_and_again(void **state)
{
	size_t length;
	char *text = write_rows(&length);

	(void)state;
	for (int is_packed = 0; is_packed < 2; is_packed++) {
		struct trace_error error = { "" };
		struct csv_reader *reader = csv_reader_new(temporary_file(text, length, is_packed),
							   "t.csv", &schema, &error);

		assert_non_null(reader);
		read_rows(reader);
		assert_int_equal(csv_reader_rewind(reader, &error), 0);
		read_rows(reader);
		csv_reader_free(reader);
	}
	free(text);
}

static void test_csv__the_text_is_rfc_4180_and_printable(void **state)
{
	size_t length;
	char *text = write_rows(&length);

	(void)state;
	assert_int_equal(strncmp(text, HEADER, strlen(HEADER)), 0);
	assert_non_null(strstr(text, "1,\"a,b \"\"quoted\"\"\",,-2147483648,0xdeadbeef01,"));
	assert_non_null(strstr(text, "\r\n2,\\x3dcmd|' /C calc'!A0,18446744073709551614,7,"));
	assert_non_null(strstr(text, "\\xff\\xfe line\\x0d\\x0afeed \\x1b[31m"));
	assert_non_null(strstr(text, "\r\n,plain,"));
	for (size_t i = 0; i < length; i++)
		assert_true((unsigned char)text[i] >= 0x20 || text[i] == '\r' || text[i] == '\n');
	free(text);
}

static void test_csv__other_line_ends_and_quotes_are_read(void **state)
{
	struct trace_error error = { "" };
	struct csv_reader *reader;
	const uint64_t one[] = { 1, 0, 2, 3, 4, 0 };
	const uint64_t two[] = { 5, 0, 6, 7, 8, 1 };

	(void)state;
	reader = open_text("\"id\",name,time_ns,pid,address,state\n1,\"a\nb\",2,3,0x4,running\n"
			   "\"5\",\"\",6,7,0x8,\"preempted\"\n",
			   &error);
	assert_non_null(reader);
	assert_row(reader, one, "a\nb");
	assert_row(reader, two, "");
	csv_reader_free(reader);
}

static void test_csv__bad_headers_are_refused(void **state)
{
	(void)state;
	assert_refused("", "t.csv:1: the header is missing");
	assert_refused("id,name\n", "t.csv:1: 2 cells, expected 6");
	assert_refused("id,name,time,pid,address,state\n",
		       "t.csv:1: column 3 is 'time', expected 'time_ns'");
	assert_refused("id,name,\x1b[2J,pid,address,state\n",
		       "t.csv:1: column 3 is '\x1b[2J', expected 'time_ns'");
}

static void test_csv__malformed_rows_are_refused_with_their_line(void **state)
{
	(void)state;
	assert_refused(HEADER "1,a,2,3,0x4,running\r\n1,a,2,3,0x4\r\n",
		       "t.csv:3: 5 cells, expected 6");
	assert_refused(HEADER "1,a,2,3,0x4,running,9\r\n", "t.csv:2: 7 cells, expected 6");
	assert_refused(HEADER "\r\n", "t.csv:2: 1 cells, expected 6");
	assert_refused(HEADER "1,\"a,2,3,0x4,running\r\n", "t.csv:2: a quote is not closed");
	assert_refused(HEADER "1,a\"b\",2,3,0x4,running\r\n",
		       "t.csv:2: a quote in the wrong place");
	assert_refused(HEADER "1,\"a\"b,2,3,0x4,running\r\n",
		       "t.csv:2: a quote in the wrong place");
	assert_refused(HEADER "1,a,2,3,0x4,runn", "t.csv:2: the file ends within a row");
	assert_refused(HEADER "1,\"a\n\n\",2,3,0x4,running\n1,a,x,3,0x4,running\n",
		       "t.csv:5: column 'time_ns': 'x' is not u64");
}

static void test_csv__cells_of_another_type_are_refused(void **state)
{
	static const char *const rows[] = {
		"x,a,2,3,0x4,running",
		"0,a,2,3,0x4,running",
		"-1,a,2,3,0x4,running",
		"4294967296,a,2,3,0x4,running",
		"1,\\x4,2,3,0x4,running",
		"1,\\x00,2,3,0x4,running",
		"1,a,-2,3,0x4,running",
		"1,a,18446744073709551615,3,0x4,running",
		"1,a,+2,3,0x4,running",
		"1,a,99999999999999999999,3,0x4,running",
		"1,a, 2,3,0x4,running",
		"1,a,2.5,3,0x4,running",
		"1,a,2,,0x4,running",
		"1,a,2,2147483648,0x4,running",
		"1,a,2,-,0x4,running",
		"1,a,2,-2147483649,0x4,running",
		"1,a,2,3,4,running",
		"1,a,2,3,0x,running",
		"1,a,2,3,0x-4,running",
		"1,a,2,3,0x11111111111111111,running",
		"1,a,2,3,0x4,walking",
		"1,a,2,3,0x4,Running",
		"1,a,2,3,0xffffffffffffffff,running",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		struct trace_error error = { "" };
		struct csv_reader *reader;
		const struct csv_cell *cells;

		snprintf(text, sizeof(text), HEADER "%s\r\n", rows[i]);
		reader = open_text(text, &error);
		assert_non_null(reader);
		assert_int_equal(csv_reader_next(reader, &cells, &error), -EINVAL);
		assert_int_equal(strncmp(error.text, "t.csv:2: column '", 17), 0);
		csv_reader_free(reader);
	}
}

static void test_csv__a_zero_byte_is_refused(void **state)
{
	static const char text[] = HEADER "1,a\0b,2,3,0x4,running\r\n";
	struct trace_error error = { "" };
	struct csv_reader *reader = csv_reader_new(temporary_file(text, sizeof(text) - 1, false),
						   "t.csv", &schema, &error);
	const struct csv_cell *cells;

	(void)state;
	assert_non_null(reader);
	assert_int_equal(csv_reader_next(reader, &cells, &error), -EINVAL);
	assert_string_equal(error.text, "t.csv:2: there is a 0 byte");
	csv_reader_free(reader);
}

static void test_csv__an_endless_row_is_refused(void **state)
{
	size_t length = 4 * CSV_ROW_MAX;
	char *text = malloc(length);
	struct trace_error error = { "" };
	struct csv_reader *reader;
	const struct csv_cell *cells;

	(void)state;
	memset(text, 'a', length);
	memcpy(text, HEADER, strlen(HEADER));
	reader = csv_reader_new(temporary_file(text, length, true), "t.csv", &schema, &error);
	assert_non_null(reader);
	assert_int_equal(csv_reader_next(reader, &cells, &error), -EINVAL);
	assert_string_equal(error.text, "t.csv:2: row longer than 262144 bytes");
	csv_reader_free(reader);
	free(text);
}

static void test_csv__a_cut_off_gzip_file_is_refused(void **state)
{
	size_t length;
	char *text = write_rows(&length);
	int fd = temporary_file(text, length, true);
	struct trace_error error = { "" };
	struct csv_reader *reader;
	const struct csv_cell *cells;
	int has_row;

	(void)state;
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 4), 0);
	lseek(fd, 0, SEEK_SET);
	reader = csv_reader_new(fd, "t.csv", &schema, &error);
	has_row = reader ? 1 : -EINVAL;
	while (has_row > 0)
		has_row = csv_reader_next(reader, &cells, &error);
	assert_true(has_row < 0);
	assert_int_equal(strncmp(error.text, "t.csv:", 6), 0);
	csv_reader_free(reader);
	free(text);
}

static void test_csv__a_long_name_is_cut(void **state)
{
	char *name = calloc(1, CSV_TEXT_MAX + 100), *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	struct csv_writer *writer = csv_writer_new(file, &schema);
	struct trace_error error;
	struct csv_reader *reader;
	const struct csv_cell *cells;

	(void)state;
	memset(name, '\\', CSV_TEXT_MAX + 99);
	for (int i = 0; i < 20; i++) {
		csv_number(writer, 1);
		csv_text(writer, name);
		for (int column = 2; column < 6; column++)
			csv_number(writer, 1);
	}
	assert_int_equal(csv_writer_finish(writer), 0);
	fclose(file);
	reader = csv_reader_new(temporary_file(text, length, false), "t.csv", &schema, &error);
	assert_non_null(reader);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(csv_reader_next(reader, &cells, &error), 1);
		assert_int_equal(strlen(cells[1].text), CSV_TEXT_MAX);
	}
	csv_reader_free(reader);
	free(text);
	free(name);
}

static void test_csv__a_full_disk_is_an_error(void **state)
{
	FILE *file = fopen("/dev/full", "w");
	struct csv_writer *writer = csv_writer_new(file, &schema_parallel);

	(void)state;
	for (uint64_t i = 0; i < 100000; i++) {
		csv_text(writer, "phase");
		csv_number(writer, i);
		csv_number(writer, i);
	}
	assert_int_equal(csv_writer_finish(writer), -ENOSPC);
	fclose(file);
}

static void test_csv__every_file_of_the_schema_is_printed_and_fits(void **state)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	(void)state;
	schema_print(file);
	fclose(file);
	for (const struct schema_file *const *table = schema_files; *table; table++) {
		assert_non_null(strstr(text, (*table)->name));
		assert_true(schema_column_count(*table) <= SCHEMA_COLUMNS_MAX);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csv__rows_come_back_plain_and_packed_and_again),
		cmocka_unit_test(test_csv__the_text_is_rfc_4180_and_printable),
		cmocka_unit_test(test_csv__other_line_ends_and_quotes_are_read),
		cmocka_unit_test(test_csv__bad_headers_are_refused),
		cmocka_unit_test(test_csv__malformed_rows_are_refused_with_their_line),
		cmocka_unit_test(test_csv__cells_of_another_type_are_refused),
		cmocka_unit_test(test_csv__a_zero_byte_is_refused),
		cmocka_unit_test(test_csv__an_endless_row_is_refused),
		cmocka_unit_test(test_csv__a_cut_off_gzip_file_is_refused),
		cmocka_unit_test(test_csv__a_long_name_is_cut),
		cmocka_unit_test(test_csv__a_full_disk_is_an_error),
		cmocka_unit_test(test_csv__every_file_of_the_schema_is_printed_and_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
