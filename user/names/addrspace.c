/* SPDX-License-Identifier: GPL-2.0-only */
/* Mappings: /proc/PID/maps read within limits, and which of them an address belongs to. */
#include "names/addrspace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/mem.h"

#define MAPPINGS_MAX 70000 /* the kernel's own default limit is 65,530 */
#define NAMES_MAX_BYTES (8U << 20)
#define TAIL_MAX 16 /* mappings that the anonymous end of a program's data may be split into */

static void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Names lie one after the other; a mapping keeps its place there until all are read. */
struct reader {
	struct addrspace *space;
	size_t used;
	size_t capacity;
	size_t *places; /* by mapping */
	size_t place_count;
};

/* Where the name lies in the text; files are mapped piece by piece, so often where the last is. */
static size_t keep_name(struct reader *reader, const char *name)
{
	size_t length = strlen(name) + 1;

	if (reader->place_count > 0) {
		size_t last = reader->places[reader->place_count - 1];

		if (!strcmp(reader->space->names + last, name))
			return last;
	}
	if (reader->used + length > NAMES_MAX_BYTES) {
		reader->space->is_truncated = true;
		return 0;
	}
	if (reader->used + length > reader->capacity) {
		reader->capacity = (reader->used + length) * 2;
		reader->space->names = xrealloc(reader->space->names, reader->capacity, 1);
	}
	memcpy(reader->space->names + reader->used, name, length);
	reader->used += length;
	return reader->used - length;
}

/* "START-END rwxp OFFSET MAJOR:MINOR INODE   NAME" */
static bool parse_line(char *line, struct mapping *ret_mapping, const char **ret_name)
{
	unsigned int major_number;
	unsigned int minor_number;
	char flags[5];
	int at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 "%n",
		   &ret_mapping->start, &ret_mapping->end, flags, &ret_mapping->offset,
		   &major_number, &minor_number, &ret_mapping->inode, &at) < 7 ||
	    strlen(flags) != 4 || ret_mapping->end <= ret_mapping->start)
		return false;
	ret_mapping->is_readable = flags[0] == 'r';
	ret_mapping->is_writable = flags[1] == 'w';
	ret_mapping->is_executable = flags[2] == 'x';
	ret_mapping->is_shared = flags[3] == 's';
	ret_mapping->dev = makedev(major_number, minor_number);
	*ret_name = line + at + strspn(line + at, " ");
	return true;
}

static void take_line(struct reader *reader, char *line)
{
	struct mapping mapping = { 0 };
	struct mapping *kept;
	const char *name;
	size_t place;

	line[strcspn(line, "\n")] = '\0';
	if (!parse_line(line, &mapping, &name))
		return;
	place = keep_name(reader, name);
	*(size_t *)array_add(&reader->places, &reader->place_count, sizeof(size_t)) = place;
	kept = array_add(&reader->space->mappings, &reader->space->count, sizeof(*kept));
	*kept = mapping;
}

int addrspace_init(struct addrspace *space, pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/maps", pid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char *line OWNED(mem_freep) = NULL;
	struct reader reader = { .space = space };
	size_t size = 0;

	*space = (struct addrspace){ 0 };
	if (!file)
		return errno == ENOENT ? -ESRCH : -errno;
	keep_name(&reader, "");
	while (getline(&line, &size, file) > 0) {
		if (space->count == MAPPINGS_MAX) {
			space->is_truncated = true;
			break;
		}
		take_line(&reader, line);
	}
	for (size_t i = 0; i < space->count; i++)
		space->mappings[i].name = space->names + reader.places[i];
	free(reader.places);
	if (space->count > 0)
		return 0;
	addrspace_release(space);
	return -ESRCH; /* a zombie has an empty list */
}

void addrspace_release(struct addrspace *space)
{
	free(space->mappings);
	free(space->names);
	*space = (struct addrspace){ 0 };
}

const struct mapping *addrspace_find(const struct addrspace *space, uint64_t address)
{
	size_t low = 0;
	size_t high = space->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < space->mappings[middle].start)
			high = middle;
		else if (address >= space->mappings[middle].end)
			low = middle + 1;
		else
			return &space->mappings[middle];
	}
	return NULL;
}

const struct mapping *addrspace_file_of(const struct addrspace *space,
					const struct mapping *mapping)
{
	size_t at = (size_t)(mapping - space->mappings);

	for (int i = 0; i < TAIL_MAX; i++, at--) {
		if (space->mappings[at].inode != 0)
			return &space->mappings[at];
		if (at == 0 || space->mappings[at - 1].end != space->mappings[at].start)
			return NULL;
	}
	return NULL;
}

bool image_is_known(const struct image *image)
{
	return image->start_ticks != 0 && image->stack != 0;
}

bool image_is_same(const struct image *a, const struct image *b)
{
	return a->start_ticks == b->start_ticks && a->code == b->code && a->stack == b->stack;
}

/* The leader's own file: the one of the process sums up all its threads. */
void image_read(pid_t pid, struct image *ret_image)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%d/stat", pid, pid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char text[2048] = "";
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	/* The name before it may hold any byte, brackets too. */
	char *field = length ? strrchr(text, ')') : NULL;
	uint64_t values[29] = { 0 };

	*ret_image = (struct image){ 0 };
	if (!field)
		return;
	field = field + 1;
	strsep(&field, " ");
	for (int number = 3; number <= 28 && field; number++) {
		const char *word = strsep(&field, " ");

		values[number] = number == 3 ? 0 : strtoull(word, NULL, 10);
	}
	ret_image->start_ticks = values[22];
	ret_image->code = values[26];
	ret_image->stack = values[28];
}
