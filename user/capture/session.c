/* SPDX-License-Identifier: GPL-2.0-only */
/* One observation from begin to end. */
#include "capture/session.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/holders.h"
#include "capture/host.h"
#include "capture/lives.h"
#include "capture/looks.h"
#include "capture/pace.h"
#include "capture/privilege.h"
#include "capture/probes.h"
#include "capture/spawn.h"
#include "capture/targets.h"
#include "capture/totals.h"
#include "capture/turns.h"
#include "trace.skel.h"

#define NS_PER_MS 1000000ULL
#define NOT_YET UINT64_MAX
/* An edge of the window lies so far ahead that every CPU sees it before it comes. */
#define AHEAD_NS (2 * NS_PER_MS)
/* After the end, a program that began before it may still be running: a stolen CPU takes its time.
 */
#define SETTLE_NS (20 * NS_PER_MS)
#define ENDING_STEP_MS 5 /* once the end of the window is known */
#define STACKS_EVERY_NS (4000 * NS_PER_MS) /* so often STACKS_MAX more may be copied */

struct session {
	struct session_options options;
	struct trace_bpf *probes;
	struct ring_buffer *turns_ring;
	struct ring_buffer *lives_ring;
	struct holders *holders;
	struct turns *turns;
	struct lives *lives;
	struct looks *looks;
	struct totals *totals;
	struct spawn spawn;
	int stats_fd;
	int exit_status;
	pid_t root_pid;
	bool is_attached;
	bool is_interrupted;
	bool is_done;
	bool has_started; /* the figures of the start are taken */
	struct meta start; /* of which only host figures are used */
	struct host_times start_times;
	struct host_cgroup *cgroup;
	struct quota start_quota;
	uint64_t start_cpu_ns;
	uint64_t own_cpu_ns; /* in the window */
	int drain_error;
	struct pace pace;
	uint64_t drained_bytes; /* of turns, by the last drain */
	uint64_t renewed_ns; /* when it was last allowed to copy stacks */
};

uint64_t session_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

static int take_turn(void *context, void *data, size_t bytes)
{
	struct session *session = context;
	int err = turns_take(session->turns, data, bytes);

	session->drained_bytes += bytes;
	if (err && !session->drain_error)
		session->drain_error = err;
	return 0;
}

static int take_life(void *context, void *data, size_t bytes)
{
	struct session *session = context;

	/* A live view shows the living and names what it shows itself. */
	if (!session->options.is_live)
		lives_take(session->lives, data, bytes);
	return 0;
}

static int open_rings(struct session *session)
{
	struct trace_bpf *probes = session->probes;

	session->turns_ring =
		ring_buffer__new(bpf_map__fd(probes->maps.turns), take_turn, session, NULL);
	session->lives_ring =
		ring_buffer__new(bpf_map__fd(probes->maps.lives), take_life, session, NULL);
	if (!session->turns_ring || !session->lives_ring)
		return fail(-errno, "cannot map the ring buffers");
	session->pace.ring_bytes = bpf_map__max_entries(probes->maps.turns);
	session->pace.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_CONF);
	return 0;
}

struct session *session_open(const struct session_options *options)
{
	struct session *session = xcalloc(1, sizeof(*session));

	session->options = *options;
	session->exit_status = -1;
	session->stats_fd = -1;
	session->spawn = (struct spawn){ .pidfd = -1, .release_fd = -1, .error_fd = -1 };
	session->holders = holders_new();
	session->turns = turns_new(options->max_bytes, session->holders);
	session->totals = totals_new(!options->is_live);
	session->probes = probes_open(options);
	if (session->probes)
		session->lives =
			lives_new(session->holders, bpf_map__fd(session->probes->maps.gil_words),
				  &session->probes->bss->has_gil_words);
	if (session->probes)
		session->looks = looks_new(session->probes, session->holders);
	turns_look(session->turns, session->looks);
	if (!session->probes || open_rings(session)) {
		session_close(session);
		return NULL;
	}
	if (options->counts_bpf_time)
		session->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	return session;
}

/* The figures that are compared with their like at the end. */
static void note_start(struct session *session)
{
	host_describe(&session->start);
	host_times_read(&session->start_times);
	session->cgroup = host_cgroup_open(session->root_pid);
	host_quota_read(session->cgroup, &session->start_quota);
	session->start_cpu_ns = own_cpu_ns();
	session->has_started = true;
}

/* From here on only others' names and files are read. */
static int give_up_privilege(const struct session *session)
{
	int err = session->options.keeps_privilege ? 0 : privilege_drop();

	return err ? fail(err, "cannot give up the privileges that observing does not need") : 0;
}

int session_spawn(struct session *session, char *const argv[], const struct run_as *as,
		  const int stdio[3])
{
	int err = spawn_hold(&session->spawn, argv, as, stdio);

	if (err)
		return err;
	session->root_pid = session->spawn.pid;
	err = targets_mark(session->probes, session->root_pid);
	if (!err)
		err = targets_scan(session->probes);
	if (err)
		return err;
	/* The descendants that the scan looks for by their parents are born under our eyes from now
	 * on. */
	session->probes->bss->root_tgid = session->root_pid;
	session->probes->bss->ends_with_root = !session->options.waits_for_descendants;
	note_start(session);
	err = give_up_privilege(session);
	return err ? err : spawn_release(&session->spawn);
}

int session_attach(struct session *session, const pid_t *pids, size_t pid_count)
{
	int err;

	session->is_attached = true;
	session->root_pid = pids[0];
	for (size_t i = 0; i < pid_count; i++) {
		err = targets_mark(session->probes, pids[i]);
		if (err)
			return err;
	}
	err = targets_scan(session->probes);
	if (err)
		return err;
	if (session->probes->bss->thread_count == 0)
		return fail_plain(-ESRCH,
				  "no thread of process %d is left to observe: it ended "
				  "meanwhile",
				  pids[0]);
	note_start(session);
	err = give_up_privilege(session);
	if (!err)
		session->probes->data->start_ns = session_now_ns() + AHEAD_NS;
	return err;
}

pid_t session_pid(const struct session *session)
{
	return session->root_pid;
}

int session_exit_status(const struct session *session)
{
	return session->exit_status;
}

int session_poll_fd(const struct session *session)
{
	return ring_buffer__epoll_fd(session->lives_ring);
}

/* Looking at stacks must not cost more than a few thousandths of a CPU. */
static void renew_stacks(struct session *session)
{
	uint64_t now_ns = session_now_ns();

	if (now_ns - session->renewed_ns < STACKS_EVERY_NS)
		return;
	session->renewed_ns = now_ns;
	session->probes->bss->stacks_copied = 0;
}

static int drain(struct session *session)
{
	int err;

	renew_stacks(session);
	ring_buffer__consume(session->lives_ring);
	lives_look(session->lives);
	session->drained_bytes = 0;
	ring_buffer__consume(session->turns_ring);
	if (session->looks)
		looks_step(session->looks);
	err = totals_drain(session->totals, session->probes);
	if (err)
		return fail(err, "cannot read the totals of ended threads");
	if (session->drain_error)
		return fail(session->drain_error,
			    "cannot keep the slices in a file under '%s'; "
			    "set TMPDIR to a place with room",
			    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (session->exit_status < 0 && session->spawn.pid > 0)
		session->exit_status = spawn_reap(&session->spawn);
	return 0;
}

/* The window is over: what is open is closed, in the kernel first, and everything comes out. */
static int finish(struct session *session)
{
	int err;

	session->own_cpu_ns = own_cpu_ns() - session->start_cpu_ns;
	err = totals_finish(session->totals, session->probes);
	probes_detach(session->probes);
	if (err)
		return err;
	err = drain(session);
	/* A command that died with the window is reaped before it is reported. */
	for (int i = 0; i < 100 && !session->is_attached && session->exit_status < 0 &&
			!session->is_interrupted;
	     i++) {
		poll(NULL, 0, 1);
		session->exit_status = spawn_reap(&session->spawn);
	}
	/* It is empty for good, and its pages are the largest part of convoy's memory. */
	ring_buffer__free(session->turns_ring);
	session->turns_ring = NULL;
	session->is_done = true;
	return err;
}

int session_step(struct session *session)
{
	uint64_t end_ns = session->probes->data->end_ns;
	int err;

	if (session->is_done)
		return 1;
	err = drain(session);
	if (err)
		return err;
	if (end_ns == NOT_YET || session_now_ns() < end_ns + SETTLE_NS)
		return 0;
	err = finish(session);
	return err ? err : 1;
}

void session_stop(struct session *session, bool is_interrupted)
{
	struct trace_bpf__data *edges = session->probes->data;
	uint64_t now_ns = session_now_ns();

	session->is_interrupted |= is_interrupted;
	/* A window that never opened is empty. */
	if (edges->start_ns == NOT_YET)
		edges->start_ns = now_ns + AHEAD_NS;
	if (edges->end_ns == NOT_YET)
		edges->end_ns = now_ns + AHEAD_NS;
}

int session_sleep_ms(const struct session *session)
{
	if (session->probes->data->end_ns != NOT_YET)
		return ENDING_STEP_MS;
	if (lives_wants_look(session->lives))
		return PACE_LEAST_MS;
	return pace_sleep_ms(&session->pace, session->drained_bytes);
}

/* Milliseconds until there is something to do, at most `left`. */
static int step_timeout(const struct session *session, uint64_t left_ms)
{
	int timeout = session_sleep_ms(session);

	return left_ms < (uint64_t)timeout ? (int)left_ms : timeout;
}

int session_wait(struct session *session, int timeout_ms)
{
	uint64_t give_up_ns =
		timeout_ms < 0 ? NOT_YET : session_now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
	struct pollfd fds[2] = {
		{ .fd = session_poll_fd(session), .events = POLLIN },
	};

	for (;;) {
		uint64_t now_ns = session_now_ns();
		uint64_t left_ms = give_up_ns == NOT_YET ? UINT32_MAX
				   : now_ns < give_up_ns
					   ? (give_up_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS
					   : 0;
		int done;

		fds[1].fd = session->exit_status < 0 ? session->spawn.pidfd : -1;
		fds[1].events = POLLIN;
		if (poll(fds, 2, step_timeout(session, left_ms)) < 0)
			return errno == EINTR ? session_step(session) : -errno;
		done = session_step(session);
		if (done || !left_ms)
			return done;
	}
}

int session_peek(struct session *session, struct live_thread **ret_threads, size_t *ret_count)
{
	int err = drain(session);

	return err ? err : totals_peek(session->probes, ret_threads, ret_count);
}

static void fill_losses(struct session *session, struct trace *trace,
			const struct probes_cost *cost)
{
	struct meta *meta = &trace->meta;

	for (int i = 0; i < LOSS_COUNT; i++)
		meta->loss[i] = session->probes->bss->loss[i];
	meta->recursion_misses = cost->recursion_misses;
	meta->slices_lost = meta->loss[LOSS_SLICE_RING];
	meta->slices_produced = turns_taken(session->turns) + meta->slices_lost;
	meta->is_truncated = turns_is_truncated(session->turns);
	meta->is_interrupted = session->is_interrupted;
	meta->is_complete =
		!meta->is_truncated && !cost->recursion_misses && !turns_bad(session->turns);
	for (int i = 0; i < LOSS_COUNT; i++) {
		/* Clamped clocks, 32-bit calls and repaired switches lose nothing of the account.
		 */
		if (meta->loss[i] && i != LOSS_CLOCK_BACK && i != LOSS_COMPAT && i != LOSS_REPAIRED)
			meta->is_complete = false;
	}
}

static uint64_t targets_cpu_ns(const struct trace *trace)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < trace->thread_count; i++)
		sum += trace->threads[i].state_ns[STATE_RUNNING];
	return sum;
}

static void fill_meta(struct session *session, struct trace *trace)
{
	struct meta *meta = &trace->meta;
	struct host_times times;
	struct quota quota;

	trace_set_string(&meta->version, CONVOY_VERSION);
	trace_set_string(&meta->kind, session->is_attached ? "attach" : "run");
	trace_set_string(&meta->mode, session->options.is_lean ? "lean" : "default");
	host_describe(meta);
	meta->realtime_offset_ns = session->start.realtime_offset_ns;
	meta->boottime_offset_ns = session->start.boottime_offset_ns;
	meta->root_pid = session->root_pid;
	meta->exit_status = session->exit_status;
	meta->start_ns = session->probes->data->start_ns;
	meta->end_ns = session->probes->data->end_ns;
	if (meta->end_ns < meta->start_ns)
		meta->end_ns = meta->start_ns;
	meta->own_cpu_ns = session->own_cpu_ns;
	host_times_read(&times);
	host_times_fill(meta, &session->start_times, &times,
			targets_cpu_ns(trace) + meta->own_cpu_ns);
	host_quota_read(session->cgroup, &quota);
	meta->quota = host_quota_since(&session->start_quota, &quota);
}

int session_finish(struct session *session, struct trace **ret_trace)
{
	struct trace *trace = trace_new();
	struct probes_cost cost;

	probes_read_cost(session->probes, &cost);
	trace->meta.start_ns = session->probes->data->start_ns;
	trace->meta.end_ns = session->probes->data->end_ns;
	trace->meta.root_pid = session->root_pid;
	totals_hand_over(session->totals, session->probes, session->turns, trace);
	fill_meta(session, trace);
	lives_hand_over(session->lives, trace);
	turns_hand_over(session->turns, trace);
	fill_losses(session, trace, &cost);
	/* Somebody else may have turned the statistics on. */
	trace->meta.bpf_run_ns =
		session->stats_fd >= 0 || cost.run_ns ? cost.run_ns : TRACE_NOT_MEASURED;
	trace->meta.bpf_memory_bytes = cost.memory_bytes;
	*ret_trace = trace;
	return 0;
}

void session_use_locks(struct session *session, const struct trace *trace)
{
	turns_use_locks(session->turns, trace);
}

void session_close(struct session *session)
{
	if (!session)
		return;
	spawn_close(&session->spawn);
	if (session->stats_fd >= 0)
		close(session->stats_fd);
	ring_buffer__free(session->turns_ring);
	ring_buffer__free(session->lives_ring);
	looks_free(session->looks);
	probes_close(session->probes);
	turns_free(session->turns);
	lives_free(session->lives);
	totals_free(session->totals);
	holders_free(session->holders);
	host_cgroup_close(session->cgroup);
	free(session->start.kernel);
	free(session->start.arch);
	free(session);
}
