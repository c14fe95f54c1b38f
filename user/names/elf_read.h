/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers and symbol tables of an ELF file, within limits: the reading half of
 * names/elf_symbols.h, also used for separate debug files.
 */
#ifndef CONVOY_NAMES_ELF_READ_H
#define CONVOY_NAMES_ELF_READ_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ELF_SEGMENTS_MAX 128
#define ELF_SECTIONS_MAX 4096
#define ELF_TABLE_MAX_BYTES (96U << 20) /* of a symbol table */
#define ELF_SYMBOLS_MAX 250000 /* data symbols kept */
#define ELF_BUILD_ID_MAX 64
#define ELF_LINK_MAX 256

/* A table in the file. count 0: there is none. */
struct elf_table {
	uint64_t offset;
	uint64_t count;
	uint64_t names; /* offset and size of its strings */
	uint64_t names_size;
};

#define ELF_RELOCATIONS_MAX 2 /* .rela.dyn and .rela.plt */

struct elf_headers {
	Elf64_Phdr segments[ELF_SEGMENTS_MAX]; /* PT_LOAD only */
	size_t segment_count;
	Elf64_Phdr frames; /* PT_GNU_EH_FRAME; all 0: there is none */
	struct elf_table symtab;
	struct elf_table dynsym;
	struct elf_table relocations[ELF_RELOCATIONS_MAX]; /* by symbols of dynsym; no names */
	size_t relocation_count;
	uint8_t build_id[ELF_BUILD_ID_MAX];
	size_t build_id_size;
	char debug_link[ELF_LINK_MAX]; /* base name of its debug file, or "" */
	uint32_t debug_crc;
};

/* Whole size or nothing. */
bool elf_read_at(int fd, uint64_t offset, void *ret_bytes, size_t size);
/* False if it is not a 64-bit executable, library or debug file of this machine. */
bool elf_headers_read(int fd, struct elf_headers *ret_headers);

#endif
