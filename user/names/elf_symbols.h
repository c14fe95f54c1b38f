/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The symbols of an ELF file of this machine: data and functions. The file is hostile: it is read
 * piece by piece into memory of our own (a mapped file can be cut short under its reader), every
 * number in it is bounded before anything is allocated. Not for DWARF or other architectures.
 */
#ifndef CONVOY_NAMES_ELF_SYMBOLS_H
#define CONVOY_NAMES_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYMBOL_NAME_MAX 256

struct elf_file;

struct elf_symbol {
	uint64_t value; /* as in the file: add the bias */
	uint64_t size;
	char name[SYMBOL_NAME_MAX]; /* raw bytes, cut if longer, without a version */
};

/* Takes the descriptor in any case. NULL if it is not an executable or library of this machine. */
struct elf_file *elf_file_open(int fd);
void elf_file_close(struct elf_file *file); /* takes NULL */
/* Memory it keeps. */
size_t elf_file_bytes(const struct elf_file *file);

/*
 * What to add to the file's addresses where offset `offset` of it is mapped at `start`, so that
 * `address` falls into the segment (or its .bss). False if no segment fits.
 */
bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t address,
		   uint64_t *ret_bias);
/* The same for code, where a page belongs to two segments. */
bool elf_file_code_bias(const struct elf_file *file, uint64_t start, uint64_t offset,
			uint64_t address, uint64_t *ret_bias);
/* The smallest data symbol that contains the value. */
bool elf_file_symbol_at(struct elf_file *file, uint64_t value, struct elf_symbol *ret_symbol);
bool elf_file_symbol_named(struct elf_file *file, const char *name, struct elf_symbol *ret_symbol);
/* The smallest function that contains the value. */
bool elf_file_function_at(struct elf_file *file, uint64_t value, struct elf_symbol *ret_symbol);
/* Where the function begins, by its symbol or, stripped of that, by the unwinder's index. */
bool elf_file_function_start(struct elf_file *file, uint64_t value, uint64_t *ret_start);
/* Whether a function of this name, among others perhaps, contains the value. */
bool elf_file_function_is(struct elf_file *file, uint64_t value, const char *name);
/* The function whose address the dynamic linker puts there: what a call through it calls. */
bool elf_file_slot_name(struct elf_file *file, uint64_t slot, char ret_name[SYMBOL_NAME_MAX]);
/* Bytes of a segment as they are in the file. */
bool elf_file_read(const struct elf_file *file, uint64_t value, void *ret_bytes, size_t size);

#endif
