/* SPDX-License-Identifier: GPL-2.0-only */
/* The thread states and frames of a CPython that says itself where its fields lie: forged in this
 * process's own memory behind the tables of real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "names/pyframe.h"
#include "py_tables.h"

#define MEMORY_BYTES 65536
#define POINTER 0x7f0012345000ULL /* of the thread */
#define OWNED_BY_INTERPRETER 3 /* a frame of no function */
#define BORROWED 1 /* tag of a reference */

/* Where the fields lie in the structs, by the headers of each version. */
struct fields {
	const char *interpreter;
	size_t interpreters, next, threads, thread_id, owner, filename;
	size_t more; /* in front of the fields of an object */
	uint64_t plain_text; /* state of a string of ASCII */
};

static const struct fields headers[PY_TABLES] = {
	{ "CPython 3.13.0", 632, 7264, 7344, 152, 70, 112, 0, 0x65 },
	{ "CPython 3.14.10", 808, 7272, 7344, 152, 74, 112, 0, 0x65 },
	{ "CPython 3.15.2", 936, 7264, 7336, 176, 74, 112, 0, 0x65 },
	{ "CPython 3.13.15 (free-threaded)", 632, 7264, 7344, 152, 70, 128, 16, 0x65 },
	{ "CPython 3.14.4 (free-threaded)", 808, 7272, 7344, 152, 78, 128, 16, 0x1902 },
};

static char *memory;
static size_t used;
static char *runtime, *interpreter, *state;
static const struct fields *fields;

static char *take(size_t bytes)
{
	char *piece = memory + used;

	used += (bytes + 15) & ~(size_t)15;
	assert_true(used <= MEMORY_BYTES);
	return piece;
}

static void put(char *object, size_t offset, uint64_t value)
{
	memcpy(object + offset, &value, sizeof(value));
}

static void put_at(char *object, size_t offset, const char *target)
{
	put(object, offset, (uintptr_t)target);
}

static char *new_text(const char *text)
{
	char *string = take(80 + strlen(text));
	size_t more = fields->more;

	put(string, more + 16, strlen(text));
	put(string, more + 32, fields->plain_text);
	memcpy(string + more + 40, text, strlen(text));
	return string;
}

/* A frame inside of the one given; file NULL: of no function. */
static char *new_frame(char *back, const char *file, const char *function)
{
	char *frame = take(128);
	char *code = take(160);

	put_at(frame, 8, back);
	put_at(state, 72, frame);
	put(frame, 0, (uintptr_t)code | BORROWED);
	if (!file) {
		frame[fields->owner] = OWNED_BY_INTERPRETER;
		return frame;
	}
	put_at(code, fields->filename, new_text(file));
	put_at(code, fields->filename + 8, new_text(function));
	put_at(code, fields->filename + 16, new_text(function));
	return frame;
}

/* A thread that counts, in an interpreter behind another one. */
static void forge(size_t version)
{
	char *other, *frame;

	memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	used = 0;
	fields = &headers[version];
	runtime = take(1024);
	other = take(8192);
	interpreter = take(8192);
	state = take(512);
	memcpy(runtime, py_tables[version].words, sizeof(py_tables[version].words));
	put_at(runtime, fields->interpreters, other);
	put_at(other, fields->next, interpreter);
	put_at(interpreter, fields->threads, state);
	put_at(state, 16, interpreter);
	put(state, fields->thread_id, POINTER);
	frame = new_frame(NULL, NULL, NULL);
	frame = new_frame(frame, "/usr/lib/python3.14/threading.py", "_bootstrap");
	frame = new_frame(frame, "/usr/lib/python3.14/threading.py", "_bootstrap_inner");
	frame = new_frame(new_frame(frame, NULL, NULL), "/usr/lib/python3.14/threading.py", "run");
	new_frame(frame, "/srv/app.py", "count_down");
}

static void drop(void)
{
	munmap(memory, MEMORY_BYTES);
}

static bool is_known(const char *name)
{
	struct py_process process;

	return py_process_init(&process, getpid(), (uintptr_t)runtime, name);
}

static void test_pylayout__a_version_is_read_where_it_says(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < PY_TABLES; i++) {
		struct py_process process;
		char *name = NULL;

		forge(i);
		assert_true(py_process_init(&process, getpid(), (uintptr_t)runtime,
					    py_tables[i].interpreter));
		assert_int_equal(py_entry_read(&process, POINTER, &name), PY_ENTRY_FOUND);
		assert_string_equal(name, "count_down");
		free(name);
		name = py_waiter_read(&process, POINTER);
		assert_string_equal(name, "count_down() of app.py");
		free(name);
		drop();
	}
}

/* A release may have more in front of an interpreter's list of threads. */
static void test_pylayout__a_later_release_may_have_moved_the_fields(void **unused)
{
	struct py_process process;
	char *name = NULL;

	(void)unused;
	forge(1);
	put_at(interpreter, fields->threads, NULL);
	put_at(interpreter, fields->threads + 64, state);
	put(runtime, 9 * sizeof(uint64_t), fields->threads + 64);
	put(runtime, sizeof(uint64_t), 0x030e0bf0);
	assert_true(py_process_init(&process, getpid(), (uintptr_t)runtime, "CPython 3.14.11"));
	assert_int_equal(py_entry_read(&process, POINTER, &name), PY_ENTRY_FOUND);
	assert_string_equal(name, "count_down");
	free(name);
	drop();
}

/* One more or one less anywhere before the last number that is used, and nothing is believed. */
static void test_pylayout__a_table_of_another_order_is_not_believed(void **unused)
{
	static const size_t last_used[PY_TABLES] = { 70, 80, 92, 70, 80 };

	(void)unused;
	for (size_t i = 0; i < PY_TABLES; i++) {
		uint64_t *table;

		forge(i);
		table = (uint64_t *)runtime;
		for (size_t at = 6; at < last_used[i]; at++) {
			size_t rest = (PY_TABLE_WORDS - at - 1) * sizeof(*table);

			memmove(table + at + 1, table + at, rest);
			assert_false(is_known(py_tables[i].interpreter));
			memmove(table + at, table + at + 1, rest);
			assert_true(is_known(py_tables[i].interpreter));
			memmove(table + at, table + at + 1, rest);
			assert_false(is_known(py_tables[i].interpreter));
			memcpy(table, py_tables[i].words, sizeof(py_tables[i].words));
		}
		drop();
	}
}

static void test_pylayout__offsets_have_bounds(void **unused)
{
	static const uint64_t wild[] = { 7, 4096 * 1024, UINT64_MAX, UINT64_MAX - 7 };
	/* Of 3.14: those used, one after the other. */
	static const size_t used_words[] = { 5,	 8,  9,	 24, 25, 26, 27, 32,
					     33, 36, 40, 41, 42, 78, 79, 80 };

	(void)unused;
	forge(1);
	for (size_t i = 0; i < sizeof(used_words) / sizeof(used_words[0]); i++) {
		for (size_t j = 0; j < sizeof(wild) / sizeof(wild[0]); j++) {
			if (used_words[i] == 36 && wild[j] == 7)
				continue; /* the owner is a byte */
			put(runtime, used_words[i] * sizeof(uint64_t), wild[j]);
			assert_false(is_known("CPython 3.14.10"));
		}
		memcpy(runtime, py_tables[1].words, sizeof(py_tables[1].words));
	}
	assert_true(is_known("CPython 3.14.10"));
	drop();
}

static void test_pylayout__what_is_not_known_is_not_read(void **unused)
{
	(void)unused;
	forge(2);
	assert_true(is_known("CPython 3.15.2"));
	assert_false(is_known("CPython 3.16.0"));
	assert_false(is_known("CPython 3.14.10")); /* it says that it is 3.15 */
	put(runtime, sizeof(uint64_t), 0x031000f0);
	assert_false(is_known("CPython 3.15.2"));
	assert_false(is_known("CPython 3.16.0"));
	put(runtime, sizeof(uint64_t), 0x030f02f0);
	put(runtime, 2 * sizeof(uint64_t), 1); /* free-threaded, but with objects as of a GIL */
	assert_false(is_known("CPython 3.15.2"));
	put(runtime, 2 * sizeof(uint64_t), 0);
	runtime[0] = 'X';
	assert_false(is_known("CPython 3.15.2"));
	drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pylayout__a_version_is_read_where_it_says),
		cmocka_unit_test(test_pylayout__a_later_release_may_have_moved_the_fields),
		cmocka_unit_test(test_pylayout__a_table_of_another_order_is_not_believed),
		cmocka_unit_test(test_pylayout__offsets_have_bounds),
		cmocka_unit_test(test_pylayout__what_is_not_known_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
