/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A report as one page that needs nothing else: the embedded page with the data in it, as JSON that
 * no name can break out of. Not for what the page looks like: that is in page/.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "output/formats.h"
#include "output/html_parts.h"
#include "output/json_parts.h"

/* For the tracks of all timelines of a page: with base64 and all else it stays below 8 MiB. */
#define TIMELINES_BYTES_MAX (5632 * 1024)

/* In JSON these occur in strings only. Escaped, they end no element and begin no entity. */
static int write_escaped(const char *text, size_t length, void *data)
{
	FILE *file = data;

	while (length > 0) {
		size_t plain = 0;

		while (plain < length && text[plain] != '<' && text[plain] != '>' &&
		       text[plain] != '&')
			plain++;
		if (fwrite(text, 1, plain, file) != plain)
			return -1;
		if (plain < length && fprintf(file, "\\u%04x", text[plain++]) < 0)
			return -1;
		text += plain;
		length -= plain;
	}
	return 0;
}

/* Everything beyond ASCII is escaped too: line separators, and whatever a charset may do. */
static int print_page(json_t *data, FILE *file)
{
	const char *mark = strstr(html_page, HTML_MARK);
	size_t head = mark ? (size_t)(mark - html_page) : 0;
	bool is_good;

	errno = 0;
	is_good = mark && fwrite(html_page, 1, head, file) == head &&
		  json_dump_callback(data, write_escaped, file, JSON_COMPACT | JSON_ENSURE_ASCII) ==
			  0 &&
		  fputs(mark + strlen(HTML_MARK), file) != EOF && fflush(file) == 0;
	json_decref(data);
	if (is_good)
		return 0;
	return errno ? -errno : -EIO;
}

static json_t *data_new(void)
{
	json_t *data = json_object();

	json_object_set_new(data, "convoy", json_string(CONVOY_VERSION));
	return data;
}

int html_report(const struct report *report, const struct output_options *options, FILE *file)
{
	int err = 0;
	json_t *json = html_json_report(report, TIMELINES_BYTES_MAX, &err), *data;

	(void)options;
	if (!json)
		return err;
	data = data_new();
	json_object_set_new(data, "report", json);
	return print_page(data, file);
}

int html_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file)
{
	json_t *data = data_new(), *list = json_array();
	int err = 0;

	(void)options;
	json_object_set_new(data, "experiments", list);
	for (size_t i = 0; i < count; i++) {
		json_t *json =
			html_json_experiment(experiments[i], TIMELINES_BYTES_MAX / count, &err);

		if (!json) {
			json_decref(data);
			return err;
		}
		json_array_append_new(list, json);
	}
	return print_page(data, file);
}

int html_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file)
{
	const struct experiment **pairs OWNED(mem_freep) = compared_pairs(list);
	json_t *data = data_new(), *comparison = json_object(), *rows = json_array();
	int err = 0;

	(void)options;
	json_put_compared(comparison, list);
	json_object_set_new(comparison, "comparisons", rows);
	json_object_set_new(comparison, "trust", html_json_trust(pairs, list->count));
	json_object_set_new(data, "compare", comparison);
	for (size_t i = 0; i < list->count; i++) {
		json_t *json = html_json_compared(&list->items[i],
						  TIMELINES_BYTES_MAX / list->count, &err);

		if (!json) {
			json_decref(data);
			return err;
		}
		json_array_append_new(rows, json);
	}
	return print_page(data, file);
}
