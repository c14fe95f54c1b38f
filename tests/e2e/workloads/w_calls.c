/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System calls in a loop, none of which blocks: w_calls --futex-wake | --getppid [--calls N];
 * prints "call ns=…".
 */
#include "w.h"

#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	uint64_t calls = w_number(argc, argv, "--calls", 1000000);
	bool wakes = w_flag(argc, argv, "--futex-wake");
	uint32_t word = 0;
	uint64_t begin_ns;

	w_check(wakes || w_flag(argc, argv, "--getppid"), "which call?");
	begin_ns = w_now_ns();
	for (uint64_t i = 0; i < calls; i++)
		if (wakes)
			w_futex_wake(&word, 1);
		else
			syscall(SYS_getppid);
	printf("call ns=%.2f calls=%llu\n", (double)(w_now_ns() - begin_ns) / (double)calls,
	       (unsigned long long)calls);
	return 0;
}
