/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsing from tables of options. Long names are never abbreviated: a script that spells them out
 * keeps working when new ones come. */
#include "cli/args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/option_value.h"

struct parser {
	const struct command *command;
	char **argv;
	int argc;
	int next; /* index of the next word */
	char *options; /* the command's struct */
	struct operands *operands;
};

static const char *color_choice(size_t index)
{
	static const char *const names[] = { "auto", "always", "never", NULL };

	return names[index];
}

const struct option_row common_rows[] = {
	{ .name = "color",
	  .argument = "WHEN",
	  .help = "colours on a terminal, unless NO_COLOR is set, or as WHEN says",
	  .type = OPTION_CHOICE,
	  .kind = ARGUMENT_CHOICE,
	  .offset = offsetof(struct common_options, color),
	  .choice = color_choice },
	{ .name = "quiet",
	  .letter = 'q',
	  .help = "say nothing on stderr but errors and warnings",
	  .offset = offsetof(struct common_options, is_quiet) },
	{ .name = "verbose",
	  .letter = 'v',
	  .help = "say more about what convoy does",
	  .offset = offsetof(struct common_options, is_verbose) },
	{ .name = "help",
	  .letter = 'h',
	  .help = "print this help",
	  .offset = offsetof(struct common_options, wants_help) },
	{ .name = "version",
	  .letter = 'V',
	  .help = "print the version of convoy",
	  .offset = offsetof(struct common_options, wants_version) },
	{ 0 },
};

void operands_release(struct operands *operands)
{
	free(operands->items);
	*operands = (struct operands){ 0 };
}

int args_usage(const struct command *command, const char *format, ...)
{
	char *text OWNED(mem_freep) = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	(void)!fail_plain(-EINVAL, "%s: %s", command->name, text ? text : "wrong use");
	(void)!fail_plain(-EINVAL, "try 'convoy %s --help'", command->name);
	return STATUS_USAGE;
}

const struct option_row *args_row(const struct command *command, size_t index)
{
	for (const struct option_row *const *table = command->options; *table; table++)
		for (const struct option_row *row = *table; row->name; row++)
			if (index-- == 0)
				return row;
	return NULL;
}

static const char *row_name(const void *command, size_t index)
{
	const struct option_row *row = args_row(command, index);

	return row ? row->name : NULL;
}

static const struct option_row *row_by_name(const struct command *command, const char *name,
					    size_t length)
{
	const struct option_row *row;

	for (size_t i = 0; (row = args_row(command, i)); i++)
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	return NULL;
}

static const struct option_row *row_by_letter(const struct command *command, char letter)
{
	const struct option_row *row;

	for (size_t i = 0; (row = args_row(command, i)); i++)
		if (row->letter == letter)
			return row;
	return NULL;
}

static int set_option(struct parser *parser, const struct option_row *row, const char *text)
{
	int err = option_set(row, text, parser->options + row->offset);
	char *wanted OWNED(mem_freep) = NULL;

	if (!err)
		return 0;
	wanted = option_expected(row);
	return args_usage(parser->command, "--%s '%s': expected %s", row->name, text, wanted);
}

/* The argument that stands in the next word; NULL after the usage was told. */
static const char *next_argument(struct parser *parser, const struct option_row *row)
{
	if (parser->next < parser->argc)
		return parser->argv[parser->next++];
	(void)!args_usage(parser->command, "--%s needs an argument: --%s %s", row->name, row->name,
			  row->argument);
	return NULL;
}

static int unknown_option(struct parser *parser, const char *name)
{
	const char *close = args_closest(name, row_name, parser->command);

	if (close)
		return args_usage(parser->command, "unknown option '--%s': did you mean '--%s'?",
				  name, close);
	return args_usage(parser->command, "unknown option '--%s'", name);
}

static int read_long(struct parser *parser, const char *word)
{
	size_t length = strcspn(word, "=");
	const struct option_row *row = row_by_name(parser->command, word, length);
	const char *text = word[length] ? word + length + 1 : NULL;
	char *name OWNED(mem_freep) = xstrndup(word, length);

	if (!row)
		return unknown_option(parser, name);
	if (row->type == OPTION_FLAG && text)
		return args_usage(parser->command, "--%s takes no argument", name);
	if (row->type != OPTION_FLAG && row->type != OPTION_PERCENT && !text) {
		text = next_argument(parser, row);
		if (!text)
			return STATUS_USAGE;
	}
	return set_option(parser, row, text);
}

static int read_letters(struct parser *parser, const char *word)
{
	for (; *word; word++) {
		const struct option_row *row = row_by_letter(parser->command, *word);
		const char *text = word + 1;
		int status;

		if (!row)
			return args_usage(parser->command, "unknown option '-%c'", *word);
		if (row->type != OPTION_FLAG) {
			if (!*text)
				text = next_argument(parser, row);
			return text ? set_option(parser, row, text) : STATUS_USAGE;
		}
		status = set_option(parser, row, NULL);
		if (status)
			return status;
	}
	return 0;
}

static void add_operand(struct parser *parser, char *word)
{
	struct operands *operands = parser->operands;

	operands->items[operands->count++] = word;
}

static void take_the_rest(struct parser *parser)
{
	while (parser->next < parser->argc)
		add_operand(parser, parser->argv[parser->next++]);
}

static int read_words(struct parser *parser)
{
	while (parser->next < parser->argc) {
		char *word = parser->argv[parser->next++];
		int status = 0;

		if (strcmp(word, "--") == 0) {
			take_the_rest(parser);
		} else if (word[0] == '-' && word[1] == '-') {
			status = read_long(parser, word + 2);
		} else if (word[0] == '-' && word[1]) {
			status = read_letters(parser, word + 1);
		} else {
			add_operand(parser, word);
			if (parser->command->stops_at_operand)
				take_the_rest(parser);
		}
		if (status)
			return status;
	}
	return 0;
}

static int check_operands(const struct command *command, const struct operands *operands)
{
	if (operands->count > command->operands_max)
		return args_usage(command, "too many arguments: '%s'",
				  operands->items[command->operands_max]);
	if (operands->count < command->operands_min)
		return args_usage(command, "something is missing: convoy %s %s", command->name,
				  command->usage);
	return ARGS_GO_ON;
}

int args_parse(const struct command *command, int argc, char *argv[], void *ret_options,
	       struct operands *ret_operands)
{
	struct parser parser = { .command = command,
				 .argv = argv,
				 .argc = argc,
				 .next = 1,
				 .options = ret_options,
				 .operands = ret_operands };
	const struct common_options *common = ret_options;
	int status;

	ret_operands->count = 0;
	ret_operands->items = xcalloc((size_t)argc + 1, sizeof(*ret_operands->items));
	status = read_words(&parser);
	if (status)
		return status;
	if (common->wants_help || common->wants_version) {
		if (common->wants_help)
			args_help(command, stdout);
		else
			puts("convoy " CONVOY_VERSION);
		return args_flush_stdout();
	}
	if (common->is_quiet && common->is_verbose)
		return args_usage(command, "--quiet and --verbose exclude each other");
	if (common->is_quiet)
		talk_set_level(TALK_QUIET);
	if (common->is_verbose)
		talk_set_level(TALK_VERBOSE);
	return check_operands(command, ret_operands);
}

bool args_color(const struct common_options *common, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (common->color && strcmp(common->color, "always") == 0)
		return true;
	if (common->color && strcmp(common->color, "never") == 0)
		return false;
	return !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 && isatty(fd);
}
