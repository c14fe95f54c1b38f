/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads take a mutex in two functions, in fill() three times as often as in drain():
 * w_places [--threads N] [--rounds N] [--hold-us N] [--one] (in fill() only) [--timed] (drain()
 * with a time-out) [--two] (each function has a mutex of its own, and they take turns).
 */
#include "w.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t other = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t *drained = &mutex;
static uint64_t rounds, hold_ns, drain_every, cycle = 4;
static bool is_timed;

static __attribute__((noinline)) void fill(void)
{
	pthread_mutex_lock(&mutex);
	w_burn(hold_ns);
	pthread_mutex_unlock(&mutex);
}

static __attribute__((noinline)) void drain(void)
{
	struct timespec until = { .tv_sec = 0x7fffffff };

	if (is_timed)
		pthread_mutex_timedlock(drained, &until);
	else
		pthread_mutex_lock(drained);
	w_burn(hold_ns);
	pthread_mutex_unlock(drained);
}

static void *work(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "worker", &mutex);
	for (uint64_t i = 0; i < rounds; i++) {
		if (i % cycle == drain_every)
			drain();
		else
			fill();
		w_rest(20000); /* lets another have it: a glibc mutex is not fair */
	}
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct w_truth truths[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 3);

	rounds = w_number(argc, argv, "--rounds", 300);
	hold_ns = w_number(argc, argv, "--hold-us", 300) * 1000;
	drain_every = w_flag(argc, argv, "--one") ? 4 : 3;
	is_timed = w_flag(argc, argv, "--timed");
	if (w_flag(argc, argv, "--two")) {
		drained = &other;
		cycle = 2;
		drain_every = 1;
	}
	w_team(work, truths, count);
	return 0;
}
