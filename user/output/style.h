/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Colour and weight of text on a terminal: the same calls with and without, so that a report reads
 * the same in a pipe. Not for deciding whether there is a terminal.
 */
#ifndef CONVOY_OUTPUT_STYLE_H
#define CONVOY_OUTPUT_STYLE_H

#include <stdbool.h>

/* Escape sequences, all "" without colour. */
struct style {
	const char *heading;
	const char *faint;
	const char *bad;
	const char *good;
	const char *reset;
};

const struct style *style_get(bool has_color);

#endif
