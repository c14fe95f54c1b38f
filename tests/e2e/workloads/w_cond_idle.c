/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool of N workers with nothing to do waits on a condition variable until it is told to end:
 * w_cond_idle [--threads N] [--ms N].
 */
#include "w.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool is_over;

static void *idle(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "idle", &news);
	pthread_mutex_lock(&mutex);
	while (!is_over) {
		w_wait_begins(truth);
		pthread_cond_wait(&news, &mutex);
		w_wait_ends(truth);
	}
	pthread_mutex_unlock(&mutex);
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct w_truth truths[W_THREADS_MAX];
	pthread_t threads[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 4);

	w_check(count <= W_THREADS_MAX, "too many threads");
	for (uint64_t i = 0; i < count; i++)
		threads[i] = w_start(idle, &truths[i]);
	w_rest(w_number(argc, argv, "--ms", 300) * W_MS);
	pthread_mutex_lock(&mutex);
	is_over = true;
	pthread_cond_broadcast(&news);
	pthread_mutex_unlock(&mutex);
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[i]);
	for (uint64_t i = 0; i < count; i++)
		w_say(&truths[i]);
	return 0;
}
