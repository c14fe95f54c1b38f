/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waits on a futex through the 32-bit system call gate, as a 32-bit program does: each wait ends by
 * its time-out. Prints "compat waits=… wait_ns=…"; exits with 77 where there is no such gate.
 * w_compat [--waits N] [--ms N]
 */
#include "w.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>

#define NR_I386_FUTEX 240

/* What such a program hands over lies below 4 GiB. */
struct low {
	int32_t timeout[2]; /* seconds, ns */
	uint32_t word;
};

static int wait_once(struct low *low)
{
#ifdef __x86_64__
	int result = NR_I386_FUTEX;

	__asm__ volatile("push %%rbp; xor %%ebp, %%ebp; int $0x80; pop %%rbp"
			 : "+a"(result)
			 : "b"(&low->word), "c"(FUTEX_WAIT_PRIVATE), "d"(0), "S"(low->timeout),
			   "D"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
#else
	(void)low;
	return -ENOSYS;
#endif
}

int main(int argc, char **argv)
{
	uint64_t waits = w_number(argc, argv, "--waits", 5), spent_ns = 0;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	struct low *low;

#ifdef MAP_32BIT
	flags |= MAP_32BIT;
#endif
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
	w_check(low != MAP_FAILED, "mmap");
	low->timeout[1] = (int32_t)(w_number(argc, argv, "--ms", 20) * W_MS);
	for (uint64_t i = 0; i < waits; i++) {
		uint64_t begin_ns = w_now_ns();
		int result = wait_once(low);

		if (result == -ENOSYS)
			return 77;
		w_check(result == -ETIMEDOUT, "futex");
		spent_ns += w_now_ns() - begin_ns;
	}
	printf("compat waits=%llu wait_ns=%llu\n", (unsigned long long)waits,
	       (unsigned long long)spent_ns);
	return 0;
}
