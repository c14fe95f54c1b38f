/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DIR/<variant>/<round>/ or DIR/<interpreter>/<variant>/<round>/: the runs are taken in the order
 * of their start, which is the order they were given to the first report; what no trace can hold
 * (variants that could not run) comes from report.json.
 */
#include "cli/experiment_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "cli/args.h"
#include "cli/experiment_facts.h"

#define VARIANT_DEPTH 2 /* directories between the experiment's and a trace: variant, round */

struct loaded {
	struct trace *trace;
	char *group; /* "" or the interpreter's directory */
};

struct runs {
	struct loaded *items;
	size_t count;
};

static bool has_file(const char *path, const char *name)
{
	char *file OWNED(mem_freep) = xasprintf("%s/%s", path, name);
	struct stat found;

	return stat(file, &found) == 0 && S_ISREG(found.st_mode);
}

bool experiment_dir_is(const char *path)
{
	return has_file(path, "report.json") && !has_file(path, "meta.json");
}

static bool is_dir(const char *path)
{
	struct stat found;

	return lstat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static int say(struct trace_error *error, int err, const char *path, const char *what)
{
	snprintf(error->text, sizeof(error->text), "%s: %s", path, what);
	return err;
}

static int add_run(const char *path, const char *group, struct runs *runs,
		   struct trace_error *error)
{
	struct trace *trace = NULL;
	struct loaded *loaded;
	int err = trace_load(path, &trace, error);

	if (err)
		return err;
	loaded = array_add(&runs->items, &runs->count, sizeof(*runs->items));
	*loaded = (struct loaded){ .trace = trace, .group = xstrdup(group) };
	if (!*trace->meta.variant)
		return say(error, -EINVAL, path,
			   "is not a run of a countdown: take it out, or copy the whole again");
	return 0;
}

/* The directories in a directory, sorted, so that errors do not depend on the file system. */
static int list_dirs(const char *path, struct text_list *ret_names, struct trace_error *error)
{
	struct dirent **entries;
	int found = scandir(path, &entries, NULL, alphasort);

	if (found < 0)
		return say(error, -errno, path, strerror(errno));
	for (int i = 0; i < found; i++) {
		const char *name = entries[i]->d_name;
		char *full OWNED(mem_freep) = xasprintf("%s/%s", path, name);

		if (name[0] != '.' && is_dir(full))
			text_list_add(ret_names, name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/*
 * Walks down to the traces. A group (an interpreter) is the first directory of a path that is one
 * deeper than DIR/<variant>/<round>.
 */
static int walk(const char *path, const char *group, unsigned int depth, struct runs *runs,
		struct trace_error *error)
{
	struct text_list names OWNED(text_list_release) = { 0 };
	int err;

	if (depth >= VARIANT_DEPTH && has_file(path, "meta.json"))
		return add_run(path, depth > VARIANT_DEPTH ? group : "", runs, error);
	if (depth > VARIANT_DEPTH)
		return 0;
	err = list_dirs(path, &names, error);
	for (size_t i = 0; i < names.count && !err; i++) {
		char *below OWNED(mem_freep) = xasprintf("%s/%s", path, names.items[i]);

		err = walk(below, depth ? group : names.items[i], depth + 1, runs, error);
	}
	return err;
}

static int by_start(const void *a, const void *b)
{
	const struct meta *left = &((const struct loaded *)a)->trace->meta;
	const struct meta *right = &((const struct loaded *)b)->trace->meta;

	return left->start_ns < right->start_ns ? -1 : left->start_ns > right->start_ns;
}

static struct experiment *begin(struct experiments *experiments)
{
	struct experiment **place =
		array_add(&experiments->items, &experiments->count, sizeof(*experiments->items));

	*place = experiment_new();
	return *place;
}

/* The experiment owns the trace from then on. */
static int build_run(struct experiment *experiment, struct trace *trace, struct trace_error *error)
{
	char *variant OWNED(mem_freep) = xstrdup(trace->meta.variant);
	uint32_t round = trace->meta.round;
	int err = experiment_add_run(experiment, trace);

	if (err)
		snprintf(error->text, sizeof(error->text),
			 "round %u of the variant '%.80s' %s: copy it again, or take it out", round,
			 variant, err == -ENOENT ? "has no phase 'count'" : strerror(-err));
	return err;
}

/* All runs of one group, in order. */
static int build(struct runs *runs, const char *group, struct experiments *experiments,
		 struct trace_error *error)
{
	struct experiment *experiment = NULL;

	for (size_t i = 0; i < runs->count; i++) {
		struct trace *trace = runs->items[i].trace;
		int err;

		if (!trace || strcmp(runs->items[i].group, group) != 0)
			continue;
		if (!experiment)
			experiment = begin(experiments);
		runs->items[i].trace = NULL;
		err = build_run(experiment, trace, error);
		if (err)
			return err;
	}
	return 0;
}

static int build_all(struct runs *runs, struct experiments *experiments, struct trace_error *error)
{
	qsort(runs->items, runs->count, sizeof(*runs->items), by_start);
	for (size_t i = 0; i < runs->count; i++) {
		int err = 0;

		if (runs->items[i].trace)
			err = build(runs, runs->items[i].group, experiments, error);
		if (err)
			return err;
	}
	return 0;
}

static void runs_release(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++) {
		trace_free(runs->items[i].trace);
		free(runs->items[i].group);
	}
	free(runs->items);
}

static int load_runs(const char *path, struct experiments *experiments, struct trace_error *error)
{
	struct runs runs OWNED(runs_release) = { 0 };
	int err = walk(path, "", 0, &runs, error);

	if (err)
		return err;
	if (runs.count == 0)
		return say(error, -ENOENT, path, "has no run of a countdown in it");
	return build_all(&runs, experiments, error);
}

int experiment_dir_load(const char *path, struct experiments *ret_experiments,
			struct trace_error *ret_error)
{
	struct experiments loaded = { 0 };
	int err = load_runs(path, &loaded, ret_error);

	if (!err)
		err = experiment_facts_read(path, &loaded, ret_error);
	if (err) {
		experiments_release(&loaded);
		return err;
	}
	for (size_t i = 0; i < loaded.count; i++)
		experiment_finish(loaded.items[i]);
	*ret_experiments = loaded;
	return 0;
}

void experiments_release(struct experiments *experiments)
{
	for (size_t i = 0; i < experiments->count; i++)
		experiment_free(experiments->items[i]);
	free(experiments->items);
	*experiments = (struct experiments){ 0 };
}
