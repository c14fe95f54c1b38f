/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that does not fail: the one place where running out of it ends the program. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_FIRST 8

static void *or_die(void *memory)
{
	if (!memory) {
		fputs("convoy: out of memory\n", stderr);
		_exit(2);
	}
	return memory;
}

void *xcalloc(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *memory, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		return or_die(NULL);
	return or_die(realloc(memory, bytes ? bytes : 1));
}

char *xstrdup(const char *string)
{
	return or_die(strdup(string));
}

char *xstrndup(const char *string, size_t length)
{
	return or_die(strndup(string, length));
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return or_die(text);
}

void *array_add(void *items, size_t *count, size_t item_size)
{
	void **array = items;
	size_t used = *count;
	char *element;

	/* The capacity is not stored: it is the first power of two, from ARRAY_FIRST on, that holds
	 * `used`. */
	if (used == 0)
		*array = xrealloc(*array, ARRAY_FIRST, item_size);
	else if (used >= ARRAY_FIRST && (used & (used - 1)) == 0)
		*array = xrealloc(*array, used * 2, item_size);
	element = (char *)*array + used * item_size;
	memset(element, 0, item_size);
	*count = used + 1;
	return element;
}

void mem_freep(void *pointer_address)
{
	void **pointer = pointer_address;

	free(*pointer);
	*pointer = NULL;
}
