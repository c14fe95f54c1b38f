/* SPDX-License-Identifier: GPL-2.0-only */
/* Which locks to leave out, and what to make of the replays. */
#include "analysis/whatif.h"

#include <errno.h>
#include <stdlib.h>

#include "analysis/labels.h"
#include "analysis/lock_groups.h"
#include "base/mem.h"

#define LOST_LEAST_PERMILLE 10 /* of capacity: a lock below costs nothing worth a question */

/* A lock, or several that are one to the reader: all GILs and what belongs to them, or locks that
 * are called the same. */
struct candidate {
	uint32_t lock; /* the costliest; 0: all there are */
	uint32_t lock_count;
	uint64_t lost_ns;
	bool is_gil;
};

static bool is_gil(const struct trace *trace, uint32_t lock)
{
	uint8_t kind = trace->locks[lock - 1].kind;

	return kind == LOCK_GIL || kind == LOCK_HAND_OVER;
}

static int by_lost(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->lost_ns != y->lost_ns)
		return x->lost_ns > y->lost_ns ? -1 : 1;
	return x->lock < y->lock ? -1 : x->lock > y->lock;
}

/* The hand-over has no name of its own in a sentence: the GIL goes before it. */
static bool stands_for_all(const struct report *report, const struct candidate *candidate,
			   const struct lock_stat *stat, uint64_t most_ns)
{
	const struct lock *locks = report->trace->locks;

	if (!candidate->lock)
		return true;
	if (locks[stat->lock - 1].kind != locks[candidate->lock - 1].kind)
		return locks[stat->lock - 1].kind == LOCK_GIL;
	return stat->lost_ns > most_ns;
}

static void add_gil(const struct report *report, struct candidate *gil)
{
	uint64_t most_ns = 0;

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_stat *stat = &report->locks[i];

		if (!is_gil(report->trace, stat->lock))
			continue;
		gil->lost_ns += stat->lost_ns;
		gil->lock_count++;
		if (stands_for_all(report, gil, stat, most_ns)) {
			gil->lock = stat->lock;
			most_ns = stat->lost_ns;
		}
	}
}

static uint32_t count_contended(const struct report *report)
{
	uint32_t count = 0;

	for (size_t i = 0; i < report->lock_count; i++)
		count += report->locks[i].lost_ns > 0;
	return count;
}

/* The locks with the most lost capacity, at most WHAT_IF_LOCKS; of several also all at once: each
 * may hide behind another. */
static size_t find_candidates(const struct report *report, struct candidate *ret_candidates)
{
	struct candidate *all OWNED(mem_freep) = xcalloc(report->lock_count + 1, sizeof(*all));
	struct lock_group *groups OWNED(mem_freep) = NULL;
	size_t count = 1, kept = 0, group_count = lock_groups(report, &groups);

	all[0].is_gil = true;
	add_gil(report, &all[0]);
	for (size_t i = 0; i < group_count; i++) {
		const struct lock_stat *sum = &groups[i].sum;

		if (!is_gil(report->trace, sum->lock))
			all[count++] = (struct candidate){ .lock = sum->lock,
							   .lock_count = (uint32_t)groups[i].locks,
							   .lost_ns = sum->lost_ns };
	}
	qsort(all, count, sizeof(*all), by_lost);
	while (kept < count && kept < WHAT_IF_LOCKS &&
	       permille_of(all[kept].lost_ns, report->capacity.total_ns) >= LOST_LEAST_PERMILLE) {
		ret_candidates[kept] = all[kept];
		kept++;
	}
	if (kept > 1)
		ret_candidates[kept++] =
			(struct candidate){ .lock_count = count_contended(report) };
	return kept;
}

static void mark_removed(const struct trace *trace, const struct candidate *candidate,
			 bool *removed)
{
	for (uint32_t lock = 1; lock <= trace->lock_count; lock++) {
		if (candidate->is_gil)
			removed[lock - 1] = is_gil(trace, lock);
		else if (candidate->lock)
			removed[lock - 1] = lock_is_alike(&trace->locks[lock - 1],
							  &trace->locks[candidate->lock - 1]);
		else
			removed[lock - 1] = trace->locks[lock - 1].state == LOCK_STATE_LOCK;
	}
}

static int predict(struct report *report, struct steps *steps, const struct replay_setup *empty,
		   const struct candidate *candidate)
{
	struct what_if *what_if = &report->what_if;
	struct prediction *prediction = &what_if->predictions[what_if->count];
	bool *removed OWNED(mem_freep) = xcalloc(report->trace->lock_count, sizeof(*removed));
	struct replay_setup setup = *empty;
	struct replay_result result;
	int err;

	mark_removed(report->trace, candidate, removed);
	setup.is_removed = removed;
	err = replay_run(steps, &setup, &result);
	if (err)
		return err;
	*prediction = (struct prediction){
		.lock = candidate->lock,
		.lock_count = candidate->lock_count,
		.wall_ns = result.wall_ns,
		.cpu_ns = result.cpu_ns,
		.ready_ns = result.ready_ns,
	};
	what_if->count++;
	return 0;
}

static uint32_t error_permille(uint64_t wall_ns, uint64_t model_ns)
{
	uint64_t off_ns = wall_ns > model_ns ? wall_ns - model_ns : model_ns - wall_ns;

	return permille_of(off_ns, wall_ns);
}

int what_if_make(struct report *report, struct steps *steps, const struct replay_setup *setup)
{
	struct what_if *what_if = &report->what_if;
	struct candidate candidates[WHAT_IF_MAX];
	size_t count = find_candidates(report, candidates);
	struct replay_result model;
	int err = replay_run(steps, setup, &model);

	if (err)
		return err;
	what_if->state = WHAT_IF_MADE;
	what_if->model_wall_ns = model.wall_ns;
	what_if->error_permille = error_permille(report->wall_ns, model.wall_ns);
	if (what_if->error_permille > WHAT_IF_ERROR_PERMILLE) {
		what_if->state = WHAT_IF_MODEL_OFF;
		return 0;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = predict(report, steps, setup, &candidates[i]);
	return err;
}
