/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every futex wait operation, each ended by a wake-up, by a time-out, and refused with EAGAIN where
 * it can be. Truth, one line a cell: "cell op=… result=… wait_ns=… tid=… lock=0x…".
 * w_futexops [--ms N]: how long each wait lasts.
 */
#include "w.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL_FUTEX_WAITV 449
#define CALL_FUTEX_WAIT 455
#define FLAG_SIZE_U32 2
#define FLAG_PRIVATE 128

struct waitv {
	uint64_t value;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

/* One waiting thread. Each cell has a cache line of its own, so no two share a word. */
struct cell {
	uint32_t word;
	uint32_t word2; /* of a requeue: where it goes */
	int op;
	bool is_timed;
	uint32_t value; /* waited for */
	long result;
	struct w_truth truth;
} __attribute__((aligned(256)));

static uint64_t wait_ns;

static struct timespec deadline(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return w_timespec((uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec + wait_ns);
}

static long raw(long result)
{
	return result < 0 ? -errno : result;
}

static long wait_relative(struct cell *cell)
{
	struct timespec timeout = w_timespec(wait_ns);

	return w_futex(&cell->word, cell->op | FUTEX_PRIVATE_FLAG, cell->value,
		       cell->is_timed ? &timeout : NULL, NULL, 0);
}

static long wait_absolute(struct cell *cell)
{
	clockid_t clock = cell->op == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	struct timespec timeout = deadline(clock);

	return w_futex(&cell->word, cell->op | FUTEX_PRIVATE_FLAG, cell->value,
		       cell->is_timed ? &timeout : NULL, &cell->word2, FUTEX_BITSET_MATCH_ANY);
}

static long wait_vector(struct cell *cell)
{
	struct waitv waiter = { cell->value, (uint64_t)(uintptr_t)&cell->word,
				FLAG_SIZE_U32 | FLAG_PRIVATE, 0 };
	struct timespec timeout = deadline(CLOCK_MONOTONIC);

	return raw(syscall(CALL_FUTEX_WAITV, &waiter, 1, 0, cell->is_timed ? &timeout : NULL,
			   CLOCK_MONOTONIC));
}

static long wait_new(struct cell *cell)
{
	struct timespec timeout = deadline(CLOCK_MONOTONIC);

	return raw(syscall(CALL_FUTEX_WAIT, &cell->word, (unsigned long)cell->value, ~0u,
			   FLAG_SIZE_U32 | FLAG_PRIVATE, cell->is_timed ? &timeout : NULL,
			   CLOCK_MONOTONIC));
}

static void wake_plain(struct cell *cell)
{
	w_futex_wake(&cell->word, 1);
}

static void wake_pi(struct cell *cell)
{
	w_futex(&cell->word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

static void wake_requeue(struct cell *cell)
{
	w_futex(&cell->word, FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG, 1,
		(const struct timespec *)(uintptr_t)1, &cell->word2, 0);
}

static const struct kind {
	const char *name;
	int op;
	bool is_pi; /* the word holds its owner: there is nothing to compare, so no EAGAIN */
	long (*wait)(struct cell *cell);
	void (*wake)(struct cell *cell);
} kinds[] = {
	{ "wait", FUTEX_WAIT, false, wait_relative, wake_plain },
	{ "wait_bitset", FUTEX_WAIT_BITSET, false, wait_absolute, wake_plain },
	{ "lock_pi", FUTEX_LOCK_PI, true, wait_absolute, wake_pi },
	{ "lock_pi2", FUTEX_LOCK_PI2, true, wait_absolute, wake_pi },
	{ "wait_requeue_pi", FUTEX_WAIT_REQUEUE_PI, false, wait_absolute, wake_requeue },
	{ "waitv", CALL_FUTEX_WAITV, false, wait_vector, wake_plain },
	{ "wait2", CALL_FUTEX_WAIT, false, wait_new, wake_plain },
};

static struct cell cells[3 * sizeof(kinds) / sizeof(kinds[0])];
static const struct kind *kind_of(const struct cell *cell)
{
	return &kinds[(cell - cells) / 3];
}

static void *wait_in_cell(void *argument)
{
	struct cell *cell = argument;

	w_begin(&cell->truth, kind_of(cell)->name, &cell->word);
	w_wait_begins(&cell->truth);
	cell->result = kind_of(cell)->wait(cell);
	w_wait_ends(&cell->truth);
	if (kind_of(cell)->is_pi && cell->result == 0)
		wake_pi(cell);
	w_end(&cell->truth);
	return NULL;
}

/* One wait from begin to end; how: 0 woken, 1 timed out, 2 refused. */
static void play_cell(struct cell *cell, int how)
{
	static const char *const results[] = { "woken", "timed_out", "again" };
	pthread_t thread;

	cell->op = kind_of(cell)->op;
	cell->is_timed = how == 1;
	cell->value = how == 2;
	if (kind_of(cell)->is_pi)
		cell->word = (uint32_t)w_tid();
	thread = w_start(wait_in_cell, cell);
	if (how == 0) {
		w_await_sleep(&cell->truth.tid);
		w_rest(wait_ns);
		kind_of(cell)->wake(cell);
	}
	w_join(thread);
	if (cell->result == -ENOSYS) {
		printf("absent op=%s\n", kind_of(cell)->name);
		return;
	}
	w_check(cell->result == (how == 0 ? 0 : how == 1 ? -ETIMEDOUT : -EAGAIN), results[how]);
	printf("cell op=%s result=%s wait_ns=%llu tid=%d lock=0x%llx\n", kind_of(cell)->name,
	       results[how], (unsigned long long)cell->truth.wait_ns, cell->truth.tid,
	       (unsigned long long)(uintptr_t)&cell->word);
}

int main(int argc, char **argv)
{
	wait_ns = w_number(argc, argv, "--ms", 20) * W_MS;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		if (i % 3 != 2 || !kind_of(&cells[i])->is_pi)
			play_cell(&cells[i], (int)(i % 3));
	return 0;
}
