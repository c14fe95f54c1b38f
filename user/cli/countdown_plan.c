/* SPDX-License-Identifier: GPL-2.0-only */
/* What the countdown experiment runs, and in which order. Not for starting or measuring. */
#include "cli/countdown_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define COUNT_MAX (UINT64_C(1) << 62)

const struct variant_row variant_rows[] = {
	{ "serial", "", FAMILY_PYTHON, WIDTH_ONE, false, false },
	{ "threads", "serial", FAMILY_PYTHON, WIDTH_GIL, false, false },
	{ "processes", "serial", FAMILY_PYTHON, WIDTH_WORKERS, false, false },
	{ "subinterpreters", "serial", FAMILY_PYTHON, WIDTH_WORKERS, false, false },
	{ "nogil-serial", "", FAMILY_C, WIDTH_ONE, false, true },
	{ "nogil", "nogil-serial", FAMILY_C, WIDTH_WORKERS, false, true },
	{ "io-serial", "", FAMILY_WAIT, WIDTH_ONE, false, false },
	{ "io", "io-serial", FAMILY_WAIT, WIDTH_ONE, false, false },
	{ "native-serial", "", FAMILY_C, WIDTH_ONE, true, false },
	{ "native", "native-serial", FAMILY_C, WIDTH_WORKERS, true, false },
	{ "native-lock", "native-serial", FAMILY_C, WIDTH_ONE, true, false },
	{ NULL, NULL, FAMILY_PYTHON, WIDTH_ONE, false, false },
};

static char *const default_names[] = { "serial", "threads", "processes" };

const struct variant_row *variant_find(const char *name)
{
	for (const struct variant_row *row = variant_rows; row->name; row++) {
		if (strcmp(row->name, name) == 0)
			return row;
	}
	return NULL;
}

static void plan_add(struct plan *plan, const struct variant_row *variant)
{
	const struct variant_row **slot;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->variants[i] == variant)
			return;
	}
	slot = array_add(&plan->variants, &plan->count, sizeof(*plan->variants));
	*slot = variant;
}

int plan_make(char *const *names, size_t name_count, struct plan *ret_plan,
	      const char **ret_unknown)
{
	struct plan plan = { NULL, 0 };

	if (name_count == 0) {
		names = default_names;
		name_count = sizeof(default_names) / sizeof(default_names[0]);
	}
	for (size_t i = 0; i < name_count; i++) {
		const struct variant_row *variant = variant_find(names[i]);

		if (!variant) {
			*ret_unknown = names[i];
			plan_release(&plan);
			return -EINVAL;
		}
		if (variant->baseline[0])
			plan_add(&plan, variant_find(variant->baseline));
		plan_add(&plan, variant);
	}
	*ret_plan = plan;
	return 0;
}

void plan_release(struct plan *plan)
{
	free(plan->variants);
	plan->variants = NULL;
	plan->count = 0;
}

void plan_remove(struct plan *plan, const struct variant_row *variant)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->variants[i] != variant)
			plan->variants[kept++] = plan->variants[i];
	}
	plan->count = kept;
}

bool plan_needs(const struct plan *plan, enum family family)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->variants[i]->family == family)
			return true;
	}
	return false;
}

bool plan_needs_interpreter(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (!plan->variants[i]->is_native)
			return true;
	}
	return false;
}

const struct variant_row *plan_variant(const struct plan *plan, size_t round, size_t turn)
{
	return plan->variants[(round + turn) % plan->count];
}

unsigned int variant_cpus(const struct variant_row *variant, uint64_t workers, unsigned int cpus,
			  bool has_gil)
{
	bool is_one = variant->width == WIDTH_ONE || (variant->width == WIDTH_GIL && has_gil);

	if (is_one)
		return 1;
	return workers < cpus ? (unsigned int)workers : cpus;
}

uint64_t round_count(uint64_t count)
{
	uint64_t unit = 1;

	while (count / unit >= 100)
		unit *= 10;
	count = (count + unit / 2) / unit * unit;
	return count ? count : 1;
}

uint64_t pick_count(uint64_t count, uint64_t took_ns, uint64_t workers, uint64_t total_ns)
{
	double each = (double)count / (double)took_ns * (double)total_ns / (double)workers;

	return round_count(each < (double)COUNT_MAX ? (uint64_t)each : COUNT_MAX);
}
