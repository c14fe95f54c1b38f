/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An example to measure: a fixed amount of work shared out to as many threads as asked for, no
 * lock anywhere: more threads than CPUs only wait for each other. crowd [THREADS [STEPS]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 256

static uint64_t steps_each;

static void *work(void *argument)
{
	uint64_t value = (uintptr_t)argument;

	for (uint64_t step = 0; step < steps_each; step++)
		value = value * 6364136223846793005u + 1442695040888963407u;
	return (void *)(uintptr_t)value;
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 16;
	uint64_t steps = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000000u;
	pthread_t threads[THREADS_MAX];
	uintptr_t sum = 0;

	if (count < 1 || count > THREADS_MAX)
		return 1;
	steps_each = steps / count;
	for (unsigned long i = 0; i < count; i++) {
		if (pthread_create(&threads[i], NULL, work, NULL)) {
			perror("pthread_create");
			return 1;
		}
	}
	for (unsigned long i = 0; i < count; i++) {
		void *value;

		pthread_join(threads[i], &value);
		sum += (uintptr_t)value;
	}
	printf("%lu threads: %lu\n", count, (unsigned long)sum);
	return 0;
}
