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
	uint32_t symbol; /* index into .dynsym */
};

struct elf_slots {
	struct elf_slot *list; /* in the order of the file */
	size_t count;
};

void elf_slots_load(struct elf_slots *slots, int fd, const struct elf_headers *headers);
void elf_slots_release(struct elf_slots *slots);
/* The function whose address lies in the slot, as an offset among the strings of .dynsym. False:
 * no such slot. */
bool elf_slots_find(const struct elf_slots *slots, int fd, const struct elf_table *dynsym,
		    uint64_t value, uint32_t *ret_name);

#endif
