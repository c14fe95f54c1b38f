/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From where a thread runs to the native function that is to blame: the instruction's own, but
 * never the C library's, which somebody called, nor the loop that interprets bytecode.
 */
#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "names/caller.h"
#include "names/cpython.h"

static const char *base_of(const struct frame *frame)
{
	const char *slash = strrchr(frame->mapping->name, '/');

	return slash ? slash + 1 : frame->mapping->name;
}

static bool is_passed(const struct frame *frame)
{
	static const char *const objects[] = { "libc.so",    "libc-",	 "libm.so", "libm-",
					       "libpthread", "ld-linux", "[vdso]" };

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (!strncmp(base_of(frame), objects[i], strlen(objects[i])))
			return true;
	return false;
}

/* It called a library function that contains the instruction. */
static bool called_library(const struct frames *frames, size_t at)
{
	const struct frame *frame = &frames->list[at];

	return frame->callee[0] && !frame_is_beside(frame, &frames->list[0]) &&
	       frame_is_in(frames, &frames->list[0], frame->callee);
}

static bool interprets(const struct frame *frame)
{
	return !frame->function[0] || !strncmp(frame->function, "_PyEval_", 8) ||
	       !strncmp(frame->function, "PyEval_", 7);
}

char *native_find(const struct frames *frames)
{
	const struct frame *frame = &frames->list[0];
	size_t at = 0;

	if (frames->count == 0)
		return NULL;
	if (is_passed(frame)) {
		while (++at < frames->count && !called_library(frames, at))
			;
		if (at == frames->count)
			return NULL;
		frame = &frames->list[at];
	}
	if (is_interpreter_name(base_of(frame)) && interprets(frame))
		return NULL;
	if (frame->function[0])
		return xasprintf("%s() of %s", frame->function, base_of(frame));
	return xasprintf("%s+%#" PRIx64, base_of(frame), frame->value);
}
