/* SPDX-License-Identifier: GPL-2.0-only */
/* The way in: finds the command and runs it. Not for anything a command does. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/err.h"
#include "capture/spawn.h"
#include "cli/args.h"
#include "cli/commands.h"
#include "cli/signals.h"

const struct command *const commands[] = { &cmd_countdown, &cmd_run, &cmd_attach, &cmd_report,
					   &cmd_compare,   &cmd_top, &cmd_doctor, &cmd_native,
					   &cmd_docs,	   NULL };

const struct command *command_find(const char *name)
{
	for (const struct command *const *command = commands; *command; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return NULL;
}

/* Names for args_closest: hidden commands are nobody's mistyped ones. */
static const char *visible_name(const void *list, size_t index)
{
	for (const struct command *const *command = list; *command; command++)
		if (!(*command)->is_hidden && index-- == 0)
			return (*command)->name;
	return NULL;
}

static void overview(FILE *file)
{
	fputs("convoy tells why a multithreaded program is not faster\n\n"
	      "Usage: convoy COMMAND [OPTION...]\n\n"
	      "Commands:\n",
	      file);
	for (const struct command *const *command = commands; *command; command++) {
		if ((*command)->is_hidden)
			continue;
		fprintf(file, "  %-11s", (*command)->name);
		args_wrap(file, (*command)->summary, 13, 13);
	}
	fputs("\n'convoy COMMAND --help' tells all about a command; start with\n"
	      "'sudo convoy countdown', then 'sudo convoy run -- COMMAND'.\n",
	      file);
}

static int unknown_command(const char *name)
{
	const char *close = args_closest(name, visible_name, commands);

	if (*name == '-')
		(void)!fail_plain(-1, "unknown option '%s': a command comes first", name);
	else if (close)
		(void)!fail_plain(-1, "unknown command '%s': did you mean '%s'?", name, close);
	else
		(void)!fail_plain(-1, "unknown command '%s'", name);
	(void)!fail_plain(-1, "try 'convoy --help'");
	return STATUS_USAGE;
}

/* convoy help [COMMAND] */
static int help(const char *name)
{
	const struct command *command = name ? command_find(name) : NULL;

	if (name && !command)
		return unknown_command(name);
	if (command)
		args_help(command, stdout);
	else
		overview(stdout);
	return args_flush_stdout();
}

static int run_command(const struct command *command, int argc, char *argv[])
{
	int err = command->leaves_signals ? 0 : signals_install();

	if (err)
		return fail(err, "cannot catch signals") ? STATUS_USAGE : STATUS_DONE;
	return command->main(command, argc, argv);
}

/*
 * Closed standard descriptors are taken, else the next file opened would become standard output.
 * The wrong way round, so that using them fails as before; the command finds them closed.
 */
static void hold_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd)
			return;
}

int main(int argc, char *argv[])
{
	const struct command *command;
	const char *word = argc > 1 ? argv[1] : "";

	hold_standard_fds();
	spawn_remember_signals();
	talk_set_ascii(!locale_is_utf8());
	if (argc < 2) {
		overview(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		puts("convoy " CONVOY_VERSION);
		return args_flush_stdout();
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(NULL);
	if (strcmp(word, "help") == 0)
		return help(argv[2]);
	command = command_find(word);
	return command ? run_command(command, argc - 1, argv + 1) : unknown_command(word);
}
