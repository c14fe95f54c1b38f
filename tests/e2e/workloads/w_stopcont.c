/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child with a thread in an untimed and one in a timed futex wait is stopped for a known time and
 * goes on: w_stopcont [--ms N] (each of: before, stopped, after). The parent says "stop ns=…".
 */
#include "w.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static uint32_t words[2];
static uint64_t step_ns;
static struct w_truth truths[2];

static void *wait_untimed(void *argument)
{
	w_begin(&truths[0], "untimed", &words[0]);
	w_wait_begins(&truths[0]);
	while (!__atomic_load_n(&words[0], __ATOMIC_SEQ_CST))
		w_futex_wait(&words[0], 0);
	w_wait_ends(&truths[0]);
	w_end(&truths[0]);
	return argument;
}

static void *wait_timed(void *argument)
{
	struct timespec timeout = w_timespec(3 * step_ns);

	w_begin(&truths[1], "timed", &words[1]);
	w_wait_begins(&truths[1]);
	w_futex(&words[1], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &timeout, NULL, 0);
	w_wait_ends(&truths[1]);
	w_end(&truths[1]);
	return argument;
}

static int be_child(void)
{
	pthread_t untimed = w_start(wait_untimed, NULL), timed = w_start(wait_timed, NULL);

	w_join(timed);
	__atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
	w_futex_wake(&words[0], 1);
	w_join(untimed);
	w_say(&truths[0]);
	w_say(&truths[1]);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t begin_ns;
	int status;
	pid_t pid;

	step_ns = w_number(argc, argv, "--ms", 100) * W_MS;
	pid = fork();
	w_check(pid >= 0, "fork");
	if (pid == 0)
		return be_child();
	w_rest(step_ns);
	begin_ns = w_now_ns();
	w_check(!kill(pid, SIGSTOP), "SIGSTOP");
	w_rest(step_ns);
	w_check(!kill(pid, SIGCONT), "SIGCONT");
	printf("stop ns=%llu pid=%d\n", (unsigned long long)(w_now_ns() - begin_ns), pid);
	fflush(stdout);
	w_check(waitpid(pid, &status, 0) == pid && !status, "child");
	return 0;
}
