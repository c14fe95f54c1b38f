/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that say when they had which lock: "hold tid=… lock=0x… from=… to=…", CLOCK_MONOTONIC.
 * w_holders [--threads N] [--rounds N] [--hold-us N] [--sleeps] [--busy]: take one mutex in turn;
 * the holder runs (--busy: all on one CPU, beside a thread that spins there) or sleeps.
 * w_holders --chain: one holds a lock and sleeps, the next waits for that with another in hand, the
 * last waits for the other. w_holders --rwlock: readers overlap while one wants to write.
 */
#include "w.h"

#define HOLDS_MAX 1000
#define READ_NS (10 * W_MS)
#define READS 25

struct hold {
	const void *lock;
	pid_t tid;
	uint64_t from_ns;
	uint64_t to_ns;
};

struct holder {
	struct w_truth truth;
	struct hold holds[HOLDS_MAX];
	size_t count;
	size_t number;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t rounds, hold_ns;
static bool sleeps, is_over;

static struct hold *begin_hold(struct holder *holder, const void *lock)
{
	struct hold *hold = &holder->holds[holder->count++];

	w_check(holder->count <= HOLDS_MAX, "number of holds");
	*hold = (struct hold){ .lock = lock, .tid = w_tid(), .from_ns = w_now_ns() };
	return hold;
}

static void *take_turns(void *argument)
{
	struct holder *holder = argument;

	w_begin(&holder->truth, "contender", &mutex);
	for (uint64_t i = 0; i < rounds; i++) {
		struct hold *hold;

		pthread_mutex_lock(&mutex);
		hold = begin_hold(holder, &mutex);
		if (sleeps)
			w_rest(hold_ns);
		else
			w_burn(hold_ns);
		hold->to_ns = w_now_ns();
		pthread_mutex_unlock(&mutex);
		w_rest(100000); /* lets another have it: a glibc mutex is not fair */
	}
	w_end(&holder->truth);
	return NULL;
}

static void *spin(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		w_burn(100000);
	return NULL;
}

/* Number 0 sleeps with `inner`, 1 waits for it with `mutex` in hand, 2 waits for that. */
static void *link_of_chain(void *argument)
{
	struct holder *holder = argument;
	static const char *const roles[] = { "last", "middle", "first" };
	struct hold *hold = NULL;

	w_rest(20 * W_MS * holder->number);
	w_begin(&holder->truth, roles[holder->number], holder->number == 2 ? &mutex : &inner);
	if (holder->number) {
		pthread_mutex_lock(&mutex);
		hold = begin_hold(holder, &mutex);
	}
	if (holder->number < 2) {
		pthread_mutex_lock(&inner);
		if (!holder->number) {
			hold = begin_hold(holder, &inner);
			w_rest(200 * W_MS);
			hold->to_ns = w_now_ns();
		}
		pthread_mutex_unlock(&inner);
	}
	if (holder->number) {
		hold->to_ns = w_now_ns();
		pthread_mutex_unlock(&mutex);
	}
	w_end(&holder->truth);
	return NULL;
}

/* Readers relieve each other, so that one is always inside. */
static void *read_often(void *argument)
{
	struct holder *holder = argument;

	w_begin(&holder->truth, "reader", &rwlock);
	w_rest(READ_NS / 2 * holder->number);
	for (int i = 0; i < READS; i++) {
		pthread_rwlock_rdlock(&rwlock);
		w_rest(READ_NS);
		pthread_rwlock_unlock(&rwlock);
	}
	w_end(&holder->truth);
	return NULL;
}

static void *write_once(void *argument)
{
	struct holder *holder = argument;

	w_begin(&holder->truth, "writer", &rwlock);
	w_rest(READ_NS);
	w_wait_begins(&holder->truth);
	pthread_rwlock_wrlock(&rwlock);
	w_wait_ends(&holder->truth);
	pthread_rwlock_unlock(&rwlock);
	w_end(&holder->truth);
	return NULL;
}

static void say(const struct holder *holder)
{
	w_say(&holder->truth);
	for (size_t i = 0; i < holder->count; i++) {
		const struct hold *hold = &holder->holds[i];

		printf("hold tid=%d lock=0x%jx from=%ju to=%ju\n", hold->tid,
		       (uintmax_t)(uintptr_t)hold->lock, (uintmax_t)hold->from_ns,
		       (uintmax_t)hold->to_ns);
	}
}

static void run(size_t count, void *(*body)(void *), void *(*last_body)(void *))
{
	static struct holder holders[W_THREADS_MAX];
	pthread_t threads[W_THREADS_MAX];

	for (size_t i = 0; i < count; i++) {
		holders[i].number = i;
		threads[i] = w_start(i + 1 == count ? last_body : body, &holders[i]);
	}
	for (size_t i = 0; i < count; i++)
		w_join(threads[i]);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < count; i++)
		say(&holders[i]);
}

int main(int argc, char **argv)
{
	uint64_t count = w_number(argc, argv, "--threads", 3);
	pthread_t spinner;

	rounds = w_number(argc, argv, "--rounds", 20);
	hold_ns = w_number(argc, argv, "--hold-us", 5000) * 1000;
	sleeps = w_flag(argc, argv, "--sleeps");
	w_check(count >= 1 && count <= W_THREADS_MAX, "number of threads");
	if (w_flag(argc, argv, "--chain")) {
		run(3, link_of_chain, link_of_chain);
	} else if (w_flag(argc, argv, "--rwlock")) {
		run(3, read_often, write_once);
	} else if (w_flag(argc, argv, "--busy")) {
		w_pin(0);
		spinner = w_start(spin, NULL);
		run(count, take_turns, take_turns);
		w_join(spinner);
	} else {
		run(count, take_turns, take_turns);
	}
	return 0;
}
