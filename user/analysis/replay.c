/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replay as a simulation by events: a thread is on a CPU, ready for one, away for a known time,
 * or waiting for another thread to come to a moment of its original time.
 */
#include "analysis/replay.h"

#include <errno.h>
#include <stdlib.h>

#include "analysis/ends.h"
#include "analysis/ready.h"
#include "analysis/waiters.h"
#include "base/mem.h"

struct actor {
	size_t next; /* number of its next step */
	size_t count;
	uint64_t done_ns; /* original time up to which it has come */
	uint64_t then_ns; /* what that will be after what it does now */
	uint64_t lag_ns; /* while waiting for another: how long its wake-up takes */
	uint64_t since_ns; /* while running: replayed time of its begin */
	uint64_t from_ns; /* and original time of its begin */
	uint64_t ready_ns; /* while ready: since when */
	uint64_t stood_ns; /* how long it once stood ready before what it runs next */
	uint64_t kept_ns; /* and for how much of that a CPU was free all the same */
	uint64_t ended_ns; /* replayed time at which it last ran */
	uint64_t ran_ns; /* original time at which it last ran */
	bool is_running;
	bool is_over;
};

struct replay {
	const struct replay_setup *setup;
	struct steps *steps;
	struct actor *actors; /* by thread number − 1 */
	size_t actor_count;
	struct waiters waiters;
	struct ends events; /* of those on a CPU or away for a known time */
	struct ready ready;
	uint32_t running;
	size_t cpu_step; /* the next one */
	uint64_t now_ns; /* replayed time, on the original clock: begins at begin_ns */
	size_t left; /* threads not over */
	struct replay_result result;
};

static struct actor *actor_of(struct replay *replay, uint32_t thread)
{
	return &replay->actors[thread - 1];
}

/* The thread goes on at that time, having come to then_ns. */
static void wake_at(struct replay *replay, uint32_t thread, uint64_t time_ns)
{
	ends_push(&replay->events, time_ns, thread);
}

/* Those that waited for moments up to until_ns are woken now: a stretch was left out. */
static void release_now(struct replay *replay, uint32_t thread, uint64_t until_ns)
{
	uint64_t moment_ns;
	uint32_t waiter;

	while ((waiter = waiters_take(&replay->waiters, thread, until_ns, &moment_ns)))
		wake_at(replay, waiter, replay->now_ns + actor_of(replay, waiter)->lag_ns);
}

static void come_to(struct replay *replay, uint32_t thread, uint64_t done_ns)
{
	actor_of(replay, thread)->done_ns = done_ns;
	release_now(replay, thread, done_ns);
}

/* Its turn comes when it came: others of this program went before it then, and do now. */
static void make_ready(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);

	actor->ready_ns = replay->now_ns;
	ready_add(&replay->ready, thread, replay->now_ns + actor->stood_ns, actor->kept_ns);
	actor->stood_ns = actor->kept_ns = 0;
}

/* When the running thread comes to that moment: nothing stops it before. */
static uint64_t time_of(const struct actor *actor, uint64_t moment_ns)
{
	return actor->since_ns + (moment_ns > actor->from_ns ? moment_ns - actor->from_ns : 0);
}

/* Waits for a moment of another thread. False: that is past, there is nothing to wait for. */
static bool await(struct replay *replay, uint32_t thread, uint32_t cause, uint64_t moment_ns,
		  uint64_t lag_ns)
{
	const struct actor *other = actor_of(replay, cause);
	uint64_t time_ns;

	if (other->is_over || other->done_ns >= moment_ns)
		return false;
	if (!other->is_running || other->then_ns < moment_ns) {
		actor_of(replay, thread)->lag_ns = lag_ns;
		waiters_add(&replay->waiters, cause, thread, moment_ns);
		return true;
	}
	time_ns = time_of(other, moment_ns);
	if (time_ns <= replay->now_ns)
		return false;
	wake_at(replay, thread, time_ns + lag_ns);
	return true;
}

static bool is_removed(const struct replay *replay, const struct step *step)
{
	const bool *removed = replay->setup->is_removed;

	return removed && step->state == STATE_FUTEX && step->lock && removed[step->lock - 1];
}

/*
 * From a wait that is left out: the number of the step after it. If a timer ended it, the thread
 * came back only to ask again: that run goes too. A run after a wait that was granted is work.
 */
static int skip_wait(struct replay *replay, uint32_t thread, struct step wait, size_t *ret_next)
{
	const struct actor *actor = actor_of(replay, thread);
	size_t next = *ret_next;
	uint64_t run_ns = 0, end_ns = step_end_ns(&wait);
	bool is_retry = !(wait.flags & STEP_GRANTED);

	for (size_t at = next; at < actor->count; at++) {
		struct step step;
		int err = steps_get(replay->steps, thread, at, &step);

		if (err)
			return err;
		if (step.start_ns != end_ns)
			break;
		end_ns = step_end_ns(&step);
		if (step.state == STATE_RUNNING)
			run_ns += step.duration_ns;
		else if (!step_is_ready(&step) && !is_removed(replay, &step))
			break;
		if (run_ns >= TRACE_EPISODE_GAP_NS || (run_ns && !is_retry))
			break;
		if (is_removed(replay, &step)) {
			is_retry = !(step.flags & STEP_GRANTED);
			run_ns = 0;
		}
		if (run_ns == 0)
			next = at + 1;
	}
	*ret_next = next;
	return 0;
}

static int leave_out(struct replay *replay, uint32_t thread, struct step step)
{
	struct actor *actor = actor_of(replay, thread);
	int err = skip_wait(replay, thread, step, &actor->next);

	if (err || actor->next == actor->count)
		return err;
	err = steps_get(replay->steps, thread, actor->next, &step);
	if (!err)
		come_to(replay, thread, step.start_ns);
	return err;
}

/* Is away for a time that is known. 1, or 0: for no time at all. */
static int away(struct replay *replay, uint32_t thread, uint64_t ns)
{
	if (ns)
		wake_at(replay, thread, replay->now_ns + ns);
	else
		come_to(replay, thread, actor_of(replay, thread)->then_ns);
	return ns != 0;
}

/* Ready: how long that takes is seen when it runs. Who did not come to run stands as it did. */
static int stand(struct replay *replay, uint32_t thread, const struct step *ready)
{
	struct actor *actor = actor_of(replay, thread);
	struct step next = { .state = STATE_UNKNOWN };
	int err = 0;

	if (actor->next < actor->count)
		err = steps_get(replay->steps, thread, actor->next, &next);
	if (err)
		return err;
	if (next.start_ns != step_end_ns(ready) ||
	    (next.state != STATE_RUNNING && !step_is_ready(&next))) {
		replay->result.ready_ns += ready->duration_ns;
		return away(replay, thread, ready->duration_ns);
	}
	actor->stood_ns += ready->duration_ns;
	actor->kept_ns += ready->lag_ns;
	come_to(replay, thread, step_end_ns(ready));
	return 0;
}

/* Takes the next step. 1: it takes time, 0: go on with the one after it, or an error. */
static int take_step(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);
	struct step step;
	int err = steps_get(replay->steps, thread, actor->next, &step);

	if (err)
		return err;
	if (actor->done_ns < step.start_ns) { /* a hole */
		actor->then_ns = step.start_ns;
		return away(replay, thread, step.start_ns - actor->done_ns);
	}
	actor->next++;
	actor->then_ns = step_end_ns(&step);
	if (step.state == STATE_RUNNING) {
		actor->from_ns = step.start_ns;
		make_ready(replay, thread);
		return 1;
	}
	if (is_removed(replay, &step))
		return leave_out(replay, thread, step);
	if (step_is_ready(&step))
		return stand(replay, thread, &step);
	if (!step.cause)
		return away(replay, thread, step.duration_ns);
	if (await(replay, thread, step.cause, step_end_ns(&step) - step.lag_ns, step.lag_ns))
		return 1;
	come_to(replay, thread, actor->then_ns);
	return 0;
}

/* Goes on until something takes time. */
static int go_on(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);
	int taken = 0;

	while (!taken && actor->next < actor->count)
		taken = take_step(replay, thread);
	if (taken)
		return taken < 0 ? taken : 0;
	actor->is_over = true;
	replay->left--;
	release_now(replay, thread, UINT64_MAX);
	return 0;
}

/* A thread enters when it did, or when its maker has come so far. */
static int enter(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);
	struct step first;
	int err;

	if (!actor->count)
		return 0;
	err = steps_get(replay->steps, thread, 0, &first);
	if (err)
		return err;
	replay->left++;
	actor->then_ns = first.start_ns;
	if (!step_is_ready(&first) || !first.cause ||
	    !await(replay, thread, first.cause, first.start_ns, 0))
		wake_at(replay, thread, first.start_ns);
	return 0;
}

static uint32_t usable_cpus(const struct replay *replay)
{
	return replay->cpu_step ? replay->setup->cpus[replay->cpu_step - 1].cpus : 1;
}

static void begin_run(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);
	uint64_t moment_ns;
	uint32_t waiter;

	actor->is_running = true;
	actor->since_ns = replay->now_ns;
	replay->result.ready_ns += replay->now_ns - actor->ready_ns;
	replay->running++;
	wake_at(replay, thread, replay->now_ns + (actor->then_ns - actor->from_ns));
	while ((waiter = waiters_take(&replay->waiters, thread, actor->then_ns, &moment_ns)))
		wake_at(replay, waiter,
			time_of(actor, moment_ns) + actor_of(replay, waiter)->lag_ns);
}

/* At least one CPU is always usable. */
static bool is_cpu_free(const struct replay *replay)
{
	return !replay->running || replay->running < usable_cpus(replay);
}

static void fill_cpus(struct replay *replay)
{
	uint32_t thread;

	while (is_cpu_free(replay) && (thread = ready_take(&replay->ready)))
		begin_run(replay, thread);
}

static void end_run(struct replay *replay, uint32_t thread)
{
	struct actor *actor = actor_of(replay, thread);

	actor->is_running = false;
	actor->ended_ns = replay->now_ns;
	actor->ran_ns = actor->then_ns;
	replay->running--;
	replay->result.cpu_ns += actor->then_ns - actor->from_ns;
}

static void take_cpu_steps(struct replay *replay)
{
	const struct replay_setup *setup = replay->setup;

	while (replay->cpu_step < setup->cpu_count &&
	       setup->cpus[replay->cpu_step].from_ns <= replay->now_ns)
		replay->cpu_step++;
}

static uint64_t next_instant(const struct replay *replay)
{
	const struct replay_setup *setup = replay->setup;
	uint64_t next_ns = ready_next_ns(&replay->ready, replay->now_ns, is_cpu_free(replay));

	if (replay->events.count && replay->events.heap[0].time_ns < next_ns)
		next_ns = replay->events.heap[0].time_ns;
	/* More CPUs come only to those who wait for one. */
	if (!ready_is_empty(&replay->ready) && replay->cpu_step < setup->cpu_count &&
	    setup->cpus[replay->cpu_step].from_ns < next_ns)
		next_ns = setup->cpus[replay->cpu_step].from_ns;
	return next_ns;
}

/* All that happens at the next instant. */
static int take_instant(struct replay *replay)
{
	uint64_t next_ns = next_instant(replay), passed_ns = next_ns - replay->now_ns;
	int err = 0;

	if (next_ns == UINT64_MAX)
		return -EPROTO; /* all wait for each other */
	replay->now_ns = next_ns;
	ready_pass(&replay->ready, passed_ns, next_ns, is_cpu_free(replay));
	take_cpu_steps(replay);
	while (!err && replay->events.count && replay->events.heap[0].time_ns <= next_ns) {
		uint32_t thread = ends_pop(&replay->events).thread;

		if (actor_of(replay, thread)->is_running)
			end_run(replay, thread);
		come_to(replay, thread, actor_of(replay, thread)->then_ns);
		err = go_on(replay, thread);
	}
	fill_cpus(replay);
	return err;
}

/* What came after the last running, nobody being there to end it, stays as long as it was. */
static void find_wall(struct replay *replay)
{
	const struct replay_setup *setup = replay->setup;
	uint64_t ended_ns = setup->begin_ns, ran_ns = setup->begin_ns;

	for (size_t i = 0; i < replay->actor_count; i++) {
		const struct actor *actor = &replay->actors[i];

		if (setup->end_thread && setup->end_thread != i + 1)
			continue;
		if (actor->ended_ns > ended_ns)
			ended_ns = actor->ended_ns;
		if (actor->ran_ns > ran_ns)
			ran_ns = actor->ran_ns;
	}
	replay->result.wall_ns = (ended_ns - setup->begin_ns) + (setup->end_ns - ran_ns);
}

static void replay_release(struct replay *replay)
{
	free(replay->actors);
	waiters_release(&replay->waiters);
	ends_release(&replay->events);
	ready_release(&replay->ready);
}

int replay_run(struct steps *steps, const struct replay_setup *setup,
	       struct replay_result *ret_result)
{
	size_t count = setup->trace->thread_count;
	struct replay replay OWNED(replay_release) = {
		.setup = setup,
		.steps = steps,
		.actors = xcalloc(count, sizeof(*replay.actors)),
		.actor_count = count,
		.now_ns = setup->begin_ns,
	};
	int err = 0;

	waiters_init(&replay.waiters, count);
	ends_init(&replay.events, count);
	ready_init(&replay.ready, count);
	take_cpu_steps(&replay);
	for (size_t i = 0; i < count; i++)
		replay.actors[i].count = steps_count(steps, (uint32_t)i + 1);
	for (size_t i = 0; i < count && !err; i++)
		err = enter(&replay, (uint32_t)i + 1);
	while (!err && replay.left)
		err = take_instant(&replay);
	if (err)
		return err;
	find_wall(&replay);
	*ret_result = replay.result;
	return 0;
}
