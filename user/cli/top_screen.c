/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `convoy top`. */
#include "cli/top_screen.h"

#include <locale.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define ROWS_OF_HEAD 3

struct top_screen {
	SCREEN *terminal;
	const struct top_lines *lines; /* last drawn */
	size_t selected; /* line */
	size_t first; /* topmost line shown below the head */
	bool has_color;
	bool shows_help;
};

static const char *const help[] = {
	"keys of convoy top:",
	"  up, down   select a row        enter  more of a thread, less again",
	"  s          sort by the next column",
	"  f, space   freeze, go on",
	"  /          show only names that hold a text; empty shows all",
	"  h, ?       this help           q      quit",
	"",
	"# running   + ready without a CPU   ! waiting for a lock",
	"- waiting in a futex otherwise   o blocked (I/O, kernel)   . sleeping",
};

static void make_colors(void)
{
	static const short colors[LIVE_PARTS] = { COLOR_GREEN, COLOR_YELLOW,  COLOR_RED,
						  COLOR_CYAN,  COLOR_MAGENTA, COLOR_BLUE };

	start_color();
	use_default_colors();
	for (short i = 0; i < LIVE_PARTS; i++)
		init_pair((short)(i + 1), colors[i], -1);
}

struct top_screen *top_screen_open(bool has_color)
{
	struct top_screen *screen = xcalloc(1, sizeof(*screen));

	setlocale(LC_CTYPE, "");
	screen->terminal = newterm(NULL, stdout, stdin);
	if (!screen->terminal) {
		int ignored = fail_plain(-1,
					 "cannot drive this terminal ('%s'); set TERM, or use "
					 "--once",
					 getenv("TERM") ? getenv("TERM") : "");
		(void)ignored;
		free(screen);
		return NULL;
	}
	set_term(screen->terminal);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	screen->has_color = has_color && has_colors();
	if (screen->has_color)
		make_colors();
	screen->selected = ROWS_OF_HEAD;
	return screen;
}

void top_screen_close(struct top_screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->terminal);
	free(screen);
}

unsigned int top_screen_columns(const struct top_screen *screen)
{
	(void)screen;
	return COLS > 20 ? (unsigned int)COLS : 20;
}

static void draw_bar(const struct top_screen *screen, const struct top_line *line)
{
	for (size_t i = 0; i < line->bar_length; i++) {
		char symbol = line->text[line->bar_begin + i];
		attr_t color = 0;

		for (short part = 0; screen->has_color && part < LIVE_PARTS; part++) {
			if (symbol == top_symbol((enum live_part)part))
				color = (attr_t)COLOR_PAIR(part + 1);
		}
		attron(color);
		addch((chtype)symbol);
		attroff(color);
	}
}

static void draw_line(const struct top_screen *screen, size_t index, int y)
{
	const struct top_line *line = &screen->lines->items[index];
	attr_t look = line->is_heading ? A_BOLD : index == screen->selected ? A_REVERSE : 0;

	if (line->bar_length && (int)line->bar_begin + (int)line->bar_length > COLS + 8)
		return;
	attron(look);
	mvaddnstr(y, 0, line->text, line->bar_length ? (int)line->bar_begin : -1);
	attroff(look);
	draw_bar(screen, line);
}

/* Keeps the selected line on the screen. */
static void scroll_to_selected(struct top_screen *screen)
{
	size_t rows = LINES > ROWS_OF_HEAD ? (size_t)(LINES - ROWS_OF_HEAD) : 1;

	if (screen->selected >= screen->lines->count)
		screen->selected = screen->lines->count ? screen->lines->count - 1 : 0;
	if (screen->selected < ROWS_OF_HEAD)
		screen->selected = ROWS_OF_HEAD;
	if (screen->first < ROWS_OF_HEAD || screen->selected < screen->first)
		screen->first = screen->selected;
	if (screen->first == ROWS_OF_HEAD + 1)
		screen->first = ROWS_OF_HEAD;
	if (screen->selected >= screen->first + rows)
		screen->first = screen->selected - rows + 1;
}

void top_screen_draw(struct top_screen *screen, const struct top_lines *lines)
{
	int y = 0;

	screen->lines = lines;
	erase();
	if (screen->shows_help) {
		for (size_t i = 0; i < sizeof(help) / sizeof(help[0]) && y < LINES; i++)
			mvaddnstr(y++, 0, help[i], COLS);
		refresh();
		return;
	}
	scroll_to_selected(screen);
	for (size_t i = 0; i < ROWS_OF_HEAD && i < lines->count && y < LINES; i++)
		draw_line(screen, i, y++);
	for (size_t i = screen->first; i < lines->count && y < LINES; i++)
		draw_line(screen, i, y++);
	refresh();
}

static enum top_key move_by(struct top_screen *screen, int step)
{
	if (step < 0 && screen->selected > ROWS_OF_HEAD)
		screen->selected--;
	if (step > 0)
		screen->selected++;
	return TOP_KEY_REDRAW;
}

enum top_key top_screen_key(struct top_screen *screen, int timeout_ms)
{
	int key;

	timeout(timeout_ms);
	key = getch();
	if (screen->shows_help && key != ERR) {
		screen->shows_help = false;
		return TOP_KEY_REDRAW;
	}
	switch (key) {
	case 'q':
		return TOP_KEY_QUIT;
	case 's':
		return TOP_KEY_ORDER;
	case 'f':
	case ' ':
		return TOP_KEY_FREEZE;
	case '/':
		return TOP_KEY_FILTER;
	case '\r':
	case '\n':
	case KEY_ENTER:
		return TOP_KEY_DETAIL;
	case KEY_UP:
	case 'k':
		return move_by(screen, -1);
	case KEY_DOWN:
	case 'j':
		return move_by(screen, 1);
	case 'h':
	case '?':
		screen->shows_help = true;
		return TOP_KEY_REDRAW;
	case KEY_RESIZE:
		return TOP_KEY_REDRAW;
	default:
		return TOP_KEY_NONE;
	}
}

uint32_t top_screen_selected(const struct top_screen *screen)
{
	if (!screen->lines || screen->selected >= screen->lines->count)
		return 0;
	return screen->lines->items[screen->selected].thread;
}

bool top_screen_ask(struct top_screen *screen, const char *question, char *text, int bytes)
{
	int answer;

	(void)screen;
	mvprintw(LINES - 1, 0, "%s", question);
	clrtoeol();
	echo();
	curs_set(1);
	timeout(-1);
	answer = getnstr(text, bytes - 1);
	noecho();
	curs_set(0);
	return answer == OK;
}
