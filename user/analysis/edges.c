/* SPDX-License-Identifier: GPL-2.0-only */
/* Edges, and the identity that holds them together (I7). */
#include "analysis/edges.h"

#include <stdlib.h>

#include "base/mem.h"

void edges_init(struct edge_sweep *sweep, const struct trace *trace, struct lock_stat *stats)
{
	*sweep = (struct edge_sweep){
		.trace = trace,
		.stats = stats,
	};
}

void edges_release(struct edge_sweep *sweep)
{
	tally_free(&sweep->edges);
	tally_free(&sweep->waits);
}

static struct tally **slot_of(struct tally **recent, uint64_t high, uint64_t low)
{
	uint64_t mixed = (high ^ high >> 32) * 37 + (low ^ low >> 32) * 5;

	return &recent[mixed % EDGES_RECENT];
}

static bool is_of(const struct tally *tally, uint64_t high, uint64_t low)
{
	return tally && tally->key.high == high && tally->key.low == low;
}

static struct tally *get(struct tally **table, struct tally **recent, uint64_t high, uint64_t low)
{
	struct tally **slot = slot_of(recent, high, low);

	if (!is_of(*slot, high, low))
		*slot = tally_get(table, high, low);
	return *slot;
}

/* Mark and holder 0 stand for a holder that is not known. */
static struct tally *edge_of(struct edge_sweep *sweep, const struct edge *edge)
{
	uint64_t high = (uint64_t)edge->lock << 32 | edge->waiter;
	uint64_t low = (uint64_t)edge->mark << 32 | edge->holder;

	if (HASH_COUNT(sweep->edges) >= EDGES_MAX &&
	    !is_of(*slot_of(sweep->recent_edges, high, low), high, low) &&
	    !tally_find(sweep->edges, high, low))
		low = 0;
	return get(&sweep->edges, sweep->recent_edges, high, low);
}

void edges_count_wait(struct edge_sweep *sweep, const struct slice *wait)
{
	struct tally *waits = get(&sweep->waits, sweep->recent_waits, wait->lock, wait->thread);

	waits->ns += wait->duration_ns;
	waits->count++;
}

void edges_charge(struct edge_sweep *sweep, const struct edge *part, uint64_t episode)
{
	struct tally *edge = edge_of(sweep, part);

	edge->ns += part->wait_ns;
	if (edge->mark != episode) {
		edge->mark = episode;
		edge->count++;
	}
}

static uint64_t worst(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static int by_lock_and_thread(const void *a, const void *b)
{
	const struct wait_total *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static uint64_t total_of(const struct trace *trace, uint64_t lock, uint64_t thread)
{
	const struct wait_total key = { .lock = (uint32_t)lock, .thread = (uint32_t)thread };
	const struct wait_total *found = NULL;

	if (trace->wait_total_count)
		found = bsearch(&key, trace->wait_totals, trace->wait_total_count, sizeof(key),
				by_lock_and_thread);
	return found ? found->wait_ns : 0;
}

/* The kernel's total is the truth: what slices miss of it has no known holder. */
static void add_lost_waits(struct edge_sweep *sweep, struct report *report)
{
	const struct trace *trace = sweep->trace;
	uint64_t *residual_ns = &report->residual_ns[7];

	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];
		const struct tally *seen = tally_find(sweep->waits, total->lock, total->thread);
		uint64_t seen_ns = seen ? seen->ns : 0;
		struct tally *edge;

		if (seen_ns >= total->wait_ns)
			continue;
		edge = edge_of(sweep,
			       &(struct edge){ .lock = total->lock, .waiter = total->thread });
		edge->ns += total->wait_ns - seen_ns;
		if (!edge->count)
			edge->count = TRACE_NOT_MEASURED;
	}
	for (const struct tally *t = sweep->waits; t; t = t->hh.next) {
		uint64_t total_ns = total_of(trace, t->key.high, t->key.low);

		if (t->ns > total_ns)
			*residual_ns = worst(*residual_ns, t->ns - total_ns);
	}
}

static int by_place(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	if (x->holder != y->holder)
		return x->holder < y->holder ? -1 : 1;
	return x->mark < y->mark ? -1 : x->mark > y->mark;
}

static void add_edges(const struct edge_sweep *sweep, struct report *report)
{
	for (const struct tally *t = sweep->edges; t; t = t->hh.next) {
		struct edge *edge =
			array_add(&report->edges, &report->edge_count, sizeof(*report->edges));

		edge->waiter = (uint32_t)t->key.high;
		edge->lock = (uint32_t)(t->key.high >> 32);
		edge->holder = (uint32_t)t->key.low;
		edge->mark = (uint8_t)(t->key.low >> 32);
		edge->episodes = t->count;
		edge->wait_ns = t->ns;
	}
	if (report->edge_count)
		qsort(report->edges, report->edge_count, sizeof(*report->edges), by_place);
}

void edges_finish(struct edge_sweep *sweep, struct report *report)
{
	if (report->is_whole) {
		add_lost_waits(sweep, report);
		add_edges(sweep, report);
	}
	for (size_t i = 0; i < sweep->trace->lock_count; i++) {
		struct lock_stat *stat = &sweep->stats[i];
		uint64_t known_ns =
			stat->holder_running_ns + stat->holder_ready_ns + stat->holder_blocked_ns;

		if (known_ns > stat->wait_ns)
			report->residual_ns[7] =
				worst(report->residual_ns[7], known_ns - stat->wait_ns);
		else
			stat->holder_unknown_ns = stat->wait_ns - known_ns;
	}
}
