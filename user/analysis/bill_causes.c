/* SPDX-License-Identifier: GPL-2.0-only */
/* The causes of a bill's lines. */
#include "analysis/bill_causes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/mem.h"

/* Calibrations that differ by more than 1/20 cannot tell the machine's speed. */
#define SPEED_AGREES 20

static void add_cause(struct bill_line *line, const char *name, int64_t ns)
{
	struct bill_cause *cause = NULL;

	for (size_t i = 0; i < line->cause_count && !cause; i++) {
		if (strcmp(line->causes[i].name, name) == 0)
			cause = &line->causes[i];
	}
	if (!cause) {
		cause = array_add(&line->causes, &line->cause_count, sizeof(*line->causes));
		cause->name = xstrdup(name);
	}
	cause->ns += ns;
}

static uint64_t size_of(int64_t ns)
{
	return ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
}

static int by_size(const void *a, const void *b)
{
	const struct bill_cause *x = a, *y = b;

	if (size_of(x->ns) != size_of(y->ns))
		return size_of(x->ns) > size_of(y->ns) ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Largest first; those that did not change are left out. */
static void tidy(struct bill_line *line)
{
	size_t kept = 0;

	for (size_t i = 0; i < line->cause_count; i++) {
		if (line->causes[i].ns)
			line->causes[kept++] = line->causes[i];
		else
			free(line->causes[i].name);
	}
	line->cause_count = kept;
	if (kept)
		qsort(line->causes, kept, sizeof(*line->causes), by_size);
}

/* Addresses differ from run to run, so they are left out of what the lock is called. */
static char *lock_label(const struct trace *trace, uint32_t lock)
{
	char *label = label_the_lock(trace, lock);
	char *address = strstr(label, " 0x");

	if (address)
		*address = '\0';
	return label;
}

static char *futex_label(const struct trace *trace, uint32_t lock)
{
	char *label OWNED(mem_freep) = NULL;

	switch (lock ? (enum lock_state)trace->locks[lock - 1].state : LOCK_STATE_FUTEX) {
	case LOCK_STATE_LOCK:
		label = lock_label(trace, lock);
		return xasprintf("waiting for %s", label);
	case LOCK_STATE_CONDITION:
		return xstrdup("waiting for a condition");
	case LOCK_STATE_JOIN:
		return xstrdup("joining a thread");
	case LOCK_STATE_FUTEX:
		break;
	}
	return xstrdup("in a futex wait that is not classified");
}

static char *gap_label(const struct trace *trace, const struct gap_cause *gap)
{
	char *label OWNED(mem_freep) = NULL;

	switch ((enum gap_kind)gap->kind) {
	case GAP_HAND_OFF:
		label = lock_label(trace, gap->lock);
		return xasprintf("hand-offs of %s", label);
	case GAP_CPU:
		return xstrdup("waiting for a CPU");
	case GAP_END:
		return xstrdup("nobody ran again before the end");
	case GAP_STATE:
		break;
	}
	if (gap->state == STATE_FUTEX)
		return futex_label(trace, gap->lock);
	return label_doing(trace, gap->state, gap->syscall);
}

static void add_gaps(struct bill_line *line, const struct report *report, int sign)
{
	for (size_t i = 0; i < report->gap_count; i++) {
		char *label OWNED(mem_freep) = gap_label(report->trace, &report->gaps[i]);

		add_cause(line, label, sign * (int64_t)report->gaps[i].ns);
	}
}

void causes_of_gap(struct bill_line *line, const struct run *from, const struct run *to)
{
	add_gaps(line, to->report, 1);
	add_gaps(line, from->report, -1);
	tidy(line);
}

/* ns of the calibration loop around a run; 0: not measured, or the speed changed meanwhile. */
static uint64_t speed_of(const struct run *run)
{
	const struct calibration *loop = &run->trace->meta.calibration;
	uint64_t least = loop->before_ns < loop->after_ns ? loop->before_ns : loop->after_ns;
	uint64_t most = loop->before_ns < loop->after_ns ? loop->after_ns : loop->before_ns;

	if (!least || most - least > least / SPEED_AGREES)
		return 0;
	return least + (most - least) / 2;
}

int64_t causes_speed_ns(const struct run *from, const struct run *to, uint64_t cpu_ns)
{
	uint64_t from_speed = speed_of(from), to_speed = speed_of(to);

	if (!from_speed || !to_speed || cpu_ns == TRACE_NOT_MEASURED)
		return 0;
	return (int64_t)((__int128)cpu_ns * ((__int128)to_speed - from_speed) / from_speed);
}

/* Only a countdown knows that both did the same; a program may have had more or less to do. */
static bool is_same_work(const struct run *from, const struct run *to)
{
	return from->trace->meta.count && from->trace->meta.count == to->trace->meta.count;
}

/* All of its CPU time is in the report. */
static bool is_recorded(const struct run *run)
{
	return run->report->cpu_ns != TRACE_NOT_MEASURED && !run->report->not_recorded_ns;
}

static const char *cpu_words(const struct run *from, const struct run *to, bool is_more)
{
	if (!is_recorded(from) || !is_recorded(to))
		return "what was recorded of it";
	if (is_same_work(from, to))
		return is_more ? "the same count cost more CPU" : "the same count cost less CPU";
	return is_more ? "more CPU time was used" : "less CPU time was used";
}

void causes_of_cpu(struct bill_line *line, const struct run *from, const struct run *to)
{
	int64_t speed_ns = causes_speed_ns(from, to, from->report->cpu_ns);

	add_cause(line, "machine speed", speed_ns);
	add_cause(line, cpu_words(from, to, line->ns >= speed_ns), line->ns - speed_ns);
	tidy(line);
}

void causes_of_one(struct bill_line *line, const char *name)
{
	add_cause(line, name, line->ns);
	tidy(line);
}
