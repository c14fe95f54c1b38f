/* SPDX-License-Identifier: GPL-2.0-only */
/* Slots from the relocations by symbol; those without one (most of a library's) are passed over. */
#include "names/elf_slots.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_RELOCATIONS 1024
#define RELOCATIONS_MAX 400000 /* looked at */
#define SLOTS_MAX 65536

#if defined(__aarch64__)
#define SLOT_OF_PLT R_AARCH64_JUMP_SLOT
#define SLOT_OF_GOT R_AARCH64_GLOB_DAT
#else
#define SLOT_OF_PLT R_X86_64_JUMP_SLOT
#define SLOT_OF_GOT R_X86_64_GLOB_DAT
#endif

static void take_relocation(struct elf_slots *slots, const Elf64_Rela *relocation)
{
	uint64_t type = ELF64_R_TYPE(relocation->r_info);
	struct elf_slot *slot;

	if ((type != SLOT_OF_PLT && type != SLOT_OF_GOT) || slots->count >= SLOTS_MAX)
		return;
	slot = array_add(&slots->list, &slots->count, sizeof(*slot));
	slot->value = relocation->r_offset;
	slot->symbol = (uint32_t)ELF64_R_SYM(relocation->r_info);
}

static void load_table(struct elf_slots *slots, int fd, const struct elf_table *table)
{
	Elf64_Rela *chunk OWNED(mem_freep) = xcalloc(CHUNK_RELOCATIONS, sizeof(*chunk));
	uint64_t total = table->count < RELOCATIONS_MAX ? table->count : RELOCATIONS_MAX;

	for (uint64_t done = 0; done < total;) {
		uint64_t left = total - done;
		size_t count = left < CHUNK_RELOCATIONS ? left : CHUNK_RELOCATIONS;

		if (!elf_read_at(fd, table->offset + done * sizeof(*chunk), chunk,
				 count * sizeof(*chunk)))
			return;
		for (size_t i = 0; i < count; i++)
			take_relocation(slots, &chunk[i]);
		done += count;
	}
}

void elf_slots_load(struct elf_slots *slots, int fd, const struct elf_headers *headers)
{
	for (size_t i = 0; i < headers->relocation_count; i++)
		load_table(slots, fd, &headers->relocations[i]);
}

void elf_slots_release(struct elf_slots *slots)
{
	free(slots->list);
	*slots = (struct elf_slots){ 0 };
}

/* Symbols are read when they are asked for: a program calls hundreds of functions, and few of them
 * wait. */
bool elf_slots_find(const struct elf_slots *slots, int fd, const struct elf_table *dynsym,
		    uint64_t value, uint32_t *ret_name)
{
	const struct elf_slot *slot;
	Elf64_Sym symbol;
	size_t at = 0;

	while (at < slots->count && slots->list[at].value != value)
		at++;
	if (at == slots->count)
		return false;
	slot = &slots->list[at];
	if (slot->symbol == 0 || slot->symbol >= dynsym->count ||
	    !elf_read_at(fd, dynsym->offset + slot->symbol * sizeof(symbol), &symbol,
			 sizeof(symbol)))
		return false;
	*ret_name = symbol.st_name;
	return ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT;
}
