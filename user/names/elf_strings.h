/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of a file's two symbol tables, read at once: to look for one among thousands without a
 * read for each. What is asked of a single symbol is elf_symbols.h's.
 */
#ifndef CONVOY_NAMES_ELF_STRINGS_H
#define CONVOY_NAMES_ELF_STRINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "names/elf_read.h"

#define ELF_TABLES 2 /* .dynsym, .symtab */

struct elf_strings {
	char *bytes[ELF_TABLES]; /* terminated; NULL: none, or too many to keep */
};

/* From the files of the tables; release it. */
void elf_strings_read(const int fds[ELF_TABLES], const struct elf_table tables[ELF_TABLES],
		      struct elf_strings *ret_strings);
void elf_strings_release(struct elf_strings *strings);
/* False only where the name at this offset of a table surely begins otherwise. */
bool elf_strings_may_be(const struct elf_strings *strings, const struct elf_table *tables,
			uint32_t table, uint32_t offset, const char *name);

#endif
