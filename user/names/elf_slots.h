/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slots of an ELF file that the dynamic linker fills with the addresses of functions, each
 * with the name of the function: what a call through the PLT or the GOT calls. Not for data.
 */
#ifndef CONVOY_NAMES_ELF_SLOTS_H
#define CONVOY_NAMES_ELF_SLOTS_H

#include "names/elf_read.h"

struct elf_slot {
	uint64_t value; /* address in the file */
	uint32_t name; /* offset among the strings of .dynsym */
};

struct elf_slots {
	struct elf_slot *list; /* by value */
	size_t count;
};

void elf_slots_load(struct elf_slots *slots, int fd, const struct elf_headers *headers);
void elf_slots_release(struct elf_slots *slots);
/* NULL: no such slot. */
const struct elf_slot *elf_slots_find(const struct elf_slots *slots, uint64_t value);

#endif
