/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where functions begin in a file whose symbols are stripped: the index for unwinding stays. Not
 * for their names, which are gone, nor for unwinding itself.
 */
#ifndef CONVOY_NAMES_ELF_FRAMES_H
#define CONVOY_NAMES_ELF_FRAMES_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The begin of the piece of code that contains the value, both as in the file: of a function, or of
 * a part of one that the compiler put elsewhere. index: the PT_GNU_EH_FRAME segment. False if the
 * index is not there or says nothing of it.
 */
bool elf_frames_start(int fd, const Elf64_Phdr *index, uint64_t value, uint64_t *ret_start);

#endif
