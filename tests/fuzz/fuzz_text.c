/* SPDX-License-Identifier: GPL-2.0-only */
/* The gate for outside strings, and names made readable: what comes out is printable and comes back
 * as it was. */
#include <string.h>

#include "base/ascii.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"
#include "fuzz.h"
#include "names/caller.h"
#include "names/demangle.h"
#include "world.h"

static void check_escaped(const char *raw, char *escaped)
{
	for (const char *at = escaped; *at; at++)
		must((unsigned char)*at >= ' ' && *at != 127, "no control byte comes out");
	must(text_columns(escaped) <= 2 * strlen(escaped), "its width is bounded");
	must(unescape_text(escaped) == 0 && !strcmp(raw, escaped), "it comes back");
}

static void check_names(const char *raw)
{
	char text[64], small[2];

	demangle(raw, text, sizeof(text));
	demangle(raw, small, sizeof(small));
	must(strlen(text) < sizeof(text) && strlen(small) < sizeof(small), "names are cut");
	is_wait_call(raw);
	is_runtime_function(raw);
	is_plain_wait(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	char *raw OWNED(mem_freep) = xstrndup(size ? (const char *)input : "", size);
	char *text OWNED(mem_freep) = escape_text(raw);
	char *cell OWNED(mem_freep) = escape_cell(raw);
	FILE *sink = world_sink();
	uint64_t number;

	must(!*cell || !strchr("=+-@", *cell), "no cell is a formula");
	ascii_put(text, sink);
	check_escaped(raw, text);
	check_escaped(raw, cell);
	check_names(raw);
	parse_bytes(raw, &number);
	parse_seconds(raw, &number);
	parse_count(raw, 0, UINT64_MAX, &number);
	unescape_text(raw);
	fclose(sink);
	return 0;
}
