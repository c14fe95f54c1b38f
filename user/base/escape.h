/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one gate for strings that came from outside: thread names, paths, symbols, arguments.
 * Everything that shows such a string to a person, a terminal or a file goes through here (JSON
 * escaping is the JSON library's, on top of this).
 */
#ifndef CONVOY_BASE_ESCAPE_H
#define CONVOY_BASE_ESCAPE_H

#include <stddef.h>

/*
 * A copy in which control bytes (C0, DEL, C1), bidirectional and other format characters, bytes
 * that are not UTF-8, and the backslash are written \xNN (reversible): safe for terminals, and
 * strict UTF-8. Free with free().
 */
char *escape_text(const char *raw);
/* The same, and a leading = + - @ is escaped too: a CSV cell that no spreadsheet runs. Quotes and
 * commas stay (the CSV writer quotes). */
char *escape_cell(const char *raw);
/* Back to raw bytes, in place. -EINVAL if an escape is malformed. */
int unescape_text(char *text);
/* Columns a terminal needs for escaped text. */
size_t text_columns(const char *escaped);

#endif
