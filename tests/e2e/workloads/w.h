/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the workloads share: clocks, known amounts of work and rest, and the lines in which a
 * workload says the truth about itself: "thread tid=… role=… run_ns=… wait_ns=… waits=… lock=0x…".
 * Errors end the program with status 99. Not for anything that is measured by convoy itself.
 */
#ifndef CONVOY_W_H
#define CONVOY_W_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <time.h>

#define W_MS 1000000ull /* ns */
#define W_THREADS_MAX 256

struct w_truth {
	const char *role;
	const void *lock; /* what it waited for, NULL: nothing */
	pid_t tid;
	uint64_t run_ns; /* CPU time from its birth to w_end */
	uint64_t wait_ns; /* by its own clock, around the waiting calls */
	uint64_t waits; /* waiting calls made; of raw futexes: those that slept */
	uint64_t mark_ns;
};

uint64_t w_now_ns(void);
uint64_t w_cpu_ns(void); /* of the calling thread */
pid_t w_tid(void);
void w_burn(uint64_t cpu_ns); /* uses that much CPU time, and no system call that blocks */
void w_rest(uint64_t ns); /* sleeps at least that long */
void w_pin(int cpu); /* the calling thread, and those it makes from now on */

/* Raw futex calls: the result, or -errno. */
long w_futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout,
	     uint32_t *word2, uint32_t value3);
bool w_futex_wait(uint32_t *word, uint32_t value); /* private; true: slept and was woken */
void w_futex_wake(uint32_t *word, int count);
struct timespec w_timespec(uint64_t ns);

/* "--name N" and "--name" among the arguments. */
uint64_t w_number(int argc, char **argv, const char *name, uint64_t fallback);
bool w_flag(int argc, char **argv, const char *name);

pthread_t w_start(void *(*body)(void *), void *argument);
void w_join(pthread_t thread);
void w_await_sleep(const pid_t *tid); /* until that thread of ours, once known, is blocked */
void w_check(bool is_good, const char *what); /* ends the program if not */

void w_begin(struct w_truth *truth, const char *role, const void *lock);
void w_wait_begins(struct w_truth *truth);
void w_wait_ends(struct w_truth *truth);
void w_end(struct w_truth *truth);
void w_say(const struct w_truth *truth);
/* So many threads at once, each with a truth of its own; all are said in the end. */
void w_team(void *(*body)(void *), struct w_truth *truths, uint64_t count);

#endif
