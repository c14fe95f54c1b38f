/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Symbols as a person writes them: plain nested names of C++ and Rust, without the suffixes that
 * compilers add to copies of a function. Not for templates, operators and arguments: such symbols
 * stay as they are.
 */
#ifndef CONVOY_NAMES_DEMANGLE_H
#define CONVOY_NAMES_DEMANGLE_H

#include <stddef.h>

/* Writes a terminated text, cut to size; symbol and text must not overlap. */
void demangle(const char *symbol, char *ret_text, size_t size);

#endif
