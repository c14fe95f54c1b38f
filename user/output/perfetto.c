/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace for the Perfetto UI and trace_processor: a track a thread with its states, arrows from
 * who let go of a lock to who got it, and counters. One pass over the slices in order of time;
 * memory grows with threads and locks. Not for numbers: they are those of the files.
 */
#include <errno.h>
#include <stdlib.h>

#include "analysis/gaps.h"
#include "analysis/labels.h"
#include "analysis/sweep.h"
#include "base/escape.h"
#include "base/mem.h"
#include "output/formats.h"
#include "output/perfetto_threads.h"

/* A thread that was let in and does not run yet. */
struct hand_off {
	uint64_t flow; /* 0: none is under way */
	uint64_t ready_ns; /* when it must run, or be queued at first */
};

struct counter {
	uint64_t track; /* 0: not shown */
	uint64_t value;
	uint64_t written; /* the value in the file */
};

/* One trace being written. Events of the same instant wait until all of it is known. */
struct pass {
	struct perfetto *perfetto;
	const struct trace *trace;
	struct thread_tracks tracks;
	struct hand_off *hand_offs; /* by number of the thread − 1 */
	struct counter running;
	struct counter *waiters; /* by number of the lock − 1 */
	struct thread_event *events; /* of now_ns */
	size_t event_count;
	size_t event_room;
	uint64_t now_ns;
};

static void pass_release(struct pass *pass)
{
	thread_tracks_release(&pass->tracks);
	free(pass->hand_offs);
	free(pass->waiters);
	free(pass->events);
}

static struct counter *counter_of(struct pass *pass, const struct slice *slice)
{
	if (slice->state == STATE_RUNNING)
		return &pass->running;
	if (slice->state == STATE_FUTEX && slice->lock)
		return &pass->waiters[slice->lock - 1];
	return NULL;
}

/* The first event that changes a counter carries what it is after all of this instant. */
static void set_counter(struct pass *pass, struct thread_event *event)
{
	struct counter *counter = counter_of(pass, &event->slice);

	if (event->type == EVENT_RELEASE || !counter || !counter->track ||
	    counter->value == counter->written)
		return;
	event->counter = counter->track;
	event->value = counter->written = counter->value;
}

static void write_events(struct pass *pass)
{
	for (size_t i = 0; i < pass->event_count; i++) {
		set_counter(pass, &pass->events[i]);
		thread_event_write(&pass->tracks, &pass->events[i], pass->now_ns);
	}
	pass->event_count = 0;
}

static struct thread_event *add_event(struct pass *pass, enum event_type type, uint32_t thread,
				      const struct slice *slice)
{
	struct thread_event *event;

	if (pass->event_count == pass->event_room) {
		pass->event_room = 2 * pass->event_room + 16;
		pass->events = xrealloc(pass->events, pass->event_room, sizeof(*pass->events));
	}
	event = &pass->events[pass->event_count++];
	*event = (struct thread_event){ .type = type, .thread = thread, .slice = *slice };
	return event;
}

static void go_to(struct pass *pass, uint64_t now_ns)
{
	if (now_ns != pass->now_ns)
		write_events(pass);
	pass->now_ns = now_ns;
}

/* A wait ended because a thread of the target let go: an arrow begins. */
static void begin_hand_off(struct pass *pass, const struct slice *wait)
{
	struct hand_off *hand_off = &pass->hand_offs[wait->thread - 1];

	if (!wait->waker || !slice_is_released(pass->trace, wait))
		return;
	*hand_off = (struct hand_off){ .flow = ++pass->perfetto->last_flow,
				       .ready_ns = slice_end_ns(wait) };
	add_event(pass, EVENT_RELEASE, wait->waker, wait)->flow = hand_off->flow;
}

/* The arrow under way to this thread if it ends here; being queued for a CPU is on the way. */
static uint64_t follow_hand_off(struct pass *pass, const struct slice *slice)
{
	struct hand_off *hand_off = &pass->hand_offs[slice->thread - 1];
	bool is_next = hand_off->flow && slice->start_ns == hand_off->ready_ns;
	uint64_t flow = 0;

	if (is_next && slice->state == STATE_QUEUED) {
		hand_off->ready_ns = slice_end_ns(slice);
		return 0;
	}
	if (is_next && slice->state == STATE_RUNNING)
		flow = hand_off->flow;
	hand_off->flow = 0;
	return flow;
}

static void on_begin(void *self, const struct moment *moment, const struct slice *slice)
{
	struct pass *pass = self;
	struct counter *counter = counter_of(pass, slice);
	uint64_t flow = follow_hand_off(pass, slice);

	go_to(pass, moment->now_ns);
	if (counter)
		counter->value++;
	add_event(pass, EVENT_BEGIN, slice->thread, slice)->flow = flow;
}

static void on_end(void *self, const struct moment *moment, const struct slice *slice)
{
	struct pass *pass = self;
	struct counter *counter = counter_of(pass, slice);

	go_to(pass, moment->now_ns);
	if (counter)
		counter->value--;
	add_event(pass, EVENT_END, slice->thread, slice);
	begin_hand_off(pass, slice);
}

/* "threads running" for the whole trace, "waiters" for each lock that was waited for. */
static void add_counters(struct pass *pass, const char *prefix)
{
	const struct trace *trace = pass->trace;
	char *running OWNED(mem_freep) = xasprintf("%sthreads running", prefix);

	pass->running.track = ++pass->perfetto->last_track;
	packet_counter(pass->perfetto, (struct track_id){ .uuid = pass->running.track }, running,
		       trace->meta.start_ns);
	for (uint32_t i = 0; i < trace->lock_count; i++) {
		bool is_contended =
			trace->locks[i].state == LOCK_STATE_LOCK && trace->locks[i].wait_ns;
		char *label OWNED(mem_freep) = NULL, *name OWNED(mem_freep) = NULL;

		if (!is_contended)
			continue;
		label = label_lock(trace, i + 1);
		name = xasprintf("%swaiters: %s", prefix, label);
		pass->waiters[i].track = ++pass->perfetto->last_track;
		packet_counter(pass->perfetto, (struct track_id){ .uuid = pass->waiters[i].track },
			       name, trace->meta.start_ns);
	}
}

/* Phases follow each other; one that does not gets a track of its own, as slices must nest. */
static void add_phases(struct perfetto *perfetto, const struct meta *meta, const char *prefix)
{
	char *name OWNED(mem_freep) = xasprintf("%sphases", prefix);
	uint64_t end_ns = UINT64_MAX;

	for (size_t i = 0; i < meta->phase_count; i++) {
		const struct phase *phase = &meta->phases[i];

		if (phase->begin_ns < end_ns)
			packet_track(perfetto, (struct track_id){ .uuid = ++perfetto->last_track },
				     name);
		packet_span(perfetto, perfetto->last_track, phase);
		end_ns = phase->end_ns;
	}
}

/* The whole window of a trace. prefix: before the names of processes and counters, escaped. */
static int write_trace(struct perfetto *perfetto, const struct trace *trace, const char *prefix)
{
	struct pass pass OWNED(pass_release) = { .perfetto = perfetto, .trace = trace };
	const struct observer observers[] = { { .self = &pass, .begin = on_begin, .end = on_end },
					      { 0 } };
	uint64_t covered_ns;
	int err;

	thread_tracks_init(&pass.tracks, perfetto, trace, prefix);
	pass.hand_offs = xcalloc(trace->thread_count, sizeof(*pass.hand_offs));
	pass.waiters = xcalloc(trace->lock_count, sizeof(*pass.waiters));
	pass.now_ns = trace->meta.start_ns;
	packet_clocks(perfetto, &trace->meta);
	add_counters(&pass, prefix);
	pass.tracks.counter = pass.running.track;
	add_phases(perfetto, &trace->meta, prefix);
	err = sweep_run(trace, trace->meta.start_ns, trace->meta.end_ns, observers, &covered_ns);
	write_events(&pass);
	return err;
}

static int finish(struct perfetto *perfetto, int err)
{
	proto_release(&perfetto->packet);
	return err ? err : output_flush(perfetto->file);
}

int perfetto_report(const struct report *report, const struct output_options *options, FILE *file)
{
	struct perfetto perfetto = { .file = file };

	(void)options;
	if (!report->trace->slices)
		return -ENODATA;
	return finish(&perfetto, write_trace(&perfetto, report->trace, ""));
}

/* A run to show, and what its names begin with. */
struct shown {
	const struct trace *trace;
	char *prefix;
};

struct shown_runs {
	struct shown *items;
	size_t count;
};

static void shown_runs_release(struct shown_runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		free(runs->items[i].prefix);
	free(runs->items);
}

static void show_variant(const struct experiment *experiment, const struct variant *variant,
			 bool has_several, struct shown_runs *runs)
{
	char *name OWNED(mem_freep) = escape_text(variant->name);
	char *interpreter OWNED(mem_freep) =
		escape_text(has_several && experiment->interpreter ? experiment->interpreter : "");
	struct shown *shown = array_add(&runs->items, &runs->count, sizeof(*runs->items));

	shown->trace = variant->runs[variant->representative].trace;
	shown->prefix = xasprintf("%s%s%s: ", interpreter, *interpreter ? ", " : "", name);
}

static int by_start(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;
	uint64_t x_ns = x->trace->meta.start_ns, y_ns = y->trace->meta.start_ns;

	return x_ns < y_ns ? -1 : x_ns > y_ns;
}

/* The representative run of every variant, one after the other as they were measured. */
int perfetto_experiments(const struct experiment *const *experiments, size_t count,
			 const struct output_options *options, FILE *file)
{
	struct perfetto perfetto = { .file = file };
	struct shown_runs runs OWNED(shown_runs_release) = { 0 };
	int err = 0;

	(void)options;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < experiments[i]->variant_count; j++) {
			const struct variant *variant = &experiments[i]->variants[j];

			if (variant->run_count)
				show_variant(experiments[i], variant, count > 1, &runs);
		}
	}
	if (runs.count)
		qsort(runs.items, runs.count, sizeof(*runs.items), by_start);
	for (size_t i = 0; i < runs.count && !err; i++)
		err = runs.items[i].trace->slices
			      ? write_trace(&perfetto, runs.items[i].trace, runs.items[i].prefix)
			      : -ENODATA;
	return finish(&perfetto, err);
}
