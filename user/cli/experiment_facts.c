/* SPDX-License-Identifier: GPL-2.0-only */
/* report.json, read for the few facts that are only there. */
#include "cli/experiment_facts.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define REPORT_MAX_BYTES (64 * 1024 * 1024)
#define COPY_AGAIN "copy the whole directory again"

static json_t *read_json(const char *path, struct trace_error *error)
{
	char *file OWNED(mem_freep) = xasprintf("%s/report.json", path);
	json_error_t where = { .line = 0 };
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	json_t *root = NULL;
	struct stat found;

	if (fd < 0 || fstat(fd, &found) || !S_ISREG(found.st_mode) ||
	    found.st_size > REPORT_MAX_BYTES) {
		snprintf(error->text, sizeof(error->text),
			 "%s: not a regular file, or too large: it must be the file that convoy "
			 "wrote",
			 file);
	} else {
		root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &where);
		if (!root)
			snprintf(error->text, sizeof(error->text), "%s:%d: not JSON: %s; %s", file,
				 where.line, where.text, COPY_AGAIN);
	}
	if (fd >= 0)
		close(fd);
	return root;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *key, uint64_t max)
{
	json_int_t number = json_integer_value(json_object_get(object, key));

	return number > 0 && (uint64_t)number <= max ? (uint64_t)number : 0;
}

static void add_to(struct experiment *experiment, const json_t *object)
{
	json_t *skipped;
	size_t index;

	trace_set_string(&experiment->interpreter, text_of(object, "interpreter"));
	trace_set_string(&experiment->python, text_of(object, "python"));
	experiment->count = number_of(object, "count", INT64_MAX);
	experiment->workers = (uint32_t)number_of(object, "workers", UINT32_MAX);
	experiment->rounds = (uint32_t)number_of(object, "rounds", UINT32_MAX);
	json_array_foreach(json_object_get(object, "skipped"), index, skipped)
		experiment_add_skipped(experiment, text_of(skipped, "name"),
				       text_of(skipped, "why"));
}

/* Whether the runs are those the file speaks of: so many of each variant. */
static bool has_its_runs(const struct experiment *experiment, const json_t *object)
{
	const json_t *variants = json_object_get(object, "variants");
	json_t *row;
	size_t index;

	if (json_array_size(variants) != experiment->variant_count)
		return false;
	json_array_foreach(
		variants, index,
		row) if (strcmp(text_of(row, "name"), experiment->variants[index].name) != 0 ||
			 number_of(row, "rounds", UINT32_MAX) !=
				 experiment->variants[index].run_count) return false;
	return true;
}

/*
 * One interpreter of report.json. The experiments have the runs, in the same order; an interpreter
 * that could run nothing has no runs and becomes an experiment here.
 */
static int take_item(const json_t *object, struct experiments *experiments, size_t *position)
{
	struct experiment *empty;

	if (json_array_size(json_object_get(object, "variants")) > 0) {
		if (*position >= experiments->count ||
		    !has_its_runs(experiments->items[*position], object))
			return -EINVAL;
		add_to(experiments->items[(*position)++], object);
		return 0;
	}
	empty = experiment_new();
	add_to(empty, object);
	array_add(&experiments->items, &experiments->count, sizeof(struct experiment *));
	memmove(experiments->items + *position + 1, experiments->items + *position,
		(experiments->count - 1 - *position) * sizeof(struct experiment *));
	experiments->items[(*position)++] = empty;
	return 0;
}

static int take_all(const json_t *root, struct experiments *experiments)
{
	const json_t *list = json_object_get(root, "interpreters");
	size_t position = 0, index;
	json_t *object;
	int err = list ? 0 : take_item(root, experiments, &position);

	json_array_foreach(list, index, object) err =
		err ? err : take_item(object, experiments, &position);
	return !err && position != experiments->count ? -EINVAL : err;
}

int experiment_facts_read(const char *path, struct experiments *experiments,
			  struct trace_error *ret_error)
{
	json_t *root = read_json(path, ret_error);
	int err;

	if (!root)
		return -EINVAL;
	if (json_integer_value(json_object_get(root, "schema")) > TRACE_SCHEMA) {
		err = -ENOTSUP;
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "%s/report.json: from a newer convoy: update convoy", path);
	} else {
		err = take_all(root, experiments);
		if (err)
			snprintf(ret_error->text, sizeof(ret_error->text),
				 "%s/report.json: speaks of other runs than there are directories "
				 "VARIANT/ROUND: " COPY_AGAIN,
				 path);
	}
	json_decref(root);
	return err;
}
