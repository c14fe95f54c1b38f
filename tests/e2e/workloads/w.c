/* SPDX-License-Identifier: GPL-2.0-only */
/* The helpers of w.h. */
#include "w.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

uint64_t w_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t w_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

pid_t w_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

struct timespec w_timespec(uint64_t ns)
{
	return (struct timespec){ (time_t)(ns / 1000000000ull), (long)(ns % 1000000000ull) };
}

void w_burn(uint64_t cpu_ns)
{
	uint64_t end_ns = w_cpu_ns() + cpu_ns;

	while (w_cpu_ns() < end_ns)
		for (volatile int i = 0; i < 1000; i++)
			;
}

void w_rest(uint64_t ns)
{
	struct timespec left = w_timespec(ns);

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

void w_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	w_check(!sched_setaffinity(0, sizeof(set), &set), "sched_setaffinity");
}

long w_futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout,
	     uint32_t *word2, uint32_t value3)
{
	long result = syscall(SYS_futex, word, op, value, timeout, word2, value3);

	return result < 0 ? -errno : result;
}

bool w_futex_wait(uint32_t *word, uint32_t value)
{
	return w_futex(word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0) == 0;
}

void w_futex_wake(uint32_t *word, int count)
{
	w_futex(word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, (uint32_t)count, NULL, NULL, 0);
}

uint64_t w_number(int argc, char **argv, const char *name, uint64_t fallback)
{
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], name))
			return strtoull(argv[i + 1], NULL, 10);
	return fallback;
}

bool w_flag(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return false;
}

void w_check(bool is_good, const char *what)
{
	if (is_good)
		return;
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(99);
}

pthread_t w_start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, body, argument);
	w_check(!errno, "pthread_create");
	return thread;
}

void w_join(pthread_t thread)
{
	errno = pthread_join(thread, NULL);
	w_check(!errno, "pthread_join");
}

/* The state is the first word behind the name in brackets. A thread whose call the kernel does not
 * know may be gone before anybody looks. */
static bool is_asleep_or_gone(pid_t tid)
{
	char path[64], line[512] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (!fgets(line, sizeof(line), file))
		line[0] = 0;
	fclose(file);
	return strstr(line, ") S ") != NULL;
}

void w_await_sleep(const pid_t *tid)
{
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE) || !is_asleep_or_gone(*tid))
		w_rest(W_MS);
}

void w_begin(struct w_truth *truth, const char *role, const void *lock)
{
	*truth = (struct w_truth){ .role = role, .lock = lock, .tid = w_tid() };
}

void w_wait_begins(struct w_truth *truth)
{
	truth->mark_ns = w_now_ns();
}

void w_wait_ends(struct w_truth *truth)
{
	truth->wait_ns += w_now_ns() - truth->mark_ns;
	truth->waits++;
}

void w_end(struct w_truth *truth)
{
	truth->run_ns = w_cpu_ns();
}

void w_say(const struct w_truth *truth)
{
	printf("thread tid=%d role=%s run_ns=%llu wait_ns=%llu waits=%llu lock=0x%llx\n",
	       truth->tid, truth->role, (unsigned long long)truth->run_ns,
	       (unsigned long long)truth->wait_ns, (unsigned long long)truth->waits,
	       (unsigned long long)(uintptr_t)truth->lock);
}

void w_team(void *(*body)(void *), struct w_truth *truths, uint64_t count)
{
	pthread_t threads[W_THREADS_MAX];

	w_check(count <= W_THREADS_MAX, "too many threads");
	for (uint64_t i = 0; i < count; i++)
		threads[i] = w_start(body, &truths[i]);
	for (uint64_t i = 0; i < count; i++)
		w_join(threads[i]);
	for (uint64_t i = 0; i < count; i++)
		w_say(&truths[i]);
}
