/* SPDX-License-Identifier: GPL-2.0-only */
/* The structs of CPython in a target's memory. The part "version" is the interpreter's name; in
 * "memory" _PyRuntime comes first, and every eighth byte at two places may be a futex word of a
 * GIL. */
#include <linux/futex.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "names/cpython.h"
#include "names/pyframe.h"
#include "world.h"

#define WORDS 24

static void find_gils(uint64_t address, bool is_in_runtime)
{
	struct gils gils = { 0 };

	for (size_t i = 0; i < WORDS; i++) {
		struct futex_use use = { .address = address + 8 * i, .op = FUTEX_WAIT_BITSET };
		struct gil_query query = { .pid = WORLD_PID, .use = &use };
		enum gil_part part = GIL_NOT;

		use.flags = i % 3 ? USE_TIMED : 0;
		query.is_in_runtime = is_in_runtime;
		query.is_in_pypy = i == WORDS - 1;
		must(!gils_find(&gils, &query, &part) || part != GIL_NOT, "a GIL has parts");
	}
	must(gils.count <= GILS_MAX, "GILs are bounded");
	gils_release(&gils);
}

size_t LLVMFuzzerMutate(uint8_t *input, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t size, size_t max_size, unsigned int seed);

/* A number that a struct may hold: a length, a pointer into the memory, or anything. */
static uint64_t make_word(size_t memory_size)
{
	switch (rand() % 3) {
	case 0:
		return (uint64_t)rand() % 1024;
	case 1:
		return WORLD_MEMORY + (uint64_t)rand() % (memory_size + 64);
	default:
		return (uint64_t)rand() << 33 | (uint64_t)rand();
	}
}

/*
 * Most of the memory is zeros and nobody reads them: half of the inputs get another number where
 * one is, the rest what libFuzzer thinks of.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *input, size_t size, size_t max_size, unsigned int seed)
{
	struct part memory = part_find(input, size, "memory");
	uint64_t word;

	srand(seed);
	if (memory.size < sizeof(word) || rand() % 2)
		return LLVMFuzzerMutate(input, size, max_size);
	for (int tries = 0; tries < 1000; tries++) {
		size_t at = (size_t)rand() % (memory.size / sizeof(word)) * sizeof(word);
		uint8_t *place = input + (memory.bytes - input) + at;

		memcpy(&word, place, sizeof(word));
		if (word == 0)
			continue;
		word = make_word(memory.size);
		memcpy(place, &word, sizeof(word));
		break;
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct part version = part_find(input, size, "version");
	struct py_process process;
	char *text OWNED(mem_freep) = NULL;
	char *name OWNED(mem_freep) = NULL;

	if (!version.bytes)
		return 0;
	text = xstrndup((const char *)version.bytes, version.size);
	world_begin(input, size);
	if (py_process_init(&process, WORLD_PID, WORLD_MEMORY, text) &&
	    py_entry_read(&process, WORLD_MEMORY, &name) == PY_ENTRY_FOUND)
		must(name && strlen(name) < 200, "a name has bounds");
	find_gils(WORLD_MEMORY, true);
	find_gils(WORLD_MEMORY + 512, false);
	world_end();
	return 0;
}
