/* SPDX-License-Identifier: GPL-2.0-only */
/* Manual pages in man(7), which every reader of manual pages knows. */
#include "cli/docs.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

#define PAGE_DATE "2026-11-23" /* when these pages were last looked through */

#define SOURCE_COLUMNS 72 /* a line of running text is broken here */

/* Nothing in it is taken for a request or an escape. */
static void put_byte(FILE *file, char byte, bool begins_line)
{
	if (byte == '\\')
		fputs("\\e", file);
	else if (byte == '-')
		fputs("\\-", file);
	else if (begins_line && (byte == '.' || byte == '\''))
		fprintf(file, "\\&%c", byte);
	else
		putc(byte, file);
}

static void put_bytes(FILE *file, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		put_byte(file, text[i], i == 0);
}

/* Running text, broken at blanks. */
static void put_running(FILE *file, const char *text, size_t bytes)
{
	size_t column = 0;

	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == ' ' && column + 1 + strcspn(text + i + 1, " \n") > SOURCE_COLUMNS) {
			putc('\n', file);
			column = 0;
			continue;
		}
		put_byte(file, text[i], column == 0);
		column++;
	}
}

static void put(FILE *file, const char *text)
{
	put_bytes(file, text, strlen(text));
}

static void put_line(FILE *file, const char *text)
{
	put_running(file, text, strlen(text));
	putc('\n', file);
}

static void put_in_font(FILE *file, char font, const char *text)
{
	fprintf(file, "\\f%c", font);
	put(file, text);
	fputs("\\fR", file);
}

/* Lines are kept, a blank one ends a paragraph. */
static void put_paragraphs(FILE *file, const char *text)
{
	bool is_first = true; /* of its paragraph */

	while (*text) {
		size_t bytes = strcspn(text, "\n");

		if (bytes == 0)
			fputs(".PP\n", file);
		else if (!is_first)
			fputs(".br\n", file);
		put_running(file, text, bytes);
		if (bytes)
			putc('\n', file);
		is_first = bytes == 0;
		text += bytes + (text[bytes] == '\n');
	}
}

/* Words in capitals are what a person puts in. */
static void put_usage(FILE *file, const char *usage)
{
	while (*usage) {
		size_t bytes = strspn(usage, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		if (bytes > 1) {
			fputs("\\fI", file);
			put_bytes(file, usage, bytes);
			fputs("\\fR", file);
		} else {
			bytes = 1;
			put_bytes(file, usage, bytes);
		}
		usage += bytes;
	}
	putc('\n', file);
}

static void put_option(FILE *file, const struct option_row *row)
{
	char letter[] = { '-', row->letter, '\0' };
	char *name OWNED(mem_freep) = xasprintf("--%s", row->name);
	char *choices OWNED(mem_freep) = args_choices(row);
	char *help OWNED(mem_freep) =
		choices ? xasprintf("%s: %s", row->help, choices) : xstrdup(row->help);

	fputs(".TP\n", file);
	if (row->letter) {
		put_in_font(file, 'B', letter);
		fputs(", ", file);
	}
	put_in_font(file, 'B', name);
	if (row->argument) {
		fputs(row->type == OPTION_PERCENT ? "[=" : " ", file);
		put_in_font(file, 'I', row->argument);
		fputs(row->type == OPTION_PERCENT ? "]" : "", file);
	}
	putc('\n', file);
	put_line(file, help);
}

static void put_options(FILE *file, const struct option_row *const *tables)
{
	fputs(".SH OPTIONS\n", file);
	for (; *tables; tables++)
		for (const struct option_row *row = *tables; row->name; row++)
			put_option(file, row);
}

static void put_examples(FILE *file, const struct example *example)
{
	if (!example)
		return;
	fputs(".SH EXAMPLES\n", file);
	for (; example->line; example++) {
		fputs(".TP\n", file);
		put_in_font(file, 'B', example->line);
		putc('\n', file);
		put_line(file, example->what);
	}
}

static bool is_shown_as_it_is(const char *line)
{
	return strncmp(line, "    ", 4) == 0;
}

/* One line of the text beside the tables; what kind it is shows at its begin. */
static void put_more_line(FILE *file, const char *line, size_t bytes, bool *is_list)
{
	bool is_literal = is_shown_as_it_is(line);

	if (strncmp(line, "# ", 2) == 0) {
		fputs(".SH ", file);
		put_bytes(file, line + 2, bytes - 2);
		*is_list = false;
	} else if (strncmp(line, "= ", 2) == 0) {
		fputs(".TP\n\\fB", file);
		put_bytes(file, line + 2, bytes - 2);
		fputs("\\fR", file);
		*is_list = true;
	} else if (bytes == 0) {
		return;
	} else if (is_literal) {
		put_bytes(file, line + 4, bytes - 4);
	} else {
		put_running(file, line, bytes);
	}
	putc('\n', file);
}

/* After a blank line a paragraph begins, unless what follows brings its own begin. */
static bool begins_paragraph(const char *line)
{
	return *line && strncmp(line, "# ", 2) != 0 && strncmp(line, "= ", 2) != 0 &&
	       !is_shown_as_it_is(line);
}

static void put_more(FILE *file, const char *line)
{
	bool is_list = false, is_literal = false, is_heading = false;

	while (*line) {
		size_t bytes = strcspn(line, "\n");
		const char *next = line + bytes + (line[bytes] == '\n');

		if (is_shown_as_it_is(line) && !is_literal)
			fputs(is_list ? ".IP\n.EX\n" : ".PP\n.EX\n", file);
		if (is_literal && !is_shown_as_it_is(line))
			fputs(".EE\n", file);
		is_literal = is_shown_as_it_is(line);
		if (bytes == 0 && !is_heading && begins_paragraph(next))
			fputs(".PP\n", file);
		put_more_line(file, line, bytes, &is_list);
		is_heading = strncmp(line, "# ", 2) == 0;
		line = next;
	}
	if (is_literal)
		fputs(".EE\n", file);
}

/* Name and title of a page: "convoy-run", in capitals for the title. */
static char *page_name(const struct command *command)
{
	return command ? xasprintf("convoy-%s", command->name) : xstrdup("convoy");
}

static void put_title(FILE *file, const char *name, const char *summary)
{
	char *heading OWNED(mem_freep) = xasprintf("%s - %s", name, summary);

	fputs(".TH \"", file);
	for (const char *letter = name; *letter; letter++)
		fprintf(file, *letter == '-' ? "\\-" : "%c", toupper((unsigned char)*letter));
	fputs("\" 1 " PAGE_DATE " \"convoy " CONVOY_VERSION "\" \"User Commands\"\n.SH NAME\n",
	      file);
	put_line(file, heading);
}

static void put_see_also(FILE *file, const struct command *command)
{
	const struct command *other;
	const char *comma = "";

	fputs(".SH SEE ALSO\n", file);
	if (command) {
		fputs(".BR convoy (1)", file);
		comma = ",\n";
	}
	for (size_t i = 0; (other = docs_command(i)); i++) {
		if (other == command)
			continue;
		fprintf(file, "%s.BR convoy\\-%s (1)", comma, other->name);
		comma = ",\n";
	}
	putc('\n', file);
}

/* Where the first section of its own begins; what stands before belongs to the description. */
static const char *first_section(const char *more)
{
	const char *found;

	if (strncmp(more, "# ", 2) == 0)
		return more;
	found = strstr(more, "\n# ");
	return found ? found + 1 : more + strlen(more);
}

static void put_description(FILE *file, const char *details, const char *more)
{
	char *rest OWNED(mem_freep) = xstrndup(more, (size_t)(first_section(more) - more));

	fputs(".SH DESCRIPTION\n", file);
	put_paragraphs(file, details);
	if (*details && *rest)
		fputs(".PP\n", file);
	put_more(file, rest);
}

static void put_command_list(FILE *file)
{
	const struct command *command;

	fputs(".SH COMMANDS\n", file);
	for (size_t i = 0; (command = docs_command(i)); i++) {
		fprintf(file, ".TP\n.BR convoy\\-%s (1)\n", command->name);
		put_line(file, command->summary);
	}
}

static void man_of_all(const char *more, FILE *file)
{
	static const struct option_row *const tables[] = { common_rows, NULL };

	put_title(file, "convoy", "tell why a multithreaded program is not faster");
	fputs(".SH SYNOPSIS\n.B convoy\n", file);
	put_usage(file, "COMMAND [OPTION...]");
	put_description(file, "", more);
	put_command_list(file);
	put_options(file, tables);
	put_more(file, first_section(more));
	put_see_also(file, NULL);
}

void docs_man(const struct command *command, const char *more, FILE *file)
{
	char *name OWNED(mem_freep) = page_name(command);

	if (!command) {
		man_of_all(more, file);
		return;
	}
	put_title(file, name, command->summary);
	fprintf(file, ".SH SYNOPSIS\n.B convoy %s\n", command->name);
	put_usage(file, command->usage);
	put_description(file, command->details, more);
	put_options(file, command->options);
	put_more(file, first_section(more));
	put_examples(file, command->examples);
	put_see_also(file, command);
}
