/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a thread pointer to the thread state, down its frames to the outermost ones, to the names of
 * their functions. The target runs on meanwhile and may be hostile: every walk is bounded, every
 * piece is copied once, and a chain that does not end as a thread's does gives no name.
 */
#include "names/pyframe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/cpython.h"

#define INTERPRETERS_MAX 16
#define THREADS_MAX 512
#define FRAMES_MAX 96
#define OUTER_FRAMES 4 /* _bootstrap, _bootstrap_inner, run and the function given to Thread */
#define NAME_MAX_BYTES 120

#define OWNED_BY_C_STACK 3 /* a frame of no function, from 3.12 on */
#define REFERENCE_TAG 7ULL /* bits of a pointer that say who counts it, from 3.14 on */

bool py_process_init(struct py_process *process, pid_t pid, uint64_t runtime,
		     const char *interpreter)
{
	unsigned int minor;

	if (pid <= 0 || runtime == 0 || sscanf(interpreter, "CPython 3.%2u", &minor) != 1)
		return false;
	*process = (struct py_process){ .pid = pid, .runtime = runtime };
	return py_layout_find(pid, runtime, minor, &process->layout);
}

/* 0: not readable. */
static uint64_t read_pointer(const struct py_process *process, uint64_t address)
{
	uint64_t value;

	return target_read(process->pid, address, &value, sizeof(value)) ? value : 0;
}

/* The state, of one interpreter's list, that is of this thread and says so. */
static uint64_t find_state(const struct py_process *process, uint64_t interpreter,
			   uint64_t thread_pointer, int *budget)
{
	uint64_t state = read_pointer(process, interpreter + process->layout.threads);

	while (state && (*budget)-- > 0) {
		uint64_t fields[PY_STATE_BYTES / sizeof(uint64_t)];

		if (!target_read(process->pid, state, fields, sizeof(fields)))
			return 0;
		if (fields[process->layout.thread_id / sizeof(uint64_t)] == thread_pointer &&
		    fields[PY_STATE_INTERPRETER / sizeof(uint64_t)] == interpreter)
			return state;
		state = fields[PY_NEXT_STATE / sizeof(uint64_t)];
	}
	return 0;
}

static uint64_t find_thread(const struct py_process *process, uint64_t thread_pointer)
{
	const struct py_layout *layout = &process->layout;
	uint64_t interpreter = read_pointer(process, process->runtime + layout->interpreters);
	int budget = THREADS_MAX;

	for (int i = 0; interpreter && i < INTERPRETERS_MAX; i++) {
		uint64_t state = find_state(process, interpreter, thread_pointer, &budget);

		if (state)
			return state;
		interpreter = read_pointer(process, interpreter + layout->next_interpreter);
	}
	return 0;
}

static uint64_t newest_frame(const struct py_process *process, uint64_t state)
{
	uint64_t frame = read_pointer(process, state + process->layout.frame);

	if (frame && process->layout.frame_in_cframe >= 0)
		frame = read_pointer(process, frame + (uint64_t)process->layout.frame_in_cframe);
	return frame;
}

/* Code objects of all frames, the newest first; how many, 0: not readable now. */
static size_t read_frames(const struct py_process *process, uint64_t state,
			  uint64_t codes[FRAMES_MAX])
{
	const struct py_layout *layout = &process->layout;
	uint64_t frame = newest_frame(process, state);
	size_t count = 0;

	for (int i = 0; frame; i++) {
		uint8_t bytes[PY_FRAME_BYTES];
		uint64_t back;

		if (i == FRAMES_MAX || !target_read(process->pid, frame, bytes, sizeof(bytes)))
			return 0;
		memcpy(&codes[count], bytes + layout->code, sizeof(codes[0]));
		codes[count] &= ~REFERENCE_TAG;
		memcpy(&back, bytes + layout->back, sizeof(back));
		count += !layout->owner || bytes[layout->owner] < OWNED_BY_C_STACK;
		frame = back;
	}
	return count;
}

/* Code objects of the outermost frames, the outermost first; how many, 0: not readable now. */
static size_t read_outer(const struct py_process *process, uint64_t state,
			 uint64_t ret_code[OUTER_FRAMES])
{
	uint64_t codes[FRAMES_MAX];
	size_t count = read_frames(process, state, codes);
	size_t outer;

	outer = count < OUTER_FRAMES ? count : OUTER_FRAMES;
	for (size_t i = 0; i < outer; i++)
		ret_code[i] = codes[count - 1 - i];
	return outer;
}

/* A plain text, or "": nothing that can be shown. */
static void read_text(const struct py_process *process, uint64_t field,
		      char ret_text[NAME_MAX_BYTES + 1])
{
	uint64_t string = read_pointer(process, field);
	uint64_t head[PY_TEXT_STATE / sizeof(uint64_t) + 1];
	uint64_t length, plain;
	uint64_t skip = 0;

	ret_text[0] = '\0';
	if (!string ||
	    !target_read(process->pid, string + process->layout.object_more, head, sizeof(head)))
		return;
	length = head[PY_TEXT_LENGTH / sizeof(uint64_t)];
	plain = process->layout.plain_text;
	if ((head[PY_TEXT_STATE / sizeof(uint64_t)] & plain) != plain || length > INT32_MAX)
		return;
	/* Of a long path the end counts. */
	if (length > NAME_MAX_BYTES)
		skip = length - NAME_MAX_BYTES;
	if (!target_read(process->pid, string + process->layout.text + skip, ret_text,
			 length - skip))
		length = skip;
	ret_text[length - skip] = '\0';
	for (const char *c = ret_text; *c; c++)
		if (*c < ' ' || *c > '~')
			ret_text[0] = '\0';
}

static bool has_name(const struct py_process *process, uint64_t code, const char *name)
{
	char text[NAME_MAX_BYTES + 1];

	read_text(process, code + process->layout.name, text);
	return !strcmp(text, name);
}

/* Base name of the file that the function is written in. */
static char *file_of(const struct py_process *process, uint64_t code)
{
	char text[NAME_MAX_BYTES + 1];
	const char *slash;

	read_text(process, code + process->layout.filename, text);
	slash = strrchr(text, '/');
	return xstrdup(slash ? slash + 1 : text);
}

static bool is_in_threading(const struct py_process *process, uint64_t code)
{
	char *file OWNED(mem_freep) = file_of(process, code);

	return !strcmp(file, "threading.py");
}

static char *name_of(const struct py_process *process, uint64_t code, uint16_t field)
{
	char text[NAME_MAX_BYTES + 1];

	read_text(process, code + field, text);
	return *text ? xstrdup(text) : NULL;
}

/* A class of the program's own with a method run: "Worker.run", or "run in server.py". */
static char *name_of_run(const struct py_process *process, uint64_t code)
{
	char *file OWNED(mem_freep) = NULL;

	if (process->layout.qualified_name)
		return name_of(process, code, process->layout.qualified_name);
	file = file_of(process, code);
	return xasprintf("run in %s", file);
}

enum py_entry py_entry_read(const struct py_process *process, uint64_t thread_pointer,
			    char **ret_name)
{
	uint64_t state = find_thread(process, thread_pointer);
	uint64_t code[OUTER_FRAMES];
	size_t count = state ? read_outer(process, state, code) : 0;
	char *name = NULL;

	if (count == 0)
		return PY_ENTRY_NOT_YET;
	if (!has_name(process, code[0], "_bootstrap") || !is_in_threading(process, code[0]))
		return PY_ENTRY_NONE;
	if (count < 3 || !has_name(process, code[2], "run"))
		return PY_ENTRY_NOT_YET;
	if (!is_in_threading(process, code[2]))
		name = name_of_run(process, code[2]);
	else if (count == OUTER_FRAMES)
		name = name_of(process, code[3], process->layout.name);
	if (!name)
		return PY_ENTRY_NOT_YET;
	*ret_name = name;
	return PY_ENTRY_FOUND;
}

/* In the library that comes with Python, but not what was installed beside it. */
static bool is_in_library(const struct py_process *process, uint64_t code)
{
	char path[NAME_MAX_BYTES + 1];

	read_text(process, code + process->layout.filename, path);
	return !*path || path[0] == '<' ||
	       (strstr(path, "/lib/python") && !strstr(path, "-packages/"));
}

char *py_waiter_read(const struct py_process *process, uint64_t thread_pointer)
{
	const struct py_layout *layout = &process->layout;
	uint64_t state = find_thread(process, thread_pointer);
	uint64_t codes[FRAMES_MAX];
	size_t count = state ? read_frames(process, state, codes) : 0;

	for (size_t i = 0; i < count; i++) {
		char *name OWNED(mem_freep) = NULL, *file OWNED(mem_freep) = NULL;

		if (is_in_library(process, codes[i]))
			continue;
		name = name_of(process, codes[i],
			       layout->qualified_name ? layout->qualified_name : layout->name);
		file = file_of(process, codes[i]);
		if (!name)
			return NULL;
		return name[0] == '<' ? xstrdup(file) : xasprintf("%s() of %s", name, file);
	}
	return NULL;
}
