/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Manual pages and completions, made from the same tables as --help. Not for what the tables say,
 * and not for where the files go.
 */
#ifndef CONVOY_CLI_DOCS_H
#define CONVOY_CLI_DOCS_H

#include <stdio.h>

#include "cli/args.h"

/*
 * The manual page of a command, or of convoy as a whole (command NULL), in man(7). more: what the
 * tables do not say, "" for none: "# SECTION" begins a section, "= TERM" an entry of a list that
 * ends with a blank line, four blanks a line to be shown as it is; a blank line ends a paragraph.
 */
void docs_man(const struct command *command, const char *more, FILE *file);

/* Completion of all commands that are not hidden. */
void docs_bash(FILE *file);
void docs_zsh(FILE *file);
void docs_fish(FILE *file);

/* Commands that are not hidden, by index; NULL after the last. */
const struct command *docs_command(size_t index);

#endif
