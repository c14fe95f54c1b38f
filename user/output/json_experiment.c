/* SPDX-License-Identifier: GPL-2.0-only */
/* A countdown as JSON: one object; with several interpreters their objects are its
 * "interpreters". */
#include "output/formats.h"
#include "output/json_parts.h"

static json_t *json_of_runs(const struct variant *variant)
{
	json_t *list = json_array();

	for (size_t i = 0; i < variant->run_count; i++) {
		const struct run *run = &variant->runs[i];
		json_t *row = json_object();

		json_put(row, "round", run->trace->meta.round);
		json_put(row, "wall_ns", run->report->wall_ns);
		json_put(row, "cpu_ns", run->report->cpu_ns);
		json_put(row, "gap_ns", run->report->gap_ns);
		json_put(row, "overlap_ns", run->report->overlap_ns);
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *json_of_spread(const struct spread *spread)
{
	json_t *object = json_object();

	json_put(object, "median", spread->median_ns);
	json_put(object, "min", spread->min_ns);
	json_put(object, "max", spread->max_ns);
	return object;
}

static json_t *json_of_variant(const struct variant *variant)
{
	bool is_baseline = !*variant->baseline;
	const struct run *run = &variant->runs[variant->representative];
	json_t *object = json_object();

	json_put_text(object, "name", variant->name);
	json_object_set_new(object, "baseline",
			    is_baseline ? json_null() : json_text(variant->baseline));
	json_put(object, "rounds", variant->run_count);
	json_object_set_new(object, "wall_ns", json_of_spread(&variant->wall));
	json_object_set_new(object, "measurable",
			    is_baseline ? json_null() : json_boolean(variant->is_measurable));
	json_object_set_new(object, "slower",
			    variant->is_measurable && !is_baseline
				    ? json_boolean(variant->is_slower)
				    : json_null());
	json_object_set_new(object, "runs", json_of_runs(variant));
	json_put(object, "representative_round", run->trace->meta.round);
	json_object_set_new(object, "representative", json_of_report(run->report));
	return object;
}

static json_t *json_of_line(const struct bill_line *line)
{
	json_t *object = json_object(), *causes = json_array();

	for (size_t i = 0; i < line->cause_count; i++) {
		json_t *cause = json_object();

		json_object_set_new(cause, "name", json_string(line->causes[i].name));
		json_put_signed(cause, "ns", line->causes[i].ns);
		json_array_append_new(causes, cause);
	}
	json_object_set_new(object, "name", json_string(line->name));
	json_put_signed(object, "ns", line->ns);
	json_put_signed(object, "min_ns", line->min_ns);
	json_put_signed(object, "max_ns", line->max_ns);
	json_object_set_new(object, "causes", causes);
	return object;
}

static json_t *json_of_bill(const struct experiment *experiment, const struct bill *bill)
{
	json_t *object = json_object(), *lines = json_array();

	for (size_t i = 0; i < BILL_LINES; i++) {
		if (bill->lines[i].name)
			json_array_append_new(lines, json_of_line(&bill->lines[i]));
	}
	json_put_text(object, "from", experiment->variants[bill->from].name);
	json_put_text(object, "to", experiment->variants[bill->to].name);
	json_put_signed(object, "total_ns", bill->total_ns);
	json_object_set_new(object, "lines", lines);
	return object;
}

static void put_lists(json_t *object, const struct experiment *experiment)
{
	json_t *variants = json_array(), *bills = json_array(), *skipped = json_array();

	for (size_t i = 0; i < experiment->variant_count; i++) {
		if (experiment->variants[i].run_count)
			json_array_append_new(variants, json_of_variant(&experiment->variants[i]));
	}
	for (size_t i = 0; i < experiment->bill_count; i++)
		json_array_append_new(bills, json_of_bill(experiment, &experiment->bills[i]));
	for (size_t i = 0; i < experiment->skipped_count; i++) {
		json_t *row = json_object();

		json_put_text(row, "name", experiment->skipped[i].name);
		json_put_text(row, "why", experiment->skipped[i].why);
		json_array_append_new(skipped, row);
	}
	json_object_set_new(object, "variants", variants);
	json_object_set_new(object, "bills", bills);
	json_object_set_new(object, "skipped", skipped);
}

static bool is_complete(const struct experiment *experiment)
{
	bool is_whole = true;

	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct variant *variant = &experiment->variants[i];

		for (size_t j = 0; j < variant->run_count; j++)
			is_whole &= variant->runs[j].trace->meta.is_complete;
	}
	return is_whole;
}

void json_put_experiment(json_t *object, const struct experiment *experiment)
{
	json_t *residuals = json_object();

	json_put(residuals, "I4", experiment->residual_ns);
	json_put_text(object, "interpreter",
		      experiment->interpreter ? experiment->interpreter : "");
	json_put_text(object, "python", experiment->python ? experiment->python : "");
	json_put(object, "count", experiment->count);
	json_put(object, "workers", experiment->workers);
	json_put(object, "rounds", experiment->rounds);
	json_put_bool(object, "complete", is_complete(experiment));
	json_object_set_new(object, "residuals_ns", residuals);
	put_lists(object, experiment);
	json_object_set_new(object, "findings",
			    json_of_findings(experiment->findings, experiment->finding_count));
}

int json_experiments(const struct experiment *const *experiments, size_t count,
		     const struct output_options *options, FILE *file)
{
	json_t *object = json_object();

	(void)options;
	json_object_set_new(object, "convoy", json_string(CONVOY_VERSION));
	json_put(object, "schema", TRACE_SCHEMA);
	json_object_set_new(object, "kind", json_string("countdown"));
	if (count == 1) {
		json_put_experiment(object, experiments[0]);
	} else {
		json_t *list = json_array();

		for (size_t i = 0; i < count; i++) {
			json_t *item = json_object();

			json_put_experiment(item, experiments[i]);
			json_array_append_new(list, item);
		}
		json_object_set_new(object, "interpreters", list);
	}
	return json_print(object, file);
}
