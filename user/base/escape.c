/* SPDX-License-Identifier: GPL-2.0-only */
/* The one gate for strings that came from outside: a strict UTF-8 reader and a table of what is
 * never shown as it is. */
#include "base/escape.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define ESCAPE_LENGTH 4 /* \xNN */

struct code_range {
	uint32_t first;
	uint32_t last;
};

/*
 * Characters that change how others are shown or are not shown at all: controls, the Unicode
 * category Cf (bidirectional marks, zero-width characters, tags), the line and paragraph
 * separators, and blank fillers.
 */
static const struct code_range unsafe_ranges[] = {
	{ 0x0000, 0x001f },   { '\\', '\\' },	    { 0x007f, 0x009f },	  { 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },   { 0x0600, 0x0605 },   { 0x061c, 0x061c },	  { 0x06dd, 0x06dd },
	{ 0x070f, 0x070f },   { 0x0890, 0x0891 },   { 0x08e2, 0x08e2 },	  { 0x115f, 0x1160 },
	{ 0x180b, 0x180f },   { 0x200b, 0x200f },   { 0x2028, 0x202e },	  { 0x2060, 0x206f },
	{ 0x3164, 0x3164 },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },	  { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },   { 0xfffe, 0xffff },   { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

/* Drawn on top of the character before. */
static const struct code_range zero_width_ranges[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd }, { 0x064b, 0x065f },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
};

/* Two columns on a terminal: East Asian wide and full-width, and pictographs. */
static const struct code_range wide_ranges[] = {
	{ 0x1100, 0x115e },   { 0x2e80, 0x303e },   { 0x3041, 0x3163 },	  { 0x3165, 0x4dbf },
	{ 0x4e00, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },	  { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },	  { 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff }, { 0x20000, 0x3fffd },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_in(const struct code_range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count && code >= ranges[i].first; i++) {
		if (code <= ranges[i].last)
			return true;
	}
	return false;
}

/*
 * Bytes of the character at `text`, 0 if it is not UTF-8 (overlong forms, surrogates and codes
 * above U+10FFFF are not).
 */
static size_t decode(const unsigned char *text, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = text[0] < 0x80	 ? 1
			: text[0] < 0xc2 ? 0
			: text[0] < 0xe0 ? 2
			: text[0] < 0xf0 ? 3
			: text[0] < 0xf5 ? 4
					 : 0;
	uint32_t code;

	if (length <= 1) {
		*ret_code = text[0];
		return length;
	}
	code = text[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80) /* the terminating 0 ends here too */
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < smallest[length] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff)
		return 0;
	*ret_code = code;
	return length;
}

static char *put_escaped(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	*out++ = '\\';
	*out++ = 'x';
	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

/* Bytes at `text` that may be shown as they are; 0: the first byte must be escaped (and if it
 * begins an unsafe character, its other bytes follow as bytes that are not UTF-8). */
static size_t safe_length(const unsigned char *text)
{
	uint32_t code;
	size_t length;

	if (text[0] >= 0x20 && text[0] < 0x7f)
		return text[0] != '\\';
	length = decode(text, &code);
	return length && !is_in(unsafe_ranges, COUNT_OF(unsafe_ranges), code) ? length : 0;
}

static char *escape(const char *raw, bool is_cell)
{
	const unsigned char *in = (const unsigned char *)raw;
	char *escaped = xcalloc(strlen(raw) + 1, ESCAPE_LENGTH);
	char *out = escaped;

	if (is_cell && *in && strchr("=+-@", *in))
		out = put_escaped(out, *in++);
	while (*in) {
		size_t length = safe_length(in);

		if (length) {
			memcpy(out, in, length);
			out += length;
			in += length;
		} else {
			out = put_escaped(out, *in++);
		}
	}
	*out = '\0';
	return escaped;
}

char *escape_text(const char *raw)
{
	return escape(raw, false);
}

char *escape_cell(const char *raw)
{
	return escape(raw, true);
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The byte that the escape at `text` stands for; -1: malformed, or a 0 that would cut the string.
 */
static int escaped_byte(const char *text)
{
	int high, low;

	if (text[1] != 'x')
		return -1;
	high = hex_value(text[2]);
	low = high < 0 ? -1 : hex_value(text[3]);
	return low < 0 || high + low == 0 ? -1 : high << 4 | low;
}

int unescape_text(char *text)
{
	const char *in = strchr(text, '\\');
	char *out = text + (in ? in - text : 0);

	for (const char *check = in; check; check = strchr(check + ESCAPE_LENGTH, '\\')) {
		if (escaped_byte(check) < 0)
			return -EINVAL;
	}
	if (!in)
		return 0;
	while (*in) {
		if (*in == '\\') {
			*out++ = (char)escaped_byte(in);
			in += ESCAPE_LENGTH;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
	return 0;
}

size_t text_columns(const char *escaped)
{
	const unsigned char *in = (const unsigned char *)escaped;
	size_t columns = 0;

	while (*in) {
		uint32_t code = 0;
		size_t length = decode(in, &code);

		in += length ? length : 1;
		if (is_in(wide_ranges, COUNT_OF(wide_ranges), code))
			columns += 2;
		else if (!is_in(zero_width_ranges, COUNT_OF(zero_width_ranges), code))
			columns++;
	}
	return columns;
}
