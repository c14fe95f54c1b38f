/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes N children one after the other, with up to --at-once of them alive; with --exec each runs
 * this program again, to end at once. Prints "forks count=…".
 * w_forkstorm [--forks N] [--at-once N] [--exec]
 */
#include "w.h"

#include <sys/wait.h>
#include <unistd.h>

static void reap_one(void)
{
	int status;

	w_check(wait(&status) > 0 && WIFEXITED(status) && !WEXITSTATUS(status), "child");
}

int main(int argc, char **argv)
{
	uint64_t forks = w_number(argc, argv, "--forks", 500);
	uint64_t at_once = w_number(argc, argv, "--at-once", 4);
	bool execs = w_flag(argc, argv, "--exec");

	for (uint64_t i = 0; i < forks; i++) {
		pid_t pid = fork();

		w_check(pid >= 0, "fork");
		if (pid == 0 && execs)
			execl("/proc/self/exe", argv[0], "--forks", "0", (char *)NULL);
		if (pid == 0)
			_exit(0);
		if (i >= at_once)
			reap_one();
	}
	for (uint64_t i = 0; i < (forks < at_once ? forks : at_once); i++)
		reap_one();
	if (forks)
		printf("forks count=%llu\n", (unsigned long long)forks);
	return 0;
}
