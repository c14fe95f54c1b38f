/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of options, read by type. */
#include "cli/option_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

void text_list_release(struct text_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct text_list){ 0 };
}

static void add_item(struct text_list *list, const char *text, size_t length)
{
	*(char **)array_add(&list->items, &list->count, sizeof(*list->items)) =
		xstrndup(text, length);
}

void text_list_add(struct text_list *list, const char *text)
{
	add_item(list, text, strlen(text));
}

/* Items between commas; an empty one is a mistake. */
static int add_words(struct text_list *list, const char *text)
{
	for (;;) {
		size_t length = strcspn(text, ",");

		if (length == 0)
			return -EINVAL;
		add_item(list, text, length);
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

static int set_choice(const struct option_row *row, const char *text, const char **ret_choice)
{
	const char *choice;

	for (size_t i = 0; (choice = row->choice(i)); i++) {
		if (strcmp(choice, text) == 0) {
			*ret_choice = choice;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_percent(const char *text, struct percent *ret_percent)
{
	struct percent percent = { .is_given = true };
	char *end;

	if (text) {
		percent.has_value = true;
		percent.value = strtod(text, &end);
		if (end == text || (strcmp(end, "") != 0 && strcmp(end, "%") != 0) ||
		    !(percent.value >= 0 && percent.value <= 100))
			return -EINVAL;
	}
	*ret_percent = percent;
	return 0;
}

static int set_bytes(const struct option_row *row, const char *text, uint64_t *ret_bytes)
{
	uint64_t bytes;
	int err = parse_bytes(text, &bytes);

	if (err)
		return err;
	if (bytes < row->min || (row->max && bytes > row->max))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}

static int set_seconds(const char *text, uint64_t *ret_ns)
{
	uint64_t ns;
	int err = parse_seconds(text, &ns);

	if (err)
		return err;
	if (ns == 0)
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

int option_set(const struct option_row *row, const char *text, void *target)
{
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)target = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)target = text;
		return *text ? 0 : -EINVAL;
	case OPTION_CHOICE:
		return set_choice(row, text, target);
	case OPTION_COUNT:
		return parse_count(text, row->min, row->max, target);
	case OPTION_BYTES:
		return set_bytes(row, text, target);
	case OPTION_SECONDS:
		return set_seconds(text, target);
	case OPTION_PERCENT:
		return set_percent(text, target);
	case OPTION_LIST:
		text_list_add(target, text);
		return *text ? 0 : -EINVAL;
	case OPTION_WORDS:
		return add_words(target, text);
	}
	return -EINVAL;
}

char *args_choices(const struct option_row *row)
{
	char *list;

	if (row->type != OPTION_CHOICE)
		return NULL;
	list = xstrdup(row->choice(0));
	for (size_t i = 1; row->choice(i); i++) {
		char *longer = xasprintf("%s%s%s", list, row->choice(i + 1) ? ", " : " or ",
					 row->choice(i));

		free(list);
		list = longer;
	}
	return list;
}

char *option_expected(const struct option_row *row)
{
	char low[UNITS_BUFFER], high[UNITS_BUFFER];

	switch (row->type) {
	case OPTION_CHOICE:
		return args_choices(row);
	case OPTION_COUNT:
		return xasprintf("a number from %s to %s", format_count(row->min, low),
				 format_count(row->max, high));
	case OPTION_BYTES:
		if (!row->max)
			return xasprintf("a size of at least %s, like 64M",
					 format_bytes(row->min, low));
		return xasprintf("a size from %s to %s, like 16M", format_bytes(row->min, low),
				 format_bytes(row->max, high));
	case OPTION_SECONDS:
		return xstrdup("a number of seconds above 0, like 10 or 0.5");
	case OPTION_PERCENT:
		return xstrdup("a percentage from 0 to 100");
	case OPTION_WORDS:
		return xstrdup("words separated by commas");
	default:
		return xstrdup("something");
	}
}
