/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * N threads are born, work a little and die, --at-once of them alive at any time. Prints
 * "threads count=…": those made besides the main one. w_threads [--count N] [--at-once N] [--us N]
 */
#include "w.h"

static uint64_t busy_ns;

static void *live(void *argument)
{
	w_burn(busy_ns);
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t threads[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--count", 2000);
	uint64_t at_once = w_number(argc, argv, "--at-once", 16);

	busy_ns = w_number(argc, argv, "--us", 20) * 1000;
	w_check(at_once > 0 && at_once <= W_THREADS_MAX, "--at-once");
	for (uint64_t i = 0; i < count; i++) {
		if (i >= at_once)
			w_join(threads[i % at_once]);
		threads[i % at_once] = w_start(live, NULL);
	}
	for (uint64_t i = 0; i < (count < at_once ? count : at_once); i++)
		w_join(threads[i]);
	printf("threads count=%llu\n", (unsigned long long)count);
	return 0;
}
