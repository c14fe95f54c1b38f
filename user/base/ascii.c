/* SPDX-License-Identifier: GPL-2.0-only */
/* Substitutes for the signs of reports and messages. */
#include "base/ascii.h"

#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "base/escape.h"

struct sign {
	const char *text; /* the longer of two that begin alike first */
	const char *substitute;
};

/* As wide as what they stand for, blanks counted, so that tables stay in line. */
static const struct sign signs[] = {
	{ "\u2013", "-" }, /* en dash */
	{ "\u2212", "-" }, /* minus */
	{ "\u00d7", "x" }, /* times */
	{ "\u00b5", "u" }, /* micro */
	{ "\u00b1 ", "+-" }, /* plus or minus */
	{ "\u00b1", "~" }, /* the same, alone */
	{ "\u2192 ", "->" }, /* arrow */
	{ "\u2192", ">" }, /* the same, alone */
	{ " \u2026:", "..:" }, /* and so on */
	{ "\u2026", "~" }, /* the rest of a name; from one to another */
};

bool locale_is_utf8(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool is_utf8;

	if (!locale)
		return false;
	is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
	freelocale(locale);
	return is_utf8;
}

static const struct sign *sign_at(const char *text)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strncmp(text, signs[i].text, strlen(signs[i].text)) == 0)
			return &signs[i];
	return NULL;
}

static bool is_continued(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* A character that nobody substitutes: as many question marks as it has columns. */
static const char *put_unknown(const char *text, FILE *file)
{
	char character[5] = "";
	size_t bytes = 1;

	while (bytes < 4 && is_continued(text[bytes]))
		bytes++;
	memcpy(character, text, bytes);
	for (size_t columns = text_columns(character); columns > 0; columns--)
		putc('?', file);
	return text + bytes;
}

void ascii_put(const char *text, FILE *file)
{
	while (*text) {
		const struct sign *sign = sign_at(text);

		if (sign) {
			fputs(sign->substitute, file);
			text += strlen(sign->text);
		} else if ((unsigned char)*text < 0x80) {
			putc(*text++, file);
		} else {
			text = put_unknown(text, file);
		}
	}
}
