/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The main thread leaves first; another goes on working and ends the program with status 5:
 * w_leader_exits [--ms N].
 */
#include "w.h"

#include <unistd.h>

static uint64_t busy_ns;

static void *survive(void *argument)
{
	struct w_truth truth;

	(void)argument;
	w_begin(&truth, "survivor", NULL);
	w_rest(20 * W_MS);
	w_burn(busy_ns);
	w_end(&truth);
	w_say(&truth);
	exit(5);
}

int main(int argc, char **argv)
{
	busy_ns = w_number(argc, argv, "--ms", 100) * W_MS;
	printf("leader tid=%d\n", w_tid());
	w_start(survive, NULL);
	pthread_exit(NULL);
}
