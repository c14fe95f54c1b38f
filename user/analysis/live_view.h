/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happened between two looks at the totals of live threads: the rows of `convoy top`. Not for
 * traces.
 */
#ifndef CONVOY_ANALYSIS_LIVE_VIEW_H
#define CONVOY_ANALYSIS_LIVE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* The states of a live view: ready is preempted or queued; lock is a futex wait to acquire, idle
 * any other. */
enum live_part {
	LIVE_RUNNING,
	LIVE_READY,
	LIVE_LOCK,
	LIVE_IDLE,
	LIVE_BLOCKED, /* I/O, kernel, stopped */
	LIVE_SLEEP,
};
#define LIVE_PARTS 6

struct live_sample {
	uint32_t thread; /* serial number */
	int32_t pid;
	int32_t tid;
	char comm[RECORD_COMM_LEN + 1]; /* raw bytes */
	uint64_t part_ns[LIVE_PARTS]; /* since the beginning */
	uint8_t state; /* enum state, now */
	int16_t syscall; /* of a blocked one, now */
};

/* Waits of all threads for one word or group of words, since the beginning. */
struct live_wait {
	uint64_t key; /* equal in both snapshots for the same lock */
	int32_t pid;
	char *name; /* raw, owned */
	bool is_lock;
	uint64_t wait_ns;
	uint64_t waits;
	uint32_t waiters; /* threads waiting for it now */
};

struct live_snapshot {
	uint64_t time_ns;
	struct live_sample *samples; /* by thread number */
	size_t sample_count;
	struct live_wait *waits;
	size_t wait_count;
};

void live_snapshot_release(struct live_snapshot *snapshot);
/* The row of a lock, made if need be. */
struct live_wait *live_snapshot_wait(struct live_snapshot *snapshot, uint64_t key);

struct live_row {
	const struct live_sample
		*sample; /* of the thread; of a process: its first; borrowed from `now` */
	bool is_process;
	size_t thread_count; /* of a process */
	uint64_t part_ns[LIVE_PARTS]; /* in the interval; of a process: summed */
	uint64_t total_ns; /* = Σ parts */
};

struct live_lock {
	const struct live_wait *wait; /* borrowed from `now` */
	uint64_t wait_ns; /* in the interval */
	uint64_t waits;
};

enum live_order {
	LIVE_BY_RUNNING,
	LIVE_BY_READY,
	LIVE_BY_LOCK,
	LIVE_BY_NAME,
};
#define LIVE_ORDERS 4

struct live_frame {
	uint64_t interval_ns;
	uint64_t running_ns; /* of all threads */
	size_t process_count;
	size_t thread_count;
	struct live_row *rows; /* a process, its threads, the next process … */
	size_t row_count;
	struct live_lock *locks; /* longest wait first */
	size_t lock_count;
};

/* filter: only processes and threads whose raw name has it, "" for all. The frame borrows `now`. */
void live_frame_make(struct live_frame *frame, const struct live_snapshot *before,
		     const struct live_snapshot *now, enum live_order order, const char *filter);
void live_frame_release(struct live_frame *frame);

#endif
