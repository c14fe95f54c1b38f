/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folded stacks for flame graph tools: a line "thread;state;lock or system call weight" for each
 * thing a thread spent time on, in microseconds. What a thread's lines sum to is its lifetime, and
 * states sum to the columns of threads.csv; where slices were lost the third part is missing. Not
 * for stacks of functions.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "analysis/sweep.h"
#include "base/escape.h"
#include "base/mem.h"
#include "model/tally.h"
#include "output/formats.h"

#define US 1000 /* ns */
#define FRAME_COUNT (STATE_COUNT + LOCK_STATE_COUNT)
#define NO_DETAIL UINT64_MAX

/* Time of a thread under one frame; `detail` is a lock or a system call, or NO_DETAIL. */
struct part {
	uint32_t thread;
	uint32_t frame; /* enum state, or STATE_COUNT + enum lock_state */
	uint64_t detail;
	int64_t ns;
};

struct parts {
	struct part *items;
	size_t count;
};

struct folded {
	const struct report *report;
	struct tally *sums; /* (thread << 32 | frame, detail) */
	struct parts parts;
	char **names; /* of report->threads, as they are printed */
};

static void folded_release(struct folded *folded)
{
	for (size_t i = 0; i < folded->report->thread_count; i++)
		free(folded->names[i]);
	free(folded->names);
	free(folded->parts.items);
	tally_free(&folded->sums);
}

/*
 * A frame: neither a semicolon nor a blank is in it, which end frames and stacks. Blanks become
 * underscores, as is the custom of these tools.
 */
static char *frame_text(char *label)
{
	size_t length = strlen(label);
	char *frame = xcalloc(length + 1, strlen("\\x3b")), *out = frame;

	for (size_t i = 0; i < length; i++) {
		if (label[i] == ';') {
			memcpy(out, "\\x3b", strlen("\\x3b"));
			out += strlen("\\x3b");
		} else {
			*out++ = label[i] == ' ' ? '_' : label[i];
		}
	}
	free(label);
	return frame;
}

static char *name_frame(const struct trace *trace, uint32_t number)
{
	const struct thread *thread = &trace->threads[number - 1];

	if (thread->is_rest)
		return frame_text(xstrdup("other threads"));
	return frame_text(escape_text(*thread->name ? thread->name : thread->comm));
}

struct named {
	const char *name;
	size_t index;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* Adds its id to a name that others have too, or makes one of it. */
static void make_unique(const struct report *report, size_t index, char **name)
{
	uint32_t number = report->threads[index].thread;
	int32_t tid = report->trace->threads[number - 1].tid;
	char *longer = xasprintf("%s_%d", **name ? *name : "thread", tid);

	free(*name);
	*name = longer;
}

static void make_names(struct folded *folded)
{
	const struct report *report = folded->report;
	size_t count = report->thread_count;
	struct named *order OWNED(mem_freep) = xcalloc(count, sizeof(*order));
	bool *is_shared OWNED(mem_freep) = xcalloc(count, sizeof(*is_shared));

	folded->names = xcalloc(count, sizeof(*folded->names));
	for (size_t i = 0; i < count; i++) {
		folded->names[i] = name_frame(report->trace, report->threads[i].thread);
		order[i] = (struct named){ folded->names[i], i };
	}
	if (count)
		qsort(order, count, sizeof(*order), by_name);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(order[i - 1].name, order[i].name) == 0)
			is_shared[order[i - 1].index] = is_shared[order[i].index] = true;
	}
	for (size_t i = 0; i < count; i++) {
		if (is_shared[i] || !*folded->names[i])
			make_unique(report, i, &folded->names[i]);
	}
}

static uint32_t frame_of_lock(const struct trace *trace, uint64_t lock)
{
	return STATE_COUNT + (lock ? trace->locks[lock - 1].state : LOCK_STATE_FUTEX);
}

static uint64_t *sum_of(struct folded *folded, uint64_t thread, uint32_t frame, uint64_t detail)
{
	return &tally_get(&folded->sums, thread << 32 | frame, detail)->ns;
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct folded *folded = self;
	uint64_t detail = NO_DETAIL;
	uint32_t frame = slice->state;

	if (slice->state == STATE_FUTEX) {
		frame = frame_of_lock(moment->trace, slice->lock);
		detail = slice->lock ? slice->lock : NO_DETAIL;
	} else if (slice->state >= STATE_IO && slice->state <= STATE_SLEEP &&
		   slice->syscall != RECORD_SYSCALL_NONE) {
		detail = (uint16_t)slice->syscall;
	}
	*sum_of(folded, slice->thread, frame, detail) += slice->duration_ns;
}

static int sum_slices(struct folded *folded)
{
	const struct report *report = folded->report;
	const struct observer observers[] = { { .self = folded, .end = on_end }, { 0 } };
	uint64_t covered_ns;

	if (!report->trace->slices)
		return 0;
	return sweep_run(report->trace, report->begin_ns, report->end_ns, observers, &covered_ns);
}

/* Waits are known by lock even where their slices were lost. */
static void sum_waits(struct folded *folded)
{
	const struct trace *trace = folded->report->trace;

	for (size_t i = 0; folded->report->is_whole && i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];
		uint32_t frame = frame_of_lock(trace, total->lock);

		*sum_of(folded, total->thread, frame, total->lock) = total->wait_ns;
	}
}

static void add_part(struct folded *folded, struct part part)
{
	struct parts *parts = &folded->parts;

	if (part.ns)
		*(struct part *)array_add(&parts->items, &parts->count, sizeof(part)) = part;
}

static uint64_t total_of(const struct thread_stat *stat, uint32_t frame)
{
	if (frame == STATE_FUTEX) /* its classes are the frames */
		return 0;
	return frame < STATE_COUNT ? stat->state_ns[frame] : stat->class_ns[frame - STATE_COUNT];
}

/* All that was summed, and what is missing from the totals of the threads. */
static void make_parts(struct folded *folded)
{
	const struct report *report = folded->report;
	uint64_t(*known)[FRAME_COUNT] OWNED(mem_freep) =
		xcalloc(report->trace->thread_count, sizeof(*known));

	for (const struct tally *t = folded->sums; t; t = t->hh.next) {
		uint32_t thread = (uint32_t)(t->key.high >> 32), frame = (uint32_t)t->key.high;

		known[thread - 1][frame] += t->ns;
	}
	for (size_t i = 0; i < report->thread_count; i++) {
		uint32_t thread = report->threads[i].thread;

		for (uint32_t frame = 0; frame < FRAME_COUNT; frame++) {
			uint64_t total_ns = total_of(&report->threads[i], frame);
			uint64_t known_ns = known[thread - 1][frame];

			if (total_ns != TRACE_NOT_MEASURED && total_ns > known_ns)
				*sum_of(folded, thread, frame, NO_DETAIL) += total_ns - known_ns;
		}
	}
	for (const struct tally *t = folded->sums; t; t = t->hh.next) {
		uint32_t thread = (uint32_t)(t->key.high >> 32), frame = (uint32_t)t->key.high;

		add_part(folded, (struct part){ thread, frame, t->key.low, (int64_t)t->ns });
	}
}

static int by_place(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->frame != y->frame)
		return x->frame < y->frame ? -1 : 1;
	return x->detail < y->detail ? -1 : x->detail > y->detail;
}

static char *detail_frame(const struct trace *trace, const struct part *part)
{
	if (part->frame >= STATE_COUNT)
		return frame_text(label_lock(trace, (uint32_t)part->detail));
	return frame_text(label_syscall(trace, (int)part->detail));
}

static void print_part(const struct folded *folded, const char *prefix, const char *name,
		       const struct part *part, int64_t us, FILE *file)
{
	const char *state = part->frame < STATE_COUNT ? state_name(part->frame)
						      : lock_state_name(part->frame - STATE_COUNT);
	char *detail OWNED(mem_freep) = NULL;

	if (part->detail != NO_DETAIL)
		detail = detail_frame(folded->report->trace, part);
	fprintf(file, "%s%s;%s%s%s %" PRId64 "\n", prefix, name, state, detail ? ";" : "",
		detail ? detail : "", us);
}

/* The parts of one thread, rounded so that they sum to its lifetime. */
static void print_thread(const struct folded *folded, const char *prefix, const char *name,
			 const struct part *parts, size_t count, FILE *file)
{
	int64_t *ns OWNED(mem_freep) = xcalloc(count, sizeof(*ns));
	int64_t *us OWNED(mem_freep) = xcalloc(count, sizeof(*us));

	for (size_t i = 0; i < count; i++)
		ns[i] = parts[i].ns;
	round_parts(ns, count, US, us);
	for (size_t i = 0; i < count; i++) {
		if (us[i])
			print_part(folded, prefix, name, &parts[i], us[i], file);
	}
}

/* prefix: frames before the thread, each with its semicolon. */
static int print_report(const struct report *report, const char *prefix, FILE *file)
{
	struct folded folded OWNED(folded_release) = { .report = report };
	const struct parts *parts = &folded.parts;
	size_t next = 0, begin;
	int err;

	make_names(&folded);
	err = sum_slices(&folded);
	if (err)
		return err;
	sum_waits(&folded);
	make_parts(&folded);
	if (!parts->count)
		return 0; /* threads, but none of them has any time */
	qsort(parts->items, parts->count, sizeof(*parts->items), by_place);
	for (size_t i = 0; i < report->thread_count; i++) {
		begin = next;
		while (next < parts->count &&
		       parts->items[next].thread == report->threads[i].thread)
			next++;
		print_thread(&folded, prefix, folded.names[i], parts->items + begin, next - begin,
			     file);
	}
	return 0;
}

int folded_report(const struct report *report, const struct output_options *options, FILE *file)
{
	int err = print_report(report, "", file);

	(void)options;
	return err ? err : output_flush(file);
}

static int print_variant(const struct experiment *experiment, const struct variant *variant,
			 bool has_several, FILE *file)
{
	const struct report *report = variant->runs[variant->representative].report;
	const char *of = has_several && experiment->interpreter ? experiment->interpreter : "";
	char *interpreter OWNED(mem_freep) = frame_text(escape_text(of));
	char *name OWNED(mem_freep) = frame_text(escape_text(variant->name));
	char *prefix OWNED(mem_freep) =
		xasprintf("%s%s%s;", interpreter, *interpreter ? ";" : "", name);

	return print_report(report, prefix, file);
}

/* The count phase of the representative run of every variant, whose name is the first frame. */
int folded_experiments(const struct experiment *const *experiments, size_t count,
		       const struct output_options *options, FILE *file)
{
	int err = 0;

	(void)options;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < experiments[i]->variant_count && !err; j++) {
			const struct variant *variant = &experiments[i]->variants[j];

			if (variant->run_count)
				err = print_variant(experiments[i], variant, count > 1, file);
		}
	}
	return err ? err : output_flush(file);
}
