/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cache whose entries each have a mutex on the heap, all taken at one place: in each round all
 * threads get the same entry and work on it, then they meet. Prints "cache entries=…".
 * w_cache [--entries N] [--threads N] [--us N]
 */
#include "w.h"

struct entry {
	pthread_mutex_t lock;
	uint64_t uses;
};

static struct entry **entries;
static uint64_t entry_count, work_ns;
static pthread_barrier_t rounds;

__attribute__((noinline)) static void cache_get(struct entry *entry)
{
	pthread_mutex_lock(&entry->lock);
	w_burn(work_ns);
	entry->uses++;
	pthread_mutex_unlock(&entry->lock);
}

static void *live(void *argument)
{
	for (uint64_t i = 0; i < entry_count; i++) {
		pthread_barrier_wait(&rounds);
		cache_get(entries[i]);
	}
	return argument;
}

int main(int argc, char **argv)
{
	pthread_t threads[W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 4);

	entry_count = w_number(argc, argv, "--entries", 64);
	work_ns = w_number(argc, argv, "--us", 1000) * 1000;
	w_check(count > 0 && count <= W_THREADS_MAX, "--threads");
	pthread_barrier_init(&rounds, NULL, (unsigned)count);
	entries = calloc(entry_count, sizeof(struct entry *));
	for (uint64_t i = 0; i < entry_count; i++) {
		entries[i] = calloc(1, sizeof(struct entry));
		pthread_mutex_init(&entries[i]->lock, NULL);
	}
	for (uint64_t i = 0; i < count; i++)
		threads[i] = w_start(live, NULL);
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[i]);
	for (uint64_t i = 0; i < entry_count; i++)
		w_check(entries[i]->uses == count, "uses of an entry");
	printf("cache entries=%llu\n", (unsigned long long)entry_count);
	return 0;
}
