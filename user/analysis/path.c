/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The walk backwards. It is at one thread at one time; every move goes back in time or to another
 * thread at the same time, and of the latter only so many follow each other.
 */
#include "analysis/path.h"

#include <stdlib.h>

#include "analysis/lock_groups.h"
#include "base/mem.h"
#include "model/tally.h"

#define STILL_MAX 64 /* moves at one instant: contradictory slices may go in a circle */
#define HELD_MAX 64 /* waits within waits that are remembered */
#define RETRIES_MAX 1024 /* steps of one episode that are looked at */

/* A wait for a lock that the path went around: what it goes through until then is what kept the
 * lock. */
struct held {
	uint32_t lock;
	uint64_t since_ns;
};

struct walk {
	struct report *report;
	struct steps *steps;
	size_t *left; /* by thread number − 1: its steps before the present time */
	uint32_t *leaders; /* locks that are called the same are one on the path */
	struct tally *parts;
	uint32_t thread; /* where the path is; 0: of no thread */
	uint64_t now_ns;
	uint32_t still; /* moves since time went back */
	struct held held[HELD_MAX]; /* the latest last */
	size_t held_count;
};

static struct tally *part_of(struct walk *walk, const struct step *step)
{
	uint64_t what = (uint64_t)step->state << 48 | (uint64_t)(uint16_t)step->syscall << 32;
	uint32_t held = walk->held_count ? walk->held[walk->held_count - 1].lock : 0;
	uint32_t lock = step->lock ? walk->leaders[step->lock - 1] : 0;

	if (held)
		held = walk->leaders[held - 1];
	return tally_get(&walk->parts, (uint64_t)walk->thread << 32 | lock, what | held);
}

/* The time from from_ns to now is spent as in that step. */
static void charge(struct walk *walk, const struct step *step, uint64_t from_ns)
{
	if (from_ns >= walk->now_ns)
		return;
	walk->still = 0;
	while (walk->now_ns > from_ns) {
		struct held *held = walk->held_count ? &walk->held[walk->held_count - 1] : NULL;
		uint64_t to_ns = held && held->since_ns > from_ns ? held->since_ns : from_ns;

		if (to_ns < walk->now_ns)
			part_of(walk, step)->ns += walk->now_ns - to_ns;
		if (to_ns < walk->now_ns)
			walk->now_ns = to_ns;
		if (held && held->since_ns >= walk->now_ns)
			walk->held_count--;
	}
}

static void charge_unknown(struct walk *walk, uint64_t from_ns)
{
	const struct step unknown = { .state = STATE_UNKNOWN, .syscall = RECORD_SYSCALL_NONE };

	charge(walk, &unknown, from_ns);
}

/* Since when the thread has asked for the lock of its wait, step `number`: retries are one wait. */
static int episode_since(struct walk *walk, size_t number, struct step wait, uint64_t *ret_since_ns)
{
	uint64_t run_ns = 0, since_ns = wait.start_ns, begin_ns = wait.start_ns;

	for (int i = 0; i < RETRIES_MAX && number > 0; i++) {
		struct step step;
		int err = steps_get(walk->steps, walk->thread, --number, &step);

		if (err)
			return err;
		if (step_end_ns(&step) != begin_ns)
			break;
		begin_ns = step.start_ns;
		if (step.state == STATE_RUNNING)
			run_ns += step.duration_ns;
		else if (!step_is_ready(&step) && step.lock != wait.lock)
			break;
		if (run_ns >= TRACE_EPISODE_GAP_NS)
			break;
		if (step.lock == wait.lock) {
			since_ns = step.start_ns;
			run_ns = 0;
		}
	}
	*ret_since_ns = since_ns;
	return 0;
}

static bool is_lock_wait(const struct walk *walk, const struct step *step)
{
	return step->state == STATE_FUTEX && step->lock &&
	       walk->report->trace->locks[step->lock - 1].state == LOCK_STATE_LOCK;
}

/* Goes on with another thread at a time not after now. */
static void move(struct walk *walk, uint32_t thread)
{
	walk->thread = thread;
	walk->still++;
	walk->report->critical_path.moves++;
}

/* From a wait to who ended it, or has the lock. */
static int leave_wait(struct walk *walk, size_t number, const struct step *step)
{
	bool is_end = walk->now_ns == step_end_ns(step);
	uint32_t to = step->cause;
	uint64_t since_ns;
	int err;

	if (!to && is_lock_wait(walk, step) && step->holder != walk->thread)
		to = step->holder;
	if (!to || walk->still >= STILL_MAX) {
		charge(walk, step, step->start_ns);
		return 0;
	}
	/* What a wake-up took to arrive is still waiting. */
	if (is_end && step->cause)
		charge(walk, step, walk->now_ns - step->lag_ns);
	if (is_lock_wait(walk, step) && walk->held_count < HELD_MAX) {
		err = episode_since(walk, number, *step, &since_ns);
		if (err)
			return err;
		walk->held[walk->held_count++] = (struct held){ step->lock, since_ns };
	}
	move(walk, to);
	return 0;
}

/* At the first step of a thread or before it, where the path came to one that is yet to be born:
 * who made it? */
static int leave_birth(struct walk *walk)
{
	struct step first = { .cause = 0 };
	int err = 0;

	if (steps_count(walk->steps, walk->thread))
		err = steps_get(walk->steps, walk->thread, 0, &first);
	if (err)
		return err;
	if (first.cause && step_is_ready(&first) && first.start_ns >= walk->now_ns &&
	    walk->still < STILL_MAX)
		move(walk, first.cause);
	else
		charge_unknown(walk, walk->report->begin_ns);
	return 0;
}

static int walk_step(struct walk *walk)
{
	size_t *left = &walk->left[walk->thread - 1];
	struct step step;

	while (*left) {
		int err = steps_get(walk->steps, walk->thread, *left - 1, &step);

		if (err)
			return err;
		if (step.start_ns < walk->now_ns)
			break;
		--*left;
	}
	if (!*left)
		return leave_birth(walk);
	if (step_end_ns(&step) < walk->now_ns)
		charge_unknown(walk, step_end_ns(&step));
	else if (step.state >= STATE_FUTEX && step.state <= STATE_SLEEP)
		return leave_wait(walk, *left - 1, &step);
	else
		charge(walk, &step, step.start_ns);
	return 0;
}

static int by_weight(const void *a, const void *b)
{
	const struct path_part *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->syscall != y->syscall)
		return x->syscall < y->syscall ? -1 : 1;
	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->held_lock < y->held_lock ? -1 : x->held_lock > y->held_lock;
}

/* The largest parts by themselves, the others as a sum. */
static void take_parts(struct walk *walk, struct critical_path *path)
{
	for (const struct tally *t = walk->parts; t; t = t->hh.next) {
		struct path_part *part =
			array_add(&path->parts, &path->part_count, sizeof(*path->parts));

		part->thread = (uint32_t)(t->key.high >> 32);
		part->lock = (uint32_t)t->key.high;
		part->state = (uint8_t)(t->key.low >> 48);
		part->syscall = (int16_t)(uint16_t)(t->key.low >> 32);
		part->held_lock = (uint32_t)t->key.low;
		part->ns = t->ns;
	}
	if (path->part_count)
		qsort(path->parts, path->part_count, sizeof(*path->parts), by_weight);
	while (path->part_count > PATH_PARTS_MAX)
		path->other_ns += path->parts[--path->part_count].ns;
}

static void walk_release(struct walk *walk)
{
	free(walk->left);
	free(walk->leaders);
	tally_free(&walk->parts);
}

int path_make(struct report *report, struct steps *steps, uint32_t end_thread)
{
	size_t count = report->trace->thread_count;
	struct walk walk OWNED(walk_release) = {
		.report = report,
		.steps = steps,
		.left = xcalloc(count, sizeof(*walk.left)),
		.leaders = lock_leaders(report->trace),
		.thread = end_thread,
		.now_ns = report->end_ns,
	};
	int err = 0;

	for (size_t i = 0; i < count; i++)
		walk.left[i] = steps_count(steps, (uint32_t)i + 1);
	while (!err && walk.thread && walk.now_ns > report->begin_ns)
		err = walk_step(&walk);
	if (err)
		return err;
	charge_unknown(&walk, report->begin_ns);
	take_parts(&walk, &report->critical_path);
	report->critical_path.is_known = true;
	report->critical_path.end_thread = end_thread;
	return 0;
}
