/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads that each have a mutex and want the other's, and a third behind them; with --dead
 * instead a thread that ends with a mutex held, for which another waits. Prints "stuck" when
 * that is so, and stays for a while. w_deadlock [--dead] [--ms N]
 */
#include "w.h"

#include <unistd.h>

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both_have_one;

struct member {
	const char *name;
	pthread_mutex_t *has; /* NULL: none */
	pthread_mutex_t *wants;
	pid_t tid;
};

static void *live(void *argument)
{
	struct member *member = argument;

	pthread_setname_np(pthread_self(), member->name);
	if (member->has) {
		pthread_mutex_lock(member->has);
		pthread_barrier_wait(&both_have_one);
	}
	__atomic_store_n(&member->tid, w_tid(), __ATOMIC_SEQ_CST);
	if (member->wants)
		pthread_mutex_lock(member->wants);
	return NULL;
}

int main(int argc, char **argv)
{
	struct member left = { "left", &first, &second, 0 };
	struct member right = { "right", &second, &first, 0 };
	struct member behind = { "behind", NULL, &first, 0 };
	struct member dead = { "dead", &first, NULL, 0 };

	pthread_barrier_init(&both_have_one, NULL, w_flag(argc, argv, "--dead") ? 1 : 2);
	if (w_flag(argc, argv, "--dead")) {
		w_join(w_start(live, &dead));
	} else {
		w_start(live, &left);
		w_start(live, &right);
		w_await_sleep(&left.tid);
		w_await_sleep(&right.tid);
	}
	w_start(live, &behind);
	w_await_sleep(&behind.tid);
	puts("stuck");
	fflush(stdout);
	w_rest(w_number(argc, argv, "--ms", 60000) * W_MS);
	_exit(0);
}
