/* SPDX-License-Identifier: GPL-2.0-only */
/* How fast the machine is at the moment. Not for the work that is measured. */
#include "cli/countdown_speed.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "cli/count_loop.h"

#define LOOP_COUNT 5000000 /* 2 to 10 ms */
#define TRIES 5
#define ENOUGH_NS 100000000

struct runner {
	pthread_t thread;
	pthread_barrier_t *barrier;
	int cpu;
	uint64_t best_ns; /* 0: could not be pinned */
};

/* Not the wall's: others may run in between, and that does not make the machine slower. */
static uint64_t thread_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static bool allowed_cpus(cpu_set_t *ret_set)
{
	CPU_ZERO(ret_set);
	return sched_getaffinity(0, sizeof(*ret_set), ret_set) == 0 && CPU_COUNT(ret_set) > 0;
}

unsigned int speed_cpus(void)
{
	cpu_set_t set;

	return allowed_cpus(&set) ? (unsigned int)CPU_COUNT(&set) : 1;
}

/* The index-th allowed CPU, -1: there are not so many. */
static int nth_cpu(const cpu_set_t *set, unsigned int index)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, set) && index-- == 0)
			return cpu;
	}
	return -1;
}

static void *run_loop(void *argument)
{
	struct runner *runner = argument;
	cpu_set_t set;
	bool is_pinned;

	CPU_ZERO(&set);
	CPU_SET(runner->cpu, &set);
	is_pinned = pthread_setaffinity_np(pthread_self(), sizeof(set), &set) == 0;
	for (int i = 0; i < TRIES; i++) {
		uint64_t begin_ns;
		uint64_t took_ns;

		pthread_barrier_wait(runner->barrier);
		begin_ns = thread_cpu_ns();
		count_loop(LOOP_COUNT);
		took_ns = thread_cpu_ns() - begin_ns;
		if (is_pinned && (runner->best_ns == 0 || took_ns < runner->best_ns))
			runner->best_ns = took_ns;
	}
	return NULL;
}

/* Runs all at once; the mean of their best, 0 if any could not be pinned. */
static uint64_t mean_of(struct runner *runners, unsigned int count)
{
	pthread_barrier_t barrier;
	uint64_t sum_ns = 0;
	bool is_known = true;

	pthread_barrier_init(&barrier, NULL, count);
	for (unsigned int i = 0; i < count; i++) {
		runners[i].barrier = &barrier;
		/* As without memory: a barrier of which one is missing would wait for ever. */
		if (pthread_create(&runners[i].thread, NULL, run_loop, &runners[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < count; i++) {
		pthread_join(runners[i].thread, NULL);
		is_known = is_known && runners[i].best_ns > 0;
		sum_ns += runners[i].best_ns;
	}
	pthread_barrier_destroy(&barrier);
	return is_known ? sum_ns / count : 0;
}

uint64_t speed_measure(unsigned int at_once, unsigned int among)
{
	unsigned int cpus = at_once > 1 ? at_once : among;
	struct runner *runners OWNED(mem_freep) = xcalloc(cpus, sizeof(*runners));
	uint64_t sum_ns = 0;
	cpu_set_t set;

	if (!allowed_cpus(&set) || cpus == 0)
		return 0;
	for (unsigned int i = 0; i < cpus; i++) {
		runners[i].cpu = nth_cpu(&set, i);
		if (runners[i].cpu < 0)
			return 0;
	}
	if (at_once > 1)
		return mean_of(runners, cpus);
	for (unsigned int i = 0; i < cpus; i++) {
		uint64_t ns = mean_of(&runners[i], 1);

		if (ns == 0)
			return 0;
		sum_ns += ns;
	}
	return sum_ns / cpus;
}

void speed_of_loop(uint64_t *ret_count, uint64_t *ret_ns)
{
	uint64_t took_ns = 0;
	uint64_t count = LOOP_COUNT / 2;

	while (took_ns < ENOUGH_NS) {
		uint64_t begin_ns = thread_cpu_ns();

		count *= 2;
		count_loop(count);
		took_ns = thread_cpu_ns() - begin_ns;
	}
	*ret_count = count;
	*ret_ns = took_ns;
}
