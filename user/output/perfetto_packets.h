/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packets that frame a Perfetto trace: clocks, beginnings of sequences, descriptions of tracks.
 * One packet is built in memory at a time. Not for the events of threads.
 */
#ifndef CONVOY_OUTPUT_PERFETTO_PACKETS_H
#define CONVOY_OUTPUT_PERFETTO_PACKETS_H

#include <stdint.h>
#include <stdio.h>

#include "output/protobuf.h"
#include "stream/trace.h"

/* A file being written. Numbers of tracks, sequences and flows are unique in all of it. */
struct perfetto {
	FILE *file;
	struct proto packet; /* under way */
	uint64_t last_track; /* the last number given; 0 is Perfetto's own */
	uint64_t last_flow;
	uint32_t last_sequence;
	uint32_t main_sequence; /* of what belongs to no thread */
};

/* A track: a number of its own, and that of the track it is shown under, or 0. */
struct track_id {
	uint64_t uuid;
	uint64_t parent;
};

/* A packet of a sequence: what is added to perfetto->packet before packet_close belongs to it. */
size_t packet_open(struct perfetto *perfetto, uint32_t sequence);
void packet_close(struct perfetto *perfetto, size_t begin);

/* All clocks at the start of a trace: its times are CLOCK_MONOTONIC, as in its CSV files. */
void packet_clocks(struct perfetto *perfetto, const struct meta *meta);

/*
 * Begins a new sequence, whose time stamps are the time since its packet before (the first: since
 * now_ns), and whose events belong to `track` and may carry a value of `counter` if they do not say
 * otherwise. Returns its number.
 */
uint32_t packet_sequence(struct perfetto *perfetto, uint64_t now_ns, uint64_t track,
			 uint64_t counter);

/* name: escaped already. cmdline: raw, NULL-terminated, may be NULL. */
void packet_process(struct perfetto *perfetto, uint64_t uuid, int32_t pid, const char *name,
		    char *const *cmdline);
void packet_thread(struct perfetto *perfetto, struct track_id track, const struct thread *thread);
/* A track of its own name, escaped already. */
void packet_track(struct perfetto *perfetto, struct track_id track, const char *name);
/* A counter, which is 0 at now_ns. */
void packet_counter(struct perfetto *perfetto, struct track_id track, const char *name,
		    uint64_t now_ns);
/* A slice from one moment to another on a track that is no thread's. */
void packet_span(struct perfetto *perfetto, uint64_t track, const struct phase *phase);

#endif
