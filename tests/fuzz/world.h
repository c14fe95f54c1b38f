/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world a fuzzed parser sees: an input is an archive of parts, and while it is tried, the files
 * of /proc and of trace directories, mapped files and the target's memory are its parts. Not for
 * what the parsers make of them.
 *
 * "=== NAME\n" at the start of a line begins a part; it ends before the line feed of the next.
 */
#ifndef CONVOY_TESTS_FUZZ_WORLD_H
#define CONVOY_TESTS_FUZZ_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WORLD_PID 1234
#define WORLD_MEMORY 0x10000000ULL /* the target's address of the part "memory" */

struct part {
	const uint8_t *bytes; /* NULL: the input has no such part */
	size_t size;
};

struct part part_find(const uint8_t *input, size_t size, const char *name);

/*
 * From here to the end, what is opened and read by path is looked for in the input (a path by its
 * last word), and is not there if the input has no such part.
 */
void world_begin(const uint8_t *input, size_t size);
void world_end(void);
/* A descriptor of these bytes, at their start, owned by the caller. */
int world_file(const uint8_t *bytes, size_t size);
/* A stream that takes everything and keeps nothing. */
FILE *world_sink(void);

#endif
