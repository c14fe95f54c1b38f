/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The separate debug file of a stripped program, among those of this system only, and only if it
 * proves to belong to it. Not for downloads.
 */
#ifndef CONVOY_NAMES_DEBUG_FILE_H
#define CONVOY_NAMES_DEBUG_FILE_H

#include "names/elf_read.h"

/* A descriptor of the debug file and its .symtab, or -1: there is none. */
int debug_file_open(const struct elf_headers *headers, struct elf_table *ret_symtab);

#endif
