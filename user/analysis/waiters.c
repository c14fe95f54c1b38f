/* SPDX-License-Identifier: GPL-2.0-only */
/* Pairing heaps whose links are thread numbers. */
#include "analysis/waiters.h"

#include <stdlib.h>

#include "base/mem.h"

void waiters_init(struct waiters *waiters, size_t thread_count)
{
	waiters->nodes = xcalloc(thread_count, sizeof(*waiters->nodes));
	waiters->tops = xcalloc(thread_count, sizeof(*waiters->tops));
}

void waiters_release(struct waiters *waiters)
{
	free(waiters->nodes);
	free(waiters->tops);
	*waiters = (struct waiters){ 0 };
}

/* Ties: the lower thread. */
static uint32_t meld(struct waiter *nodes, uint32_t a, uint32_t b)
{
	const struct waiter *x, *y;

	if (!a || !b)
		return a ? a : b;
	x = &nodes[a - 1];
	y = &nodes[b - 1];
	if (y->moment_ns < x->moment_ns || (y->moment_ns == x->moment_ns && b < a)) {
		uint32_t swapped = a;

		a = b;
		b = swapped;
	}
	nodes[b - 1].next = nodes[a - 1].first;
	nodes[a - 1].first = b;
	return a;
}

void waiters_add(struct waiters *waiters, uint32_t thread, uint32_t waiter, uint64_t moment_ns)
{
	uint32_t *top = &waiters->tops[thread - 1];

	waiters->nodes[waiter - 1] = (struct waiter){ .moment_ns = moment_ns };
	*top = meld(waiters->nodes, *top, waiter);
}

/* What becomes of the children when their parent is taken: melded in pairs, then the pairs. */
static uint32_t meld_children(struct waiter *nodes, uint32_t child)
{
	uint32_t pairs = 0, whole = 0;

	while (child) {
		uint32_t a = child, b = nodes[a - 1].next, pair;

		child = b ? nodes[b - 1].next : 0;
		nodes[a - 1].next = 0;
		if (b)
			nodes[b - 1].next = 0;
		pair = meld(nodes, a, b);
		nodes[pair - 1].next = pairs;
		pairs = pair;
	}
	while (pairs) {
		uint32_t next = nodes[pairs - 1].next;

		nodes[pairs - 1].next = 0;
		whole = meld(nodes, whole, pairs);
		pairs = next;
	}
	return whole;
}

uint32_t waiters_take(struct waiters *waiters, uint32_t thread, uint64_t until_ns,
		      uint64_t *ret_moment_ns)
{
	uint32_t *top = &waiters->tops[thread - 1];
	uint32_t taken = *top;

	if (!taken || waiters->nodes[taken - 1].moment_ns > until_ns)
		return 0;
	*ret_moment_ns = waiters->nodes[taken - 1].moment_ns;
	*top = meld_children(waiters->nodes, waiters->nodes[taken - 1].first);
	return taken;
}
