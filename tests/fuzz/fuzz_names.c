/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The room user/names as a whole, through its door: a target whose every file, mapping, stack and
 * byte of memory is a part of the input. The part "words" lists the futex words, in hex.
 */
#include <linux/futex.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "names/names.h"
#include "names/pyframe.h"
#include "world.h"

#define WORDS_MAX 12

static const struct {
	uint8_t op;
	uint8_t flags;
	uint32_t value;
} calls[] = {
	{ FUTEX_WAIT_BITSET, USE_PRIVATE | USE_TIMED, 0 },
	{ FUTEX_WAIT_BITSET, USE_PRIVATE, 1 },
	{ FUTEX_WAIT, USE_PRIVATE, 2 },
	{ FUTEX_WAIT, 0, WORLD_PID },
};

static struct wait_stack stack_of(const uint8_t *input, size_t size)
{
	struct part part = part_find(input, size, "stack");
	struct wait_stack stack = { .bytes = part.bytes, .size = part.size };

	if (part.size >= sizeof(stack.instruction))
		memcpy(&stack.instruction, part.bytes, sizeof(stack.instruction));
	if (stack.size > RECORD_STACK_BYTES)
		stack.size = RECORD_STACK_BYTES;
	return stack;
}

static void resolve(struct names *names, const struct wait_stack *stack, uint64_t address,
		    size_t number)
{
	struct futex_use use = { .address = address };
	struct place place;
	uint64_t start;

	use.op = calls[number % 4].op;
	use.flags = calls[number % 4].flags;
	use.value = calls[number % 4].value;
	place_init(&place);
	names_resolve(names, 1, &use, &place);
	must(place.address == address, "the place is of the word");
	names_resolve_caller(names, 1, stack, &place);
	names_has_gil_struct(names, 1, place.group);
	names_gil(names, 1, &start);
	place_release(&place);
}

static void ask_python(struct names *names)
{
	struct py_process python;
	char *name = NULL;

	names_interpreter(names, 1);
	if (names_python(names, 1, &python) &&
	    py_entry_read(&python, WORLD_MEMORY, &name) == PY_ENTRY_FOUND)
		must(name[0], "a name that is found is not empty");
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct part words = part_find(input, size, "words");
	struct wait_stack stack = stack_of(input, size);
	char *text OWNED(mem_freep) =
		xstrndup((const char *)words.bytes ? (const char *)words.bytes : "", words.size);
	struct names *names;
	char *at = text;

	world_begin(input, size);
	names = names_new();
	names_add_process(names, 1, WORLD_PID, 0);
	for (size_t i = 0; i < WORDS_MAX && *at; i++) {
		char *end;
		uint64_t address = strtoull(at, &end, 16);

		if (end == at)
			break;
		resolve(names, &stack, address, i);
		at = end;
	}
	ask_python(names);
	names_free(names);
	world_end();
	return 0;
}
