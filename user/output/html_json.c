/* SPDX-License-Identifier: GPL-2.0-only */
/* The data of a page: the JSON of the report, cut to what can be shown, and the pictures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/sweep.h"
#include "base/mem.h"
#include "base/units.h"
#include "output/html_parts.h"
#include "output/json_parts.h"
#include "output/text_parts.h"

#define TRACKS_MAX 256
#define THREADS_MAX 256
#define LOCKS_MAX 200
#define EDGES_MAX 200
#define LEVELS_MAX 256 /* numbers of threads running at a time */
#define GAPS_MAX 50

/* How the longest tables are cut: the rows with the largest sum of these stay. */
struct cut {
	const char *table;
	size_t max;
	const char *weights[5];
};

static const struct cut cuts[] = {
	{ "threads", THREADS_MAX, { "running_ns", "preempted_ns", "queued_ns", "lock_ns" } },
	{ "locks", LOCKS_MAX, { "lost_ns", "wait_ns" } },
	{ "edges", EDGES_MAX, { "wait_ns" } },
	{ "gaps", GAPS_MAX, { "ns" } },
};

static const struct cut capacity_cut = { "locks", LOCKS_MAX, { "lost_ns" } };

struct weighted {
	json_t *row;
	size_t index;
	json_int_t weight;
};

static int by_weight(const void *a, const void *b)
{
	const struct weighted *x = a, *y = b;

	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static json_int_t weigh(const json_t *row, const struct cut *cut)
{
	json_int_t sum = 0;

	for (const char *const *key = cut->weights; *key; key++)
		sum += json_integer_value(json_object_get(row, *key));
	return sum;
}

/* The heaviest rows, heaviest first; how many were left out is said beside them. */
static void cut_table(json_t *report, const struct cut *cut, json_t *left_out)
{
	json_t *rows = json_object_get(report, cut->table), *kept = json_array();
	size_t count = json_array_size(rows);
	struct weighted *order OWNED(mem_freep) = xcalloc(count, sizeof(*order));

	for (size_t i = 0; i < count; i++) {
		json_t *row = json_array_get(rows, i);

		order[i] = (struct weighted){ row, i, weigh(row, cut) };
	}
	if (count)
		qsort(order, count, sizeof(*order), by_weight);
	for (size_t i = 0; i < count && i < cut->max; i++)
		json_array_append(kept, order[i].row);
	json_put(left_out, cut->table, count > cut->max ? count - cut->max : 0);
	json_object_set_new(report, cut->table, kept);
}

static void cut_levels(json_t *report)
{
	json_t *rows = json_object_get(report, "parallel");
	json_int_t more_ns = 0;

	for (size_t i = json_array_size(rows); i > LEVELS_MAX; i--) {
		json_t *row = json_array_get(rows, i - 1);

		more_ns += json_integer_value(json_object_get(row, "wall_ns"));
		json_array_remove(rows, i - 1);
	}
	if (more_ns)
		json_object_set_new(report, "parallel_more_ns", json_integer(more_ns));
}

static void want_rows(const json_t *rows, const char *key, struct names_wanted *wanted,
		      void (*want)(struct names_wanted *wanted, uint64_t number))
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row)
		want(wanted, (uint64_t)json_integer_value(json_object_get(row, key)));
}

static void want_calls(const json_t *rows, struct names_wanted *wanted)
{
	size_t i;
	const json_t *row;

	json_array_foreach(rows, i, row)
	{
		const json_t *call = json_object_get(row, "syscall");

		if (json_is_integer(call))
			names_want_call(wanted, json_integer_value(call));
	}
}

static void want_causes(const json_t *report, struct names_wanted *wanted)
{
	const json_t *what_if = json_object_get(report, "what_if");
	const json_t *parts = json_object_get(json_object_get(report, "critical_path"), "parts");

	want_rows(json_object_get(what_if, "without"), "lock", wanted, names_want_lock);
	want_rows(parts, "thread", wanted, names_want_thread);
	want_rows(parts, "lock", wanted, names_want_lock);
	want_rows(parts, "held_lock", wanted, names_want_lock);
	want_calls(parts, wanted);
}

static void want_names(const json_t *report, struct names_wanted *wanted)
{
	const json_t *gaps = json_object_get(report, "gaps");

	want_rows(json_object_get(report, "threads"), "thread", wanted, names_want_thread);
	want_rows(json_object_get(report, "locks"), "lock", wanted, names_want_lock);
	want_rows(json_object_get(report, "edges"), "waiter", wanted, names_want_thread);
	want_rows(json_object_get(report, "edges"), "holder", wanted, names_want_thread);
	want_rows(json_object_get(report, "edges"), "lock", wanted, names_want_lock);
	want_rows(gaps, "lock", wanted, names_want_lock);
	want_calls(gaps, wanted);
	want_causes(report, wanted);
}

static const char *const unit_names[] = {
	[EVIDENCE_NS] = "ns",	      [EVIDENCE_COUNT] = "count", [EVIDENCE_PERMILLE] = "permille",
	[EVIDENCE_THREAD] = "thread", [EVIDENCE_LOCK] = "lock",
};

/* The unit of each piece of evidence, finding by finding. */
static json_t *json_of_units(const struct finding *findings, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *units = json_object();

		for (size_t j = 0; j < findings[i].evidence_count; j++) {
			const struct evidence *evidence = &findings[i].evidence[j];

			json_object_set_new(units, evidence->name,
					    json_string(unit_names[evidence->unit]));
		}
		json_array_append_new(list, units);
	}
	return list;
}

static void want_evidence(const struct finding *findings, size_t count, struct names_wanted *wanted)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < findings[i].evidence_count; j++) {
			const struct evidence *evidence = &findings[i].evidence[j];

			if (evidence->unit == EVIDENCE_THREAD)
				names_want_thread(wanted, evidence->value);
			if (evidence->unit == EVIDENCE_LOCK)
				names_want_lock(wanted, evidence->value);
		}
	}
}

static json_t *json_of_items(char *const *items)
{
	json_t *list = json_array();

	for (; *items; items++)
		json_array_append_new(list, json_string(*items));
	return list;
}

/* Both pictures that are drawn from slices, from one pass over them. */
struct pictures {
	struct timeline timeline;
	struct histograms histograms;
};

static void pictures_release(struct pictures *pictures)
{
	timeline_release(&pictures->timeline);
	histograms_release(&pictures->histograms);
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct pictures *pictures = self;

	(void)moment;
	timeline_take(&pictures->timeline, slice);
	histograms_take(&pictures->histograms, slice);
}

static json_t *json_of_histograms(const struct histograms *histograms, const json_t *locks)
{
	json_t *object = json_object();
	size_t i;
	const json_t *row;

	json_array_foreach(locks, i, row)
	{
		json_int_t lock = json_integer_value(json_object_get(row, "lock"));
		const struct histogram *histogram = histograms->locks[lock - 1];
		json_t *list;
		char key[UNITS_BUFFER];

		if (!histogram)
			continue;
		list = json_array();
		for (size_t bin = 0; bin < HISTOGRAM_BINS; bin++)
			json_array_append_new(list, json_measured(histogram->count[bin]));
		snprintf(key, sizeof(key), "%lld", (long long)lock);
		json_object_set_new(object, key, list);
	}
	return object;
}

static int put_pictures(json_t *page, const json_t *json, const struct report *report,
			struct names_wanted *wanted, uint64_t max_bytes)
{
	struct pictures pictures OWNED(pictures_release);
	const struct observer observers[] = { { .self = &pictures, .begin = on_begin }, { 0 } };
	uint64_t covered_ns;
	int err = 0;

	timeline_init(&pictures.timeline, report, TRACKS_MAX, max_bytes);
	histograms_init(&pictures.histograms, report->trace);
	if (!report->trace->slices) {
		json_object_set_new(page, "timeline", json_null());
		json_object_set_new(page, "histograms", json_object());
		return 0;
	}
	err = sweep_run(report->trace, report->begin_ns, report->end_ns, observers, &covered_ns);
	if (err)
		return err;
	timeline_finish(&pictures.timeline);
	histograms_finish(&pictures.histograms);
	json_object_set_new(page, "timeline", json_of_timeline(&pictures.timeline, wanted));
	json_object_set_new(
		page, "histograms",
		json_of_histograms(&pictures.histograms, json_object_get(json, "locks")));
	return 0;
}

static void put_trust(json_t *page, const struct report *report)
{
	char **items OWNED(items_freep) = items_new();

	trust_add_losses(&items, &report, 1);
	trust_add_errors(&items, &report, 1);
	json_object_set_new(page, "trust", json_of_items(items));
}

json_t *html_json_report(const struct report *report, uint64_t max_bytes, int *ret_err)
{
	struct names_wanted wanted OWNED(names_wanted_release);
	json_t *json = json_of_report(report), *page = json_object(), *left_out = json_object();
	json_t *dropped = json_object(); /* locks that cost little: the page shows their sum */
	int err;

	names_wanted_init(&wanted, report->trace);
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		cut_table(json, &cuts[i], left_out);
	cut_table(json_object_get(json, "capacity"), &capacity_cut, dropped);
	json_decref(dropped);
	cut_levels(json);
	json_object_del(json, "handoffs"); /* in the rows of the locks */
	want_names(json, &wanted);
	want_evidence(report->findings, report->finding_count, &wanted);
	json_put_bool(page, "whole", report->is_whole);
	json_put(page, "cpus_online", report->trace->meta.cpus_online);
	json_object_set_new(page, "left_out", left_out);
	json_object_set_new(page, "units", json_of_units(report->findings, report->finding_count));
	put_trust(page, report);
	err = put_pictures(page, json, report, &wanted, max_bytes);
	names_put(&wanted, page);
	json_object_set_new(json, "page", page);
	if (!err)
		return json;
	json_decref(json);
	*ret_err = err;
	return NULL;
}

json_t *html_json_trust(const struct experiment *const *experiments, size_t count)
{
	char **items OWNED(items_freep) = items_new();

	trust_add_experiments(&items, experiments, count);
	return json_of_items(items);
}

json_t *html_json_experiment(const struct experiment *experiment, uint64_t max_bytes, int *ret_err)
{
	json_t *json = json_object(), *page = json_object(), *variants;
	size_t next = 0;

	json_put_experiment(json, experiment);
	variants = json_object_get(json, "variants");
	max_bytes /= json_array_size(variants) ? json_array_size(variants) : 1;
	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct variant *variant = &experiment->variants[i];
		json_t *report;

		if (!variant->run_count)
			continue;
		report = html_json_report(variant->runs[variant->representative].report, max_bytes,
					  ret_err);
		if (!report) {
			json_decref(json);
			json_decref(page);
			return NULL;
		}
		json_object_set_new(json_array_get(variants, next++), "representative", report);
	}
	json_object_set_new(page, "trust", html_json_trust(&experiment, 1));
	json_object_set_new(page, "units",
			    json_of_units(experiment->findings, experiment->finding_count));
	json_object_set_new(json, "page", page);
	return json;
}

/* Rows come with the largest difference first. */
static void cut_changes(json_t *json, const char *table, size_t max, json_t *left_out)
{
	json_t *rows = json_object_get(json, table);
	size_t count = json_array_size(rows);

	json_put(left_out, table, count > max ? count - max : 0);
	for (; count > max; count--)
		json_array_remove(rows, count - 1);
}

json_t *html_json_compared(const struct compared *compared, uint64_t max_bytes, int *ret_err)
{
	json_t *json = html_json_experiment(compared->comparison->pair, max_bytes, ret_err);
	json_t *left_out;

	if (!json)
		return NULL;
	left_out = json_object();
	json_put_changes(json, compared);
	cut_changes(json, "locks", LOCKS_MAX, left_out);
	cut_changes(json, "threads", THREADS_MAX, left_out);
	json_object_set_new(json_object_get(json, "page"), "left_out", left_out);
	return json;
}
