/* SPDX-License-Identifier: GPL-2.0-only */
/* meta.json. What was read, written and read again is written the same. */
#include <string.h>

#include "fuzz.h"
#include "stream/meta_json.h"

static char *write_meta(const struct trace *trace, size_t *ret_size)
{
	char *text = NULL;
	FILE *file = open_memstream(&text, ret_size);

	must(meta_json_write(file, trace, NULL, 0) == 0, "it can be written");
	fclose(file);
	return text;
}

/* NULL: refused. */
static struct trace *read_meta(const char *text, size_t size)
{
	struct trace *trace = trace_new();
	struct trace_error error = { "" };
	int err;

	trace_add_thread(trace);
	trace_add_thread(trace);
	err = meta_json_read(text, size, "meta.json", trace, &error);
	if (!err)
		err = meta_json_read_threads(text, size, "meta.json", trace, &error);
	must(!err || !strncmp(error.text, "meta.json", 9), "an error names the file");
	if (!err)
		return trace;
	trace_free(trace);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct trace *trace = read_meta((const char *)input, size);
	struct trace *copy;
	char *text, *again;
	size_t length, again_length;

	if (!trace)
		return 0;
	text = write_meta(trace, &length);
	copy = read_meta(text, length);
	must(copy != NULL, "what convoy writes it reads");
	again = write_meta(copy, &again_length);
	must(length == again_length && !memcmp(text, again, length), "a copy is the same");
	free(text);
	free(again);
	trace_free(trace);
	trace_free(copy);
	return 0;
}
