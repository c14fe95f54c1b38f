/* SPDX-License-Identifier: GPL-2.0-only */
/* Which interpreter it is: by Py_Version, else by the name of its file; and what it says itself. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/cpython.h"

#define COOKIE "xdebugpy"

/* Prefixes of base names, the longer first. */
static const struct {
	const char *prefix;
	const char *interpreter;
} interpreters[] = {
	{ "libpython", "CPython" },
	{ "python", "CPython" },
	{ "libpypy", "PyPy" },
	{ "pypy", "PyPy" },
};

#define INTERPRETERS (sizeof(interpreters) / sizeof(interpreters[0]))

/* The row of the table, -1: none. *ret_rest: what follows the prefix. */
static int find_row(const char *base_name, const char **ret_rest)
{
	for (size_t i = 0; i < INTERPRETERS; i++) {
		size_t length = strlen(interpreters[i].prefix);

		if (strncmp(base_name, interpreters[i].prefix, length) != 0)
			continue;
		*ret_rest = base_name + length;
		return (int)i;
	}
	return -1;
}

bool is_interpreter_name(const char *base_name)
{
	const char *rest;

	return find_row(base_name, &rest) >= 0;
}

bool is_pypy_name(const char *base_name)
{
	const char *rest;
	int row = find_row(base_name, &rest);

	return row >= 0 && !strcmp(interpreters[row].interpreter, "PyPy");
}

/* 0xMMmmppLS: major, minor, micro, level (f: final) and serial. */
static char *version_text(uint64_t version)
{
	static const struct {
		uint8_t level;
		const char *text;
	} levels[] = { { 0xa, "a" }, { 0xb, "b" }, { 0xc, "rc" } };
	unsigned int major = version >> 24 & 0xff;
	unsigned int minor = version >> 16 & 0xff;
	unsigned int micro = version >> 8 & 0xff;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if ((version >> 4 & 0xf) == levels[i].level)
			return xasprintf("CPython %u.%u.%u%s%u", major, minor, micro,
					 levels[i].text, (unsigned int)(version & 0xf));
	return xasprintf("CPython %u.%u.%u", major, minor, micro);
}

/* It is in the file: nothing of the target's memory is needed. */
static char *version_of_file(struct elf_file *file)
{
	struct elf_symbol symbol;
	uint64_t version = 0;

	if (!file || !elf_file_symbol_named(file, "Py_Version", &symbol) ||
	    symbol.size > sizeof(version) ||
	    !elf_file_read(file, symbol.value, &version, symbol.size))
		return NULL;
	return version >> 24 >= 2 && version >> 32 == 0 ? version_text(version) : NULL;
}

static char *version_of_name(const char *base_name)
{
	const char *rest;
	unsigned int major;
	unsigned int minor;
	int row = find_row(base_name, &rest);

	if (row < 0)
		return NULL;
	if (isdigit((unsigned char)*rest) && sscanf(rest, "%2u.%2u", &major, &minor) == 2)
		return xasprintf("%s %u.%u", interpreters[row].interpreter, major, minor);
	return xstrdup(interpreters[row].interpreter);
}

char *cpython_version(struct elf_file *file, const char *base_name)
{
	char *version = version_of_file(file);

	return version ? version : version_of_name(base_name);
}

bool cpython_debug_offsets(pid_t pid, uint64_t runtime, struct debug_offsets *ret_offsets)
{
	struct debug_offsets offsets;

	if (!target_read(pid, runtime, &offsets, sizeof(offsets)) ||
	    memcmp(offsets.cookie, COOKIE, sizeof(offsets.cookie)) != 0)
		return false;
	*ret_offsets = offsets;
	return true;
}

bool is_cpython36_name(const char *base_name)
{
	char *version OWNED(mem_freep) = version_of_name(base_name);
	unsigned int minor;

	return version && sscanf(version, "CPython 3.%2u", &minor) == 1 && minor >= 2 && minor <= 6;
}

enum gil_part cpython36_part(const char *symbol)
{
	if (!strcmp(symbol, "gil_cond") || !strcmp(symbol, "gil_mutex"))
		return GIL_WAIT;
	if (!strcmp(symbol, "switch_cond") || !strcmp(symbol, "switch_mutex"))
		return GIL_HAND_OVER;
	return GIL_NOT;
}
