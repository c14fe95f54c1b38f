/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From slices to steps. A wake-up is placed where the waker did it: its last instant of running
 * before the sleeper was awake, as the wake-up may arrive when the waker has gone to sleep itself.
 */
#include "analysis/steps_sweep.h"

#include <stdlib.h>

#include "base/mem.h"

void steps_sweep_init(struct steps_sweep *sweep, const struct trace *trace,
		      const struct cpu_step *cpus, size_t cpu_count)
{
	*sweep = (struct steps_sweep){
		.cpus = cpus,
		.cpu_count = cpu_count,
		.steps = steps_new(trace->thread_count),
		.begins = xcalloc(trace->thread_count, sizeof(*sweep->begins)),
	};
}

void steps_sweep_release(struct steps_sweep *sweep)
{
	steps_free(sweep->steps);
	free(sweep->begins);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until when the thread has run, before time_ns or up to it; 0: not known. */
static uint64_t ran_until(const struct moment_thread *thread, uint64_t time_ns)
{
	if (thread->has_slice && thread->now.state == STATE_RUNNING)
		return time_ns;
	for (int i = 0; i < SWEEP_PAST; i++) {
		const struct slice *slice = &thread->past[i];

		if (slice->duration_ns && slice->state == STATE_RUNNING)
			return least(time_ns, slice_end_ns(slice));
	}
	return 0;
}

/* Finds what `cause` did for `thread` between after_ns and by_ns. False: nothing that fits. */
static bool find_cause(const struct moment *moment, uint32_t thread, uint32_t cause,
		       uint64_t after_ns, uint64_t by_ns, uint64_t *ret_lag_ns)
{
	uint64_t ran_ns;

	if (!cause || cause == thread)
		return false;
	ran_ns = ran_until(&moment->threads[cause - 1], by_ns);
	if (ran_ns <= after_ns || ran_ns <= moment->begin_ns)
		return false;
	*ret_lag_ns = by_ns - ran_ns;
	return true;
}

/* A new thread is made by one that runs at that instant. */
static uint32_t find_maker(const struct moment *moment, const struct slice *slice)
{
	uint64_t lag_ns;

	if (slice->state != STATE_QUEUED || slice->start_ns <= moment->begin_ns)
		return 0;
	if (!find_cause(moment, slice->thread, slice->waker, slice->start_ns - 1, slice->start_ns,
			&lag_ns))
		return 0;
	return slice->waker;
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct steps_sweep *sweep = self;
	struct step_begin *begin = &sweep->begins[slice->thread - 1];

	*begin = (struct step_begin){ .free_ns = sweep->free_ns };
	if (steps_count(sweep->steps, slice->thread) == 0)
		begin->maker = find_maker(moment, slice);
}

static void note_run(struct steps_sweep *sweep, const struct slice *slice)
{
	uint64_t end_ns = slice_end_ns(slice);
	bool is_later = end_ns > sweep->last_run_ns;

	/* Of several the lowest: a program's first thread is the one the others work for. */
	if (!is_later && (end_ns < sweep->last_run_ns || slice->thread > sweep->last_thread))
		return;
	sweep->last_run_ns = end_ns;
	sweep->last_thread = slice->thread;
}

static bool is_granted(const struct slice *slice)
{
	return slice->result == WAIT_RESULT_WOKEN ||
	       (slice->result == WAIT_RESULT_UNKNOWN && slice->waker);
}

static void fill_blocked(struct step *step, const struct moment *moment, const struct slice *slice)
{
	uint64_t end_ns = slice_end_ns(slice);

	/* Cut by the end of the interval: what would have ended it was not seen. */
	if (end_ns == moment->end_ns)
		return;
	if (slice->state == STATE_FUTEX && is_granted(slice))
		step->flags |= STEP_GRANTED;
	/* A timer is nobody's doing. */
	if (slice->state == STATE_FUTEX && slice->result == WAIT_RESULT_TIMED_OUT)
		return;
	if (find_cause(moment, slice->thread, slice->waker, slice->start_ns, end_ns, &step->lag_ns))
		step->cause = slice->waker;
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct steps_sweep *sweep = self;
	const struct step_begin *begin = &sweep->begins[slice->thread - 1];
	struct step step = {
		.start_ns = slice->start_ns,
		.duration_ns = slice->duration_ns,
		.lock = slice->lock,
		.cause = begin->maker,
		.holder = slice->holder,
		.syscall = slice->syscall,
		.state = slice->state,
	};

	if (sweep->err)
		return;
	if (slice->state == STATE_RUNNING)
		note_run(sweep, slice);
	else if (step_is_ready(&step))
		step.lag_ns = sweep->free_ns - begin->free_ns;
	else if (slice->state >= STATE_FUTEX && slice->state <= STATE_SLEEP)
		fill_blocked(&step, moment, slice);
	sweep->err = steps_add(sweep->steps, slice->thread, &step);
}

static void on_covered(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns)
{
	struct steps_sweep *sweep = self;

	while (sweep->cpu_step + 1 < sweep->cpu_count &&
	       sweep->cpus[sweep->cpu_step + 1].from_ns <= from_ns)
		sweep->cpu_step++;
	if (moment->running < sweep->cpus[sweep->cpu_step].cpus)
		sweep->free_ns += to_ns - from_ns;
}

struct observer steps_sweep_observer(struct steps_sweep *sweep)
{
	return (struct observer){
		.self = sweep->steps ? sweep : NULL,
		.begin = on_begin,
		.end = on_end,
		.covered = on_covered,
	};
}
