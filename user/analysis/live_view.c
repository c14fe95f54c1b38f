/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened between two looks at the totals of live threads. */
#include "analysis/live_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void live_snapshot_release(struct live_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->wait_count; i++)
		free(snapshot->waits[i].name);
	free(snapshot->waits);
	free(snapshot->samples);
	memset(snapshot, 0, sizeof(*snapshot));
}

static const struct live_wait *find_wait(const struct live_snapshot *snapshot, uint64_t key)
{
	for (size_t i = 0; i < snapshot->wait_count; i++) {
		if (snapshot->waits[i].key == key)
			return &snapshot->waits[i];
	}
	return NULL;
}

struct live_wait *live_snapshot_wait(struct live_snapshot *snapshot, uint64_t key)
{
	struct live_wait *wait = (struct live_wait *)find_wait(snapshot, key);

	if (wait)
		return wait;
	wait = array_add(&snapshot->waits, &snapshot->wait_count, sizeof(*snapshot->waits));
	wait->key = key;
	return wait;
}

static int by_thread(const void *key, const void *item)
{
	uint32_t thread = *(const uint32_t *)key;
	const struct live_sample *sample = item;

	return thread < sample->thread ? -1 : thread > sample->thread;
}

/* A thread that was born in the interval has no earlier sample: it began with nothing. */
static const struct live_sample *earlier(const struct live_snapshot *before, uint32_t thread)
{
	if (!before->sample_count)
		return NULL;
	return bsearch(&thread, before->samples, before->sample_count, sizeof(*before->samples),
		       by_thread);
}

/* Totals are read while they grow: a torn read must not make a number go back. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static void fill_thread(struct live_row *row, const struct live_snapshot *before,
			const struct live_sample *sample)
{
	const struct live_sample *old = earlier(before, sample->thread);

	row->sample = sample;
	row->thread_count = 1;
	for (int i = 0; i < LIVE_PARTS; i++) {
		row->part_ns[i] = grown(sample->part_ns[i], old ? old->part_ns[i] : 0);
		row->total_ns += row->part_ns[i];
	}
}

static uint64_t weight(const struct live_row *row, enum live_order order)
{
	static const enum live_part parts[] = { LIVE_RUNNING, LIVE_READY, LIVE_LOCK };

	return order == LIVE_BY_NAME ? 0 : row->part_ns[parts[order]];
}

/* Whether a comes before b among rows of one kind. */
static bool comes_before(const struct live_row *a, const struct live_row *b, enum live_order order)
{
	int names = strcmp(a->sample->comm, b->sample->comm);

	if (weight(a, order) != weight(b, order))
		return weight(a, order) > weight(b, order);
	if (order == LIVE_BY_NAME && names != 0)
		return names < 0;
	return a->sample->thread < b->sample->thread;
}

/* qsort has no argument for the order, and rows are few. */
static void sort_rows(struct live_row *rows, size_t count, enum live_order order)
{
	for (size_t i = 1; i < count; i++) {
		struct live_row row = rows[i];
		size_t j = i;

		for (; j > 0 && comes_before(&row, &rows[j - 1], order); j--)
			rows[j] = rows[j - 1];
		rows[j] = row;
	}
}

struct rows {
	struct live_row *items;
	size_t count;
};

static struct live_row *process_of(struct rows *processes, const struct live_sample *sample)
{
	struct live_row *row;

	for (size_t i = 0; i < processes->count; i++) {
		if (processes->items[i].sample->pid == sample->pid)
			return &processes->items[i];
	}
	row = array_add(&processes->items, &processes->count, sizeof(*processes->items));
	row->sample = sample;
	row->is_process = true;
	return row;
}

static void add_thread(struct live_row *process, const struct live_row *thread)
{
	/* The leader speaks for the process, whoever was seen first. */
	if (thread->sample->tid == thread->sample->pid)
		process->sample = thread->sample;
	process->thread_count++;
	process->total_ns += thread->total_ns;
	for (int i = 0; i < LIVE_PARTS; i++)
		process->part_ns[i] += thread->part_ns[i];
}

static void put_in_order(struct live_frame *frame, struct rows *processes, struct rows *threads,
			 enum live_order order)
{
	sort_rows(processes->items, processes->count, order);
	sort_rows(threads->items, threads->count, order);
	frame->rows = xcalloc(processes->count + threads->count, sizeof(*frame->rows));
	for (size_t i = 0; i < processes->count; i++) {
		frame->rows[frame->row_count++] = processes->items[i];
		for (size_t j = 0; j < threads->count; j++) {
			if (threads->items[j].sample->pid == processes->items[i].sample->pid)
				frame->rows[frame->row_count++] = threads->items[j];
		}
	}
	frame->process_count = processes->count;
	frame->thread_count = threads->count;
}

static int by_wait(const void *a, const void *b)
{
	const struct live_lock *x = a, *y = b;

	if (x->wait->is_lock != y->wait->is_lock)
		return x->wait->is_lock ? -1 : 1;
	if (x->wait_ns != y->wait_ns)
		return x->wait_ns > y->wait_ns ? -1 : 1;
	return x->wait->key < y->wait->key ? -1 : x->wait->key > y->wait->key;
}

static void add_locks(struct live_frame *frame, const struct live_snapshot *before,
		      const struct live_snapshot *now)
{
	for (size_t i = 0; i < now->wait_count; i++) {
		const struct live_wait *wait = &now->waits[i];
		const struct live_wait *old = find_wait(before, wait->key);
		uint64_t wait_ns = grown(wait->wait_ns, old ? old->wait_ns : 0);
		struct live_lock *lock;

		if (!wait_ns)
			continue;
		lock = array_add(&frame->locks, &frame->lock_count, sizeof(*frame->locks));
		lock->wait = wait;
		lock->wait_ns = wait_ns;
		lock->waits = grown(wait->waits, old ? old->waits : 0);
	}
	if (frame->lock_count)
		qsort(frame->locks, frame->lock_count, sizeof(*frame->locks), by_wait);
}

void live_frame_make(struct live_frame *frame, const struct live_snapshot *before,
		     const struct live_snapshot *now, enum live_order order, const char *filter)
{
	struct rows processes = { 0 }, threads = { 0 };

	memset(frame, 0, sizeof(*frame));
	frame->interval_ns = now->time_ns - before->time_ns;
	for (size_t i = 0; i < now->sample_count; i++) {
		const struct live_sample *sample = &now->samples[i];
		struct live_row *row;

		if (!strstr(sample->comm, filter))
			continue;
		row = array_add(&threads.items, &threads.count, sizeof(*threads.items));
		fill_thread(row, before, sample);
		frame->running_ns += row->part_ns[LIVE_RUNNING];
		add_thread(process_of(&processes, sample), row);
	}
	put_in_order(frame, &processes, &threads, order);
	add_locks(frame, before, now);
	free(processes.items);
	free(threads.items);
}

void live_frame_release(struct live_frame *frame)
{
	free(frame->rows);
	free(frame->locks);
	memset(frame, 0, sizeof(*frame));
}
