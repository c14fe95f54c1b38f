/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that is not the main one executes this program again, while another waits on a lock: the
 * thread takes over the process id. w_exec_nonleader; prints "before tid=… pid=…" and, in its
 * second life, "after tid=… pid=…", then works for --ms.
 */
#include "w.h"

#include <unistd.h>

static uint32_t never;

static void *wait_for_ever(void *argument)
{
	for (;;)
		w_futex_wait(&never, 0);
	return argument;
}

static void *become(void *argument)
{
	char **argv = argument;

	w_rest(20 * W_MS);
	printf("before tid=%d pid=%d\n", w_tid(), getpid());
	fflush(stdout);
	execl("/proc/self/exe", argv[0], "--second", (char *)NULL);
	w_check(false, "execl");
	return NULL;
}

int main(int argc, char **argv)
{
	if (w_flag(argc, argv, "--second")) {
		printf("after tid=%d pid=%d\n", w_tid(), getpid());
		w_burn(w_number(argc, argv, "--ms", 50) * W_MS);
		return 0;
	}
	w_start(wait_for_ever, NULL);
	w_join(w_start(become, argv));
	return 0;
}
