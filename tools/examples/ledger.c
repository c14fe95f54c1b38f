/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An example to measure: two threads post to a ledger under one mutex while others keep the CPUs
 * busy, so that a poster loses its CPU with the mutex in hand. ledger [POSTS [BUSY_THREADS]]
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS_MAX 64
#define ENTRY_WORK 2000000u /* steps under the mutex: one to two milliseconds */

static pthread_mutex_t ledger_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t ledger_sum;
static unsigned long posts = 100;
static int is_over;

static uint64_t mix(uint64_t value, unsigned int steps)
{
	while (steps--)
		value = value * 6364136223846793005u + 1442695040888963407u;
	return value;
}

static void *post(void *argument)
{
	for (unsigned long i = 0; i < posts; i++) {
		pthread_mutex_lock(&ledger_mutex);
		ledger_sum += mix(i, ENTRY_WORK);
		pthread_mutex_unlock(&ledger_mutex);
		mix(i, ENTRY_WORK / 10);
	}
	return argument;
}

static void *keep_busy(void *argument)
{
	volatile uint64_t value = 1;

	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		value = mix(value, 1000);
	return argument;
}

static void start(pthread_t *thread, void *(*body)(void *))
{
	if (pthread_create(thread, NULL, body, NULL)) {
		perror("pthread_create");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	pthread_t posters[2], busy[THREADS_MAX];
	unsigned long busy_count = argc > 2 ? strtoul(argv[2], NULL, 10) : 6;

	if (argc > 1)
		posts = strtoul(argv[1], NULL, 10);
	if (busy_count > THREADS_MAX)
		busy_count = THREADS_MAX;
	for (unsigned long i = 0; i < busy_count; i++)
		start(&busy[i], keep_busy);
	for (int i = 0; i < 2; i++)
		start(&posters[i], post);
	for (int i = 0; i < 2; i++)
		pthread_join(posters[i], NULL);
	__atomic_store_n(&is_over, 1, __ATOMIC_RELAXED);
	for (unsigned long i = 0; i < busy_count; i++)
		pthread_join(busy[i], NULL);
	printf("ledger %llu\n", (unsigned long long)ledger_sum);
	return 0;
}
