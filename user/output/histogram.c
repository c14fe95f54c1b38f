/* SPDX-License-Identifier: GPL-2.0-only */
/* Lengths of episodes, counted by their power of two. */
#include "output/histogram.h"

#include <stdlib.h>

#include "base/mem.h"

void histograms_init(struct histograms *histograms, const struct trace *trace)
{
	*histograms = (struct histograms){
		.locks = xcalloc(trace->lock_count, sizeof(*histograms->locks)),
		.lock_count = trace->lock_count,
		.open = xcalloc(trace->thread_count, sizeof(*histograms->open)),
		.thread_count = trace->thread_count,
	};
}

void histograms_release(struct histograms *histograms)
{
	for (size_t i = 0; i < histograms->lock_count; i++)
		free(histograms->locks[i]);
	free(histograms->locks);
	free(histograms->open);
}

static void count(struct histograms *histograms, const struct episode *ended)
{
	struct histogram **histogram = &histograms->locks[ended->lock - 1];
	uint64_t length_ns = ended->wake_ns - ended->block_ns;

	if (!*histogram)
		*histogram = xcalloc(1, sizeof(**histogram));
	(*histogram)->count[length_ns ? 63 - __builtin_clzll(length_ns) : 0]++;
}

void histograms_take(struct histograms *histograms, const struct slice *slice)
{
	struct episode ended;

	if (episode_take(&histograms->open[slice->thread - 1], slice, &ended))
		count(histograms, &ended);
}

void histograms_finish(struct histograms *histograms)
{
	for (size_t i = 0; i < histograms->thread_count; i++) {
		if (histograms->open[i].lock)
			count(histograms, &histograms->open[i]);
		histograms->open[i].lock = 0;
	}
}
