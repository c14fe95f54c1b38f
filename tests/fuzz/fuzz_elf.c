/* SPDX-License-Identifier: GPL-2.0-only */
/* An ELF file, and the separate debug file of it: the parts "elf" and, below its name, the debug
 * file. Every question can be asked, wherever the file says that its symbols are. */
#include <string.h>

#include "fuzz.h"
#include "names/cpython.h"
#include "names/elf_symbols.h"
#include "names/plt.h"
#include "world.h"

#define STEPS 64

static void ask_at(struct elf_file *file, uint64_t value)
{
	struct elf_symbol symbol;
	char name[SYMBOL_NAME_MAX];
	uint8_t bytes[STUB_BYTES];
	uint64_t bias, slot;

	if (elf_file_symbol_at(file, value, &symbol))
		must(value - symbol.value < symbol.size && symbol.name[0],
		     "a symbol contains what was asked for and has a name");
	if (elf_file_function_at(file, value, &symbol)) {
		must(value - symbol.value < symbol.size, "a function contains it");
		elf_file_function_is(file, value, symbol.name);
	}
	elf_file_slot_name(file, value, name);
	elf_file_bias(file, value, value, value, &bias);
	elf_file_code_bias(file, 0x7f0000000000, 0, 0x7f0000000000 + value, &bias);
	if (elf_file_read(file, value, bytes, sizeof(bytes))) {
		call_before(bytes, value);
		stub_slot(bytes, value, &slot);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct part elf = part_find(input, size, "elf");
	struct elf_symbol symbol;
	struct elf_file *file;
	char *version;

	if (!elf.bytes)
		return 0;
	world_begin(input, size);
	file = elf_file_open(world_file(elf.bytes, elf.size));
	if (file) {
		for (uint64_t value = 0; value < STEPS * 256; value += 256)
			ask_at(file, value + value / 256 % 9 * 8);
		ask_at(file, UINT64_MAX);
		ask_at(file, 1ULL << 63);
		if (elf_file_symbol_named(file, "the_lock", &symbol))
			ask_at(file, symbol.value);
		version = cpython_version(file, "python3.11");
		must(version != NULL, "the name tells a version if nothing else does");
		free(version);
		must(elf_file_bytes(file) < 64 << 20, "memory is bounded");
	}
	elf_file_close(file);
	world_end();
	return 0;
}
