/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The terminal of `convoy top`: draws lines, reads keys, and leaves the terminal as it was. Not for
 * what the lines say.
 */
#ifndef CONVOY_CLI_TOP_SCREEN_H
#define CONVOY_CLI_TOP_SCREEN_H

#include <stdbool.h>

#include "output/top_lines.h"

enum top_key {
	TOP_KEY_NONE,
	TOP_KEY_QUIT,
	TOP_KEY_ORDER, /* sort by the next column */
	TOP_KEY_FREEZE,
	TOP_KEY_FILTER,
	TOP_KEY_DETAIL, /* more of the selected thread, or less again */
	TOP_KEY_REDRAW, /* moved, resized, asked for help */
};

struct top_screen;

/* NULL after an error was printed: no terminal. */
struct top_screen *top_screen_open(bool has_color);
void top_screen_close(struct top_screen *screen); /* takes NULL */

unsigned int top_screen_columns(const struct top_screen *screen);
void top_screen_draw(struct top_screen *screen, const struct top_lines *lines);
/* Waits for a key at most so long. Signals end the wait. */
enum top_key top_screen_key(struct top_screen *screen, int timeout_ms);
/* The thread of the selected row, 0: none. */
uint32_t top_screen_selected(const struct top_screen *screen);
/* Lets the user type a text; false if it was given up. */
bool top_screen_ask(struct top_screen *screen, const char *question, char *text, int bytes);

#endif
