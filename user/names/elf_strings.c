/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of symbols in memory. */
#include "names/elf_strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STRINGS_MAX_BYTES (4U << 20) /* of one table */

void elf_strings_release(struct elf_strings *strings)
{
	for (size_t i = 0; i < ELF_TABLES; i++)
		free(strings->bytes[i]);
}

void elf_strings_read(const int fds[ELF_TABLES], const struct elf_table tables[ELF_TABLES],
		      struct elf_strings *ret_strings)
{
	*ret_strings = (struct elf_strings){ { NULL } };
	for (size_t i = 0; i < ELF_TABLES; i++) {
		const struct elf_table *table = &tables[i];
		char *bytes;

		if (table->count == 0 || table->names_size > STRINGS_MAX_BYTES)
			continue;
		bytes = xcalloc(table->names_size + 1, 1);
		if (elf_read_at(fds[i], table->names, bytes, table->names_size))
			ret_strings->bytes[i] = bytes;
		else
			free(bytes);
	}
}

bool elf_strings_may_be(const struct elf_strings *strings, const struct elf_table *tables,
			uint32_t table, uint32_t offset, const char *name)
{
	const char *bytes = strings->bytes[table];

	if (!bytes || offset >= tables[table].names_size)
		return true;
	return strncmp(bytes + offset, name, strlen(name)) == 0;
}
