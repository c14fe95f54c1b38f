/* SPDX-License-Identifier: GPL-2.0-only */
/* The bill between two variants. */
#include "analysis/bill.h"

#include <stdlib.h>

#include "analysis/bill_causes.h"

static const struct {
	const char *name;
	const char *one_cause; /* of a line that is not split, else NULL */
} lines[BILL_LINES] = {
	{ "gap", NULL },
	{ "CPU", NULL },
	{ "overlap", "ran at the same time" },
	{ "not recorded", "not recorded" },
};

static int64_t measured(uint64_t ns)
{
	return ns == TRACE_NOT_MEASURED ? 0 : (int64_t)ns;
}

/* What a report puts into each line; the four sum to its wall. */
static void fill_parts(const struct report *report, int64_t parts[BILL_LINES])
{
	parts[0] = measured(report->gap_ns);
	parts[1] = measured(report->cpu_ns);
	parts[2] = -measured(report->overlap_ns);
	parts[3] = (int64_t)report->not_recorded_ns;
}

static void subtract(const struct report *from, const struct report *to,
		     int64_t ret_parts[BILL_LINES])
{
	int64_t before[BILL_LINES];

	fill_parts(from, before);
	fill_parts(to, ret_parts);
	for (int i = 0; i < BILL_LINES; i++)
		ret_parts[i] -= before[i];
}

static const struct run *find_round(const struct variant *variant, uint32_t round)
{
	for (size_t i = 0; i < variant->run_count; i++) {
		if (variant->runs[i].trace->meta.round == round)
			return &variant->runs[i];
	}
	return NULL;
}

/* The least and the most of each line over the rounds that both variants ran. */
static void spread_lines(struct bill *bill, const struct variant *from, const struct variant *to)
{
	int64_t parts[BILL_LINES];
	bool is_first = true;

	for (size_t r = 0; r < to->run_count; r++) {
		const struct run *other = find_round(from, to->runs[r].trace->meta.round);

		if (!other)
			continue;
		subtract(other->report, to->runs[r].report, parts);
		for (int i = 0; i < BILL_LINES; i++) {
			if (is_first || parts[i] < bill->lines[i].min_ns)
				bill->lines[i].min_ns = parts[i];
			if (is_first || parts[i] > bill->lines[i].max_ns)
				bill->lines[i].max_ns = parts[i];
		}
		is_first = false;
	}
}

void bill_make(struct bill *bill, const struct variant *from, const struct variant *to)
{
	const struct run *before = &from->runs[from->representative];
	const struct run *after = &to->runs[to->representative];
	int64_t parts[BILL_LINES];

	subtract(before->report, after->report, parts);
	bill->total_ns = (int64_t)after->report->wall_ns - (int64_t)before->report->wall_ns;
	for (int i = 0; i < BILL_LINES; i++) {
		struct bill_line *line = &bill->lines[i];

		line->name = lines[i].name;
		line->ns = line->min_ns = line->max_ns = parts[i];
		if (lines[i].one_cause)
			causes_of_one(line, lines[i].one_cause);
	}
	causes_of_gap(&bill->lines[0], before, after);
	causes_of_cpu(&bill->lines[1], before, after);
	spread_lines(bill, from, to);
}

void bill_release(struct bill *bill)
{
	for (int i = 0; i < BILL_LINES; i++) {
		for (size_t c = 0; c < bill->lines[i].cause_count; c++)
			free(bill->lines[i].causes[c].name);
		free(bill->lines[i].causes);
	}
}

static uint64_t distance(int64_t a, int64_t b)
{
	return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

uint64_t bill_residual(const struct bill *bill)
{
	int64_t total_ns = 0;
	uint64_t worst_ns = 0;

	for (int i = 0; i < BILL_LINES; i++) {
		int64_t causes_ns = 0;

		for (size_t c = 0; c < bill->lines[i].cause_count; c++)
			causes_ns += bill->lines[i].causes[c].ns;
		if (distance(causes_ns, bill->lines[i].ns) > worst_ns)
			worst_ns = distance(causes_ns, bill->lines[i].ns);
		total_ns += bill->lines[i].ns;
	}
	if (distance(total_ns, bill->total_ns) > worst_ns)
		worst_ns = distance(total_ns, bill->total_ns);
	return worst_ns;
}
