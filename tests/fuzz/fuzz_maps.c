/* SPDX-License-Identifier: GPL-2.0-only */
/* The lists of /proc that a target has a hand in: maps, mountinfo, status, stat. */
#include <string.h>

#include "fuzz.h"
#include "names/addrspace.h"
#include "world.h"

static void look(const struct addrspace *space, uint64_t address)
{
	const struct mapping *mapping = addrspace_find(space, address);
	const struct mapping *file;

	if (!mapping)
		return;
	must(address >= mapping->start && address < mapping->end, "it contains the address");
	must(strlen(mapping->name) < SIZE_MAX, "it has a name");
	file = addrspace_file_of(space, mapping);
	must(!file || file->inode, "it is a file");
	mapping_stack_of(mapping, address, WORLD_PID);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct addrspace space;
	struct image image;

	world_begin(input, size);
	image_read(WORLD_PID, &image);
	if (addrspace_init(&space, WORLD_PID) == 0) {
		must(space.count > 0, "it is not empty");
		for (size_t i = 0; i < space.count && i < 64; i++) {
			look(&space, space.mappings[i].start);
			look(&space, space.mappings[i].end - 1);
		}
		look(&space, UINT64_MAX);
		addrspace_release(&space);
	}
	world_end();
	return 0;
}
