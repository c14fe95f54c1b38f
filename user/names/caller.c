/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the instruction that waits to the program's own function. The way out of the C library is
 * the first frame that provably called into what lies below it; further up, frames of runtime
 * libraries are passed as long as each is seen to be called by the next.
 */
#include "names/caller.h"

#include <string.h>

#include "base/mem.h"
#include "names/demangle.h"

#define CLIMB_MAX 12
#define NO_FRAME SIZE_MAX

/* A library call whose function contains the instruction or a return address below the frame. */
static bool calls_below(const struct frames *frames, size_t at)
{
	const struct frame *frame = &frames->list[at];

	if (!frame->callee[0] || is_start_call(frame->callee))
		return false;
	for (size_t i = 0; i < at; i++)
		if (!frame_is_beside(frame, &frames->list[i]) &&
		    frame_is_in(frames, &frames->list[i], frame->callee))
			return true;
	return false;
}

/* syscall() has no frame of its own, so the first word is where it returns to. */
static bool is_bare_syscall(const struct frames *frames)
{
	return frames->count > 1 && !strcmp(frames->list[0].function, "syscall") &&
	       frames->list[1].depth == sizeof(uint64_t);
}

/* Of the C library, where it is linked statically or its symbols are known. */
static bool is_library_wait(const char *function)
{
	return is_plain_wait(function) || is_wait_call(function);
}

static bool is_linked(const struct frames *frames, size_t upper, size_t lower)
{
	const struct frame *above = &frames->list[upper];
	const struct frame *below = &frames->list[lower];

	if (above->callee[0])
		return frame_is_in(frames, below, above->callee);
	/* One jumped to the other. */
	if (is_library_wait(above->called) && is_library_wait(below->function))
		return true;
	if (below->function_start == 0)
		return false;
	return below->function_start == (above->call.kind == CALL_DIRECT
						 ? above->call.target
						 : frame_slot_target(frames, above));
}

/* The frame that called the function of this one, if one proves it did. */
static size_t find_above(const struct frames *frames, size_t at)
{
	for (size_t i = at + 1; i < frames->count; i++)
		if (is_linked(frames, i, at))
			return i;
	return NO_FRAME;
}

/* The frames of the library that prove each other, from the instruction up to the first call into
 * it: the last. What lies above may be left over. */
static size_t find_top(const struct frames *frames)
{
	size_t top = 0;

	for (size_t i = 1; i < frames->count; i++) {
		bool is_inside = frame_is_beside(&frames->list[i], &frames->list[0]);

		if (is_inside && is_linked(frames, i, top))
			top = i;
		else if (!is_inside && frames->list[i].callee[0])
			break;
	}
	return top;
}

/* Whether a frame outside of the library called the function at the top of those inside. */
static bool calls_top(const struct frames *frames, size_t at, size_t top)
{
	const char *function = frames->list[top].function;
	const char *callee = frames->list[at].callee;

	if (function[0] && !is_plain_wait(function))
		return callee[0] && (frame_is_in(frames, &frames->list[top], callee) ||
				     (is_wait_call(callee) && is_wait_call(function)));
	return calls_below(frames, at) || is_wait_call(callee);
}

/*
 * The first frame outside of the file that the instruction is in. Where the library jumps on to a
 * function of its own (pthread_mutex_lock does for some kinds), the name of the call must do.
 */
static size_t find_entry(const struct frames *frames)
{
	size_t top = find_top(frames);

	if (is_bare_syscall(frames))
		return 1;
	for (size_t i = top + 1; i < frames->count; i++)
		if (!frame_is_beside(&frames->list[i], &frames->list[0]) &&
		    calls_top(frames, i, top))
			return i;
	return NO_FRAME;
}

static char *base_of(const struct mapping *mapping)
{
	const char *slash = strrchr(mapping->name, '/');

	return xstrdup(slash ? slash + 1 : mapping->name);
}

static bool is_runtime(const struct frame *frame)
{
	static const char *const objects[] = { "libstdc++.so", "libc++.so", "libgomp.so",
					       "libomp.so",    "libiomp5.", "libasan.so",
					       "libtsan.so",   "libpthread" };
	char *base OWNED(mem_freep) = base_of(frame->mapping);

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (!strncmp(base, objects[i], strlen(objects[i])))
			return true;
	return is_runtime_function(frame->function);
}

/* What is waited in: a call of the C library, or, above plain waits, a function of a runtime. */
static const char *find_primitive(const struct frames *frames, size_t *at)
{
	const char *primitive = frames->list[*at].callee;

	if (primitive[0] && !is_plain_wait(primitive))
		return primitive;
	if (is_library_call(frames->list[*at].function))
		return frames->list[*at].function;
	for (int i = 0; i < CLIMB_MAX && is_plain_wait(frames->list[*at].function); i++) {
		size_t above = find_above(frames, *at);

		if (above == NO_FRAME)
			break;
		*at = above;
	}
	if (is_wait_call(frames->list[*at].called) && !is_plain_wait(frames->list[*at].called))
		return frames->list[*at].called;
	return is_runtime(&frames->list[*at]) ? frames->list[*at].function : primitive;
}

/* The frame that called the function of a frame without a name, if one proves it did. */
static size_t find_above_nameless(const struct frames *frames, size_t at)
{
	uint64_t start = frame_code_start(frames, &frames->list[at]);

	for (size_t i = at + 1; start && i < frames->count; i++)
		if (frames->list[i].call.kind == CALL_DIRECT &&
		    frames->list[i].call.target == start)
			return i;
	return NO_FRAME;
}

/* A function that was stripped of its name is told by the next one above it that has one. */
static void set_above(const struct frames *frames, size_t at, struct place *place)
{
	for (int i = 0; i < CLIMB_MAX && at != NO_FRAME && !frames->list[at].function[0]; i++)
		at = find_above_nameless(frames, at);
	if (at != NO_FRAME)
		trace_set_string(&place->caller_above, frames->list[at].function);
}

static void set_caller(const struct frames *frames, size_t at, struct place *place)
{
	const struct frame *frame = &frames->list[at];
	char *base OWNED(mem_freep) = base_of(frame->mapping);

	trace_set_string(&place->caller, frame->function);
	trace_set_string(&place->caller_object, base);
	place->caller_offset = frame->value;
	if (!frame->function[0])
		set_above(frames, at, place);
}

/* A plain wait says nothing. */
static void set_primitive(const char *primitive, struct place *place)
{
	char text[SYMBOL_NAME_MAX];

	demangle(primitive, text, sizeof(text));
	trace_set_string(&place->primitive, is_plain_wait(text) ? "" : text);
}

void caller_find(const struct frames *frames, struct place *place)
{
	size_t at = find_entry(frames);
	bool is_proven = at != NO_FRAME;
	const char *primitive;

	if (frames->count == 0)
		return;
	if (!is_proven)
		at = 0;
	primitive = find_primitive(frames, &at);
	for (int i = 0; i < CLIMB_MAX && is_runtime(&frames->list[at]); i++) {
		size_t above = find_above(frames, at);

		if (above == NO_FRAME)
			break;
		at = above;
		if (!primitive[0] || is_plain_wait(primitive))
			primitive = frames->list[at].callee;
	}
	set_primitive(primitive, place);
	set_caller(frames, at, place);
	place->is_leaf =
		!is_proven && at == 0 && (!*place->caller || is_library_wait(place->caller));
}
