/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep: at every instant all ends and begins are applied before the clock moves on, so that a
 * thread which passes from one slice to the next is never seen twice or not at all.
 */
#include "analysis/sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/ends.h"
#include "base/mem.h"

/* A list of threads by an instant of their life. */
struct calendar {
	struct end *entries;
	size_t count;
	size_t next;
};

struct sweep {
	struct moment moment;
	struct moment_thread *threads;
	const struct observer *observers; /* ends with a row whose self is NULL */
	struct slice_source *source;
	struct slice pending; /* the next of the stream; meaningful with has_pending */
	bool has_pending;
	struct ends ends;
	struct calendar births;
	struct calendar deaths;
	size_t step; /* the next cpu step */
};

enum lock_state slice_lock_state(const struct trace *trace, const struct slice *slice)
{
	return slice->lock ? trace->locks[slice->lock - 1].state : LOCK_STATE_FUTEX;
}

static bool is_lock_wait(const struct trace *trace, const struct slice *slice)
{
	return slice->state == STATE_FUTEX && slice_lock_state(trace, slice) == LOCK_STATE_LOCK;
}

static int by_time(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* A row "other threads" is no thread, and a thread that never lived in the window has no hole. */
static void calendar_init(struct calendar *calendar, const struct trace *trace, bool is_births)
{
	calendar->entries = xcalloc(trace->thread_count, sizeof(*calendar->entries));
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];
		struct end *entry = &calendar->entries[calendar->count];

		if (thread->is_rest || thread->end_ns <= thread->start_ns)
			continue;
		entry->thread = (uint32_t)i + 1;
		entry->time_ns = is_births ? thread->start_ns : thread->end_ns;
		calendar->count++;
	}
	qsort(calendar->entries, calendar->count, sizeof(*calendar->entries), by_time);
}

static void sweep_release(struct sweep *sweep)
{
	free(sweep->threads);
	free(sweep->births.entries);
	free(sweep->deaths.entries);
	ends_release(&sweep->ends);
}

static bool has_hole(const struct moment_thread *thread)
{
	return thread->is_alive && !thread->has_slice;
}

static void set_alive(struct sweep *sweep, uint32_t number, bool is_alive)
{
	struct moment_thread *thread = &sweep->threads[number - 1];
	bool had_hole = has_hole(thread);

	thread->is_alive = is_alive;
	sweep->moment.holes += has_hole(thread);
	sweep->moment.holes -= had_hole;
}

/* Counts a slice in (by = 1) or out (by = −1) of the moment. */
static void count_slice(struct moment *moment, const struct slice *slice, int by)
{
	if (slice->state == STATE_RUNNING) {
		moment->running += by;
		moment->running_sum += (uint64_t)((int64_t)by * slice->thread);
	} else if (slice->state == STATE_PREEMPTED || slice->state == STATE_QUEUED) {
		moment->ready += by;
	} else if (is_lock_wait(moment->trace, slice)) {
		moment->lock_waiting += by;
	}
}

static void remember(struct moment_thread *thread, const struct slice *slice)
{
	memmove(&thread->past[1], &thread->past[0], sizeof(thread->past[0]) * (SWEEP_PAST - 1));
	thread->past[0] = *slice;
}

static void end_slice(struct sweep *sweep, uint32_t number)
{
	struct moment_thread *thread = &sweep->threads[number - 1];

	count_slice(&sweep->moment, &thread->now, -1);
	for (const struct observer *o = sweep->observers; o->self; o++) {
		if (o->end)
			o->end(o->self, &sweep->moment, &thread->now);
	}
	remember(thread, &thread->now);
	thread->has_slice = false;
	sweep->moment.holes += thread->is_alive;
}

static int begin_slice(struct sweep *sweep, const struct slice *slice)
{
	struct moment *moment = &sweep->moment;
	struct moment_thread *thread = &sweep->threads[slice->thread - 1];

	if (thread->has_slice)
		return -EPROTO;
	moment->holes -= thread->is_alive;
	thread->now = *slice;
	thread->has_slice = true;
	count_slice(moment, slice, 1);
	if (slice->state == STATE_RUNNING && (!moment->starter || slice->thread < moment->starter))
		moment->starter = slice->thread;
	ends_push(&sweep->ends, slice_end_ns(slice), slice->thread);
	for (const struct observer *o = sweep->observers; o->self; o++) {
		if (o->begin)
			o->begin(o->self, moment, slice);
	}
	return 0;
}

static bool is_sane(const struct trace *trace, const struct slice *slice)
{
	return slice->duration_ns && slice->start_ns + slice->duration_ns > slice->start_ns &&
	       slice->thread && slice->thread <= trace->thread_count &&
	       slice->lock <= trace->lock_count && slice->holder <= trace->thread_count &&
	       slice->waker <= trace->thread_count && slice->state < STATE_COUNT;
}

/* Reads the next slice into `pending`. */
static int pull(struct sweep *sweep)
{
	uint64_t before_ns = sweep->has_pending ? sweep->pending.start_ns : 0;
	int got = sweep->source->next(sweep->source, &sweep->pending);

	sweep->has_pending = got > 0;
	if (got <= 0)
		return got;
	if (!is_sane(sweep->moment.trace, &sweep->pending) || sweep->pending.start_ns < before_ns)
		return -EPROTO;
	return 0;
}

/* The pending slice begins now or has begun before the interval. */
static int take_pending(struct sweep *sweep)
{
	const struct moment *moment = &sweep->moment;
	struct slice slice = sweep->pending;
	uint64_t end_ns = slice_end_ns(&slice);

	if (end_ns <= moment->begin_ns) {
		remember(&sweep->threads[slice.thread - 1], &slice);
		return pull(sweep);
	}
	if (slice.start_ns < moment->begin_ns)
		slice.start_ns = moment->begin_ns;
	if (end_ns > moment->end_ns)
		end_ns = moment->end_ns;
	slice.duration_ns = end_ns - slice.start_ns;
	if (begin_slice(sweep, &slice))
		return -EPROTO;
	return pull(sweep);
}

static int apply(struct sweep *sweep)
{
	struct moment *moment = &sweep->moment;
	const struct meta *meta = &moment->trace->meta;
	struct calendar *births = &sweep->births, *deaths = &sweep->deaths;
	int err = 0;

	moment->starter = 0;
	while (sweep->ends.count && sweep->ends.heap[0].time_ns <= moment->now_ns)
		end_slice(sweep, ends_pop(&sweep->ends).thread);
	for (; births->next < births->count; births->next++) {
		if (births->entries[births->next].time_ns > moment->now_ns)
			break;
		set_alive(sweep, births->entries[births->next].thread, true);
	}
	for (; deaths->next < deaths->count; deaths->next++) {
		if (deaths->entries[deaths->next].time_ns > moment->now_ns)
			break;
		set_alive(sweep, deaths->entries[deaths->next].thread, false);
	}
	while (sweep->step < meta->cpu_step_count &&
	       meta->cpu_steps[sweep->step].from_ns <= moment->now_ns)
		sweep->step++;
	if (moment->now_ns == moment->end_ns)
		return 0;
	while (!err && sweep->has_pending && sweep->pending.start_ns <= moment->now_ns)
		err = take_pending(sweep);
	return err;
}

static void keep_earlier(uint64_t *time_ns, uint64_t other_ns)
{
	if (other_ns < *time_ns)
		*time_ns = other_ns;
}

/* The next instant at which anything changes. */
static uint64_t next_change(const struct sweep *sweep)
{
	const struct meta *meta = &sweep->moment.trace->meta;
	const struct calendar *births = &sweep->births, *deaths = &sweep->deaths;
	uint64_t next_ns = sweep->moment.end_ns;

	if (sweep->ends.count)
		keep_earlier(&next_ns, sweep->ends.heap[0].time_ns);
	if (sweep->has_pending)
		keep_earlier(&next_ns, sweep->pending.start_ns);
	if (births->next < births->count)
		keep_earlier(&next_ns, births->entries[births->next].time_ns);
	if (deaths->next < deaths->count)
		keep_earlier(&next_ns, deaths->entries[deaths->next].time_ns);
	if (sweep->step < meta->cpu_step_count)
		keep_earlier(&next_ns, meta->cpu_steps[sweep->step].from_ns);
	return next_ns;
}

static void pass(struct sweep *sweep, uint64_t to_ns)
{
	struct moment *moment = &sweep->moment;

	if (moment->holes == 0) {
		for (const struct observer *o = sweep->observers; o->self; o++) {
			if (o->covered)
				o->covered(o->self, moment, moment->now_ns, to_ns);
		}
		moment->covered_ns += to_ns - moment->now_ns;
	}
	moment->now_ns = to_ns;
}

int sweep_run(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
	      const struct observer *observers, uint64_t *ret_covered_ns)
{
	struct sweep sweep OWNED(sweep_release) = {
		.moment = { .trace = trace,
			    .begin_ns = begin_ns,
			    .end_ns = end_ns,
			    .now_ns = begin_ns },
		.threads = xcalloc(trace->thread_count, sizeof(*sweep.threads)),
		.observers = observers,
		.source = trace->slices,
	};
	int err;

	sweep.moment.threads = sweep.threads;
	ends_init(&sweep.ends, trace->thread_count);
	calendar_init(&sweep.births, trace, true);
	calendar_init(&sweep.deaths, trace, false);
	err = sweep.source->rewind(sweep.source);
	if (!err)
		err = pull(&sweep);
	if (!err)
		err = apply(&sweep);
	while (!err && sweep.moment.now_ns < end_ns) {
		pass(&sweep, next_change(&sweep));
		err = apply(&sweep);
	}
	if (!err)
		*ret_covered_ns = sweep.moment.covered_ns;
	return err;
}
