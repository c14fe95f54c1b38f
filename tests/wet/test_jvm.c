/* SPDX-License-Identifier: GPL-2.0-only */
/* Parked threads of a JVM made by hand in this program's own memory: right, odd, and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "names/jvm.h"

#define TID 4711

struct row {
	const char *type;
	const char *field;
	const char *type_of_field;
	int32_t is_static;
	uint64_t offset;
	const void *address;
};

struct symbol {
	uint32_t hash;
	uint16_t length;
	char body[200];
};

struct class
{
	uint64_t other;
	struct symbol *name;
};

/* Of java.lang.Thread and of what it is parked for. */
struct object {
	uint64_t mark;
	struct class *class;
	struct object *blocker;
};

struct os_thread {
	uint64_t other;
	uint32_t tid;
};

struct java_thread {
	struct os_thread *os;
	struct object **object;
};

struct thread_list {
	uint32_t tag;
	uint32_t length;
	struct java_thread **threads;
};

static struct symbol name = { .body = "java/util/Queue$1" };
static struct class class = { .name = &name };
static struct object blocker = { .class = &class };
static struct object thread_object = { .blocker = &blocker };
static struct object *handle = &thread_object;
static struct os_thread others_os = { .tid = 1 }, os = { .tid = TID };
static struct java_thread other = { .os = &others_os }, thread = { &os, &handle };
static struct java_thread *threads[] = { NULL, &other, &thread };
static struct thread_list list;
static struct thread_list *list_pointer = &list;
static uint64_t base;
static int32_t shift;
static bool is_short;
static int32_t blocker_offset;
/* Read in pieces: the rest of the last one must be there. */
static struct row rows[32];
static struct row *table = rows;
static size_t row_count;

static void add_row(const char *type, const char *field, const void *address, uint64_t offset)
{
	rows[row_count++] = (struct row){ type, field, "", address != NULL, offset, address };
}

static int setup(void **state)
{
	(void)state;
	memset(rows, 0, sizeof(rows));
	row_count = 0;
	add_row("Other", "_length", NULL, 77);
	add_row("ThreadsSMRSupport", "_java_thread_list", &list_pointer, 0);
	add_row("CompressedKlassPointers", "_narrow_klass._base", &base, 0);
	add_row("CompressedKlassPointers", "_narrow_klass._shift", &shift, 0);
	add_row("CompressedOops", "_narrow_oop._base", &base, 0);
	add_row("CompressedOops", "_narrow_oop._shift", &shift, 0);
	add_row("ThreadsList", "_length", NULL, offsetof(struct thread_list, length));
	add_row("ThreadsList", "_threads", NULL, offsetof(struct thread_list, threads));
	add_row("JavaThread", "_osthread", NULL, offsetof(struct java_thread, os));
	add_row("JavaThread", "_threadObj", NULL, offsetof(struct java_thread, object));
	add_row("OSThread", "_thread_id", NULL, offsetof(struct os_thread, tid));
	add_row("oopDesc", "_metadata._compressed_klass", NULL, offsetof(struct object, class));
	add_row("Klass", "_name", NULL, offsetof(struct class, name));
	add_row("Symbol", "_length", NULL, offsetof(struct symbol, length));
	add_row("Symbol", "_body[0]", NULL, offsetof(struct symbol, body));
	list = (struct thread_list){ .length = 3, .threads = threads };
	name.length = (uint16_t)strlen("java/util/Queue$1");
	memcpy(name.body, "java/util/Queue$1", name.length);
	thread_object.blocker = &blocker;
	blocker_offset = offsetof(struct object, blocker);
	is_short = false;
	return 0;
}

static bool init(struct jvm *jvm)
{
	const struct jvm_symbols symbols = {
		.layout = (uintptr_t)&table,
		.blocker_offset = (uintptr_t)&blocker_offset,
		.has_short_objects = (uintptr_t)&is_short,
		.has_short_classes = (uintptr_t)&is_short,
	};

	return jvm_init(jvm, getpid(), &symbols);
}

static bool ask(pid_t tid, char text[JVM_CLASS_MAX])
{
	uint64_t where = 0;
	struct jvm jvm;

	assert_true(init(&jvm));
	return jvm_blocker(&jvm, tid, &where, text);
}

static void test_jvm__a_parked_thread_has_the_class_of_its_blocker(void **state)
{
	uint64_t where = 0;
	char text[JVM_CLASS_MAX];
	struct jvm jvm;

	(void)state;
	assert_true(init(&jvm));
	assert_true(jvm_blocker(&jvm, TID, &where, text));
	assert_string_equal(text, "java.util.Queue$1");
	/* It is found without the list now; and anew where it was another's. */
	list.length = 0;
	assert_true(jvm_blocker(&jvm, TID, &where, text));
	list.length = 3;
	where = (uintptr_t)&other;
	assert_true(jvm_blocker(&jvm, TID, &where, text));
	assert_int_equal(where, (uintptr_t)&thread);
}

static void test_jvm__nothing_is_said_of_other_threads(void **state)
{
	char text[JVM_CLASS_MAX];

	(void)state;
	assert_false(ask(2, text));
	thread_object.blocker = NULL; /* it is not parked */
	assert_false(ask(TID, text));
}

/* The program is not loaded below 4 GiB, but its distance from there may be told. */
static void test_jvm__short_pointers_are_distances(void **state)
{
	char text[JVM_CLASS_MAX];
	uint64_t there = (uintptr_t)&blocker;
	uint64_t its_class = (uintptr_t) & class;

	(void)state;
	is_short = true;
	base = (there < its_class ? there : its_class) - 8;
	thread_object.blocker = (struct object *)(uintptr_t)(there - base);
	blocker.class = (struct class *)(uintptr_t)(its_class - base);
	assert_true(ask(TID, text));
	assert_string_equal(text, "java.util.Queue$1");
	blocker.class = &class;
}

static void test_jvm__what_makes_no_sense_is_no_name(void **state)
{
	char text[JVM_CLASS_MAX];

	(void)state;
	name.body[4] = '\n';
	assert_false(ask(TID, text));
	name.body[4] = '/';
	assert_true(ask(TID, text));
	name.length = sizeof(name.body);
	assert_false(ask(TID, text));
	name.length = 0;
	assert_false(ask(TID, text));
	thread_object.blocker = (struct object *)16;
	assert_false(ask(TID, text));
	list.length = UINT32_MAX; /* ends all the same */
	assert_false(ask(3, text));
}

static void test_jvm__an_unknown_layout_is_none(void **state)
{
	struct jvm jvm;

	(void)state;
	rows[4].field = "_something_else";
	assert_false(init(&jvm));
	rows[4].field = "_narrow_oop._base";
	assert_true(init(&jvm));
	blocker_offset = 0; /* java.lang.Thread is not loaded yet */
	assert_false(init(&jvm));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup(test_jvm__##name, setup)
		CASE(a_parked_thread_has_the_class_of_its_blocker),
		CASE(nothing_is_said_of_other_threads),
		CASE(short_pointers_are_distances),
		CASE(what_makes_no_sense_is_no_name),
		CASE(an_unknown_layout_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
