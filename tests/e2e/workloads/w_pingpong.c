/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads hand a turn back and forth with raw futex calls: two switches and four futex calls a
 * turn. w_pingpong [--turns N] [--pin CPU]; prints "turn ns=…" before the truth.
 */
#include "w.h"

static uint32_t words[2];
static uint64_t turns;

struct player {
	struct w_truth truth;
	int number;
};

/*
 * Sets the other's word, wakes it, and waits for one's own. The call is always made; where the
 * other was so fast that the word is set already, it does not sleep. How often it slept.
 */
static uint64_t pass(uint32_t *own, uint32_t *other)
{
	uint64_t slept = 0;

	__atomic_store_n(other, 1, __ATOMIC_SEQ_CST);
	w_futex_wake(other, 1);
	do {
		slept += w_futex_wait(own, 0);
	} while (!__atomic_load_n(own, __ATOMIC_SEQ_CST));
	__atomic_store_n(own, 0, __ATOMIC_SEQ_CST);
	return slept;
}

static void *play(void *argument)
{
	struct player *player = argument;
	uint32_t *own = &words[player->number], *other = &words[!player->number];

	w_begin(&player->truth, player->number ? "pong" : "ping", own);
	for (uint64_t i = 0; i < turns; i++)
		player->truth.waits += pass(own, other);
	__atomic_store_n(other, 1, __ATOMIC_SEQ_CST);
	w_futex_wake(other, 1);
	w_end(&player->truth);
	return NULL;
}

int main(int argc, char **argv)
{
	struct player players[2] = { { .number = 0 }, { .number = 1 } };
	uint64_t cpu = w_number(argc, argv, "--pin", UINT64_MAX), begin_ns;
	pthread_t other;

	turns = w_number(argc, argv, "--turns", 100000);
	if (cpu != UINT64_MAX)
		w_pin((int)cpu);
	begin_ns = w_now_ns();
	other = w_start(play, &players[1]);
	play(&players[0]);
	w_join(other);
	printf("turn ns=%.1f turns=%llu\n", (double)(w_now_ns() - begin_ns) / (double)turns,
	       (unsigned long long)turns);
	w_say(&players[0].truth);
	w_say(&players[1].truth);
	return 0;
}
