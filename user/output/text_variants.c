/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of variants of a countdown: wall, against its baseline, CPU, how many ran at a time. */
#include "output/text_variants.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/grid.h"
#include "output/scale.h"

#define LEVELS_MAX 5 /* nobody … four */
#define LEVEL_MORE LEVELS_MAX

/* Thousandths of the time in which so many ran; they sum to 1000. */
struct levels {
	uint32_t permille[LEVELS_MAX + 1];
};

static struct levels levels_of(const struct report *report)
{
	uint64_t parts[LEVELS_MAX + 1] = { 0 };
	struct levels levels;

	for (size_t i = 0; i < report->parallel_count; i++)
		parts[i < LEVELS_MAX ? i : LEVEL_MORE] += report->parallel_ns[i];
	share_permille(parts, LEVELS_MAX + 1, levels.permille);
	return levels;
}

static const struct report *representative(const struct variant *variant)
{
	return variant->runs[variant->representative].report;
}

/* The table of one baseline and the variants measured against it. */
struct family {
	const struct variant *rows[16];
	size_t count;
	bool is_used[LEVELS_MAX + 1];
};

#define FAMILY_MAX (sizeof(((struct family *)0)->rows) / sizeof(struct variant *))

static void family_add(struct family *family, const struct variant *variant)
{
	struct levels levels;

	if (variant->run_count == 0 || family->count == FAMILY_MAX)
		return;
	levels = levels_of(representative(variant));
	for (size_t i = 0; i <= LEVELS_MAX; i++)
		family->is_used[i] |= levels.permille[i] > 0 || i < 3;
	family->rows[family->count++] = variant;
}

/* "1.170 s ± 3 %"; without ± where there is one run. Half of max − min, in % of the median. */
static void add_wall(struct grid *grid, const struct variant *variant)
{
	const struct spread *wall = &variant->wall;
	uint32_t half = permille_of((wall->max_ns - wall->min_ns) / 2, wall->median_ns);
	char time[UNITS_BUFFER];

	if (wall->median_ns >= 1000000000)
		snprintf(time, sizeof(time), "%" PRIu64 ".%03" PRIu64 " s",
			 (wall->median_ns + 500000) / 1000000000,
			 (wall->median_ns + 500000) / 1000000 % 1000);
	else
		format_ns(wall->median_ns, time);
	if (variant->run_count < 2)
		grid_add(grid, "%s", time);
	else
		grid_add(grid, "%s ± %" PRIu32 " %%", time, (half + 5) / 10);
}

static void add_against(struct grid *grid, const struct variant *variant,
			const struct variant *baseline)
{
	uint64_t own_ns = variant->wall.median_ns, other_ns;
	char ratio[UNITS_BUFFER];

	if (variant == baseline || !baseline) {
		grid_add(grid, "–");
		return;
	}
	other_ns = baseline->wall.median_ns;
	if (!variant->is_measurable)
		grid_add(grid, "no difference");
	else if (variant->is_slower)
		grid_add(grid, "%s slower", format_ratio(own_ns, other_ns, ratio));
	else
		grid_add(grid, "%s faster", format_ratio(other_ns, own_ns, ratio));
}

static void add_row(struct grid *grid, const struct family *family, const struct variant *variant,
		    const struct variant *baseline)
{
	const struct report *report = representative(variant);
	struct levels levels = levels_of(report);
	char *name OWNED(mem_freep) = escape_text(variant->name);
	char buffer[UNITS_BUFFER];

	grid_add(grid, "%s", name);
	add_wall(grid, variant);
	add_against(grid, variant, baseline);
	grid_add(grid, "%s", format_ns(report->cpu_ns, buffer));
	for (size_t i = 0; i <= LEVELS_MAX; i++) {
		if (family->is_used[i])
			grid_add(grid, "%s", format_permille(levels.permille[i], buffer));
	}
}

static struct grid *family_grid(const struct family *family, const struct variant *baseline)
{
	struct grid *grid = grid_new();
	char *name OWNED(mem_freep) = escape_text(baseline ? baseline->name : "its baseline");
	size_t last = LEVELS_MAX;
	char number[UNITS_BUFFER];

	while (!family->is_used[last])
		last--;
	for (size_t i = 0; i < 3; i++)
		grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_RIGHT, 0);
	for (size_t i = 0; i <= last; i++) {
		if (family->is_used[i])
			grid_column(grid, GRID_RIGHT, 0);
	}
	grid_add(grid, "%s", "");
	grid_add(grid, "wall, median");
	grid_add(grid, "against %s", name);
	grid_add(grid, "CPU");
	for (size_t i = 0; i <= last; i++) {
		if (family->is_used[i])
			grid_add(grid, "%s", i == LEVEL_MORE ? "more" : label_number(i, number));
	}
	for (size_t i = 0; i < family->count; i++)
		add_row(grid, family, family->rows[i], baseline);
	return grid;
}

static const struct variant *find_variant(const struct experiment *experiment, const char *name)
{
	for (size_t i = 0; i < experiment->variant_count; i++) {
		if (strcmp(experiment->variants[i].name, name) == 0)
			return &experiment->variants[i];
	}
	return NULL;
}

/* The variants that are measured against `name`, and itself, in the order they were run. */
static void print_family(const struct text *text, const struct experiment *experiment,
			 const char *name, bool *has_printed)
{
	const struct variant *baseline = find_variant(experiment, name);
	struct family family = { 0 };
	struct grid *grid OWNED(grid_freep) = NULL;

	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct variant *variant = &experiment->variants[i];

		if (variant == baseline || strcmp(variant->baseline, name) == 0)
			family_add(&family, variant);
	}
	if (family.count == 0)
		return;
	if (*has_printed)
		putc('\n', text->file);
	*has_printed = true;
	grid = family_grid(&family, baseline);
	grid_print(grid, TEXT_INDENT, text->file);
}

static bool is_first_of_family(const struct experiment *experiment, size_t index, const char *name)
{
	for (size_t i = 0; i < index; i++) {
		const struct variant *variant = &experiment->variants[i];
		const char *own = *variant->baseline ? variant->baseline : variant->name;

		if (strcmp(own, name) == 0)
			return false;
	}
	return true;
}

void text_variants(const struct text *text, const struct experiment *experiment)
{
	bool has_printed = false;

	for (size_t i = 0; i < experiment->variant_count; i++) {
		const struct variant *variant = &experiment->variants[i];
		const char *name = *variant->baseline ? variant->baseline : variant->name;

		if (is_first_of_family(experiment, i, name))
			print_family(text, experiment, name, &has_printed);
	}
	if (has_printed)
		text_say(text, "nobody, one, two …: threads running at a time, in %% of the count");
}
