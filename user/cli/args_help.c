/* SPDX-License-Identifier: GPL-2.0-only */
/* --help from the tables, in 80 columns; and the closest name to a mistyped one. */
#include "cli/args.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

#define HELP_COLUMNS 80
#define OPTION_INDENT 28 /* where the help of an option begins */

/* Characters, not bytes: help text has "…" in it. */
static unsigned int columns_of(const char *text, size_t bytes)
{
	unsigned int columns = 0;

	for (size_t i = 0; i < bytes; i++)
		columns += ((unsigned char)text[i] & 0xc0) != 0x80;
	return columns;
}

void args_wrap(FILE *file, const char *text, unsigned int indent, unsigned int column)
{
	bool is_first = true; /* of its line */

	if (column > indent) {
		putc('\n', file);
		column = 0;
	}
	while (*text) {
		size_t bytes = strcspn(text, " \n");
		unsigned int width = columns_of(text, bytes);

		if (!is_first && column + 1 + width > HELP_COLUMNS) {
			putc('\n', file);
			column = 0;
			is_first = true;
		}
		if (is_first)
			fprintf(file, "%*s", (int)(indent - column), "");
		else
			putc(' ', file);
		column = is_first ? indent : column + 1;
		fwrite(text, 1, bytes, file);
		column += width;
		is_first = false;
		text += bytes;
		if (*text == '\n') {
			putc('\n', file);
			column = 0;
			is_first = true;
		}
		if (*text)
			text++;
	}
	if (!is_first)
		putc('\n', file);
}

/* "-o, --output DIR": what a person types. */
static char *row_head(const struct option_row *row)
{
	char letter[] = "    ";

	if (row->letter)
		snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	if (!row->argument)
		return xasprintf("  %s--%s", letter, row->name);
	if (row->type == OPTION_PERCENT)
		return xasprintf("  %s--%s[=%s]", letter, row->name, row->argument);
	return xasprintf("  %s--%s %s", letter, row->name, row->argument);
}

static void help_row(const struct option_row *row, FILE *file)
{
	char *head OWNED(mem_freep) = row_head(row);
	char *choices OWNED(mem_freep) = args_choices(row);
	char *help OWNED(mem_freep) =
		choices ? xasprintf("%s: %s", row->help, choices) : xstrdup(row->help);

	unsigned int width = columns_of(head, strlen(head));

	fputs(head, file);
	if (width + 2 > OPTION_INDENT) {
		putc('\n', file);
		width = 0;
	}
	args_wrap(file, help, OPTION_INDENT, width);
}

void args_help(const struct command *command, FILE *file)
{
	char *heading OWNED(mem_freep) =
		xasprintf("convoy %s - %s", command->name, command->summary);
	char *usage OWNED(mem_freep) = xasprintf("Usage: convoy %s ", command->name);
	unsigned int width = columns_of(usage, strlen(usage));

	args_wrap(file, heading, 0, 0);
	fprintf(file, "\n%s", usage);
	args_wrap(file, command->usage, width, width);
	putc('\n', file);
	args_wrap(file, command->details, 0, 0);
	fputs("\nOptions:\n", file);
	for (const struct option_row *const *table = command->options; *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			help_row(row, file);
	if (!command->examples)
		return;
	fputs("\nExamples:\n", file);
	for (const struct example *example = command->examples; example->line; example++) {
		fprintf(file, "  %s\n", example->line);
		args_wrap(file, example->what, 6, 0);
	}
}

int args_write_failed(int err)
{
	if (err == -EPIPE)
		return STATUS_SIGNAL + SIGPIPE;
	(void)!fail(err, "cannot write to standard output");
	return STATUS_USAGE;
}

int args_flush_stdout(void)
{
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_DONE;
	return args_write_failed(errno ? -errno : -EIO);
}

/* Edit distance (insert, delete, replace, swap neighbours), of short words only. */
#define WORD_MAX 32
#define FAR 3 /* more mistakes than this make it another word */

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[WORD_MAX + 1][WORD_MAX + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return UINT_MAX;
	for (size_t i = 0; i <= a_length; i++)
		rows[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			unsigned int best = rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = least(best, least(rows[i - 1][j], rows[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = least(best, rows[i - 2][j - 2] + 1);
			rows[i][j] = best;
		}
	}
	return rows[a_length][b_length];
}

const char *args_closest(const char *mistyped, const char *(*name)(const void *of, size_t index),
			 const void *of)
{
	/* Of a short word one letter at most, or everything is close to it. */
	unsigned int best = least((unsigned int)(strlen(mistyped) + 2) / 3, FAR);
	const char *closest = NULL;
	const char *candidate;

	for (size_t i = 0; (candidate = name(of, i)); i++) {
		size_t length = strlen(mistyped);
		unsigned int far = distance(mistyped, candidate);

		/* The beginning of a name is meant for it, however much is missing. */
		if (length >= 3 && strncmp(mistyped, candidate, length) == 0)
			far = 1;
		if (far <= best && (!closest || far < best)) {
			best = far;
			closest = candidate;
		}
	}
	return closest;
}
