/* SPDX-License-Identifier: GPL-2.0-only */
/* The main thread joins one busy worker: w_join [--ms N]. */
#include "w.h"

static uint64_t busy_ns;

static void *work(void *argument)
{
	struct w_truth *truth = argument;

	w_begin(truth, "worker", NULL);
	w_burn(busy_ns);
	w_end(truth);
	return NULL;
}

int main(int argc, char **argv)
{
	struct w_truth joiner, worker;
	pthread_t thread;

	busy_ns = w_number(argc, argv, "--ms", 200) * W_MS;
	w_begin(&joiner, "joiner", NULL);
	thread = w_start(work, &worker);
	w_wait_begins(&joiner);
	w_join(thread);
	w_wait_ends(&joiner);
	w_end(&joiner);
	w_say(&joiner);
	w_say(&worker);
	return 0;
}
