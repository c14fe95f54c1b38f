/* SPDX-License-Identifier: GPL-2.0-only */
/* What the formats show of a comparison: one for two traces, one per variant for two countdowns. */
#ifndef CONVOY_OUTPUT_COMPARE_H
#define CONVOY_OUTPUT_COMPARE_H

#include "analysis/compare.h"

struct compared {
	char *title; /* the variant, with its interpreter where there are several; "" for traces */
	const struct comparison *comparison;
};

/* A or B; strings are raw. */
struct compared_side {
	const char *path; /* as given */
	char *is; /* the command, or interpreter and count */
	char **only; /* variants and interpreters the other does not have; NULL-terminated */
};

struct compared_list {
	struct compared_side sides[2];
	struct compared *items;
	size_t count; /* never 0 */
};

/* The experiments of all, in order; free the array. */
const struct experiment **compared_pairs(const struct compared_list *list);
/* "better" …; NULL where nothing is judged. */
const char *verdict_name(enum change_verdict verdict);

#endif
