/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a command and says how long it took, so that bare and observed runs are timed alike from
 * outside of it: w_time COMMAND [ARG…]; prints "time wall_ns=… cpu_ns=…". Its status is the
 * command's. The command reads two empty lines from standard input.
 */
#include "w.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t timeval_ns(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000000ull + (uint64_t)time.tv_usec * 1000ull;
}

static int feed(void)
{
	int fds[2];

	w_check(!pipe(fds), "pipe");
	w_check(write(fds[1], "\n\n", 2) == 2, "write");
	close(fds[1]);
	return fds[0];
}

int main(int argc, char **argv)
{
	uint64_t begin_ns = w_now_ns();
	struct rusage usage;
	int status, input;
	pid_t pid;

	w_check(argc > 1, "which command?");
	input = feed();
	pid = fork();
	w_check(pid >= 0, "fork");
	if (pid == 0) {
		dup2(input, 0);
		dup2(2, 1);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	w_check(wait4(pid, &status, 0, &usage) == pid, "wait4");
	printf("time wall_ns=%llu cpu_ns=%llu\n", (unsigned long long)(w_now_ns() - begin_ns),
	       (unsigned long long)(timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime)));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
