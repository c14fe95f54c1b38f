/* SPDX-License-Identifier: GPL-2.0-only */
/* A comparison as JSON: the experiment of A and B, and the changes of locks and threads. */
#include "output/compare.h"

#include "base/mem.h"
#include "output/formats.h"
#include "output/json_parts.h"

static const char *const verdict_names[] = {
	[CHANGE_NOT_JUDGED] = NULL, [CHANGE_UNKNOWN] = "unknown", [CHANGE_NONE] = "none",
	[CHANGE_BETTER] = "better", [CHANGE_WORSE] = "worse",
};

const char *verdict_name(enum change_verdict verdict)
{
	return verdict_names[verdict];
}

const struct experiment **compared_pairs(const struct compared_list *list)
{
	const struct experiment **pairs = xcalloc(list->count, sizeof(*pairs));

	for (size_t i = 0; i < list->count; i++)
		pairs[i] = list->items[i].comparison->pair;
	return pairs;
}

/* What the numbers of a side are called, of locks or of threads. */
struct keys {
	const char *count;
	const char *ns;
	const char *lost;
	const char *least; /* over the rounds, of what is judged */
	const char *most;
};

static const struct keys lock_keys = { "locks", "wait_ns", "lost_ns", "wait_min_ns",
				       "wait_max_ns" };
static const struct keys thread_keys = { "threads", "running_ns", "held_up_ns", "held_up_min_ns",
					 "held_up_max_ns" };

/* What was not there is null, not 0. */
static json_t *json_of_side(const struct change_side *side, const struct keys *keys)
{
	json_t *object;

	if (!side->is_there)
		return json_null();
	object = json_object();
	json_put(object, keys->count, side->count);
	json_put(object, keys->ns, side->ns);
	json_put(object, keys->lost, side->lost_ns);
	json_put(object, keys->least, samples_min(&side->rounds));
	json_put(object, keys->most, samples_max(&side->rounds));
	return object;
}

static json_t *json_of_changes(const struct changes *changes, const struct keys *keys)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];
		const char *verdict = verdict_name(change->verdict);
		json_t *row = json_object();

		json_object_set_new(row, "name", json_string(change->name));
		if (keys == &lock_keys) {
			json_object_set_new(row, "kind", json_string(lock_kind_name(change->kind)));
			json_object_set_new(row, "state",
					    json_string(lock_state_name(change->state)));
		}
		json_object_set_new(row, "verdict", verdict ? json_string(verdict) : json_null());
		json_object_set_new(row, "before", json_of_side(&change->before, keys));
		json_object_set_new(row, "after", json_of_side(&change->after, keys));
		json_array_append_new(rows, row);
	}
	return rows;
}

void json_put_changes(json_t *object, const struct compared *compared)
{
	const struct comparison *comparison = compared->comparison;

	json_put_text(object, "title", compared->title);
	json_object_set_new(object, "locks", json_of_changes(&comparison->locks, &lock_keys));
	json_object_set_new(object, "threads", json_of_changes(&comparison->threads, &thread_keys));
}

static json_t *json_of_compared_side(const struct compared_side *side)
{
	json_t *object = json_object();

	json_put_text(object, "path", side->path);
	json_put_text(object, "is", side->is);
	json_object_set_new(object, "only", json_of_strings(side->only));
	return object;
}

void json_put_compared(json_t *object, const struct compared_list *list)
{
	json_object_set_new(object, "before", json_of_compared_side(&list->sides[0]));
	json_object_set_new(object, "after", json_of_compared_side(&list->sides[1]));
}

int json_comparison(const struct compared_list *list, const struct output_options *options,
		    FILE *file)
{
	json_t *all = json_object(), *rows = json_array();

	(void)options;
	json_object_set_new(all, "convoy", json_string(CONVOY_VERSION));
	json_put(all, "schema", TRACE_SCHEMA);
	json_object_set_new(all, "kind", json_string("compare"));
	json_put_compared(all, list);
	for (size_t i = 0; i < list->count; i++) {
		json_t *row = json_object();

		json_put_experiment(row, list->items[i].comparison->pair);
		json_put_changes(row, &list->items[i]);
		json_array_append_new(rows, row);
	}
	json_object_set_new(all, "comparisons", rows);
	return json_print(all, file);
}
