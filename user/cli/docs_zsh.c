/* SPDX-License-Identifier: GPL-2.0-only */
/* Completion for zsh: one function a command, its options described by _arguments. */
#include "cli/docs.h"

#include <string.h>

static const char tail[] = "\t)\n"
			   "\t_arguments -C '(- *)'{-h,--help}'[print help]' '(- "
			   "*)'{-V,--version}'[print the version]' "
			   "\\\n"
			   "\t\t'1:command:->command' '*::argument:->argument'\n"
			   "\tcase $state in\n"
			   "\tcommand) _describe -t commands 'convoy command' commands ;;\n"
			   "\targument)\n"
			   "\t\tif [[ $words[1] == help ]]; then\n"
			   "\t\t\t_describe -t commands 'convoy command' commands\n"
			   "\t\telif (( $+functions[_convoy_$words[1]] )); then\n"
			   "\t\t\t_convoy_$words[1]\n"
			   "\t\tfi\n"
			   "\t\t;;\n"
			   "\tesac\n"
			   "}\n"
			   "\n"
			   "_convoy \"$@\"\n";

/* Inside of single quotes and of brackets; a colon would end what stands there. */
static void put_quoted(const char *text, FILE *file)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", file);
		else if (strchr("[]:\\", *text))
			fprintf(file, "\\%c", *text);
		else
			putc(*text, file);
	}
}

static const char *action(enum argument_kind kind)
{
	switch (kind) {
	case ARGUMENT_FILE:
		return "_files";
	case ARGUMENT_DIR:
		return "_files -/";
	case ARGUMENT_USER:
		return "_users";
	case ARGUMENT_PID:
		return "_sequence _pids";
	case ARGUMENT_PROGRAM:
		return "_command_names -e";
	default:
		return " ";
	}
}

static void put_argument(const struct option_row *row, FILE *file)
{
	if (!row->argument)
		return;
	fprintf(file, "%s%s:", row->type == OPTION_PERCENT ? "::" : ":", row->argument);
	if (row->type != OPTION_CHOICE) {
		fputs(action(row->kind), file);
		return;
	}
	putc('(', file);
	for (size_t i = 0; row->choice(i); i++)
		fprintf(file, i ? " %s" : "%s", row->choice(i));
	putc(')', file);
}

/* '(-o --output)'{-o+,--output=}'[help]:DIR:_files -/' */
static void put_option(const struct option_row *row, FILE *file)
{
	bool repeats = row->type == OPTION_LIST || row->type == OPTION_WORDS;
	const char *end = row->type == OPTION_PERCENT ? "=-" : row->argument ? "=" : "";

	fputs(" \\\n\t\t", file);
	if (repeats)
		fputs("'*'", file);
	else if (row->letter)
		fprintf(file, "'(-%c --%s)'", row->letter, row->name);
	if (row->letter)
		fprintf(file, "{-%c%s,--%s%s}'[", row->letter, row->argument ? "+" : "", row->name,
			end);
	else
		fprintf(file, "'--%s%s[", row->name, end);
	put_quoted(row->help, file);
	putc(']', file);
	put_argument(row, file);
	putc('\'', file);
}

static void put_operands(const struct command *command, FILE *file)
{
	if (command->stops_at_operand)
		fprintf(file, " \\\n\t\t'(-)1:command:%s' '*::argument:_normal'",
			action(command->operand_kind));
	else if (command->operands_max)
		fprintf(file, " \\\n\t\t'*:operand:%s'", action(command->operand_kind));
}

static void put_command(const struct command *command, FILE *file)
{
	const struct option_row *row;

	fprintf(file, "_convoy_%s()\n{\n\t_arguments -s -S", command->name);
	for (size_t i = 0; (row = args_row(command, i)); i++)
		put_option(row, file);
	put_operands(command, file);
	fputs("\n}\n\n", file);
}

void docs_zsh(FILE *file)
{
	const struct command *command;

	fputs("#compdef convoy\n# Completion of convoy for zsh: made from its tables of "
	      "options.\n\n",
	      file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		put_command(command, file);
	fputs("_convoy()\n{\n\tlocal context state state_descr line\n\ttypeset -A opt_args\n"
	      "\tlocal -a commands=(\n",
	      file);
	for (size_t i = 0; (command = docs_command(i)); i++) {
		fprintf(file, "\t\t'%s:", command->name);
		put_quoted(command->summary, file);
		fputs("'\n", file);
	}
	fputs(tail, file);
}
