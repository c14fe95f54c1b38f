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

static bool read_symbol(int fd, const struct elf_table *dynsym, uint64_t index, Elf64_Sym *ret)
{
	return index > 0 && index < dynsym->count &&
	       elf_read_at(fd, dynsym->offset + index * sizeof(*ret), ret, sizeof(*ret));
}

static void take_relocation(struct elf_slots *slots, int fd, const struct elf_headers *headers,
			    const Elf64_Rela *relocation)
{
	uint64_t type = ELF64_R_TYPE(relocation->r_info);
	struct elf_slot *slot;
	Elf64_Sym symbol;

	if ((type != SLOT_OF_PLT && type != SLOT_OF_GOT) || slots->count >= SLOTS_MAX ||
	    !read_symbol(fd, &headers->dynsym, ELF64_R_SYM(relocation->r_info), &symbol))
		return;
	if (ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT)
		return;
	slot = array_add(&slots->list, &slots->count, sizeof(*slot));
	slot->value = relocation->r_offset;
	slot->name = symbol.st_name;
}

static void load_table(struct elf_slots *slots, int fd, const struct elf_headers *headers,
		       const struct elf_table *table)
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
			take_relocation(slots, fd, headers, &chunk[i]);
		done += count;
	}
}

static int compare_slots(const void *left, const void *right)
{
	const struct elf_slot *a = left;
	const struct elf_slot *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

void elf_slots_load(struct elf_slots *slots, int fd, const struct elf_headers *headers)
{
	for (size_t i = 0; i < headers->relocation_count; i++)
		load_table(slots, fd, headers, &headers->relocations[i]);
	if (slots->count > 0)
		qsort(slots->list, slots->count, sizeof(*slots->list), compare_slots);
}

void elf_slots_release(struct elf_slots *slots)
{
	free(slots->list);
	*slots = (struct elf_slots){ 0 };
}

static int compare_value(const void *key, const void *item)
{
	uint64_t value = *(const uint64_t *)key;
	const struct elf_slot *slot = item;

	return value < slot->value ? -1 : value > slot->value;
}

const struct elf_slot *elf_slots_find(const struct elf_slots *slots, uint64_t value)
{
	if (slots->count == 0)
		return NULL;
	return bsearch(&value, slots->list, slots->count, sizeof(*slots->list), compare_value);
}
