/* SPDX-License-Identifier: GPL-2.0-only */
/* The what-if in text: a sentence for each prediction, or why there is none. */
#include "output/text_causes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/difference.h"
#include "analysis/labels.h"
#include "base/mem.h"
#include "output/scale.h"

#define LOST_LEAST_PERMILLE 10 /* of capacity: a prediction would be of interest */
#define STEAL_PERMILLE 20 /* of a difference: less of it is not worth a word */
#define AGREE_PERMILLE 100 /* two ways of being without a lock: how far apart is still the same */

/* Whether anybody would ask what would be without a lock. */
static bool is_of_interest(const struct report *report)
{
	const struct capacity *capacity = &report->capacity;

	return capacity->total_ns != TRACE_NOT_MEASURED &&
	       permille_of(capacity->locks_ns, capacity->total_ns) >= LOST_LEAST_PERMILLE;
}

static void say_why_not(const struct text *text, const struct report *report)
{
	const struct what_if *what_if = &report->what_if;
	char share[UNITS_BUFFER];

	switch ((enum what_if_state)what_if->state) {
	case WHAT_IF_MODEL_OFF:
		text_say(text, "no prediction: the model is off by %s",
			 format_permille(what_if->error_permille, share));
		break;
	case WHAT_IF_LOST:
		text_say(text, "no prediction: %s of the time was not recorded",
			 format_permille(permille_of(report->not_recorded_ns, report->wall_ns),
					 share));
		break;
	case WHAT_IF_TOO_LONG:
		text_say(text, "no prediction: too many slices; observe for a shorter time");
		break;
	case WHAT_IF_FAILED:
		text_say(text, "no prediction: no room for a temporary file, or the slices "
			       "contradict each other");
		break;
	default:
		break;
	}
}

/* All GILs and what belongs to them are asked about as one, by the name of one. */
static bool is_gil(const struct trace *trace, uint32_t lock)
{
	uint8_t kind = trace->locks[lock - 1].kind;

	return kind == LOCK_GIL || kind == LOCK_HAND_OVER;
}

/* "without the GIL: 0.67 s predicted instead of 1.31 s (model error 0.4 %)". Free it. */
static char *describe_prediction(const struct report *report, const struct prediction *prediction)
{
	char *lock OWNED(mem_freep) = NULL;
	char with[UNITS_BUFFER], without[UNITS_BUFFER], error[UNITS_BUFFER];

	if (prediction->lock && is_gil(report->trace, prediction->lock))
		lock = label_the_lock(report->trace, prediction->lock);
	else if (prediction->lock)
		lock = label_the_locks(report->trace, prediction->lock, prediction->lock_count);
	else
		lock = xasprintf("any of the %" PRIu32 " contended locks", prediction->lock_count);
	format_permille(report->what_if.error_permille, error);
	/* A replay keeps timers: one that the end waits for hides what was won. */
	if (prediction->wall_ns >= report->wall_ns)
		return xasprintf(
			"without %s: no shorter run predicted, something else decides when "
			"it ends (model error %s)",
			lock, error);
	return xasprintf("without %s: %s predicted instead of %s (model error %s)", lock,
			 format_ns(prediction->wall_ns, without), format_ns(report->wall_ns, with),
			 error);
}

void text_what_if(const struct text *text, const struct report *report)
{
	const struct what_if *what_if = &report->what_if;

	if (what_if->state == WHAT_IF_NOT_MADE || what_if->state == WHAT_IF_NO_SLICES ||
	    !is_of_interest(report))
		return;
	if (what_if->state == WHAT_IF_MADE && !what_if->count)
		return;
	text_heading(text, "What if");
	say_why_not(text, report);
	for (size_t i = 0; i < what_if->count; i++) {
		char *line OWNED(mem_freep) = describe_prediction(report, &what_if->predictions[i]);

		text_say(text, "%s", line);
	}
}

/* Variants that do the same work with a lock and without it. */
struct pair {
	const char *with;
	const char *without;
};

static const struct pair pairs[] = {
	{ "threads", "processes" },
	{ "native-lock", "native" },
};

/* The variant that was measured without the lock, NULL: none was. */
static const struct variant *find_measured(const struct experiment *experiment, const char *with)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (strcmp(pairs[i].with, with) != 0)
			continue;
		for (size_t j = 0; j < experiment->variant_count; j++) {
			const struct variant *variant = &experiment->variants[j];

			if (variant->run_count && strcmp(variant->name, pairs[i].without) == 0)
				return variant;
		}
	}
	return NULL;
}

static const char *const difference_words[DIFFERENCE_PARTS] = {
	[DIFFERENCE_SPEED] = "for the machine's speed",
	[DIFFERENCE_CPU] = "in CPU time for the same count",
	[DIFFERENCE_READY] = "in waiting for CPUs",
	[DIFFERENCE_START] = "in starting",
	[DIFFERENCE_END] = "in ending",
	[DIFFERENCE_REST] = "in uneven work and the rest",
};

/* "The two differ: processes took +50 ms in CPU time for the same count, …" Free it. */
static char *describe_difference(const char *name, const struct scale *scale,
				 const int64_t steps[DIFFERENCE_PARTS])
{
	char *line = xasprintf("The two differ: %s took", name);
	char time[UNITS_BUFFER];
	bool is_first = true;

	for (int i = 0; i < DIFFERENCE_PARTS; i++) {
		char *longer;

		if (!steps[i])
			continue;
		longer = xasprintf("%s%s %s %s", line, is_first ? "" : ",",
				   scale_print_signed(scale, steps[i], time), difference_words[i]);
		free(line);
		line = longer;
		is_first = false;
	}
	return line;
}

/* " (during its run the host took 14 ms of the CPUs, during that of threads 2.0 ms)", where that is
 * known and of any size. Free it. */
static char *describe_steal(const struct difference *difference, const char *with)
{
	const uint64_t *steal_ns = difference->steal_ns;
	uint64_t most_ns = steal_ns[0] > steal_ns[1] ? steal_ns[0] : steal_ns[1];
	uint64_t size_ns = (uint64_t)llabs(difference->total_ns);
	char mine[UNITS_BUFFER], theirs[UNITS_BUFFER];

	if (most_ns == TRACE_NOT_MEASURED || permille_of(most_ns, size_ns) < STEAL_PERMILLE)
		return xstrdup("");
	return xasprintf("; during its run the host took %s of the CPUs, during that of %s %s",
			 format_ns(steal_ns[1], mine), with, format_ns(steal_ns[0], theirs));
}

/* What the difference between the prediction and the measured variant is made of. */
static void say_difference(const struct text *text, const struct experiment *experiment,
			   const struct variant *with, const struct variant *measured)
{
	const struct run *without = &measured->runs[measured->representative];
	struct difference difference;
	int64_t steps[DIFFERENCE_PARTS];
	const struct scale *scale;
	uint64_t size_ns;
	char *line OWNED(mem_freep) = NULL, *steal OWNED(mem_freep) = NULL;

	if (!difference_make(&with->runs[with->representative], without, experiment->workers,
			     &difference))
		return;
	size_ns = (uint64_t)llabs(difference.total_ns);
	if (permille_of(size_ns, without->report->wall_ns) <= AGREE_PERMILLE)
		return;
	scale = scale_for(size_ns);
	round_parts(difference.parts_ns, DIFFERENCE_PARTS, scale->step_ns, steps);
	line = describe_difference(measured->name, scale, steps);
	steal = describe_steal(&difference, with->name);
	text_say(text, "%s%s.", line, steal);
}

void text_what_if_bill(const struct text *text, const struct experiment *experiment,
		       const struct bill *bill)
{
	const struct variant *to = &experiment->variants[bill->to];
	const struct variant *measured = find_measured(experiment, to->name);
	const struct report *report = to->runs[to->representative].report;
	const struct what_if *what_if = &report->what_if;
	char *line OWNED(mem_freep) = NULL;
	char time[UNITS_BUFFER];

	if (!measured || what_if->state != WHAT_IF_MADE || !what_if->count) {
		text_what_if(text, report);
		return;
	}
	text_heading(text, "What if");
	line = describe_prediction(report, &what_if->predictions[0]);
	text_say(text, "%s; %s measured %s", line, measured->name,
		 format_ns(measured->runs[measured->representative].report->wall_ns, time));
	say_difference(text, experiment, to, measured);
}
