/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPython that nobody knows yet, inside of a program of another name: this one, which has a
 * _PyRuntime of its own. Real ones are in test_names_python.
 */
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "names/cpython.h"
#include "names/names.h"
#include "names/pyframe.h"
#include "py_tables.h"

#define COND 32
#define SWITCH_COND 120
#define MONOTONIC 36

/* What a program that embeds CPython shows: these two names. */
struct runtime {
	struct debug_offsets offsets;
	uint64_t other[97]; /* whatever comes before the GIL in this version */
	char gil[208];
	uint64_t more[64];
};

extern const unsigned long Py_Version;
extern struct runtime _PyRuntime;
const unsigned long Py_Version = 0x030d01f0;
struct runtime _PyRuntime;

static struct names *names;
static struct trace *trace;

static int setup(void **state)
{
	uint64_t interval_us = 5000, holder = (uintptr_t)&_PyRuntime;
	uint32_t references = 8 | 2;

	(void)state;
	_PyRuntime = (struct runtime){ 0 };
	memcpy(&_PyRuntime, py_tables[0].words, sizeof(py_tables[0].words));
	_PyRuntime.offsets.version = Py_Version;
	memcpy(_PyRuntime.gil, &interval_us, sizeof(interval_us));
	memcpy(_PyRuntime.gil + 8, &holder, sizeof(holder));
	memcpy(_PyRuntime.gil + COND + MONOTONIC, &references, sizeof(references));
	memcpy(_PyRuntime.gil + SWITCH_COND + MONOTONIC, &references, sizeof(references));
	names = names_new();
	trace = trace_new();
	names_add_process(names, 1, getpid(), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	names_free(names);
	trace_free(trace);
	return 0;
}

/* The part of a GIL that a word is, waited for as a condition is. */
static enum gil_part part_of(const void *word, uint8_t flags, uint64_t *ret_group)
{
	struct futex_use use = { .address = (uintptr_t)word,
				 .op = FUTEX_WAIT_BITSET,
				 .flags = flags | USE_PRIVATE };
	struct place *place = trace_add_place(trace);

	names_resolve(names, 1, &use, place);
	assert_string_equal(place->symbol, "_PyRuntime");
	*ret_group = place->group;
	return place->gil;
}

static void test_names_runtime__a_gil_is_found_wherever_the_version_has_it(void **state)
{
	uint64_t gil = (uintptr_t)_PyRuntime.gil, group;
	struct py_process python;

	(void)state;
	assert_int_equal(part_of(_PyRuntime.gil + SWITCH_COND + 44, 0, &group), GIL_HAND_OVER);
	assert_true(group == gil);
	assert_int_equal(part_of(_PyRuntime.gil + COND + 40, USE_TIMED, &group), GIL_WAIT);
	assert_true(group == gil);
	/* So its holder can be read, and the names of its threads. */
	assert_true(names_has_gil_struct(names, 1, gil));
	assert_string_equal(names_interpreter(names, 1), "CPython 3.13.1");
	assert_true(names_python(names, 1, &python));
}

static void test_names_runtime__without_a_shape_the_call_tells_the_part(void **state)
{
	uint64_t start = (uintptr_t)&_PyRuntime, group;

	(void)state;
	memset(_PyRuntime.gil, 0, sizeof(_PyRuntime.gil));
	assert_int_equal(part_of(_PyRuntime.gil + COND + 40, USE_TIMED, &group), GIL_WAIT);
	assert_true(group == start);
	assert_int_equal(part_of(_PyRuntime.gil + SWITCH_COND + 40, 0, &group), GIL_HAND_OVER);
	assert_false(names_has_gil_struct(names, 1, start));
}

static void test_names_runtime__a_free_threaded_one_has_a_gil_only_where_one_is_seen(void **state)
{
	uint64_t gil = (uintptr_t)_PyRuntime.gil, group;
	struct py_process python;

	(void)state;
	_PyRuntime.offsets.is_free_threaded = 1;
	assert_int_equal(part_of(_PyRuntime.more, USE_TIMED, &group), GIL_NOT);
	assert_int_equal(part_of(_PyRuntime.more + 32, 0, &group), GIL_NOT);
	assert_string_equal(names_interpreter(names, 1), "CPython 3.13.1 (free-threaded)");
	assert_false(names_python(names, 1, &python));
	/* PYTHON_GIL=1 turns it on. */
	assert_int_equal(part_of(_PyRuntime.gil + COND + 40, USE_TIMED, &group), GIL_WAIT);
	assert_true(group == gil);
}

static void test_names_runtime__only_what_has_the_cookie_is_believed(void **state)
{
	uint64_t group;

	(void)state;
	_PyRuntime.offsets.is_free_threaded = 1;
	_PyRuntime.offsets.cookie[0] = 'y';
	assert_int_equal(part_of(_PyRuntime.more, USE_TIMED, &group), GIL_WAIT);
	assert_string_equal(names_interpreter(names, 1), "CPython 3.13.1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_names_runtime__a_gil_is_found_wherever_the_version_has_it),
		TEST(test_names_runtime__without_a_shape_the_call_tells_the_part),
		TEST(test_names_runtime__a_free_threaded_one_has_a_gil_only_where_one_is_seen),
		TEST(test_names_runtime__only_what_has_the_cookie_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
