/* SPDX-License-Identifier: GPL-2.0-only */
/* Comparing with golden files. */
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define GOLDEN_MAX (256 * 1024)

static void update(const char *path, const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static bool is_text(const char *bytes, size_t length)
{
	return memchr(bytes, '\0', length) == NULL;
}

void golden_assert(const char *name, const char *bytes, size_t length)
{
	char *path OWNED(mem_freep) = xasprintf("tests/golden/%s", name);
	char *golden OWNED(mem_freep) = xcalloc(1, GOLDEN_MAX);
	size_t golden_length;
	FILE *file;

	if (getenv("UPDATE_GOLDEN"))
		update(path, bytes, length);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing: run from the root of the source", path);
	golden_length = fread(golden, 1, GOLDEN_MAX - 1, file);
	fclose(file);
	if (golden_length == length && memcmp(golden, bytes, length) == 0)
		return;
	if (is_text(golden, golden_length) && is_text(bytes, length))
		print_error("%s has\n%s\nbut it is now\n%.*s\n", path, golden, (int)length, bytes);
	fail_msg("%s: %zu bytes, not those %zu that it is now (UPDATE_GOLDEN=1 writes it anew)",
		 path, golden_length, length);
}
