/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From 3.13 on _PyRuntime begins with a table of offsets, _Py_DebugOffsets. The offsets change from
 * one release of a version to the next, the order of the table only between versions. What is read
 * of it comes from a target: every offset is held against what it must be, or may be at most.
 */
#include "names/pylayout.h"

#include <string.h>

#include "names/addrspace.h"
#include "names/cpython.h"

#define TABLE_WORDS 96
#define STRUCT_MAX 65536 /* what is read of _PyRuntime and of an interpreter lies below */
#define STRING_HEAD_MAX 64

static const struct {
	unsigned int minor;
	struct py_layout layout;
} measured[] = {
	{ 7, { 24, 0, 8, 176, 24, -1, 32, 24, 0, 96, 104, 0, 48, 0, PY_PLAIN } },
	{ 8, { 32, 0, 8, 176, 24, -1, 32, 24, 0, 104, 112, 0, 48, 0, PY_PLAIN } },
	{ 9, { 32, 0, 8, 176, 24, -1, 32, 24, 0, 104, 112, 0, 48, 0, PY_PLAIN } },
	{ 10, { 32, 0, 8, 176, 24, -1, 32, 24, 0, 104, 112, 0, 48, 0, PY_PLAIN } },
	{ 11, { 40, 0, 16, 152, 56, 8, 32, 48, 0, 112, 120, 128, 48, 0, PY_PLAIN } },
	{ 12, { 40, 0, 72, 136, 56, 0, 0, 8, 70, 112, 120, 128, 40, 0, PY_PLAIN } },
};

/* Where in the table, counted in words, a version says where a field lies. */
struct places {
	unsigned int minor;
	uint8_t threads; /* behind the next interpreter */
	uint8_t next_state; /* interpreter and newest frame behind it */
	uint8_t thread_id;
	uint8_t back; /* the code behind it */
	uint8_t owner;
	uint8_t filename; /* name and qualified name behind it */
	uint8_t text_state; /* length of a string and start of its text behind it */
};

#define RUNTIME_SIZE 3
#define INTERPRETERS 5
#define INTERPRETER_SIZE 6

static const struct places tables[] = {
	{ 13, 9, 21, 24, 29, 33, 35, 68 },
	{ 14, 9, 24, 27, 32, 36, 40, 78 },
	{ 15, 9, 24, 30, 40, 44, 48, 90 },
};

/* A pointer at this place of a struct, of which so many bytes are read or there. */
static bool has_room(uint64_t offset, uint64_t bytes)
{
	return offset % sizeof(uint64_t) == 0 && offset < STRUCT_MAX &&
	       offset + sizeof(uint64_t) <= bytes;
}

/* A table of another order would have other numbers where these must be. */
static bool is_in_order(const struct places *at, const uint64_t *table, uint64_t more)
{
	return table[at->next_state] == PY_NEXT_STATE &&
	       table[at->next_state + 1] == PY_STATE_INTERPRETER &&
	       table[at->text_state] == PY_TEXT_STATE + more &&
	       table[at->text_state + 1] == PY_TEXT_LENGTH + more &&
	       has_room(table[INTERPRETERS], table[RUNTIME_SIZE]) &&
	       has_room(table[at->threads - 1], table[INTERPRETER_SIZE]) &&
	       has_room(table[at->threads], table[INTERPRETER_SIZE]) &&
	       has_room(table[at->next_state + 2], PY_STATE_BYTES) &&
	       has_room(table[at->thread_id], PY_STATE_BYTES) &&
	       has_room(table[at->back], PY_FRAME_BYTES) &&
	       has_room(table[at->back + 1], PY_FRAME_BYTES) && table[at->owner] > 0 &&
	       table[at->owner] < PY_FRAME_BYTES && has_room(table[at->filename], STRUCT_MAX) &&
	       has_room(table[at->filename + 2], STRUCT_MAX) &&
	       table[at->filename + 1] == table[at->filename] + sizeof(uint64_t) &&
	       table[at->filename + 2] == table[at->filename + 1] + sizeof(uint64_t) &&
	       table[at->text_state + 2] > PY_TEXT_STATE + more &&
	       has_room(table[at->text_state + 2], STRING_HEAD_MAX);
}

static bool read_table(pid_t pid, uint64_t runtime, uint64_t table[TABLE_WORDS])
{
	char *bytes = (char *)table;
	size_t size = TABLE_WORDS * sizeof(table[0]);

	for (size_t done = 0; done < size; done += TARGET_READ_MAX) {
		size_t piece = size - done < TARGET_READ_MAX ? size - done : TARGET_READ_MAX;

		if (!target_read(pid, runtime + done, bytes + done, piece))
			return false;
	}
	return true;
}

static bool ask(pid_t pid, uint64_t runtime, const struct places *at, struct py_layout *ret_layout)
{
	uint64_t table[TABLE_WORDS];
	struct debug_offsets head;
	uint64_t more;

	if (!cpython_debug_offsets(pid, runtime, &head) ||
	    head.version >> 16 != 0x0300U + at->minor || !read_table(pid, runtime, table))
		return false;
	more = head.is_free_threaded ? PY_FREE_MORE : 0;
	if (!is_in_order(at, table, more))
		return false;
	*ret_layout = (struct py_layout){
		.interpreters = table[INTERPRETERS],
		.next_interpreter = table[at->threads - 1],
		.threads = table[at->threads],
		.thread_id = table[at->thread_id],
		.frame = table[at->next_state + 2],
		.frame_in_cframe = -1,
		.code = table[at->back + 1],
		.back = table[at->back],
		.owner = table[at->owner],
		.filename = table[at->filename],
		.name = table[at->filename + 1],
		.qualified_name = table[at->filename + 2],
		.text = table[at->text_state + 2],
		.object_more = (uint16_t)more,
		.plain_text = more && at->minor >= 14 ? PY_FREE_PLAIN : PY_PLAIN,
	};
	return true;
}

bool py_layout_find(pid_t pid, uint64_t runtime, unsigned int minor, struct py_layout *ret_layout)
{
	for (size_t i = 0; i < sizeof(measured) / sizeof(measured[0]); i++) {
		if (measured[i].minor != minor)
			continue;
		*ret_layout = measured[i].layout;
		return true;
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].minor == minor)
			return ask(pid, runtime, &tables[i], ret_layout);
	return false;
}
