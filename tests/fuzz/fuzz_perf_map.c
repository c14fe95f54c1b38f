/* SPDX-License-Identifier: GPL-2.0-only */
/* The file that a JIT compiler leaves, read for the frames of a stack: the parts "perf.map" and
 * "frames", which are addresses in hex. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "names/perf_map.h"
#include "names/stack.h"
#include "world.h"

static void take_frames(struct frames *frames, const struct mapping *mapping, char *text)
{
	char *word;

	while (frames->count < FRAMES_MAX && (word = strsep(&text, " \n"))) {
		struct frame *frame = &frames->list[frames->count++];

		frame->address = strtoull(word, NULL, 16);
		frame->mapping = mapping;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct part part = part_find(input, size, "frames");
	char *text OWNED(mem_freep) =
		xstrndup(part.bytes ? (const char *)part.bytes : "", part.size);
	struct frames *frames OWNED(mem_freep) = xcalloc(1, sizeof(*frames));
	uint64_t spent_ns = 0;
	struct mapping mapping = { .name = "" };
	struct process process = { .pid = WORLD_PID };
	struct view view = { .process = &process, .pid = WORLD_PID };

	frames->view = &view;
	frames->map_ns = &spent_ns;
	take_frames(frames, &mapping, text);
	world_begin(input, size);
	perf_map_name(frames);
	world_end();
	for (size_t i = 0; i < frames->count; i++) {
		const struct frame *frame = &frames->list[i];

		must(memchr(frame->function, 0, sizeof(frame->function)) != NULL, "names end");
		must(!frame->function[0] || frame->function_start < frame->address,
		     "a function begins before what is in it");
	}
	return 0;
}
