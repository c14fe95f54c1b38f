/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events of threads in a Perfetto trace. Every thread is a sequence of packets of its own, so
 * that its track and the time of its packet before need not be repeated, and names are numbers
 * after their first use: a slice takes 21 bytes and those of its duration. Not for when events
 * happen.
 */
#ifndef CONVOY_OUTPUT_PERFETTO_THREADS_H
#define CONVOY_OUTPUT_PERFETTO_THREADS_H

#include <stdbool.h>

#include "model/tally.h"
#include "output/perfetto_packets.h"

struct thread_track; /* what was written of a thread so far */
struct process_track;

struct thread_tracks {
	struct perfetto *perfetto;
	const struct trace *trace;
	const char *prefix; /* of the names of processes: "" or what run it is, escaped */
	uint64_t counter; /* the one that events may carry a value of without naming it */
	struct thread_track *threads; /* by number − 1 */
	struct process_track *processes; /* by pid */
	size_t process_count;
	struct tally *strings; /* (thread, number): arguments whose text was given already */
};

enum event_type {
	EVENT_BEGIN,
	EVENT_END,
	EVENT_RELEASE, /* an instant: let go of a lock that somebody waits for */
};

struct thread_event {
	enum event_type type;
	uint32_t thread;
	struct slice slice; /* that begins or ends */
	uint64_t flow; /* EVENT_RELEASE: begins here; EVENT_BEGIN: ends here; 0: none */
	uint64_t counter; /* a value of it is in `value`; 0: none */
	uint64_t value;
};

void thread_tracks_init(struct thread_tracks *tracks, struct perfetto *perfetto,
			const struct trace *trace, const char *prefix);
void thread_tracks_release(struct thread_tracks *tracks);

/* The track of a process, described already; 0: none has this pid. */
uint64_t process_track_get(struct thread_tracks *tracks, int32_t pid);

/* Events of a thread must come in order of time. */
void thread_event_write(struct thread_tracks *tracks, const struct thread_event *event,
			uint64_t now_ns);

#endif
