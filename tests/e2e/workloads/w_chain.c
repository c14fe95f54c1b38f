/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of threads: each waits on its own word until its predecessor wakes it, then wakes its
 * successor. Truth: the waker of every wait of thread i is thread i − 1 (the roles are numbers).
 * w_chain [--threads N] [--rounds N] [--pin CPU]
 */
#include "w.h"

static uint32_t words[W_THREADS_MAX];
static struct w_truth truths[W_THREADS_MAX];
static char roles[W_THREADS_MAX][8];
static uint64_t count, rounds;

static void *link_in_chain(void *argument)
{
	size_t number = (size_t)(uintptr_t)argument, next = (number + 1) % count;
	struct w_truth *truth = &truths[number];
	uint64_t slept = 0;

	w_begin(truth, roles[number], &words[number]);
	for (uint64_t i = 0; i < rounds; i++) {
		w_wait_begins(truth);
		while (!__atomic_load_n(&words[number], __ATOMIC_SEQ_CST))
			slept += w_futex_wait(&words[number], 0);
		w_wait_ends(truth);
		__atomic_store_n(&words[number], 0, __ATOMIC_SEQ_CST);
		w_burn(50000); /* the successor is asleep again when it is woken */
		__atomic_store_n(&words[next], 1, __ATOMIC_SEQ_CST);
		w_futex_wake(&words[next], 1);
	}
	truth->waits = slept;
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[W_THREADS_MAX];
	uint64_t cpu = w_number(argc, argv, "--pin", UINT64_MAX);

	count = w_number(argc, argv, "--threads", 3);
	rounds = w_number(argc, argv, "--rounds", 1000);
	w_check(count > 1 && count <= W_THREADS_MAX, "number of threads");
	if (cpu != UINT64_MAX)
		w_pin((int)cpu);
	for (size_t i = 0; i < count; i++) {
		snprintf(roles[i], sizeof(roles[i]), "%zu", i);
		threads[i] = w_start(link_in_chain, (void *)(uintptr_t)i);
	}
	w_rest(10 * W_MS);
	__atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
	w_futex_wake(&words[0], 1);
	for (size_t i = 0; i < count; i++)
		w_join(threads[i]);
	for (size_t i = 0; i < count; i++)
		w_say(&truths[i]);
	return 0;
}
