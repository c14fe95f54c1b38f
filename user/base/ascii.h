/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text for where no UTF-8 is understood: the signs that convoy itself writes get a substitute of
 * the same width, any other character a question mark. Not for files, which are always UTF-8.
 */
#ifndef CONVOY_BASE_ASCII_H
#define CONVOY_BASE_ASCII_H

#include <stdbool.h>
#include <stdio.h>

/* Whether LC_ALL, LC_CTYPE or LANG asks for UTF-8. */
bool locale_is_utf8(void);

/* Writes UTF-8 text as ASCII. */
void ascii_put(const char *text, FILE *file);

#endif
