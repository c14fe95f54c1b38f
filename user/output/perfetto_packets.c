/* SPDX-License-Identifier: GPL-2.0-only */
/* Clocks, sequences and tracks of a Perfetto trace. */
#include "output/perfetto_packets.h"

#include <stdbool.h>

#include "base/escape.h"
#include "base/mem.h"
#include "output/perfetto_fields.h"

size_t packet_open(struct perfetto *perfetto, uint32_t sequence)
{
	size_t begin;

	proto_clear(&perfetto->packet);
	begin = proto_open(&perfetto->packet, TRACE_PACKET);
	proto_number(&perfetto->packet, PACKET_SEQUENCE_ID, sequence);
	return begin;
}

/* The stream remembers an error: it is looked at when all is written. */
void packet_close(struct perfetto *perfetto, size_t begin)
{
	struct proto *packet = &perfetto->packet;

	proto_close(packet, begin);
	fwrite(packet->bytes, 1, packet->length, perfetto->file);
}

static void add_escaped(struct proto *packet, unsigned int field, const char *raw)
{
	char *safe OWNED(mem_freep) = escape_text(raw);

	proto_string(packet, field, safe);
}

static void add_clock(struct proto *packet, uint64_t clock, uint64_t time_ns)
{
	size_t begin = proto_open(packet, SNAPSHOT_CLOCKS);

	proto_number(packet, CLOCK_ID, clock);
	proto_number(packet, CLOCK_TIMESTAMP, time_ns);
	if (clock == CLOCK_OF_SEQUENCE)
		proto_number(packet, CLOCK_IS_INCREMENTAL, true);
	proto_close(packet, begin);
}

void packet_clocks(struct perfetto *perfetto, const struct meta *meta)
{
	struct proto *packet = &perfetto->packet;
	size_t begin, snapshot;

	perfetto->main_sequence = ++perfetto->last_sequence;
	begin = packet_open(perfetto, perfetto->main_sequence);
	proto_number(packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_STATE_CLEARED);
	proto_number(packet, PACKET_FIRST_ON_SEQUENCE, true);
	snapshot = proto_open(packet, PACKET_CLOCK_SNAPSHOT);
	add_clock(packet, BUILTIN_MONOTONIC, meta->start_ns);
	add_clock(packet, BUILTIN_BOOTTIME, meta->start_ns + (uint64_t)meta->boottime_offset_ns);
	add_clock(packet, BUILTIN_REALTIME, meta->start_ns + (uint64_t)meta->realtime_offset_ns);
	proto_number(packet, SNAPSHOT_PRIMARY_CLOCK, BUILTIN_MONOTONIC);
	proto_close(packet, snapshot);
	packet_close(perfetto, begin);
}

uint32_t packet_sequence(struct perfetto *perfetto, uint64_t now_ns, uint64_t track,
			 uint64_t counter)
{
	struct proto *packet = &perfetto->packet;
	uint32_t sequence = ++perfetto->last_sequence;
	size_t begin = packet_open(perfetto, sequence), defaults, event, snapshot;

	proto_number(packet, PACKET_SEQUENCE_FLAGS, SEQUENCE_STATE_CLEARED);
	proto_number(packet, PACKET_FIRST_ON_SEQUENCE, true);
	defaults = proto_open(packet, PACKET_DEFAULTS);
	proto_number(packet, DEFAULTS_TIMESTAMP_CLOCK_ID, CLOCK_OF_SEQUENCE);
	event = proto_open(packet, DEFAULTS_TRACK_EVENT);
	proto_number(packet, EVENT_TRACK_UUID, track);
	proto_number(packet, EVENT_EXTRA_COUNTER_TRACKS, counter);
	proto_close(packet, event);
	proto_close(packet, defaults);
	snapshot = proto_open(packet, PACKET_CLOCK_SNAPSHOT);
	add_clock(packet, BUILTIN_MONOTONIC, now_ns);
	add_clock(packet, CLOCK_OF_SEQUENCE, now_ns);
	proto_close(packet, snapshot);
	packet_close(perfetto, begin);
	return sequence;
}

/* What is common to all descriptions of tracks; returns where the descriptor begins. */
static size_t open_track(struct perfetto *perfetto, struct track_id track, size_t *ret_begin)
{
	struct proto *packet = &perfetto->packet;
	size_t descriptor;

	*ret_begin = packet_open(perfetto, perfetto->main_sequence);
	descriptor = proto_open(packet, PACKET_TRACK_DESCRIPTOR);
	proto_number(packet, TRACK_UUID, track.uuid);
	if (track.parent)
		proto_number(packet, TRACK_PARENT_UUID, track.parent);
	return descriptor;
}

static void close_track(struct perfetto *perfetto, size_t descriptor, size_t begin)
{
	proto_close(&perfetto->packet, descriptor);
	packet_close(perfetto, begin);
}

void packet_process(struct perfetto *perfetto, uint64_t uuid, int32_t pid, const char *name,
		    char *const *cmdline)
{
	struct proto *packet = &perfetto->packet;
	size_t begin, descriptor, process;

	descriptor = open_track(perfetto, (struct track_id){ .uuid = uuid }, &begin);
	process = proto_open(packet, TRACK_PROCESS);
	proto_number(packet, PROCESS_PID, (uint64_t)pid);
	for (; cmdline && *cmdline; cmdline++)
		add_escaped(packet, PROCESS_CMDLINE, *cmdline);
	proto_string(packet, PROCESS_NAME, name);
	proto_close(packet, process);
	close_track(perfetto, descriptor, begin);
}

void packet_thread(struct perfetto *perfetto, struct track_id track, const struct thread *thread)
{
	struct proto *packet = &perfetto->packet;
	size_t begin, descriptor, part;

	descriptor = open_track(perfetto, track, &begin);
	part = proto_open(packet, TRACK_THREAD);
	proto_number(packet, THREAD_PID, (uint64_t)thread->pid);
	proto_number(packet, THREAD_TID, (uint64_t)thread->tid);
	add_escaped(packet, THREAD_NAME, *thread->name ? thread->name : thread->comm);
	proto_close(packet, part);
	close_track(perfetto, descriptor, begin);
}

void packet_track(struct perfetto *perfetto, struct track_id track, const char *name)
{
	size_t begin, descriptor = open_track(perfetto, track, &begin);

	proto_string(&perfetto->packet, TRACK_NAME, name);
	close_track(perfetto, descriptor, begin);
}

/* An event at a time of the common clock; returns where it begins. */
static size_t open_event(struct perfetto *perfetto, uint64_t time_ns, uint64_t type, size_t *begin)
{
	struct proto *packet = &perfetto->packet;
	size_t event;

	*begin = packet_open(perfetto, perfetto->main_sequence);
	proto_number(packet, PACKET_TIMESTAMP, time_ns);
	proto_number(packet, PACKET_TIMESTAMP_CLOCK_ID, BUILTIN_MONOTONIC);
	event = proto_open(packet, PACKET_TRACK_EVENT);
	proto_number(packet, EVENT_TYPE, type);
	return event;
}

static void close_event(struct perfetto *perfetto, uint64_t track, size_t event, size_t begin)
{
	proto_number(&perfetto->packet, EVENT_TRACK_UUID, track);
	proto_close(&perfetto->packet, event);
	packet_close(perfetto, begin);
}

void packet_counter(struct perfetto *perfetto, struct track_id track, const char *name,
		    uint64_t now_ns)
{
	struct proto *packet = &perfetto->packet;
	size_t begin, descriptor = open_track(perfetto, track, &begin), part;

	proto_string(packet, TRACK_NAME, name);
	part = proto_open(packet, TRACK_COUNTER);
	proto_number(packet, COUNTER_UNIT, COUNTER_UNIT_COUNT);
	proto_close(packet, part);
	close_track(perfetto, descriptor, begin);
	part = open_event(perfetto, now_ns, EVENT_TYPE_COUNTER, &begin);
	proto_number(packet, EVENT_COUNTER_VALUE, 0);
	close_event(perfetto, track.uuid, part, begin);
}

void packet_span(struct perfetto *perfetto, uint64_t track, const struct phase *phase)
{
	size_t begin, event = open_event(perfetto, phase->begin_ns, EVENT_TYPE_BEGIN, &begin);

	add_escaped(&perfetto->packet, EVENT_NAME, phase->name);
	close_event(perfetto, track, event, begin);
	event = open_event(perfetto, phase->end_ns, EVENT_TYPE_END, &begin);
	close_event(perfetto, track, event, begin);
}
