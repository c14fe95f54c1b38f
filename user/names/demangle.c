/* SPDX-License-Identifier: GPL-2.0-only */
/* "_ZN13ObjectMonitor5enterEP10JavaThread" is ObjectMonitor::enter. */
#include "names/demangle.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NAMELESS "_GLOBAL__N_1" /* how compilers call a namespace without a name */
#define HASH_DIGITS 16 /* of a Rust symbol: "h" and so many */

struct writer {
	char *text;
	size_t size;
	size_t used;
};

static void write_part(struct writer *writer, const char *part, size_t length)
{
	size_t room = writer->size - writer->used - 1;

	if (length > room)
		length = room;
	memcpy(writer->text + writer->used, part, length);
	writer->used += length;
	writer->text[writer->used] = '\0';
}

static bool is_rust_hash(const char *part, size_t length)
{
	if (length != HASH_DIGITS + 1 || part[0] != 'h')
		return false;
	for (size_t i = 1; i < length; i++)
		if (!isxdigit((unsigned char)part[i]))
			return false;
	return true;
}

/* "13ObjectMonitor": a length and as many bytes. The next, or NULL. */
static const char *read_part(const char *at, const char **ret_part, size_t *ret_length)
{
	size_t length = 0;

	while (isdigit((unsigned char)*at) && length < 10000)
		length = length * 10 + (size_t)(*at++ - '0');
	if (length == 0 || strnlen(at, length) < length)
		return NULL;
	*ret_part = at;
	*ret_length = length;
	return at + length;
}

/* Parts up to where anything but a plain name comes; false if that is not the end of the name. */
static bool write_parts(struct writer *writer, const char *at, bool is_nested)
{
	const char *part;
	size_t length;

	for (;;) {
		if (is_nested && *at == 'L' && isdigit((unsigned char)at[1]))
			at++; /* local to its file */
		if (!isdigit((unsigned char)*at))
			break;
		at = read_part(at, &part, &length);
		if (!at)
			return false;
		if (*at == 'E' && is_rust_hash(part, length))
			continue;
		if (writer->used > 0)
			write_part(writer, "::", 2);
		if (length == strlen(NAMELESS) && !strncmp(part, NAMELESS, length))
			write_part(writer, "(anonymous)", strlen("(anonymous)"));
		else
			write_part(writer, part, length);
		if (!is_nested)
			return true;
	}
	/* Constructors and destructors are of the name before. */
	if (is_nested && (at[0] == 'C' || at[0] == 'D') && isdigit((unsigned char)at[1]))
		at += 2;
	return *at == 'E' && writer->used > 0;
}

static bool demangle_plain(const char *symbol, struct writer *writer)
{
	bool is_nested;

	if (strncmp(symbol, "_Z", 2) != 0)
		return false;
	symbol += 2;
	if (*symbol == 'L') /* local to its file */
		symbol++;
	is_nested = *symbol == 'N';
	if (is_nested)
		symbol += 1 + strspn(symbol + 1, "rVK");
	if (!strncmp(symbol, "St", 2)) {
		write_part(writer, "std", 3);
		symbol += 2;
	}
	return write_parts(writer, symbol, is_nested);
}

/* Behind a letter, a number in digits and letters and an underscore. */
static const char *skip_number(const char *at)
{
	while (isalnum((unsigned char)*at))
		at++;
	return *at == '_' ? at + 1 : NULL;
}

static const char *skip_rust_tag(const char *at)
{
	if (*at == 'N' && isalpha((unsigned char)at[1]))
		return at + 2;
	if (*at == 'C' || *at == 'M')
		return at + 1;
	return *at == 's' || *at == 'B' ? skip_number(at + 1) : NULL;
}

/* The newer names of Rust: nested paths and methods, in which every part comes in its order. */
static bool demangle_rust(const char *symbol, struct writer *writer)
{
	const char *at = symbol + strnlen(symbol, 2);
	const char *part;
	size_t length;

	if (strncmp(symbol, "_R", 2) != 0)
		return false;
	while (at && *at && *at != '.') {
		if (!isdigit((unsigned char)*at)) {
			at = skip_rust_tag(at);
			continue;
		}
		at = read_part(at, &part, &length);
		if (!at)
			return false;
		if (writer->used > 0)
			write_part(writer, "::", 2);
		write_part(writer, part, length);
	}
	return at && writer->used > 0;
}

/* "_ZZ4mainENKUlvE_clEv", or what std::thread makes of it: the lambda in main. */
static bool demangle_lambda(const char *symbol, struct writer *writer)
{
	const char *lambda = strstr(symbol, "EUl");
	const char *at = strstr(symbol, "JZ");
	bool is_nested;

	if (strncmp(symbol, "_ZZ", 3) == 0) {
		lambda = strstr(symbol, "ENKUl");
		at = symbol + 1;
	} else if (strncmp(symbol, "_ZNSt6thread11_State_impl", 25) != 0) {
		return false;
	}
	if (!at || !lambda || lambda < at)
		return false;
	at += 2;
	is_nested = *at == 'N';
	if (is_nested)
		at += 1 + strspn(at + 1, "rVK");
	if (!write_parts(writer, at, is_nested))
		return false;
	write_part(writer, "::lambda", 8);
	return true;
}

/* "_ZZ4mainvE4lock": the variable lock in main; "_ZGV…" guards the making of one. */
static bool demangle_local(const char *symbol, struct writer *writer)
{
	bool is_guard = !strncmp(symbol, "_ZGVZ", 5);
	const char *at = symbol + (is_guard ? 5 : 3);
	const char *last = strrchr(symbol, 'E');
	const char *part;
	size_t length;
	bool is_nested;

	if ((!is_guard && strncmp(symbol, "_ZZ", 3) != 0) || !last || last < at)
		return false;
	is_nested = *at == 'N';
	if (is_nested)
		at += 1 + strspn(at + 1, "rVK");
	if (!write_parts(writer, at, is_nested) || !read_part(last + 1, &part, &length))
		return false;
	write_part(writer, "()::", 4);
	write_part(writer, part, length);
	if (is_guard)
		write_part(writer, " (guard)", 8);
	return true;
}

static void cut_suffix(char *text)
{
	static const char *const suffixes[] = { ".part.", ".isra.", ".constprop.", ".cold",
						".lto_priv." };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *found = strstr(text, suffixes[i]);

		if (found && found != text)
			*found = '\0';
	}
}

void demangle(const char *symbol, char *ret_text, size_t size)
{
	static bool (*const forms[])(const char *symbol, struct writer *writer) = {
		demangle_plain,
		demangle_rust,
		demangle_lambda,
		demangle_local,
	};
	bool is_done = false;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]) && !is_done && size > 0; i++) {
		struct writer writer = { .text = ret_text, .size = size };

		ret_text[0] = '\0';
		is_done = forms[i](symbol, &writer);
	}
	if (!is_done)
		snprintf(ret_text, size, "%s", symbol);
	cut_suffix(ret_text);
}
