/* SPDX-License-Identifier: GPL-2.0-only */
/* How far to trust a report: what was lost, how far sums are from exact, what convoy itself cost.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/text_parts.h"

/* Adds a printed item to the list. */
static void add(char ***items, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char ***items, const char *format, ...)
{
	char *item OWNED(mem_freep) = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&item, format, args) < 0)
		item = NULL;
	va_end(args);
	if (item)
		trace_add_string(items, item);
}

/* What each counter of loss means to a reader. Slices have a line of their own. */
static const char *const loss_words[LOSS_COUNT] = {
	[LOSS_LIFE_RING] = "births, execs or first waits not recorded",
	[LOSS_STORAGE] = "threads not traced, no room in the kernel",
	[LOSS_DEAD_FULL] = "dead threads summed as \"other threads\"",
	[LOSS_USES_FULL] = "waits not told apart by lock",
	[LOSS_CLOCK_BACK] = "time stamps behind their predecessor, clamped",
	[LOSS_UNMATCHED] = "switches missed",
	[LOSS_REPAIRED] = "switches the kernel did not tell of, put right by its accounts",
	[LOSS_COMPAT] = "32-bit calls, whose futex waits are not seen",
};

/* Several runs are spoken of as one. */
struct runs {
	const struct report *const *reports;
	size_t count;
};

static void add_completeness(char ***items, const struct runs *runs)
{
	size_t incomplete = 0;

	for (size_t i = 0; i < runs->count; i++)
		incomplete += !runs->reports[i]->trace->meta.is_complete;
	if (!incomplete)
		add(items, "complete: no event lost");
	else if (runs->count == 1)
		add(items, "not complete");
	else
		add(items, "%zu of %zu runs are not complete", incomplete, runs->count);
}

static void add_slices_lost(char ***items, const struct runs *runs)
{
	uint64_t lost = 0, produced = 0, gone_ns = 0;
	char lost_text[UNITS_BUFFER], produced_text[UNITS_BUFFER], gone[UNITS_BUFFER];

	for (size_t i = 0; i < runs->count; i++) {
		lost += runs->reports[i]->trace->meta.slices_lost;
		produced += runs->reports[i]->trace->meta.slices_produced;
		gone_ns += runs->reports[i]->not_recorded_ns;
	}
	if (lost == 0 && gone_ns == 0)
		return;
	if (lost)
		add(items, "%s of %s slices lost (a larger --ring-size helps), totals are exact",
		    format_count(lost, lost_text), format_count(produced, produced_text));
	add(items, "not recorded: %s of the wall", format_ns(gone_ns, gone));
}

static void add_counters(char ***items, const struct runs *runs)
{
	uint64_t losses[LOSS_COUNT] = { 0 }, misses = 0;
	char count[UNITS_BUFFER];

	for (size_t i = 0; i < runs->count; i++) {
		const struct meta *meta = &runs->reports[i]->trace->meta;

		for (size_t j = 0; j < LOSS_COUNT; j++)
			losses[j] += meta->loss[j];
		misses += meta->recursion_misses;
	}
	for (size_t i = 0; i < LOSS_COUNT; i++) {
		if (losses[i] && loss_words[i])
			add(items, "%s: %s", loss_words[i], format_count(losses[i], count));
	}
	if (misses)
		add(items, "%s events missed inside other events", format_count(misses, count));
}

/* What another run said already is not said again. */
static void add_new(char ***items, const char *item)
{
	for (char **known = *items; *known; known++) {
		if (strcmp(*known, item) == 0)
			return;
	}
	trace_add_string(items, item);
}

static void add_list(char ***items, const char *words, char *const *list)
{
	for (; *list; list++) {
		char *safe OWNED(mem_freep) = escape_text(*list);
		char *item OWNED(mem_freep) = xasprintf("%s%s", words, safe);

		add_new(items, item);
	}
}

static void add_conditions(char ***items, const struct meta *meta)
{
	if (meta->is_truncated)
		add_new(items, "slices end early: the limit of --max-size was reached, or an "
			       "interrupt came");
	if (meta->is_interrupted)
		add_new(items, "the command was still running when this was written");
	add_list(items, "not available: ", meta->missing);
	add_list(items, "still alive at the end: ", meta->left_behind);
}

void trust_add_losses(char ***items, const struct report *const *reports, size_t count)
{
	const struct runs runs = { reports, count };
	uint64_t steal_ns = 0;
	char steal[UNITS_BUFFER];

	add_completeness(items, &runs);
	add_slices_lost(items, &runs);
	add_counters(items, &runs);
	for (size_t i = 0; i < count; i++) {
		const struct meta *meta = &reports[i]->trace->meta;

		add_conditions(items, meta);
		steal_ns += meta->steal_ns == TRACE_NOT_MEASURED ? 0 : meta->steal_ns;
	}
	if (steal_ns)
		add(items, "the hypervisor took %s", format_ns(steal_ns, steal));
}

/* Sums over several runs. */
struct errors {
	uint64_t residual_ns;
	uint64_t own_run_ns;
	uint64_t kernel_run_ns;
	uint64_t charged_ready_ns;
	uint64_t uncharged_ns;
	uint64_t own_cpu_ns;
	uint64_t window_ns;
	uint64_t bpf_run_ns;
	bool has_bpf_run;
	bool has_own_cpu;
	bool is_compared;
};

static void errors_add(struct errors *errors, const struct report *report)
{
	const struct meta *meta = &report->trace->meta;

	for (size_t i = 0; i < RESIDUAL_COUNT; i++) {
		if (report->residual_ns[i] > errors->residual_ns)
			errors->residual_ns = report->residual_ns[i];
	}
	errors->is_compared |= report->worst_run_thread != 0;
	errors->own_run_ns += report->own_run_ns;
	errors->kernel_run_ns += report->kernel_run_ns;
	errors->charged_ready_ns += report->charged_ready_ns;
	errors->uncharged_ns += report->uncharged_ns;
	errors->window_ns += meta->end_ns - meta->start_ns;
	if (meta->own_cpu_ns != TRACE_NOT_MEASURED) {
		errors->has_own_cpu = true;
		errors->own_cpu_ns += meta->own_cpu_ns;
	}
	if (meta->bpf_run_ns != TRACE_NOT_MEASURED) {
		errors->has_bpf_run = true;
		errors->bpf_run_ns += meta->bpf_run_ns;
	}
}

/* What the two accounts call by other names, each from 1 % on; else "". Free it. */
static char *told_apart(const struct errors *errors)
{
	uint64_t least_ns = errors->kernel_run_ns / 100;
	bool has_ready = errors->charged_ready_ns > least_ns;
	bool has_taken = errors->uncharged_ns > least_ns;
	char ready_time[UNITS_BUFFER], taken_time[UNITS_BUFFER];
	char *ready OWNED(mem_freep) =
		xasprintf("%s between wake-ups and their switches (running to "
			  "the kernel, waiting for a CPU to convoy)",
			  format_ns(errors->charged_ready_ns, ready_time));
	char *taken OWNED(mem_freep) = xasprintf("%s of running that it charged to interrupts, the "
						 "hypervisor or the thread woken next",
						 format_ns(errors->uncharged_ns, taken_time));

	if (!has_ready && !has_taken)
		return xstrdup("");
	return xasprintf(", but for %s%s%s", has_ready ? ready : "",
			 has_ready && has_taken ? " and " : "", has_taken ? taken : "");
}

/* Rounded up, so that "within" is true. */
static void add_run_error(char ***items, const struct errors *errors)
{
	char *apart OWNED(mem_freep) = told_apart(errors);
	uint64_t own_ns = errors->own_run_ns + errors->charged_ready_ns;
	uint64_t kernel_ns = errors->kernel_run_ns;
	uint64_t their_ns = kernel_ns + errors->uncharged_ns;
	uint64_t off_ns = own_ns > their_ns ? own_ns - their_ns : their_ns - own_ns;
	uint64_t hundredths;

	if (!errors->is_compared || kernel_ns == 0) {
		add(items, "run time not compared with the kernel's: too few switches");
		return;
	}
	hundredths = (uint64_t)((double)off_ns * 10000 / (double)kernel_ns) + 1;
	if (hundredths < 10)
		add(items, "run time within 0.0%u %% of the kernel's accounting%s",
		    (unsigned int)hundredths, apart);
	else
		add(items, "run time within %" PRIu64 ".%u %% of the kernel's accounting%s",
		    (hundredths + 9) / 100, (unsigned int)((hundredths + 9) / 10 % 10), apart);
}

static double percent(uint64_t part, uint64_t whole)
{
	return 100 * (double)part / (double)whole;
}

void trust_add_errors(char ***items, const struct report *const *reports, size_t count)
{
	struct errors errors = { 0 };
	char residual[UNITS_BUFFER];

	for (size_t i = 0; i < count; i++)
		errors_add(&errors, reports[i]);
	add(items, "residuals %s", format_ns(errors.residual_ns, residual));
	add_run_error(items, &errors);
	if (errors.window_ns == 0)
		return;
	if (errors.has_own_cpu)
		add(items, "convoy used %.1f %% of one CPU",
		    percent(errors.own_cpu_ns, errors.window_ns));
	if (errors.has_bpf_run)
		add(items, "its probes %.1f %%", percent(errors.bpf_run_ns, errors.window_ns));
}

void trust_add_experiments(char ***items, const struct experiment *const *experiments, size_t count)
{
	const struct report **reports OWNED(mem_freep) = NULL;
	size_t report_count = 0;

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < experiments[i]->variant_count; j++) {
			const struct variant *variant = &experiments[i]->variants[j];

			for (size_t k = 0; k < variant->run_count; k++)
				*(const struct report **)array_add(&reports, &report_count,
								   sizeof(*reports)) =
					variant->runs[k].report;
		}
	}
	if (!report_count)
		return;
	trust_add_losses(items, reports, report_count);
	trust_add_errors(items, reports, report_count);
}

void text_trust(const struct text *text, char *const *items)
{
	char *line OWNED(mem_freep) = xstrdup("");

	for (; *items; items++) {
		char *longer = xasprintf("%s%s%s", line, *line ? "; " : "", *items);

		free(line);
		line = longer;
	}
	text_heading(text, "Trust");
	text_say(text, "%s", line);
}
