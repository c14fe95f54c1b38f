/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * N threads meet at a barrier; thread i sleeps (i + 1) × step before each meeting, so the last one
 * keeps all others waiting: w_barrier [--threads N] [--rounds N] [--step-ms N].
 */
#include "w.h"

static pthread_barrier_t barrier;
static uint64_t rounds, step_ns, count;

struct part {
	struct w_truth truth;
	uint64_t number;
};

static void *meet(void *argument)
{
	struct part *part = argument;

	w_begin(&part->truth, part->number + 1 == count ? "last" : "early", &barrier);
	for (uint64_t i = 0; i < rounds; i++) {
		w_rest((part->number + 1) * step_ns);
		w_wait_begins(&part->truth);
		pthread_barrier_wait(&barrier);
		w_wait_ends(&part->truth);
	}
	w_end(&part->truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct part parts[W_THREADS_MAX];
	pthread_t threads[W_THREADS_MAX];

	count = w_number(argc, argv, "--threads", 3);
	rounds = w_number(argc, argv, "--rounds", 10);
	step_ns = w_number(argc, argv, "--step-ms", 10) * W_MS;
	w_check(count > 0 && count <= W_THREADS_MAX, "number of threads");
	w_check(!pthread_barrier_init(&barrier, NULL, (unsigned int)count), "barrier");
	for (uint64_t i = 0; i < count; i++) {
		parts[i].number = i;
		threads[i] = w_start(meet, &parts[i]);
	}
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[i]);
	for (uint64_t i = 0; i < count; i++)
		w_say(&parts[i].truth);
	return 0;
}
