/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts that the text of a run and of a countdown share. */
#include "output/text_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "analysis/lock_groups.h"
#include "base/ascii.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/formats.h"
#include "output/grid.h"
#include "output/scale.h"

#define COLUMNS_DEFAULT 80
#define COLUMNS_LEAST 60
#define COLUMNS_MOST 100 /* longer lines are hard to read */
#define ITEM_GAP 3
#define LOCKS_NAMED 3 /* in the line of where the CPUs went */

/* A text in UTF-8 on its way to a place that does not understand it. */
struct draft {
	char *bytes;
	size_t size;
	FILE *target;
};

static void open_draft(struct text *text)
{
	struct draft *draft = xcalloc(1, sizeof(*draft));
	FILE *file = open_memstream(&draft->bytes, &draft->size);

	if (!file) {
		free(draft);
		return;
	}
	draft->target = text->file;
	text->draft = draft;
	text->file = file;
}

static int close_draft(struct text *text)
{
	struct draft *draft = text->draft;
	int err = fclose(text->file) ? -errno : 0;

	text->file = draft->target;
	text->draft = NULL;
	if (!err)
		ascii_put(draft->bytes, text->file);
	free(draft->bytes);
	free(draft);
	return err ? err : output_flush(text->file);
}

struct text text_open(const struct output_options *options, FILE *file)
{
	size_t columns = options->columns ? options->columns : COLUMNS_DEFAULT;
	struct text text;

	if (columns < COLUMNS_LEAST)
		columns = COLUMNS_LEAST;
	if (columns > COLUMNS_MOST)
		columns = COLUMNS_MOST;
	text = (struct text){ file, style_get(options->has_color), columns, NULL };
	if (options->is_ascii)
		open_draft(&text);
	return text;
}

int text_result(struct text *text)
{
	return text->draft ? close_draft(text) : output_flush(text->file);
}

void text_heading(const struct text *text, const char *format, ...)
{
	va_list args;

	fprintf(text->file, "\n%s", text->style->heading);
	va_start(args, format);
	vfprintf(text->file, format, args);
	va_end(args);
	fprintf(text->file, "%s\n", text->style->reset);
}

void text_say(const struct text *text, const char *format, ...)
{
	char *line OWNED(mem_freep) = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	if (line)
		text_wrap(line, TEXT_INDENT, text->columns, text->file);
}

char **items_new(void)
{
	return xcalloc(1, sizeof(char *));
}

void items_freep(char ***items)
{
	for (char **item = *items; *item; item++)
		free(*item);
	free(*items);
}

void text_items(const struct text *text, char *const *items, size_t indent)
{
	size_t used = 0;

	for (; *items; items++) {
		size_t width = text_columns(*items);

		if (used && used + ITEM_GAP + width > text->columns) {
			putc('\n', text->file);
			used = 0;
		}
		fprintf(text->file, "%*s%s", (int)(used ? ITEM_GAP : indent), "", *items);
		used = (used ? used + ITEM_GAP : indent) + width;
	}
	putc('\n', text->file);
}

/* The parts of the capacity, in the order of the line: running, the costliest locks, the other
 * locks, CPU, not asked for. */
struct shares {
	uint64_t parts[LOCKS_NAMED + 4];
	char *names[LOCKS_NAMED + 4];
	size_t count;
};

static void shares_add(struct shares *shares, uint64_t ns, char *name)
{
	shares->parts[shares->count] = ns;
	shares->names[shares->count++] = name;
}

void text_cut_brackets(char *label)
{
	char *bracket = strstr(label, " (");

	if (bracket)
		*bracket = '\0';
}

static void shares_add_locks(struct shares *shares, const struct report *report)
{
	struct lock_group *groups OWNED(mem_freep) = NULL;
	size_t count = lock_groups(report, &groups);
	uint64_t rest_ns = report->capacity.locks_ns;

	for (size_t i = 0; i < count && i < LOCKS_NAMED; i++) {
		uint64_t lost_ns = groups[i].sum.lost_ns;
		char *lock OWNED(mem_freep) =
			label_the_locks(report->trace, groups[i].sum.lock, groups[i].locks);

		/* In the line a lock goes by its short name: what stands in brackets is in the
		 * table; but the brackets of a function are its name. */
		text_cut_brackets(lock);
		if (permille_of(lost_ns, report->capacity.total_ns) == 0)
			break;
		shares_add(shares, lost_ns, xasprintf("waiting for %s", lock));
		rest_ns -= lost_ns;
	}
	if (rest_ns)
		shares_add(shares, rest_ns, xstrdup("waiting for other locks"));
}

void text_capacity(const struct text *text, const struct report *report, const char *variant)
{
	const struct capacity *capacity = &report->capacity;
	struct shares shares = { 0 };
	uint32_t permille[LOCKS_NAMED + 4];
	char **items OWNED(items_freep) = items_new();
	char total[UNITS_BUFFER], number[UNITS_BUFFER], share[UNITS_BUFFER];
	const struct scale *scale = scale_for(capacity->total_ns);
	int64_t whole = (int64_t)capacity->total_ns, steps;

	if (capacity->total_ns == TRACE_NOT_MEASURED)
		return; /* said where the threads running at a time would stand */
	shares_add(&shares, capacity->running_ns, xstrdup("running"));
	shares_add_locks(&shares, report);
	shares_add(&shares, capacity->cpu_wait_ns, xstrdup("waiting for a CPU"));
	shares_add(&shares, capacity->not_asked_ns, xstrdup("not asked for"));
	share_permille(shares.parts, shares.count, permille);
	for (size_t i = 0; i < shares.count; i++) {
		char *item OWNED(mem_freep) =
			xasprintf("%s %s", shares.names[i], format_permille(permille[i], share));

		/* What is nothing needs no words, save that nothing ran. */
		if (i == 0 || permille[i] > 0)
			trace_add_string(&items, item);
		free(shares.names[i]);
	}
	round_parts(&whole, 1, scale->step_ns, &steps);
	text_heading(text, "Where the %s CPU%s went%s%s (%s = 100 %%)",
		     label_number(capacity->cpus, number), capacity->cpus == 1 ? "" : "s",
		     variant ? " with " : "", variant ? variant : "",
		     scale_print(scale, steps, total));
	text_items(text, items, TEXT_INDENT);
	if (capacity->is_raised)
		text_say(text, "More threads ran at once than the affinity read allows CPUs: the "
			       "larger number is used.");
}
