/* SPDX-License-Identifier: GPL-2.0-only */
/* Completion for fish: one line an option, and two questions about what is typed so far. */
#include "cli/docs.h"

static const char head[] =
	"# Completion of convoy for fish: made from its tables of options.\n"
	"complete -c convoy -f\n"
	"\n"
	"function __convoy_begins\n"
	"    test (count (commandline -opc)) -eq 1\n"
	"end\n"
	"\n"
	"# Whether an option of this command may come; $argv: command, its options with an "
	"argument\n"
	"function __convoy_in\n"
	"    set -l words (commandline -opc)\n"
	"    test (count $words) -ge 2; and test $words[2] = $argv[1]; or return 1\n"
	"    contains -- $argv[1] $__convoy_last_operands; or return 0\n"
	"    test (__convoy_operand $argv) -eq 0\n"
	"end\n"
	"\n"
	"# Where the command that convoy shall run begins, 0: not yet typed\n"
	"function __convoy_operand\n"
	"    set -l words (commandline -opc)\n"
	"    set -l i 3\n"
	"    while test $i -le (count $words)\n"
	"        switch $words[$i]\n"
	"            case --\n"
	"                math $i + 1\n"
	"                return\n"
	"            case '-*'\n"
	"                contains -- $words[$i] $argv[2..-1]; and set i (math $i + 1)\n"
	"            case '*'\n"
	"                echo $i\n"
	"                return\n"
	"        end\n"
	"        set i (math $i + 1)\n"
	"    end\n"
	"    echo 0\n"
	"end\n"
	"\n"
	"# What may follow of the command that convoy shall run; $argv as above\n"
	"function __convoy_command\n"
	"    set -l words (commandline -opc)\n"
	"    set -l at (__convoy_operand $argv)\n"
	"    set -l typed\n"
	"    if test $at -gt 0 -a $at -le (count $words)\n"
	"        set typed (string escape -- $words[$at..-1])\n"
	"    end\n"
	"    set -l line (string join -- ' ' $typed (commandline -ct))\n"
	"    test -n \"$line\"; and complete --do-complete=\"$line\"\n"
	"end\n"
	"\n";

/* Inside of single quotes. */
static void put_quoted(const char *text, FILE *file)
{
	putc('\'', file);
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putc('\\', file);
		putc(*text, file);
	}
	putc('\'', file);
}

static const char *action(enum argument_kind kind)
{
	switch (kind) {
	case ARGUMENT_FILE:
		return " -F";
	case ARGUMENT_DIR:
		return " -xa '(__fish_complete_directories)'";
	case ARGUMENT_USER:
		return " -xa '(__fish_complete_users)'";
	case ARGUMENT_PID:
		return " -xa '(__fish_complete_list , __fish_complete_pids)'";
	case ARGUMENT_PROGRAM:
		return " -xa '(__fish_complete_command)'";
	default:
		return " -x";
	}
}

/* A call of a function above: the command, and the options whose argument is the next word. */
static void put_call(const char *function, const struct command *command, FILE *file)
{
	const struct option_row *row;

	fprintf(file, "%s %s", function, command->name);
	for (size_t i = 0; command->stops_at_operand && (row = args_row(command, i)); i++) {
		if (!row->argument || row->type == OPTION_PERCENT)
			continue;
		if (row->letter)
			fprintf(file, " -%c", row->letter);
		fprintf(file, " --%s", row->name);
	}
}

static void put_condition(const struct command *command, FILE *file)
{
	fputs("complete -c convoy -n '", file);
	put_call("__convoy_in", command, file);
	putc('\'', file);
}

static void put_option(const struct command *command, const struct option_row *row, FILE *file)
{
	put_condition(command, file);
	if (row->letter)
		fprintf(file, " -s %c", row->letter);
	fprintf(file, " -l %s", row->name);
	if (row->type == OPTION_CHOICE) {
		fputs(" -xa '", file);
		for (size_t i = 0; row->choice(i); i++)
			fprintf(file, i ? " %s" : "%s", row->choice(i));
		putc('\'', file);
	} else if (row->argument && row->type != OPTION_PERCENT) {
		fputs(row->kind == ARGUMENT_FILE ? " -r" : "", file);
		fputs(action(row->kind), file);
	}
	fputs(" -d ", file);
	put_quoted(row->help, file);
	putc('\n', file);
}

static void put_operands(const struct command *command, FILE *file)
{
	if (command->stops_at_operand) {
		fprintf(file, "complete -c convoy -n '__fish_seen_subcommand_from %s' -xa '(",
			command->name);
		put_call("__convoy_command", command, file);
		fputs(")'\n", file);
	} else if (command->operands_max) {
		put_condition(command, file);
		fputs(action(command->operand_kind), file);
		putc('\n', file);
	}
}

static void put_command(const struct command *command, FILE *file)
{
	const struct option_row *row;

	fprintf(file, "\ncomplete -c convoy -n __convoy_begins -a %s -d ", command->name);
	put_quoted(command->summary, file);
	putc('\n', file);
	for (size_t i = 0; (row = args_row(command, i)); i++)
		put_option(command, row, file);
	put_operands(command, file);
}

void docs_fish(FILE *file)
{
	const struct command *command;

	fputs(head, file);
	fputs("set -g __convoy_last_operands", file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		if (command->stops_at_operand)
			fprintf(file, " %s", command->name);
	fputs("\ncomplete -c convoy -n __convoy_begins -a help -d 'tell about a command'\n"
	      "complete -c convoy -n __convoy_begins -s h -l help -d 'print help'\n"
	      "complete -c convoy -n __convoy_begins -s V -l version -d 'print the version'\n",
	      file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		put_command(command, file);
}
