/* SPDX-License-Identifier: GPL-2.0-only */
/* A timer on one thread at a time, where this kernel lets us. */
#include "capture/looks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "capture/holders.h"
#include "capture/session.h"
#include "trace.skel.h"

#define EVERY_NS 4000000ULL /* of the thread's running time */
/* Requests come late, eight turns of a thread at a time: often the hold is over, and it is the next
 * one that is seen. */
#define LOOK_NS 200000000ULL
#define PAUSE_NS 300000000ULL
#define LOOKS_MAX 20 /* of a run: by then it is known what there is to know */
#define IN_VAIN 2 /* requests that the same holder let pass */

struct looks {
	struct trace_bpf *probes;
	struct holders *holders;
	/* The waits in a row of one thread for one holder that ended without it. */
	uint32_t waiter;
	uint64_t holder;
	int in_vain;
	/* The look under way. */
	int timer_fd; /* -1: none */
	uint32_t thread;
	uint64_t begun_ns;
	int count;
};

struct looks *looks_new(struct trace_bpf *probes, struct holders *holders)
{
	struct looks *looks = xcalloc(1, sizeof(*looks));

	looks->probes = probes;
	looks->holders = holders;
	looks->timer_fd = -1;
	return looks;
}

static void end_look(struct looks *looks)
{
	if (looks->timer_fd < 0)
		return;
	close(looks->timer_fd);
	looks->timer_fd = -1;
	bpf_map_delete_elem(bpf_map__fd(looks->probes->maps.looks), &looks->thread);
}

void looks_free(struct looks *looks)
{
	if (!looks)
		return;
	end_look(looks);
	free(looks);
}

void looks_step(struct looks *looks)
{
	if (looks->timer_fd >= 0 && session_now_ns() - looks->begun_ns >= LOOK_NS)
		end_look(looks);
}

/* A timer that counts while the thread runs and calls the kernel side; -1: not here. */
static int open_timer(pid_t tid, int program_fd)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attributes),
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.sample_period = EVERY_NS,
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program_fd) == 0 &&
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0)
		return fd;
	close(fd);
	return -1;
}

static void begin_look(struct looks *looks, const struct cycle_record *turn, uint32_t thread)
{
	struct {
		uint64_t address;
		uint32_t proc;
		uint32_t pad;
	} key = { .address = turn->use.address, .proc = turn->proc };
	struct gil_look look = { .holder = turn->holder };
	pid_t tid = holders_tid(looks->holders, thread);

	if (tid <= 0 ||
	    bpf_map_lookup_elem(bpf_map__fd(looks->probes->maps.gil_words), &key, &look.gil_start))
		return;
	looks->count++;
	looks->begun_ns = session_now_ns();
	looks->thread = thread;
	if (bpf_map_update_elem(bpf_map__fd(looks->probes->maps.looks), &thread, &look, BPF_ANY))
		return;
	looks->timer_fd = open_timer(tid, bpf_program__fd(looks->probes->progs.on_look));
	if (looks->timer_fd < 0) {
		bpf_map_delete_elem(bpf_map__fd(looks->probes->maps.looks), &thread);
		looks->count = LOOKS_MAX; /* nor will it work the next time */
	}
}

void looks_take(struct looks *looks, const struct cycle_record *turn, uint32_t holder)
{
	bool is_wait = turn->state == STATE_FUTEX;
	bool is_in_vain = is_wait && (turn->flags & CYCLE_HOLDER_TSTATE) &&
			  (turn->use.flags & USE_TIMED) && turn->waker == 0 && holder != 0;

	/* Somebody let go. The turns of a thread come in batches, without those of the holder. */
	if (is_wait && turn->waker && turn->thread == looks->waiter)
		looks->in_vain = 0;
	if (!is_in_vain)
		return;
	if (turn->thread != looks->waiter || turn->holder != looks->holder)
		looks->in_vain = 0;
	looks->waiter = turn->thread;
	looks->holder = turn->holder;
	if (++looks->in_vain < IN_VAIN || looks->timer_fd >= 0 || looks->count >= LOOKS_MAX ||
	    (looks->count && session_now_ns() - looks->begun_ns < PAUSE_NS))
		return;
	begin_look(looks, turn, holder);
}
