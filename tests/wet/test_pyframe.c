/* SPDX-License-Identifier: GPL-2.0-only */
/* The function a thread was started for, from a forged CPython 3.8 in this process's own memory. */
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

#define PAGE_BYTES 65536
#define POINTER 0x7f0012345000ULL /* of the thread */
#define PLAIN_TEXT 0xe4 /* interned, one byte a character, compact, ASCII */

static char *memory;
static size_t used;
static char *runtime, *interpreter, *state;

static char *take(size_t bytes)
{
	char *piece = memory + used;

	used += (bytes + 15) & ~(size_t)15;
	assert_true(used <= PAGE_BYTES);
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
	char *string = take(64 + strlen(text));

	put(string, 16, strlen(text));
	put(string, 32, PLAIN_TEXT);
	memcpy(string + 48, text, strlen(text));
	return string;
}

/* A frame inside of the one given. */
static char *new_frame(char *back, const char *file, const char *function)
{
	char *frame = take(128);
	char *code = take(160);

	put_at(frame, 24, back);
	put_at(frame, 32, code);
	put_at(code, 104, new_text(file));
	put_at(code, 112, new_text(function));
	put_at(state, 24, frame);
	return frame;
}

static char *new_state(uint64_t pointer)
{
	char *added = take(256);

	put_at(added, 16, interpreter);
	put(added, 176, pointer);
	return added;
}

static int setup(void **unused)
{
	(void)unused;
	memory = mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	used = 0;
	runtime = take(64);
	interpreter = take(64);
	state = new_state(POINTER);
	put_at(runtime, 32, interpreter);
	put_at(interpreter, 8, state);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	munmap(memory, PAGE_BYTES);
	return 0;
}

static char *bootstrap(void)
{
	char *outer = new_frame(NULL, "/usr/lib/python3.8/threading.py", "_bootstrap");

	return new_frame(outer, "/usr/lib/python3.8/threading.py", "_bootstrap_inner");
}

static enum py_entry read_entry(char **ret_name)
{
	struct py_process process;

	*ret_name = NULL;
	assert_true(py_process_init(&process, getpid(), (uintptr_t)runtime, "CPython 3.8"));
	return py_entry_read(&process, POINTER, ret_name);
}

static void check_name(const char *expected)
{
	char *name;

	assert_int_equal(read_entry(&name), PY_ENTRY_FOUND);
	assert_string_equal(name, expected);
	free(name);
}

static void check_none(enum py_entry expected)
{
	char *name;

	assert_int_equal(read_entry(&name), expected);
	assert_null(name);
}

static void test_pyframe__the_function_given_to_a_thread_is_its_name(void **unused)
{
	char *run = new_frame(bootstrap(), "/usr/lib/python3.8/threading.py", "run");
	char *entry = new_frame(run, "/srv/app.py", "count_down");

	(void)unused;
	new_frame(entry, "/srv/app.py", "deeper");
	check_name("count_down");
}

static void test_pyframe__a_class_of_its_own_is_named_by_its_file(void **unused)
{
	char *run = new_frame(bootstrap(), "/srv/server.py", "run");

	(void)unused;
	new_frame(run, "/srv/server.py", "serve");
	check_name("run in server.py");
}

static void check_waiter(const char *expected)
{
	struct py_process process;
	char *name;

	assert_true(py_process_init(&process, getpid(), (uintptr_t)runtime, "CPython 3.8"));
	name = py_waiter_read(&process, POINTER);
	if (expected)
		assert_string_equal(name, expected);
	else
		assert_null(name);
	free(name);
}

static void test_pyframe__who_waits_is_the_first_outside_of_the_library(void **unused)
{
	static const char packages[] = "/usr/lib/python3/dist-packages/pool/lock.py";
	char *frame;

	(void)unused;
	check_waiter(NULL); /* no frame at all */
	frame = new_frame(bootstrap(), "<frozen importlib._bootstrap>", "acquire");
	check_waiter(NULL);
	frame = new_frame(frame, "/srv/app.py", "<module>");
	check_waiter("app.py");
	frame = new_frame(frame, packages, "take");
	check_waiter("take() of lock.py");
	frame = new_frame(frame, "/usr/lib/python3.8/threading.py", "__enter__");
	new_frame(frame, "/usr/lib/python3.8/queue.py", "get");
	check_waiter("take() of lock.py");
}

static void test_pyframe__a_thread_that_has_only_begun_has_no_name_yet(void **unused)
{
	(void)unused;
	check_none(PY_ENTRY_NOT_YET); /* no frame at all */
	new_frame(bootstrap(), "/usr/lib/python3.8/threading.py", "run");
	check_none(PY_ENTRY_NOT_YET);
	put_at(interpreter, 8, NULL); /* no state either */
	check_none(PY_ENTRY_NOT_YET);
}

static void test_pyframe__a_thread_without_an_object_is_not_asked_again(void **unused)
{
	(void)unused;
	new_frame(new_frame(NULL, "/srv/app.py", "_bootstrap"), "/srv/app.py", "work");
	check_none(PY_ENTRY_NONE);
}

static void test_pyframe__states_of_other_threads_are_passed(void **unused)
{
	char *other = new_state(POINTER + 4096);
	char *stranger = new_state(POINTER); /* of another interpreter: a stale one */
	char *run = new_frame(bootstrap(), "/usr/lib/python3.8/threading.py", "run");

	(void)unused;
	new_frame(run, "/srv/app.py", "work");
	put_at(stranger, 16, memory);
	put_at(interpreter, 8, other);
	put_at(other, 8, stranger);
	put_at(stranger, 8, state);
	check_name("work");
}

static void test_pyframe__circles_and_wild_pointers_end(void **unused)
{
	char *run = new_frame(bootstrap(), "/usr/lib/python3.8/threading.py", "run");
	char *entry = new_frame(run, "/srv/app.py", "work");

	(void)unused;
	put_at(run, 24, entry); /* frames in a circle */
	check_none(PY_ENTRY_NOT_YET);
	put(run, 24, UINT64_MAX - 8);
	check_none(PY_ENTRY_NOT_YET);
	put(state, 176, 1);
	put_at(state, 8, state); /* threads in a circle */
	check_none(PY_ENTRY_NOT_YET);
	put_at(interpreter, 0, interpreter); /* interpreters too */
	put_at(interpreter, 8, NULL);
	check_none(PY_ENTRY_NOT_YET);
	put(runtime, 32, 8);
	check_none(PY_ENTRY_NOT_YET);
}

static void test_pyframe__only_plain_text_is_a_name(void **unused)
{
	char *run = new_frame(bootstrap(), "/usr/lib/python3.8/threading.py", "run");
	char *entry = new_frame(run, "/srv/app.py", "work");
	char *code, *name;

	(void)unused;
	memcpy(&code, entry + 32, sizeof(code));
	memcpy(&name, code + 112, sizeof(name));
	name[48] = '\033';
	check_none(PY_ENTRY_NOT_YET);
	name[48] = 'w';
	put(name, 32, 0);
	check_none(PY_ENTRY_NOT_YET);
	put(name, 32, PLAIN_TEXT);
	put(name, 16, UINT64_MAX);
	check_none(PY_ENTRY_NOT_YET);
	put(name, 16, 4);
	check_name("work");
}

static void test_pyframe__only_known_versions_are_read(void **unused)
{
	static const char *const unknown[] = { "", "PyPy 3.9", "CPython 2.7", "CPython 3.6",
					       "CPython 3.14.0" };
	struct py_process process;

	(void)unused;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_false(py_process_init(&process, getpid(), (uintptr_t)runtime, unknown[i]));
	/* 3.13 says of itself where things are, and so does not here. */
	assert_false(py_process_init(&process, getpid(), (uintptr_t)runtime, "CPython 3.13.0"));
	assert_false(py_process_init(&process, getpid(), 0, "CPython 3.8"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pyframe__the_function_given_to_a_thread_is_its_name),
		TEST(test_pyframe__a_class_of_its_own_is_named_by_its_file),
		TEST(test_pyframe__who_waits_is_the_first_outside_of_the_library),
		TEST(test_pyframe__a_thread_that_has_only_begun_has_no_name_yet),
		TEST(test_pyframe__a_thread_without_an_object_is_not_asked_again),
		TEST(test_pyframe__states_of_other_threads_are_passed),
		TEST(test_pyframe__circles_and_wild_pointers_end),
		TEST(test_pyframe__only_plain_text_is_a_name),
		TEST(test_pyframe__only_known_versions_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
