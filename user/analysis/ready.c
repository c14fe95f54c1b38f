/* SPDX-License-Identifier: GPL-2.0-only */
/* Three heaps: who may run, and who may not yet in both orders in which that ends. */
#include "analysis/ready.h"

#include <stdlib.h>

#include "base/mem.h"

static void ranks_init(struct ranks *ranks, size_t thread_count)
{
	*ranks = (struct ranks){
		.heap = xcalloc(thread_count, sizeof(*ranks->heap)),
		.places = xcalloc(thread_count, sizeof(*ranks->places)),
		.keys = xcalloc(thread_count, sizeof(*ranks->keys)),
	};
}

static void ranks_release(struct ranks *ranks)
{
	free(ranks->heap);
	free(ranks->places);
	free(ranks->keys);
	*ranks = (struct ranks){ 0 };
}

static bool is_before(const struct ranks *ranks, uint32_t a, uint32_t b)
{
	uint64_t x = ranks->keys[a - 1], y = ranks->keys[b - 1];

	return x != y ? x < y : a < b;
}

static void put(struct ranks *ranks, size_t at, uint32_t thread)
{
	ranks->heap[at] = thread;
	ranks->places[thread - 1] = at + 1;
}

static void sift_up(struct ranks *ranks, size_t at, uint32_t thread)
{
	while (at > 0 && is_before(ranks, thread, ranks->heap[(at - 1) / 2])) {
		put(ranks, at, ranks->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	put(ranks, at, thread);
}

static void sift_down(struct ranks *ranks, size_t at, uint32_t thread)
{
	size_t down;

	while ((down = 2 * at + 1) < ranks->count) {
		if (down + 1 < ranks->count &&
		    is_before(ranks, ranks->heap[down + 1], ranks->heap[down]))
			down++;
		if (!is_before(ranks, ranks->heap[down], thread))
			break;
		put(ranks, at, ranks->heap[down]);
		at = down;
	}
	put(ranks, at, thread);
}

static void ranks_add(struct ranks *ranks, uint32_t thread, uint64_t key)
{
	ranks->keys[thread - 1] = key;
	sift_up(ranks, ranks->count++, thread);
}

static void ranks_remove(struct ranks *ranks, uint32_t thread)
{
	size_t at = ranks->places[thread - 1] - 1;
	uint32_t last = ranks->heap[--ranks->count];

	ranks->places[thread - 1] = 0;
	if (last == thread)
		return;
	sift_down(ranks, at, last);
	sift_up(ranks, ranks->places[last - 1] - 1, last);
}

static uint64_t first_key(const struct ranks *ranks)
{
	return ranks->count ? ranks->keys[ranks->heap[0] - 1] : UINT64_MAX;
}

void ready_init(struct ready *ready, size_t thread_count)
{
	ready->free_ns = 0;
	ranks_init(&ready->turns, thread_count);
	ranks_init(&ready->late, thread_count);
	ranks_init(&ready->kept, thread_count);
}

void ready_release(struct ready *ready)
{
	ranks_release(&ready->turns);
	ranks_release(&ready->late);
	ranks_release(&ready->kept);
}

void ready_add(struct ready *ready, uint32_t thread, uint64_t turn_ns, uint64_t lag_ns)
{
	if (!lag_ns) {
		ranks_add(&ready->turns, thread, turn_ns);
		return;
	}
	ranks_add(&ready->late, thread, turn_ns);
	ranks_add(&ready->kept, thread, ready->free_ns + lag_ns);
}

bool ready_is_empty(const struct ready *ready)
{
	return !ready->turns.count && !ready->late.count;
}

uint64_t ready_next_ns(const struct ready *ready, uint64_t now_ns, bool is_cpu_free)
{
	uint64_t turn_ns = first_key(&ready->late), kept_ns;

	if (!ready->late.count || !is_cpu_free)
		return UINT64_MAX;
	kept_ns = now_ns + (first_key(&ready->kept) - ready->free_ns);
	return turn_ns < kept_ns ? turn_ns : kept_ns;
}

void ready_pass(struct ready *ready, uint64_t passed_ns, uint64_t now_ns, bool is_cpu_free)
{
	if (is_cpu_free)
		ready->free_ns += passed_ns;
	while (ready->late.count) {
		uint32_t thread = ready->late.heap[0];

		if (first_key(&ready->kept) <= ready->free_ns)
			thread = ready->kept.heap[0];
		else if (first_key(&ready->late) > now_ns)
			break;
		ranks_add(&ready->turns, thread, ready->late.keys[thread - 1]);
		ranks_remove(&ready->late, thread);
		ranks_remove(&ready->kept, thread);
	}
}

uint32_t ready_take(struct ready *ready)
{
	uint32_t thread;

	if (!ready->turns.count)
		return 0;
	thread = ready->turns.heap[0];
	ranks_remove(&ready->turns, thread);
	return thread;
}
