/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Return addresses on the copy of a stack: words that point into code right behind a call. Some
 * are left over from calls that have returned: who asks must check that frames fit together
 * (names/caller.h does). Not for unwinding with frame pointers or DWARF.
 */
#ifndef CONVOY_NAMES_STACK_H
#define CONVOY_NAMES_STACK_H

#include "names/elf_cache.h"
#include "names/names.h"
#include "names/plt.h"
#include "names/process.h"

#define FRAMES_MAX 48

struct frame {
	uint64_t address; /* the instruction that is next */
	size_t depth; /* bytes of stack up to and with the return address */
	const struct mapping *mapping; /* of the code; borrowed from the process */
	bool has_file; /* an ELF file: value is the address in it */
	uint64_t value;
	struct call call; /* how it called what lies below; the target is an address */
	char callee[SYMBOL_NAME_MAX]; /* library function called through PLT or GOT, or "" */
	char called[SYMBOL_NAME_MAX]; /* function of the same file that it called, or "" */
	char function[SYMBOL_NAME_MAX]; /* that the address is in, as a person writes it, or "" */
	uint64_t function_start; /* address; 0: not known */
};

/* From the thread's own instruction up. Borrows the mappings until the process's are read again. */
struct frames {
	struct elf_cache *files;
	const struct view *view;
	uint64_t *map_ns; /* spent so far on perf maps, of all processes */
	struct frame list[FRAMES_MAX];
	size_t count;
};

void frames_scan(struct frames *frames, const struct wait_stack *stack);
/* Whether both lie in the same file, or both in none. */
bool frame_is_beside(const struct frame *a, const struct frame *b);
/* The function whose address lies in the slot that the frame's call goes through; 0: not known. */
uint64_t frame_slot_target(const struct frames *frames, const struct frame *frame);
/* Where the code of the frame's function begins, whether it has a name or not; 0: not known. */
uint64_t frame_code_start(const struct frames *frames, const struct frame *frame);
/* Whether a library function of this name contains the frame. */
bool frame_is_in(const struct frames *frames, const struct frame *frame, const char *function);

#endif
