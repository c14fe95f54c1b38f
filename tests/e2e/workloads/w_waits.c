/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits that are hard to follow; prints "waits count=… timeouts=…":
 * w_waits --again N    times out N times, each followed by a try that does not block
 * w_waits --execs N    times out once, and goes on as a new program, N times in all
 * w_waits --parked     is parked with a time-out, and stopped and continued meanwhile
 * w_waits --mutex      a mutex on a stack that looks like the entry of a parked thread
 */
#include <linux/futex.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "w.h"

#define WAIT_MS 20

static uint32_t word;
static uint8_t lock;

static void say(uint64_t count, uint64_t timeouts)
{
	printf("waits count=%llu timeouts=%llu\n", (unsigned long long)count,
	       (unsigned long long)timeouts);
}

static void time_out(void)
{
	struct timespec timeout = w_timespec(WAIT_MS * W_MS);

	w_futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &timeout, NULL, 0);
}

static void again(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		time_out();
		w_futex(&word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
	}
	say(count, count);
}

static void execs(const char *program, uint64_t left)
{
	char number[24];

	time_out();
	if (left <= 1)
		return;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)left - 1);
	execl(program, program, "--execs", number, NULL);
	w_check(false, "execl");
}

struct node {
	struct node *next;
	struct node *previous;
};

static __attribute__((noinline)) void park(void)
{
	struct {
		const void *address;
		sem_t semaphore;
		struct node node;
		bool is_unparking;
	} entry = { .address = &lock };
	struct node head = { &entry.node, &entry.node };
	struct timespec until;

	entry.node = (struct node){ &head, &head };
	sem_init(&entry.semaphore, 0, 0);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 1;
	sem_clockwait(&entry.semaphore, CLOCK_MONOTONIC, &until);
}

static void parked(void)
{
	pid_t own = getpid(), child = fork();

	if (child == 0) {
		w_rest(200 * W_MS);
		kill(own, SIGSTOP);
		w_rest(200 * W_MS);
		kill(own, SIGCONT);
		_exit(0);
	}
	park();
	waitpid(child, NULL, 0);
	say(2, 1);
}

struct shared {
	void *config;
	pthread_mutex_t mutex;
	size_t failed;
	bool is_alive;
};

static void *contend(void *argument)
{
	struct shared *shared = argument;

	for (int i = 0; i < 20; i++) {
		pthread_mutex_lock(&shared->mutex);
		w_burn(W_MS);
		pthread_mutex_unlock(&shared->mutex);
		w_rest(100000);
	}
	return NULL;
}

static void mutex(void)
{
	struct shared shared = { &word, PTHREAD_MUTEX_INITIALIZER, 0, true };
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = w_start(contend, &shared);
	contend(&shared);
	for (int i = 0; i < 2; i++)
		w_join(threads[i]);
	printf("mutex lock=%p\n", (void *)&shared.mutex);
}

int main(int argc, char **argv)
{
	uint64_t tries = w_number(argc, argv, "--again", 0);
	uint64_t programs = w_number(argc, argv, "--execs", 0);

	if (tries)
		again(tries);
	if (programs)
		execs(argv[0], programs);
	if (w_flag(argc, argv, "--parked"))
		parked();
	if (w_flag(argc, argv, "--mutex"))
		mutex();
	return 0;
}
