/* SPDX-License-Identifier: GPL-2.0-only */
/* Perfetto traces: the bytes of fields as the wire format tells them, and the little that is
 * shown of odd traces. What a whole trace says is compared with its files end to end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array_source.h"
#include "base/mem.h"
#include "output/output.h"
#include "output/protobuf.h"

static void assert_bytes(const struct proto *proto, const char *bytes, size_t length)
{
	assert_int_equal(proto->length, length);
	assert_memory_equal(proto->bytes, bytes, length);
}

static void test_perfetto__numbers_are_varints(void **state)
{
	struct proto proto OWNED(proto_release) = { 0 };

	(void)state;
	proto_number(&proto, 1, 0);
	proto_number(&proto, 1, 127);
	proto_number(&proto, 15, 300);
	proto_number(&proto, 16, UINT64_MAX);
	assert_bytes(&proto,
		     "\x08\x00\x08\x7f\x78\xac\x02"
		     "\x80\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		     7 + 12);
}

static void test_perfetto__other_fields_have_their_bytes(void **state)
{
	struct proto proto OWNED(proto_release) = { 0 };

	(void)state;
	proto_fixed64(&proto, 1, 0x0102030405060708);
	proto_string(&proto, 2, "ab");
	proto_string(&proto, 2, "");
	assert_bytes(&proto,
		     "\x09\x08\x07\x06\x05\x04\x03\x02\x01\x12\x02"
		     "ab\x12\x00",
		     9 + 4 + 2);
}

/* The length of a message is known when it is closed; it may take more than one byte. */
static void test_perfetto__messages_have_their_length_before_them(void **state)
{
	struct proto proto OWNED(proto_release) = { 0 };
	char text[201] = "";
	size_t outer, inner;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	outer = proto_open(&proto, 1);
	proto_close(&proto, proto_open(&proto, 2));
	inner = proto_open(&proto, 3);
	proto_string(&proto, 4, text);
	proto_close(&proto, inner);
	proto_number(&proto, 5, 6);
	proto_close(&proto, outer);
	assert_int_equal(proto.length, 3 + 2 + 3 + 3 + 200 + 2);
	assert_memory_equal(proto.bytes, "\x0a\xd2\x01\x12\x00\x1a\xcb\x01\x22\xc8\x01xx", 13);
	assert_memory_equal(proto.bytes + proto.length - 3, "x\x28\x06", 3);
	proto_clear(&proto);
	assert_int_equal(proto.length, 0);
}

static char *print(struct example *example, size_t *ret_length)
{
	const struct output_options options = { 0 };
	const struct report *report = example_report(example, 0, 0);
	char *bytes = NULL;
	FILE *file = open_memstream(&bytes, ret_length);

	assert_non_null(file);
	assert_int_equal(output_find("perfetto")->render_report(report, &options, file), 0);
	fclose(file);
	return bytes;
}

static size_t count_text(const char *bytes, size_t length, const char *text)
{
	size_t count = 0;
	const char *found = bytes;

	while ((found = memmem(found, length - (size_t)(found - bytes), text, strlen(text)))) {
		count++;
		found += strlen(text);
	}
	return count;
}

static void add_phase(struct trace *trace, const char *name, uint64_t begin_ns, uint64_t end_ns)
{
	struct phase *phase = trace_add_phase(trace);

	trace_set_string(&phase->name, name);
	phase->begin_ns = begin_ns;
	phase->end_ns = end_ns;
}

/* Slices of a track may not cross: phases that do have tracks of their own. */
static void test_perfetto__phases_that_cross_are_on_tracks_of_their_own(void **state)
{
	struct example *example = example_new(1000, 2000, 1);
	char *bytes OWNED(mem_freep) = NULL;
	size_t length;

	(void)state;
	example_slice(example, example_thread(example), STATE_RUNNING, 1000, 2000);
	add_phase(example->trace, "first", 1000, 1500);
	add_phase(example->trace, "second", 1500, 1800);
	add_phase(example->trace, "crossing", 1700, 2000);
	bytes = print(example, &length);
	assert_int_equal(count_text(bytes, length, "phases"), 2);
	assert_int_equal(count_text(bytes, length, "second"), 1);
	example_free(example);
}

/* A name is given once to each thread that uses it, however often it does. */
static void test_perfetto__names_are_given_once_a_thread(void **state)
{
	struct example *example = example_new(0, 3000, 2);
	uint32_t one, two, lock;
	char *bytes OWNED(mem_freep) = NULL;
	size_t length;

	(void)state;
	one = example_thread(example);
	two = example_thread(example);
	lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "table_lock");
	example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "idle_lock");
	for (uint64_t at = 0; at < 3000; at += 1000) {
		example_slice(example, one, STATE_RUNNING, at, at + 500);
		example_wait(example, one, lock, at + 500, at + 1000);
	}
	example_slice(example, two, STATE_RUNNING, 0, 3000);
	bytes = print(example, &length);
	assert_int_equal(count_text(bytes, length, "table_lock"), 2); /* and its counter */
	assert_int_equal(count_text(bytes, length, "idle_lock"), 0);
	assert_int_equal(count_text(bytes, length, "\x12\x07running"), 2);
	example_free(example);
}

/* However many locks there are before it, and whatever the number of the call: its name has the
 * number 1 (field 29 of the names, "\xea\x01"), and each use of it is seven bytes. */
static void test_perfetto__strings_of_a_thread_have_small_numbers(void **state)
{
	struct example *example = example_new(0, 3000, 1);
	uint32_t thread = example_thread(example), lock = 0;
	char *bytes OWNED(mem_freep) = NULL;
	size_t length;

	(void)state;
	for (int i = 0; i < 300; i++)
		lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_CONDITION, "queue_ready");
	for (uint64_t at = 0; at < 3000; at += 1000) {
		example_slice(example, thread, STATE_RUNNING, at, at + 500);
		example_wait(example, thread, lock, at + 500, at + 1000);
	}
	bytes = print(example, &length);
	assert_int_equal(count_text(bytes, length, "\x22\x05\x08\x01\x88\x01\x01"), 3);
	example_free(example);
}

static void add_named(struct example *example, int32_t tid, const char *comm)
{
	uint32_t number = example_thread(example);
	struct thread *thread = &example->trace->threads[number - 1];

	thread->pid = 71;
	thread->tid = tid;
	snprintf(thread->comm, sizeof(thread->comm), "%s", comm);
	example_slice(example, number, STATE_RUNNING, 0, 1000);
}

/* Whichever thread comes first; field 6 of a process is its name. */
static void test_perfetto__a_process_is_called_as_its_main_thread(void **state)
{
	struct example *example = example_new(0, 1000, 2);
	char *bytes OWNED(mem_freep) = NULL;
	size_t length;

	(void)state;
	add_named(example, 72, "helper");
	add_named(example, 71, "leader");
	add_named(example, 73, "other");
	bytes = print(example, &length);
	assert_int_equal(count_text(bytes, length, "\x32\x06leader"), 1);
	assert_int_equal(count_text(bytes, length, "\x32\x06helper"), 0);
	example_free(example);
}

static void test_perfetto__there_is_none_without_slices(void **state)
{
	const struct output_options options = { 0 };
	struct trace *trace = trace_new();
	const struct report report = { .trace = trace };

	(void)state;
	assert_int_equal(output_find("perfetto")->render_report(&report, &options, stderr),
			 -ENODATA);
	trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_perfetto__numbers_are_varints),
		cmocka_unit_test(test_perfetto__other_fields_have_their_bytes),
		cmocka_unit_test(test_perfetto__messages_have_their_length_before_them),
		cmocka_unit_test(test_perfetto__phases_that_cross_are_on_tracks_of_their_own),
		cmocka_unit_test(test_perfetto__names_are_given_once_a_thread),
		cmocka_unit_test(test_perfetto__strings_of_a_thread_have_small_numbers),
		cmocka_unit_test(test_perfetto__a_process_is_called_as_its_main_thread),
		cmocka_unit_test(test_perfetto__there_is_none_without_slices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
