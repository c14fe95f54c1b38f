/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options as tables: a row says all there is to know of an option, and parsing, --help, man pages
 * and completion are made from it. Not for what an option means to a command.
 */
#ifndef CONVOY_CLI_ARGS_H
#define CONVOY_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cli/command.h"

/* How an option's argument is read, and what lies at its offset. */
enum option_type {
	OPTION_FLAG, /* bool */
	OPTION_TEXT, /* const char *, borrowed from argv; the last one given wins */
	OPTION_CHOICE, /* const char *, one of the choices (the choice's own pointer) */
	OPTION_COUNT, /* uint64_t, within min … max */
	OPTION_BYTES, /* uint64_t, within min … max; K, M, G */
	OPTION_SECONDS, /* uint64_t ns, more than 0 */
	OPTION_PERCENT, /* struct percent; the argument is optional and follows a = */
	OPTION_LIST, /* struct text_list: one item each time it is given */
	OPTION_WORDS, /* struct text_list: items split at commas, several times too */
};

struct option_row {
	const char *name; /* without the dashes */
	char letter; /* 0: none */
	const char *argument; /* its name in help, in capitals; NULL: takes none */
	const char *help; /* a sentence without capital and full stop; choices are added */
	enum option_type type;
	enum argument_kind kind;
	size_t offset; /* into the command's struct of options */
	uint64_t min;
	uint64_t max;
	const char *(*choice)(size_t index); /* of OPTION_CHOICE; NULL after the last */
};

struct percent {
	bool is_given;
	bool has_value;
	double value;
};

struct text_list {
	char **items; /* owned */
	size_t count;
};

void text_list_add(struct text_list *list, const char *text); /* a copy */
void text_list_release(struct text_list *list);

/* What every command understands; the first member of its struct of options. */
struct common_options {
	bool wants_help;
	bool wants_version;
	bool is_quiet;
	bool is_verbose;
	const char *color; /* "auto", "always", "never"; NULL: auto */
};

extern const struct option_row common_rows[];

/* The operands left when the options are taken out, in order; borrowed from argv. */
struct operands {
	char **items; /* ends with NULL; owned, not what it points to */
	size_t count;
};

#define ARGS_GO_ON (-1)

/*
 * Reads argv (argv[0] is the command's name) into ret_options, a zeroed struct of the command, and
 * sets the level of talk. ARGS_GO_ON; or the status to leave with: help or version were asked for
 * and printed, or a mistake was named on stderr.
 */
int args_parse(const struct command *command, int argc, char *argv[], void *ret_options,
	       struct operands *ret_operands);
void operands_release(struct operands *operands);

/* Says what is wrong with how the command was called, what to try, and returns STATUS_USAGE. */
int args_usage(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

/* After the last write to stdout: STATUS_DONE; quietly 128 + SIGPIPE if nobody reads any more; or
 * STATUS_USAGE, and the error is named. */
int args_flush_stdout(void);
/* The same for the error of a write: err is negative. */
int args_write_failed(int err);

/* The row at a position in all tables of a command, counted through; NULL after the last. */
const struct option_row *args_row(const struct command *command, size_t index);

/* The choices of an OPTION_CHOICE in words: "a, b or c", owned by the caller; else NULL. */
char *args_choices(const struct option_row *row);

/* The manual of a command in 80 columns. */
void args_help(const struct command *command, FILE *file);

/* Whether to colour what goes to fd: --color, NO_COLOR, TERM, and whether it is a terminal. */
bool args_color(const struct common_options *common, int fd);

/*
 * Closest of the names to a mistyped one, by edit distance; NULL if none is near. `name` gives the
 * names by index, NULL after the last.
 */
const char *args_closest(const char *mistyped, const char *(*name)(const void *of, size_t index),
			 const void *of);

/* Prints text wrapped at 80 columns, every line indented; the first one already has `column`
 * columns on it. */
void args_wrap(FILE *file, const char *text, unsigned int indent, unsigned int column);

#endif
