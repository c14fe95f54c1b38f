/* SPDX-License-Identifier: GPL-2.0-only */
/* The experiment of one interpreter. Not for a single run, and not for several interpreters. */
#include "cli/countdown_study.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/countdown_run.h"
#include "cli/countdown_speed.h"

#define SERIAL_NS UINT64_C(1000000000) /* what all workers in a row shall take */

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

static void skip(struct study *study, const struct variant_row *variant, const char *why)
{
	notice("%s: no '%s': %s", study->python.name, variant->name, why);
	experiment_add_skipped(study->experiment, variant->name, why);
	plan_remove(&study->plan, variant);
}

static void skip_impossible(struct study *study)
{
	for (size_t i = 0; i < study->plan.count;) {
		const struct variant_row *variant = study->plan.variants[i];
		const char *why =
			variant->is_native ? NULL : python_inability(&study->python, variant->name);

		if (why)
			skip(study, variant, why);
		else
			i++;
	}
}

static void pick_counts(struct study *study)
{
	const struct study_settings *settings = study->settings;
	const struct python *python = &study->python;
	bool counts_python = plan_needs(&study->plan, FAMILY_PYTHON);

	study->counts[FAMILY_PYTHON] = settings->count;
	study->counts[FAMILY_C] = settings->count;
	if (settings->count)
		return;
	if (counts_python && python->took_ns)
		study->counts[FAMILY_PYTHON] =
			pick_count(python->count, python->took_ns, settings->workers, SERIAL_NS);
	if (settings->loop_ns)
		study->counts[FAMILY_C] = pick_count(settings->loop_count, settings->loop_ns,
						     settings->workers, SERIAL_NS);
}

static void announce(const struct study *study, enum family family, const char *who)
{
	char count[UNITS_BUFFER];

	if (!plan_needs(&study->plan, family))
		return;
	notice("%s: %llu workers, each counts %s%s", who,
	       (unsigned long long)study->settings->workers,
	       format_count(study->counts[family], count),
	       study->settings->count ? "" : " (picked: serial takes about 1 s)");
}

void study_begin(struct study *study)
{
	struct experiment *experiment = experiment_new();
	char *who OWNED(mem_freep) = xasprintf("%s (%s)", study->python.name, study->python.path);

	study->experiment = experiment;
	set_text(&experiment->interpreter, study->python.name);
	set_text(&experiment->python, study->python.path);
	experiment->workers = (uint32_t)study->settings->workers;
	experiment->rounds = (uint32_t)study->settings->rounds;
	skip_impossible(study);
	pick_counts(study);
	announce(study, FAMILY_PYTHON, who);
	announce(study, FAMILY_C, "in C");
	if (study->plan.count)
		experiment->count = study->counts[study->plan.variants[0]->family];
}

static struct archive_place place_of(const struct study *study, const char *variant, uint32_t round)
{
	return (struct archive_place){ .interpreter = study->directory,
				       .variant = variant,
				       .round = round };
}

/* The wall time of a variant's last run: what has just been added. */
static uint64_t last_wall_ns(const struct experiment *experiment, const char *name)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct variant *variant = &experiment->variants[i];

		if (strcmp(variant->name, name) == 0 && variant->run_count)
			return variant->runs[variant->run_count - 1].report->wall_ns;
	}
	return 0;
}

/* Takes the trace into the experiment while its slices can be read. */
static int keep(void *context, struct observation *taken)
{
	struct study *study = context;
	struct study_settings *settings = study->settings;
	const char *name = study->variant->name;
	struct trace *trace = taken->trace;
	int status = observe_loss_status(settings->fail_on_loss, &trace->meta);
	int err = 0;

	if (status > study->loss_status)
		study->loss_status = status;
	if (settings->archive) {
		struct archive_place place = place_of(study, name, study->round);

		err = archive_save(settings->archive, &place, taken);
	}
	if (err)
		return err;
	taken->trace = NULL; /* the experiment's, even if it fails */
	report_free(taken->report);
	taken->report = NULL;
	err = experiment_add_run(study->experiment, trace);
	if (err)
		return fail(err, "cannot analyse variant '%s', round %u", name, study->round);
	trace->slices = NULL; /* they end with the session */
	progress_end(&settings->progress, study->python.name, name, study->round,
		     last_wall_ns(study->experiment, name));
	return 0;
}

static int run_one(struct study *study, const struct variant_row *variant, uint32_t round)
{
	struct study_settings *settings = study->settings;
	char *why OWNED(mem_freep) = NULL;
	struct run_request request = {
		.variant = variant,
		.python = &study->python,
		.workers = settings->workers,
		.count = study->counts[variant->family],
		.round = round,
		.cpus = variant_cpus(variant, settings->workers, speed_cpus(),
				     study->python.has_gil),
		.as = &settings->as,
		.session_options = &settings->session,
		.keep = keep,
		.context = study,
	};
	int err;

	study->variant = variant;
	study->round = round;
	progress_begin(&settings->progress, study->python.name, variant->name, round);
	err = run_variant(&request, &why);
	if (err != -ENOTSUP)
		return err;
	skip(study, variant, why ? why : "it says it cannot");
	return 0;
}

/* Only a whole round can be compared: what there is of an unfinished one goes. */
static void drop_round(struct study *study, uint32_t round)
{
	for (size_t i = 0; i < study->experiment->variant_count; i++) {
		struct variant *variant = &study->experiment->variants[i];
		struct archive_place place = place_of(study, variant->name, round);
		struct run *last;

		if (study->settings->archive)
			archive_remove(study->settings->archive, &place);
		if (variant->run_count == 0)
			continue;
		last = &variant->runs[variant->run_count - 1];
		if (last->trace->meta.round != round)
			continue;
		report_free(last->report);
		trace_free(last->trace);
		variant->run_count--;
	}
	study->experiment->rounds = round - 1;
}

static int run_round(struct study *study, uint32_t round)
{
	/* A variant that turns out to be impossible leaves the plan: go by a copy. */
	size_t count = study->plan.count;
	const struct variant_row **order OWNED(mem_freep) = xcalloc(count, sizeof(*order));
	int err = 0;

	for (size_t turn = 0; turn < count; turn++)
		order[turn] = plan_variant(&study->plan, round - 1, turn);
	for (size_t turn = 0; turn < count && !err; turn++)
		err = run_one(study, order[turn], round);
	return err;
}

int study_run(struct study *study)
{
	int err = 0;

	for (uint32_t round = 1; round <= study->settings->rounds && !err; round++) {
		err = run_round(study, round);
		if (err == -EINTR)
			drop_round(study, round);
	}
	return err;
}

bool study_has_result(const struct study *study)
{
	return study->experiment && study->experiment->rounds > 0 &&
	       study->experiment->variant_count > 0 && study->experiment->variants[0].run_count > 0;
}

void study_release(struct study *study)
{
	experiment_free(study->experiment);
	python_release(&study->python);
	plan_release(&study->plan);
	free(study->directory);
	*study = (struct study){ 0 };
}
