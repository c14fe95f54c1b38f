/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A parking lot as CPython has it since 3.13: who waits makes an entry on its own stack and sleeps
 * on a semaphore in there. N threads hand a lock to each other while N more wait for one event:
 * w_parking [--threads N] [--rounds N] [--hold-us N].
 */
#include <errno.h>
#include <semaphore.h>
#include <stddef.h>

#include "w.h"

struct node {
	struct node *next;
	struct node *previous;
};

struct entry {
	void *argument;
	const void *address; /* what the thread is parked for */
	sem_t semaphore;
	struct node node;
	bool is_unparking;
};

static pthread_mutex_t lot = PTHREAD_MUTEX_INITIALIZER; /* held for a moment only */
static struct node parked = { &parked, &parked };
static uint8_t lock, event; /* a byte each, as there */
static uint64_t rounds, hold_ns;

static struct entry *entry_of(struct node *node)
{
	return (struct entry *)((char *)node - offsetof(struct entry, node));
}

/* The lot is locked, and is not on return. */
static __attribute__((noinline)) void park(const void *address)
{
	struct entry entry = { .address = address };

	sem_init(&entry.semaphore, 0, 0);
	entry.node = (struct node){ .next = &parked, .previous = parked.previous };
	parked.previous->next = &entry.node;
	parked.previous = &entry.node;
	pthread_mutex_unlock(&lot);
	while (sem_wait(&entry.semaphore) && errno == EINTR)
		continue;
	sem_destroy(&entry.semaphore);
}

/* False: nobody is parked for it. The lot is locked, and is not after true. */
static bool unpark(const void *address)
{
	struct node *node = parked.next;
	struct entry *entry;

	while (node != &parked && entry_of(node)->address != address)
		node = node->next;
	if (node == &parked)
		return false;
	entry = entry_of(node);
	node->previous->next = node->next;
	node->next->previous = node->previous;
	entry->node = (struct node){ NULL, NULL };
	entry->is_unparking = true;
	pthread_mutex_unlock(&lot);
	sem_post(&entry->semaphore);
	return true;
}

static void take(void)
{
	pthread_mutex_lock(&lot);
	if (lock) {
		park(&lock); /* it is handed over */
		return;
	}
	lock = 1;
	pthread_mutex_unlock(&lot);
}

static void let_go(void)
{
	pthread_mutex_lock(&lot);
	if (unpark(&lock))
		return;
	lock = 0;
	pthread_mutex_unlock(&lot);
}

static void *contend(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "contender", &lock);
	for (uint64_t i = 0; i < rounds; i++) {
		w_wait_begins(truth);
		take();
		w_wait_ends(truth);
		w_burn(hold_ns);
		let_go();
		w_rest(200000);
	}
	w_end(truth);
	return NULL;
}

static void *idle(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "idler", &event);
	pthread_mutex_lock(&lot);
	w_wait_begins(truth);
	park(&event);
	w_wait_ends(truth);
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct w_truth truths[2 * W_THREADS_MAX];
	pthread_t threads[2 * W_THREADS_MAX];
	uint64_t count = w_number(argc, argv, "--threads", 3);

	rounds = w_number(argc, argv, "--rounds", 20);
	hold_ns = w_number(argc, argv, "--hold-us", 3000) * 1000;
	w_check(count <= W_THREADS_MAX, "too many threads");
	for (uint64_t i = 0; i < 2 * count; i++)
		threads[i] = w_start(i < count ? contend : idle, &truths[i]);
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[i]);
	/* In the order in which they parked, which need not be that of their making. */
	for (uint64_t woken = 0; woken < count;) {
		pthread_mutex_lock(&lot);
		if (unpark(&event)) {
			woken++;
			continue;
		}
		pthread_mutex_unlock(&lot);
		w_rest(1000000);
	}
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[count + i]);
	for (uint64_t i = 0; i < 2 * count; i++)
		w_say(&truths[i]);
	return 0;
}
