/* SPDX-License-Identifier: GPL-2.0-only */
/* .eh_frame_hdr: a table of function starts, sorted, for a binary search. */
#include "names/elf_frames.h"

#include "names/elf_read.h"

/* The one layout that linkers write: how the parts behind the version are encoded. */
#define VERSION 1
#define FRAMES_PC_RELATIVE 0x1b /* DW_EH_PE_pcrel | DW_EH_PE_sdata4 */
#define COUNT_PLAIN 0x03 /* DW_EH_PE_udata4 */
#define TABLE_RELATIVE 0x3b /* DW_EH_PE_datarel | DW_EH_PE_sdata4: to the header */

struct header {
	uint8_t version;
	uint8_t frames_encoding;
	uint8_t count_encoding;
	uint8_t table_encoding;
	int32_t frames;
	uint32_t count;
};

struct entry {
	int32_t start;
	int32_t description;
};

bool elf_frames_start(int fd, const Elf64_Phdr *index, uint64_t value, uint64_t *ret_start)
{
	struct header header;
	struct entry entry;
	uint64_t low = 0, high, start = 0;

	if (index->p_filesz < sizeof(header) ||
	    !elf_read_at(fd, index->p_offset, &header, sizeof(header)) ||
	    header.version != VERSION || header.frames_encoding != FRAMES_PC_RELATIVE ||
	    header.count_encoding != COUNT_PLAIN || header.table_encoding != TABLE_RELATIVE ||
	    header.count > (index->p_filesz - sizeof(header)) / sizeof(entry))
		return false;
	/* Halving ends whatever the numbers say. */
	for (high = header.count; low < high;) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t at = index->p_offset + sizeof(header) + middle * sizeof(entry);
		uint64_t begin;

		if (!elf_read_at(fd, at, &entry, sizeof(entry)))
			return false;
		begin = index->p_vaddr + (uint64_t)(int64_t)entry.start;
		if (begin <= value) {
			start = begin;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	*ret_start = start;
	return low > 0;
}
