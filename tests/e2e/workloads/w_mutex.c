/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * N threads take one mutex in turn and hold it for a known time:
 * w_mutex [--threads N] [--rounds N] [--hold-us N] [--sleeps] (the holder sleeps, else it runs)
 * [--own] (each thread has a mutex of its own: the same without a wait).
 */
#include "w.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t mutexes[W_THREADS_MAX];
static uint64_t rounds, hold_ns;
static bool sleeps;

static void *contend(void *argument)
{
	struct w_truth *truth = argument;
	pthread_mutex_t *mine = truth->lock ? (pthread_mutex_t *)truth->lock : &mutex;

	w_begin(truth, "contender", mine);
	for (uint64_t i = 0; i < rounds; i++) {
		w_wait_begins(truth);
		pthread_mutex_lock(mine);
		w_wait_ends(truth);
		if (sleeps)
			w_rest(hold_ns);
		else
			w_burn(hold_ns);
		pthread_mutex_unlock(mine);
		w_rest(100000); /* lets another have it: a glibc mutex is not fair */
	}
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct w_truth truths[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 3);

	rounds = w_number(argc, argv, "--rounds", 20);
	hold_ns = w_number(argc, argv, "--hold-us", 5000) * 1000;
	sleeps = w_flag(argc, argv, "--sleeps");
	for (uint64_t i = 0; i < W_THREADS_MAX; i++) {
		pthread_mutex_init(&mutexes[i], NULL);
		truths[i].lock = w_flag(argc, argv, "--own") ? &mutexes[i] : NULL;
	}
	w_team(contend, truths, count);
	return 0;
}
