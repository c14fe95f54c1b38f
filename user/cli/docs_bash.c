/* SPDX-License-Identifier: GPL-2.0-only */
/* Completion for bash: what there is to complete from the tables, how from a text of its own. */
#include "cli/docs.h"

#include <string.h>

static const char head[] = "# Completion of convoy for bash: made from its tables of options.\n"
			   "# shellcheck shell=bash\n"
			   "\n"
			   "# What the argument of an option is: command, option\n"
			   "_convoy_kind()\n"
			   "{\n"
			   "\tcase \"$1 $2\" in\n";

static const char complete[] =
	"\tesac\n"
	"}\n"
	"\n"
	"_convoy_complete() # kind, what is typed\n"
	"{\n"
	"\tlocal before=\n"
	"\tcase $1 in\n"
	"\tdir) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- \"$2\") "
	";;\n"
	"\tfile) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "
	"\"$2\") ;;\n"
	"\tuser) mapfile -t COMPREPLY < <(compgen -u -- \"$2\") ;;\n"
	"\tprogram) mapfile -t COMPREPLY < <(compgen -c -- \"$2\") ;;\n"
	"\tpid)\n"
	"\t\tcase $2 in *,*) before=${2%,*}, ;; esac\n"
	"\t\tmapfile -t COMPREPLY < <(cd /proc && compgen -P \"$before\" -W \"$(echo [0-9]*)\" -- "
	"\"${2##*,}\")\n"
	"\t\t;;\n"
	"\tchoice*) mapfile -t COMPREPLY < <(compgen -W \"${1#choice}\" -- \"$2\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"# Where the command of `convoy run` begins, 0: not yet typed\n"
	"_convoy_operand()\n"
	"{\n"
	"\tlocal i\n"
	"\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	"\t\tcase ${COMP_WORDS[i]} in\n"
	"\t\t--) echo $((i + 1)) && return ;;\n"
	"\t\t=) ((i++)) ;;\n"
	"\t\t-*)\n"
	"\t\t\tif [ \"${COMP_WORDS[i + 1]}\" != = ] &&\n"
	"\t\t\t\t[ -n \"$(_convoy_kind \"${COMP_WORDS[1]}\" \"${COMP_WORDS[i]}\")\" ]; then\n"
	"\t\t\t\t((i++))\n"
	"\t\t\tfi\n"
	"\t\t\t;;\n"
	"\t\t*) echo \"$i\" && return ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\techo 0\n"
	"}\n"
	"\n"
	"_convoy()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\tlocal options='' operand='' many='' kind at\n"
	"\tCOMPREPLY=()\n";

static const char body[] = "\tif ((COMP_CWORD == 1)); then\n"
			   "\t\t_convoy_complete \"$commands help --help --version\" \"$cur\"\n"
			   "\t\treturn\n"
			   "\tfi\n"
			   "\tcase ${COMP_WORDS[1]} in\n";

static const char tail[] = "\thelp) operand=$commands ;;\n"
			   "\tesac\n"
			   "\tif [ -n \"$many\" ]; then\n"
			   "\t\tat=$(_convoy_operand)\n"
			   "\t\tif ((at && at < COMP_CWORD)); then\n"
			   "\t\t\tif declare -F _command_offset >/dev/null; then\n"
			   "\t\t\t\t_command_offset \"$at\"\n"
			   "\t\t\telse\n"
			   "\t\t\t\t_convoy_complete file \"$cur\"\n"
			   "\t\t\tfi\n"
			   "\t\t\treturn\n"
			   "\t\telif ((at)); then\n"
			   "\t\t\t_convoy_complete program \"$cur\"\n"
			   "\t\t\treturn\n"
			   "\t\tfi\n"
			   "\tfi\n"
			   "\t# bash makes three words of --name=value\n"
			   "\t[ \"$cur\" != = ] || cur='' prev='='\n"
			   "\tif [ \"$prev\" = = ]; then\n"
			   "\t\tat=$((COMP_CWORD - 2))\n"
			   "\t\t[ \"${COMP_WORDS[COMP_CWORD]}\" != = ] || at=$((COMP_CWORD - 1))\n"
			   "\t\tprev=${COMP_WORDS[at]}\n"
			   "\tfi\n"
			   "\tkind=$(_convoy_kind \"${COMP_WORDS[1]}\" \"$prev\")\n"
			   "\tif [ -n \"$kind\" ]; then\n"
			   "\t\t_convoy_complete \"$kind\" \"$cur\"\n"
			   "\telif [[ $cur == -* ]]; then\n"
			   "\t\t_convoy_complete \"choice $options\" \"$cur\"\n"
			   "\telse\n"
			   "\t\t_convoy_complete \"$operand\" \"$cur\"\n"
			   "\tfi\n"
			   "} && complete -F _convoy convoy\n";

/* What _convoy_complete calls a kind of argument, without the choices. */
static const char *kind_word(enum argument_kind kind)
{
	switch (kind) {
	case ARGUMENT_FILE:
		return "file";
	case ARGUMENT_DIR:
		return "dir";
	case ARGUMENT_USER:
		return "user";
	case ARGUMENT_PID:
		return "pid";
	case ARGUMENT_PROGRAM:
		return "program";
	default:
		return "text"; /* nobody knows */
	}
}

static void put_kind(const struct command *command, const struct option_row *row, FILE *file)
{
	/* An optional argument is never the next word. */
	if (!row->argument || row->type == OPTION_PERCENT)
		return;
	fputs("\t", file);
	if (row->letter)
		fprintf(file, "'%s -%c' | ", command->name, row->letter);
	fprintf(file, "'%s --%s') echo '", command->name, row->name);
	if (row->type == OPTION_CHOICE) {
		fputs("choice", file);
		for (size_t i = 0; row->choice(i); i++)
			fprintf(file, " %s", row->choice(i));
	} else {
		fputs(kind_word(row->kind), file);
	}
	fputs("' ;;\n", file);
}

static void put_command(const struct command *command, FILE *file)
{
	const struct option_row *row;

	fprintf(file, "\t%s)\n\t\toptions='", command->name);
	for (size_t i = 0; (row = args_row(command, i)); i++) {
		if (row->letter)
			fprintf(file, "-%c ", row->letter);
		fprintf(file, "--%s ", row->name);
	}
	fprintf(file, "'\n\t\toperand=%s\n", kind_word(command->operand_kind));
	if (command->stops_at_operand)
		fputs("\t\tmany=yes\n", file);
	fputs("\t\t;;\n", file);
}

static void put_names(FILE *file)
{
	const struct command *command;

	fputs("\tlocal commands='choice", file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		fprintf(file, " %s", command->name);
	fputs("'\n", file);
}

void docs_bash(FILE *file)
{
	const struct command *command;
	const struct option_row *row;

	fputs(head, file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		for (size_t j = 0; (row = args_row(command, j)); j++)
			put_kind(command, row, file);
	fputs(complete, file);
	put_names(file);
	fputs(body, file);
	for (size_t i = 0; (command = docs_command(i)); i++)
		put_command(command, file);
	fputs(tail, file);
}
