/* SPDX-License-Identifier: GPL-2.0-only */
/* Talking to the user on stderr. Hostile bytes in arguments are shown as \xNN, so a name cannot
 * drive the terminal. */
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/escape.h"

static enum talk_level talk_level = TALK_NORMAL;
static bool talks_ascii;

void talk_set_ascii(bool is_ascii)
{
	talks_ascii = is_ascii;
}

void talk_set_level(enum talk_level level)
{
	talk_level = level;
}

enum talk_level talk_get_level(void)
{
	return talk_level;
}

static void put_safe(const char *text)
{
	char *escaped = escape_text(text);

	if (talks_ascii)
		ascii_put(escaped, stderr);
	else
		fputs(escaped, stderr);
	free(escaped);
}

static void talk(const char *prefix, const char *format, va_list args, int err)
{
	char *text = NULL;

	if (talk_level <= TALK_SILENT || vasprintf(&text, format, args) < 0)
		return;
	fputs(prefix, stderr);
	put_safe(text);
	if (err)
		fprintf(stderr, ": %s", strerror(-err));
	putc('\n', stderr);
	free(text);
}

int fail(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	talk("convoy: ", format, args, err);
	va_end(args);
	return err;
}

int fail_plain(int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	talk("convoy: ", format, args, 0);
	va_end(args);
	return err;
}

void warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	talk("convoy: warning: ", format, args, 0);
	va_end(args);
}

void notice(const char *format, ...)
{
	va_list args;

	if (talk_level < TALK_NORMAL)
		return;
	va_start(args, format);
	talk("convoy: ", format, args, 0);
	va_end(args);
}

void detail(const char *format, ...)
{
	va_list args;

	if (talk_level < TALK_VERBOSE)
		return;
	va_start(args, format);
	talk("convoy: ", format, args, 0);
	va_end(args);
}
