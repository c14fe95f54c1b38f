/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slices of an interval as a picture needs them: a track a thread, in bounded memory. As long
 * as they fit, every slice is kept to the nanosecond; beyond that runs of short ones are put
 * together, long ones stay, and it is said how far that went. Not for colours or pixels.
 */
#ifndef CONVOY_OUTPUT_TIMELINE_H
#define CONVOY_OUTPUT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/report.h"

/* What a thread is seen doing: the states, with `futex` split by what its lock is. Numbers are
 * written to the page. */
enum look {
	LOOK_RUNNING = 0,
	LOOK_PREEMPTED = 1,
	LOOK_QUEUED = 2,
	LOOK_LOCK = 3,
	LOOK_CONDITION = 4,
	LOOK_JOIN = 5,
	LOOK_FUTEX = 6,
	LOOK_IO = 7,
	LOOK_KERNEL = 8,
	LOOK_SLEEP = 9,
	LOOK_STOPPED = 10,
	LOOK_UNKNOWN = 11,
	LOOK_HOLE = 12, /* alive, but its slices were lost */
};
#define LOOK_COUNT 13

/* As in DESIGN: "running", "lock" …, and "not recorded". */
const char *look_name(enum look look);

/* All that is told of a piece besides when and how long. */
struct entry {
	uint32_t look;
	int32_t cpu; /* of a running piece, else -1 */
	int32_t syscall; /* of a blocked piece that is no futex wait, else RECORD_SYSCALL_NONE */
	uint32_t lock; /* 0: none or not known */
	uint32_t holder; /* 0: none or not known */
};

/* A slice, or several short ones in a row. Those of a track have no space between them. */
struct piece {
	uint64_t duration_ns;
	uint32_t entry; /* index; 0: several slices, see mix */
	uint32_t count; /* slices in it */
	uint32_t mix; /* of several slices: index */
};

/* What slices that were put together were, by look. */
struct mix {
	float look_ns[LOOK_COUNT];
};

struct track {
	uint32_t thread;
	uint64_t start_ns; /* of its first piece, CLOCK_MONOTONIC */
	uint64_t end_ns; /* of its last */
	struct piece *pieces;
	size_t count;
	struct mix *mixes; /* in the order of the pieces they belong to */
	size_t mix_count;
};

/* Threads without a track: their time by look, in equal bins of the interval. */
#define BIN_COUNT 400

struct timeline_entry; /* of the hash table */

struct timeline {
	const struct report *report;
	struct track *tracks; /* by thread number */
	size_t track_count;
	uint32_t *track_of; /* by thread number − 1: index + 1, 0: among the others */
	struct entry *entries; /* the first stands for pieces of several slices */
	size_t entry_count;
	struct timeline_entry *table;
	uint64_t other_threads;
	uint64_t (*bins)[LOOK_COUNT]; /* BIN_COUNT; NULL if there are no others */
	uint64_t slices; /* seen, tracks only */
	uint64_t merged; /* of them not kept by themselves */
	uint64_t merge_below_ns; /* slices shorter than this were put together; 0: none was */
	uint64_t unnamed; /* slices whose lock, holder, call and CPU were not kept */
	uint64_t bytes; /* of all pieces in the page, about */
	uint64_t bytes_max;
};

/*
 * max_threads: tracks at most, those that asked most of the CPUs; max_bytes: for the encoded
 * pieces. The report is borrowed.
 */
void timeline_init(struct timeline *timeline, const struct report *report, size_t max_threads,
		   uint64_t max_bytes);
void timeline_release(struct timeline *timeline);
/* Slices of the interval, cut to it, in the order of a slice source. */
void timeline_take(struct timeline *timeline, const struct slice *slice);
/* After the last one: what is missing to the end of each thread is a hole too. */
void timeline_finish(struct timeline *timeline);

/* The bytes of a track: of each piece the entry, the duration, and with entry 0 the count and a set
 * of looks, one bit each (all LEB128), then a byte for each look of the set: its share, in 1/255.
 * Free it. */
unsigned char *track_encode(const struct track *track, size_t *ret_length);

#endif
