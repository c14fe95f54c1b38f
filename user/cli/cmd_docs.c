/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy __docs`: manual pages and completions on stdout, for `make install`. Hidden. */
#include "cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/docs.h"

#define MORE_MAX_BYTES (1 << 20) /* of a file with more text */

static const struct option_row *const docs_tables[] = { common_rows, NULL };

const struct command *docs_command(size_t index)
{
	for (const struct command *const *command = commands; *command; command++)
		if (!(*command)->is_hidden && index-- == 0)
			return *command;
	return NULL;
}

/* NULL after an error was printed. */
static char *read_more(const char *path)
{
	char *text = xcalloc(1, MORE_MAX_BYTES + 1);
	FILE *file = fopen(path, "re");
	size_t bytes;
	bool is_bad;

	if (!file) {
		free(text);
		(void)!fail(-errno, "cannot read '%s'", path);
		return NULL;
	}
	bytes = fread(text, 1, MORE_MAX_BYTES, file);
	is_bad = ferror(file) || bytes == MORE_MAX_BYTES || strlen(text) != bytes;
	fclose(file);
	if (!is_bad)
		return text;
	free(text);
	(void)!fail_plain(-EINVAL, "'%s' is not a text of at most 1 MiB", path);
	return NULL;
}

/* man COMMAND [FILE]; the command "convoy" stands for all of it. */
static int print_man(const struct command *self, const struct operands *operands)
{
	const char *name = operands->count > 1 ? operands->items[1] : "convoy";
	const struct command *command = command_find(name);
	char *more OWNED(mem_freep) = NULL;

	if (!command && strcmp(name, "convoy") != 0)
		return args_usage(self, "there is no command '%s'", name);
	more = operands->count > 2 ? read_more(operands->items[2]) : xstrdup("");
	if (!more)
		return STATUS_USAGE;
	docs_man(command, more, stdout);
	return args_flush_stdout();
}

static int print_shell(const struct command *self, const char *what)
{
	static const struct {
		const char *name;
		void (*print)(FILE *file);
	} shells[] = { { "bash", docs_bash }, { "zsh", docs_zsh }, { "fish", docs_fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(what, shells[i].name) == 0) {
			shells[i].print(stdout);
			return args_flush_stdout();
		}
	}
	return args_usage(self, "'%s' is none of list, man, bash, zsh and fish", what);
}

static int print_list(void)
{
	const struct command *command;

	for (size_t i = 0; (command = docs_command(i)); i++)
		puts(command->name);
	return args_flush_stdout();
}

static int docs_main(const struct command *command, int argc, char *argv[])
{
	struct common_options options = { 0 };
	struct operands operands = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && strcmp(operands.items[0], "list") == 0)
		status = print_list();
	else if (status == ARGS_GO_ON && strcmp(operands.items[0], "man") == 0)
		status = print_man(command, &operands);
	else if (status == ARGS_GO_ON)
		status = print_shell(command, operands.items[0]);
	operands_release(&operands);
	return status;
}

const struct command cmd_docs = {
	.name = "__docs",
	.summary = "print the names of the commands, manual pages and completions",
	.usage = "list | man [COMMAND [FILE]] | bash | zsh | fish",
	.details =
		"Made from the tables that --help is made from. FILE has what they do not say.\n",
	.options = docs_tables,
	.operand_kind = ARGUMENT_TEXT,
	.operands_min = 1,
	.operands_max = 3,
	.is_hidden = true,
	.leaves_signals = true,
	.main = docs_main,
};
