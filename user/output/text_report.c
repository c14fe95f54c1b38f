/* SPDX-License-Identifier: GPL-2.0-only */
/* The report of one trace for a person: the sentences first, then the tables they rest on. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/formats.h"
#include "output/grid.h"
#include "output/scale.h"
#include "output/text_causes.h"
#include "output/text_parts.h"
#include "output/text_tables.h"

#define COMMAND_COLUMNS 200 /* longer command lines are cut */

static void add(char ***items, char *owned)
{
	trace_add_string(items, owned);
	free(owned);
}

static char *join_command(const struct meta *meta)
{
	char *line = xstrdup("");

	for (char *const *word = meta->command; *word; word++) {
		char *safe OWNED(mem_freep) = escape_text(*word);
		char *longer = xasprintf("%s%s%s", line, *line ? " " : "", safe);

		free(line);
		line = longer;
		if (strlen(line) > COMMAND_COLUMNS)
			break;
	}
	return line;
}

static char *describe_status(int status)
{
	if (status > 128)
		return xasprintf("ended by signal %d", status - 128);
	return xasprintf("exit status %d", status);
}

static void print_title(const struct text *text, const struct report *report)
{
	const struct meta *meta = &report->trace->meta;
	char *command OWNED(mem_freep) = join_command(meta);
	char *kind OWNED(mem_freep) = escape_text(meta->kind);

	fprintf(text->file, "%sconvoy %s%s", text->style->heading, kind, text->style->reset);
	if (*meta->variant) {
		char *variant OWNED(mem_freep) = escape_text(meta->variant);

		fprintf(text->file, "   %s, round %" PRIu32, variant, meta->round);
	} else if (*command) {
		char *cut OWNED(mem_freep) = text_cut(command, text->columns - 14);

		fprintf(text->file, "   %s", cut);
	} else if (meta->root_pid > 0) {
		char *name OWNED(mem_freep) = label_process(report->trace, meta->root_pid);

		fprintf(text->file, "   PID %d%s%s%s", meta->root_pid, *name ? " (" : "", name,
			*name ? ")" : "");
	}
	putc('\n', text->file);
}

static void print_facts(const struct text *text, const struct report *report)
{
	const struct meta *meta = &report->trace->meta;
	char **items OWNED(items_freep) = items_new();
	const struct scale *scale = scale_for(report->wall_ns);
	/* The totals are exact where slices were lost. */
	int64_t wall = (int64_t)report->wall_ns, cpu = (int64_t)report_run_ns(report), steps;
	uint32_t cpus = report->capacity.cpus ? report->capacity.cpus : meta->cpus_online;
	char *mode OWNED(mem_freep) = escape_text(meta->mode);
	char time[UNITS_BUFFER];

	round_parts(&wall, 1, scale->step_ns, &steps);
	add(&items, xasprintf("wall %s", scale_print(scale, steps, time)));
	round_parts(&cpu, 1, scale->step_ns, &steps);
	add(&items, xasprintf("CPU %s", scale_print(scale, steps, time)));
	if (meta->cpus_online > cpus)
		add(&items,
		    xasprintf("%" PRIu32 " of %" PRIu32 " CPUs usable", cpus, meta->cpus_online));
	else
		add(&items, xasprintf("%" PRIu32 " CPU%s", cpus, cpus == 1 ? "" : "s"));
	add(&items,
	    xasprintf("%zu thread%s", report->thread_count, report->thread_count == 1 ? "" : "s"));
	add(&items,
	    meta->uid ? xasprintf("run as uid %" PRIu32, meta->uid) : xstrdup("run as root"));
	if (meta->exit_status >= 0)
		add(&items, describe_status(meta->exit_status));
	if (strcmp(mode, "lean") == 0)
		add(&items, xstrdup("lean"));
	text_items(text, items, TEXT_INDENT);
}

static void print_findings(const struct text *text, const struct report *report)
{
	text_heading(text, "What stands out");
	for (size_t i = 0; i < report->finding_count; i++) {
		const struct finding *finding = &report->findings[i];

		text_say(text, "%s", finding->says);
		if (*finding->try) {
			char *line OWNED(mem_freep) = xasprintf("Try: %s.", finding->try);

			text_wrap(line, TEXT_DEEP, text->columns, text->file);
		}
	}
}

int text_report(const struct report *report, const struct output_options *options, FILE *file)
{
	struct text text = text_open(options, file);
	char **trust OWNED(items_freep) = items_new();

	print_title(&text, report);
	print_facts(&text, report);
	print_findings(&text, report);
	text_wall(&text, report);
	text_capacity(&text, report, NULL);
	text_threads(&text, report);
	text_locks(&text, report);
	text_edges(&text, report);
	text_holders(&text, report);
	text_path(&text, report);
	text_what_if(&text, report);
	trust_add_losses(&trust, &report, 1);
	trust_add_errors(&trust, &report, 1);
	text_trust(&text, trust);
	return text_result(&text);
}
