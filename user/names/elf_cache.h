/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ELF files already read, kept within limits of memory, descriptors and time: many processes map
 * the same few files.
 */
#ifndef CONVOY_NAMES_ELF_CACHE_H
#define CONVOY_NAMES_ELF_CACHE_H

#include "names/addrspace.h"
#include "names/elf_symbols.h"

struct elf_cache;

struct elf_cache *elf_cache_new(void);
void elf_cache_free(struct elf_cache *cache);
/*
 * The mapped file, borrowed until the next call; NULL if it cannot be read, is no ELF file, or
 * reading files has already taken too long. pid: a live process that has the mapping, 0: none.
 */
struct elf_file *elf_cache_get(struct elf_cache *cache, const struct mapping *mapping, pid_t pid);

#endif
