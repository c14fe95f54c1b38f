/* SPDX-License-Identifier: GPL-2.0-only */
/* Two observations side by side. */
#include "analysis/compare.h"

#include <stdlib.h>

#include "analysis/findings.h"
#include "base/mem.h"

/* Of what the rules of a countdown say nothing fits: they ask why a variant loses. */
static void say(struct comparison *comparison, const struct work *work)
{
	struct experiment *pair = comparison->pair;

	findings_free(pair->findings, pair->finding_count);
	pair->findings = NULL;
	pair->finding_count = 0;
	compare_says(pair, &comparison->locks, work,
		     array_add(&pair->findings, &pair->finding_count, sizeof(*pair->findings)));
}

/* Two that did not do the same differ, but not measurably. */
static void forget_verdicts(struct comparison *comparison)
{
	struct experiment *pair = comparison->pair;

	for (size_t i = 0; i < pair->variant_count; i++)
		pair->variants[i].is_measurable = false;
	changes_forget_verdicts(&comparison->locks);
	changes_forget_verdicts(&comparison->threads);
}

struct comparison *comparison_new(struct experiment *pair, const struct work *work)
{
	struct comparison *comparison = xcalloc(1, sizeof(*comparison));

	comparison->pair = pair;
	experiment_finish(pair);
	changes_of_locks(&comparison->locks, pair);
	changes_of_threads(&comparison->threads, pair);
	if (work->before != work->after)
		forget_verdicts(comparison);
	say(comparison, work);
	return comparison;
}

void comparison_free(struct comparison *comparison)
{
	if (!comparison)
		return;
	experiment_free(comparison->pair);
	changes_release(&comparison->locks);
	changes_release(&comparison->threads);
	free(comparison);
}
