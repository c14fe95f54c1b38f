/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A command of convoy: one file exporting one const struct, one row in main.c. Its help, its
 * parsing and later its man page and its completion all come from this table, so nothing is said
 * twice.
 */
#ifndef CONVOY_CLI_COMMAND_H
#define CONVOY_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct option_row;

/* What convoy leaves with. `run` passes its command's own status on. */
enum exit_status {
	STATUS_DONE = 0,
	STATUS_USAGE = 2, /* wrong use, or something in the environment is missing or failed */
	STATUS_LOSS = 3, /* more was lost than --fail-on-loss allows, and all else is well */
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_NOT_FOUND = 127,
	STATUS_SIGNAL = 128, /* + the number of the signal */
};

/* What an argument stands for: for completion. */
enum argument_kind {
	ARGUMENT_NONE,
	ARGUMENT_TEXT,
	ARGUMENT_NUMBER,
	ARGUMENT_FILE,
	ARGUMENT_DIR,
	ARGUMENT_USER,
	ARGUMENT_PID,
	ARGUMENT_CHOICE,
	ARGUMENT_PROGRAM, /* something to execute: found by PATH */
	ARGUMENT_COMMAND, /* a command of convoy */
};

struct example {
	const char *line;
	const char *what;
};

struct command {
	const char *name;
	const char *summary; /* one line, lower case, no full stop */
	const char *usage; /* after "convoy NAME ": "[OPTION…] -- COMMAND [ARG…]" */
	const char *details; /* paragraphs for --help, each ended by \n; wrapped when printed */
	const struct example *examples; /* ends with a row whose line is NULL; may be NULL */
	/* Tables of options, ended by NULL; each ends with a row whose name is NULL. The offsets of
	 * all of them are in one struct, which begins with a struct common_options. */
	const struct option_row *const *options;
	enum argument_kind operand_kind; /* of what is not an option */
	unsigned int operands_min;
	unsigned int operands_max; /* OPERANDS_MANY: no limit */
	bool stops_at_operand; /* what follows the first operand belongs to it, options too */
	bool is_hidden; /* not in help, not suggested */
	bool leaves_signals; /* dies of them as any program; else signals.h is in force */
	/* argv[0] is the command's name. Returns the status to leave with. */
	int (*main)(const struct command *command, int argc, char *argv[]);
};

#define OPERANDS_MANY (~0u)

/* The list in main.c, ended by NULL; NULL if there is no such command. */
extern const struct command *const commands[];
const struct command *command_find(const char *name);

#endif
