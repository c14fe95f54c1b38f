/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The numbers of the fields and values that a Perfetto trace is made of, as far as they are used,
 * each group with the file of Perfetto's public schema (protos/perfetto/…) that defines them. Not
 * for anything else.
 */
#ifndef CONVOY_OUTPUT_PERFETTO_FIELDS_H
#define CONVOY_OUTPUT_PERFETTO_FIELDS_H

/* trace/trace.proto */
#define TRACE_PACKET 1

/* trace/trace_packet.proto */
#define PACKET_CLOCK_SNAPSHOT 6
#define PACKET_TIMESTAMP 8
#define PACKET_SEQUENCE_ID 10 /* trusted_packet_sequence_id */
#define PACKET_TRACK_EVENT 11
#define PACKET_INTERNED_DATA 12
#define PACKET_SEQUENCE_FLAGS 13
#define PACKET_TIMESTAMP_CLOCK_ID 58
#define PACKET_DEFAULTS 59 /* trace_packet_defaults */
#define PACKET_TRACK_DESCRIPTOR 60
#define PACKET_FIRST_ON_SEQUENCE 87
#define SEQUENCE_STATE_CLEARED 1 /* SEQ_INCREMENTAL_STATE_CLEARED */

/* trace/trace_packet_defaults.proto and, for what it holds, trace/track_event/track_event.proto */
#define DEFAULTS_TIMESTAMP_CLOCK_ID 58
#define DEFAULTS_TRACK_EVENT 11

/* trace/clock_snapshot.proto, common/builtin_clock.proto */
#define SNAPSHOT_CLOCKS 1
#define SNAPSHOT_PRIMARY_CLOCK 2 /* primary_trace_clock */
#define CLOCK_ID 1
#define CLOCK_TIMESTAMP 2
#define CLOCK_IS_INCREMENTAL 3
#define CLOCK_OF_SEQUENCE 64 /* the first of those that a sequence may define */
#define BUILTIN_REALTIME 1
#define BUILTIN_MONOTONIC 3
#define BUILTIN_BOOTTIME 6

/* trace/track_event/track_descriptor.proto */
#define TRACK_UUID 1
#define TRACK_NAME 2
#define TRACK_PROCESS 3
#define TRACK_THREAD 4
#define TRACK_PARENT_UUID 5
#define TRACK_COUNTER 8

/* trace/track_event/process_descriptor.proto, thread_descriptor.proto, counter_descriptor.proto */
#define PROCESS_PID 1
#define PROCESS_CMDLINE 2
#define PROCESS_NAME 6
#define THREAD_PID 1
#define THREAD_TID 2
#define THREAD_NAME 5
#define COUNTER_UNIT 3
#define COUNTER_UNIT_COUNT 2

/* trace/track_event/track_event.proto */
#define EVENT_DEBUG_ANNOTATIONS 4
#define EVENT_TYPE 9
#define EVENT_NAME_IID 10
#define EVENT_TRACK_UUID 11
#define EVENT_EXTRA_COUNTER_VALUES 12
#define EVENT_NAME 23
#define EVENT_COUNTER_VALUE 30
#define EVENT_EXTRA_COUNTER_TRACKS 31
#define EVENT_FLOW_IDS 47
#define EVENT_TERMINATING_FLOW_IDS 48
#define EVENT_TYPE_BEGIN 1
#define EVENT_TYPE_END 2
#define EVENT_TYPE_INSTANT 3
#define EVENT_TYPE_COUNTER 4

/* trace/track_event/debug_annotation.proto */
#define ANNOTATION_NAME_IID 1
#define ANNOTATION_STRING_IID 17

/* trace/interned_data/interned_data.proto; its entries are all a number and a string:
 * track_event.proto, debug_annotation.proto, trace/profiling/profile_common.proto */
#define INTERNED_EVENT_NAMES 2
#define INTERNED_ANNOTATION_NAMES 3
#define INTERNED_ANNOTATION_STRINGS 29
#define ENTRY_IID 1
#define ENTRY_STRING 2

#endif
