/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's totals, collected. */
#include "capture/totals.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/session.h"
#include "capture/turns.h"
#include "trace.skel.h"

#define DRAIN_BATCH 64u
#define FINISH_TRIES 200 /* of a millisecond */

/* A row and whether its thread was alive at the end. */
struct collected {
	struct thread_total total;
	bool is_alive;
};

struct totals {
	struct collected *rows;
	size_t row_count;
	uint64_t taken; /* rows that came out of the kernel */
	bool keeps_dead;
	uint32_t keys[DRAIN_BATCH];
	struct thread_total batch[DRAIN_BATCH];
};

struct totals *totals_new(bool keeps_dead)
{
	struct totals *totals = xcalloc(1, sizeof(*totals));

	totals->keeps_dead = keeps_dead;
	return totals;
}

void totals_free(struct totals *totals)
{
	if (!totals)
		return;
	free(totals->rows);
	free(totals);
}

static void collect(struct totals *totals, const struct thread_total *total, bool is_alive)
{
	struct collected *row = array_add(&totals->rows, &totals->row_count, sizeof(*row));

	row->total = *total;
	row->is_alive = is_alive;
}

/* Takes all there is, at the price of a walk over the whole map. */
static int drain_dead(struct totals *totals, struct trace_bpf *probes)
{
	int map = bpf_map__fd(probes->maps.dead);
	uint32_t position, *from = NULL;
	int err;

	/* Rows of dead threads are never written again: taking them out in batches races with
	 * nobody. */
	do {
		uint32_t count = DRAIN_BATCH;

		err = bpf_map_lookup_and_delete_batch(map, from, &position, totals->keys,
						      totals->batch, &count, NULL);
		if (err && err != -ENOENT)
			return err == -ENOSPC ? 0 : err; /* a crowded bucket: next time */
		for (uint32_t i = 0; i < count && totals->keeps_dead; i++)
			collect(totals, &totals->batch[i], false);
		totals->taken += count;
		from = &position;
	} while (!err);
	return 0;
}

int totals_drain(struct totals *totals, struct trace_bpf *probes)
{
	/* Most of the time nobody has died since. */
	if (probes->bss->handed_count <= totals->taken)
		return 0;
	return drain_dead(totals, probes);
}

static int read_fully(int fd, void *buffer, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = read(fd, (char *)buffer + done, bytes - done);

		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return done ? -EIO : 0;
		done += (size_t)got;
	}
	return 1;
}

static int read_living(struct totals *totals, struct trace_bpf *probes)
{
	struct thread_total total;
	int fd = bpf_iter_create(bpf_link__fd(probes->links.finish_targets));
	int got;

	if (fd < 0)
		return fail(-errno, "cannot list the threads at the end of the window");
	while ((got = read_fully(fd, &total, sizeof(total))) > 0)
		collect(totals, &total, true);
	close(fd);
	if (got < 0)
		return fail(got, "cannot read the threads at the end of the window");
	return 0;
}

int totals_finish(struct totals *totals, struct trace_bpf *probes)
{
	int err = 0;

	/* A thread in the middle of dying is on no list, but its last switch hands it over. */
	for (int i = 0; i < FINISH_TRIES; i++) {
		err = read_living(totals, probes);
		if (!err)
			err = drain_dead(totals, probes);
		if (err || probes->bss->handed_count >= probes->bss->thread_count)
			return err;
		poll(NULL, 0, 1);
	}
	return drain_dead(totals, probes);
}

/* The wait under way belongs to its row; it is not counted as a wait before it ends. */
static void add_open_wait(struct thread_total *total, const struct live_record *live,
			  uint64_t open_ns)
{
	for (int i = 0; i < THREAD_USES; i++) {
		struct use_total *row = &total->uses[i];

		if (row->use.address == live->use.address && row->use.op == live->use.op &&
		    row->use.flags == live->use.flags && row->proc == total->proc) {
			row->wait_ns += open_ns;
			return;
		}
	}
	total->other_wait_ns += open_ns;
}

int totals_peek(struct trace_bpf *probes, struct live_thread **ret_threads, size_t *ret_count)
{
	int fd = bpf_iter_create(bpf_link__fd(probes->links.peek_targets));
	struct live_thread *threads = NULL;
	size_t count = 0;
	struct {
		struct thread_total total;
		struct live_record live;
	} row;
	int got;

	if (fd < 0)
		return fail(-errno, "cannot list the threads");
	while ((got = read_fully(fd, &row, sizeof(row))) > 0) {
		struct live_thread *thread = array_add(&threads, &count, sizeof(*threads));
		uint64_t now_ns = session_now_ns(), from_ns = row.live.since_ns;

		if (from_ns < probes->data->start_ns)
			from_ns = probes->data->start_ns;
		thread->total = row.total;
		thread->state = row.live.state;
		thread->syscall = row.live.syscall;
		thread->waiting_for = row.live.use;
		if (now_ns <= from_ns || thread->state >= STATE_COUNT)
			continue;
		thread->total.state_ns[thread->state] += now_ns - from_ns;
		if (thread->state == STATE_FUTEX)
			add_open_wait(&thread->total, &row.live, now_ns - from_ns);
	}
	close(fd);
	if (got < 0) {
		free(threads);
		return fail(got, "cannot read the threads");
	}
	*ret_threads = threads;
	*ret_count = count;
	return 0;
}

static uint64_t cut(uint64_t time_ns, const struct meta *meta)
{
	if (time_ns < meta->start_ns)
		return meta->start_ns;
	return time_ns > meta->end_ns ? meta->end_ns : time_ns;
}

static void fill_account(struct thread *thread, const struct thread_total *total)
{
	thread->kernel_run_ns = TRACE_NOT_MEASURED;
	thread->kernel_wait_ns = TRACE_NOT_MEASURED;
	thread->own_run_ns = TRACE_NOT_MEASURED;
	thread->own_wait_ns = TRACE_NOT_MEASURED;
	thread->charged_ready_ns = TRACE_NOT_MEASURED;
	thread->uncharged_ns = TRACE_NOT_MEASURED;
	if (total->switches < 2)
		return;
	thread->kernel_run_ns = total->kernel_run_last - total->kernel_run_first;
	thread->kernel_wait_ns = total->kernel_wait_last - total->kernel_wait_first;
	thread->own_run_ns = total->own_run_last - total->own_run_first;
	thread->own_wait_ns = total->own_wait_last - total->own_wait_first;
	thread->charged_ready_ns = total->charged_ready_last - total->charged_ready_first;
	if (total->uncharged_ns != UINT64_MAX)
		thread->uncharged_ns = total->uncharged_last - total->uncharged_first;
}

static void fill_thread(struct thread *thread, const struct thread_total *total,
			const struct meta *meta)
{
	thread->proc = total->proc;
	thread->pid = total->pid;
	thread->tid = total->tid;
	thread->ppid = total->ppid;
	memcpy(thread->comm, total->comm, RECORD_COMM_LEN);
	thread->start_ns = cut(total->start_ns, meta);
	thread->end_ns = cut(total->end_ns, meta);
	memcpy(thread->state_ns, total->state_ns, sizeof(thread->state_ns));
	thread->voluntary = total->voluntary;
	thread->involuntary = total->involuntary;
	thread->yields = total->yields;
	thread->migrations = total->migrations;
	thread->slices_lost = total->slices_lost;
	fill_account(thread, total);
}

static void add_use_row(struct trace *trace, struct turns *turns, uint32_t thread,
			const struct use_total *total)
{
	struct use_row *row = trace_add_use_row(trace);

	row->thread = thread;
	row->use = turns_use(turns, total->proc, &total->use);
	row->total = *total;
}

static int add_hashed_uses(struct trace *trace, struct trace_bpf *probes, struct turns *turns)
{
	int map = bpf_map__fd(probes->maps.uses);
	struct use_key key, *before = NULL;
	struct use_total total;

	while (bpf_map_get_next_key(map, before, &key) == 0) {
		/* Of a thread that went into "other threads" they are in that sum. */
		if (key.thread > 0 && key.thread <= trace->thread_count &&
		    trace->threads[key.thread - 1].tid != 0 &&
		    bpf_map_lookup_elem(map, &key, &total) == 0)
			add_use_row(trace, turns, key.thread, &total);
		before = &key;
	}
	return 0;
}

/* The row "other threads": sums only, its lifetime is the sum of theirs. */
static void add_rest(struct trace *trace, struct trace_bpf *probes)
{
	struct thread_total total;
	struct thread *thread;
	uint32_t zero = 0;

	if (!probes->bss->loss[LOSS_DEAD_FULL] ||
	    bpf_map_lookup_elem(bpf_map__fd(probes->maps.rest), &zero, &total))
		return;
	thread = trace_add_thread(trace);
	thread->is_rest = true;
	trace_set_string(&thread->name, "other threads");
	memcpy(thread->state_ns, total.state_ns, sizeof(thread->state_ns));
	thread->start_ns = trace->meta.start_ns;
	thread->end_ns = trace->meta.start_ns + total.end_ns;
	thread->voluntary = total.voluntary;
	thread->involuntary = total.involuntary;
	thread->yields = total.yields;
	thread->migrations = total.migrations;
	thread->slices_lost = total.slices_lost;
	thread->kernel_run_ns = TRACE_NOT_MEASURED;
	thread->kernel_wait_ns = TRACE_NOT_MEASURED;
	thread->own_run_ns = TRACE_NOT_MEASURED;
	thread->own_wait_ns = TRACE_NOT_MEASURED;
	thread->charged_ready_ns = TRACE_NOT_MEASURED;
	thread->uncharged_ns = TRACE_NOT_MEASURED;
}

/* A number was given out but no row came back: the thread never lived in the window. */
static void fill_empty(struct thread *thread, const struct meta *meta)
{
	struct thread_total none = { .start_ns = meta->start_ns, .end_ns = meta->start_ns };

	fill_thread(thread, &none, meta);
}

int totals_hand_over(struct totals *totals, struct trace_bpf *probes, struct turns *turns,
		     struct trace *trace)
{
	for (uint32_t i = 0; i < probes->bss->thread_count; i++)
		fill_empty(trace_add_thread(trace), &trace->meta);
	for (size_t i = 0; i < totals->row_count; i++) {
		const struct thread_total *total = &totals->rows[i].total;
		struct thread *thread;

		if (total->thread == 0 || total->thread > trace->thread_count ||
		    total->start_ns == UINT64_MAX)
			continue;
		thread = &trace->threads[total->thread - 1];
		fill_thread(thread, total, &trace->meta);
		for (int j = 0; j < THREAD_USES; j++) {
			if (total->uses[j].use.address)
				add_use_row(trace, turns, total->thread, &total->uses[j]);
		}
		if (totals->rows[i].is_alive && total->pid != trace->meta.root_pid &&
		    total->pid == total->tid) {
			OWNED(mem_freep) char *left = xasprintf("%d %s", total->pid, thread->comm);

			trace_add_string(&trace->meta.left_behind, left);
		}
	}
	add_rest(trace, probes);
	return add_hashed_uses(trace, probes, turns);
}
