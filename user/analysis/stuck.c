/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread waits for one lock at most, so whom it waits for is a graph with one way out of each
 * thread: who comes back to where he was is in a circle. */
#include "analysis/stuck.h"

#include <stdlib.h>

#include "base/mem.h"

/* Of each thread, by number − 1. */
struct way {
	const struct open_wait *wait; /* NULL: it waits for no lock that has a known holder */
	uint32_t visit; /* the walk in which it was come to first; 0: not yet */
	bool is_in; /* the circle, or waits for one in it */
	bool is_known; /* whether it is */
};

static struct way *ways_new(const struct report *report)
{
	struct way *ways = xcalloc(report->trace->thread_count, sizeof(*ways));

	for (size_t i = 0; i < report->open_wait_count; i++)
		ways[report->open_waits[i].thread - 1].wait = &report->open_waits[i];
	return ways;
}

/* Walks from a thread to a dead end, to where an earlier walk was, or into a circle: a thread in
 * it; 0: no new circle. */
static uint32_t find_circle(struct way *ways, uint32_t thread, uint32_t visit)
{
	while (ways[thread - 1].wait && !ways[thread - 1].visit) {
		ways[thread - 1].visit = visit;
		thread = ways[thread - 1].wait->holder;
	}
	return ways[thread - 1].wait && ways[thread - 1].visit == visit ? thread : 0;
}

static size_t length_of(const struct way *ways, uint32_t start)
{
	uint32_t thread = start;
	size_t count = 0;

	do {
		thread = ways[thread - 1].wait->holder;
		count++;
	} while (thread != start);
	return count;
}

static void take_circle(struct way *ways, uint32_t start, struct deadlock *deadlock)
{
	deadlock->until_ns = UINT64_MAX;
	deadlock->waits = xcalloc(deadlock->count, sizeof(*deadlock->waits));
	for (size_t i = 0; i < deadlock->count; i++) {
		const struct open_wait *wait = ways[start - 1].wait;

		deadlock->waits[i] = wait;
		ways[start - 1].is_in = ways[start - 1].is_known = true;
		if (wait->since_ns > deadlock->since_ns)
			deadlock->since_ns = wait->since_ns;
		if (wait->until_ns < deadlock->until_ns)
			deadlock->until_ns = wait->until_ns;
		start = wait->holder;
	}
}

/* Whether the way from this thread leads to what is marked; marks all that are on it. visit: a new
 * number, as the way may end in another circle. */
static bool leads_in(struct way *ways, uint32_t thread, uint32_t visit)
{
	uint32_t end = thread;
	bool is_in;

	while (ways[end - 1].wait && !ways[end - 1].is_known && ways[end - 1].visit != visit) {
		ways[end - 1].visit = visit;
		end = ways[end - 1].wait->holder;
	}
	is_in = ways[end - 1].is_in;
	while (ways[thread - 1].wait && !ways[thread - 1].is_known) {
		ways[thread - 1].is_known = true;
		ways[thread - 1].is_in = is_in;
		thread = ways[thread - 1].wait->holder;
	}
	return is_in;
}

void find_deadlock(const struct report *report, struct deadlock *ret_deadlock)
{
	struct way *ways OWNED(mem_freep) = ways_new(report);
	uint32_t start = 0;

	*ret_deadlock = (struct deadlock){ 0 };
	for (size_t i = 0; i < report->open_wait_count; i++) {
		uint32_t found = find_circle(ways, report->open_waits[i].thread, (uint32_t)i + 1);
		size_t count = found ? length_of(ways, found) : 0;

		if (count > ret_deadlock->count) {
			ret_deadlock->count = count;
			start = found;
		}
	}
	if (!start)
		return;
	take_circle(ways, start, ret_deadlock);
	for (size_t i = 0; i < report->open_wait_count; i++) {
		uint32_t visit = (uint32_t)(report->open_wait_count + i + 1);

		ret_deadlock->behind += leads_in(ways, report->open_waits[i].thread, visit);
	}
	ret_deadlock->behind -= ret_deadlock->count;
}

static int by_thread(const void *a, const void *b)
{
	const struct thread_stat *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static const struct thread_stat *stat_of(const struct report *report, uint32_t thread)
{
	const struct thread_stat key = { .thread = thread };

	if (!report->thread_count)
		return NULL;
	return bsearch(&key, report->threads, report->thread_count, sizeof(key), by_thread);
}

/* Whether the holder was dead, or blocked in one go, for least_ns or more of the wait. */
static bool is_immovable(const struct report *report, const struct open_wait *wait,
			 uint64_t least_ns, struct kept_lock *kept)
{
	const struct thread_stat *stat = stat_of(report, wait->holder);
	const struct thread *thread = &report->trace->threads[wait->holder - 1];

	kept->is_dead = thread->end_ns + least_ns <= wait->until_ns;
	kept->syscall = stat ? stat->top_syscall : RECORD_SYSCALL_NONE;
	for (int state = STATE_IO; stat && state <= STATE_STOPPED; state++) {
		if (stat->longest_ns[state] < least_ns)
			continue;
		kept->state = (enum state)state;
		return true;
	}
	return kept->is_dead;
}

static int by_holder(const void *a, const void *b)
{
	const struct open_wait *x = *(const struct open_wait *const *)a;
	const struct open_wait *y = *(const struct open_wait *const *)b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->holder != y->holder)
		return x->holder < y->holder ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* The waits of at least least_ns, those for the same holder of the same lock together. */
static size_t sort_waits(const struct report *report, uint64_t least_ns,
			 const struct open_wait **ret_order)
{
	size_t count = 0;

	for (size_t i = 0; i < report->open_wait_count; i++) {
		const struct open_wait *wait = &report->open_waits[i];

		if (wait->until_ns - wait->since_ns >= least_ns)
			ret_order[count++] = wait;
	}
	if (count > 0)
		qsort(ret_order, count, sizeof(*ret_order), by_holder);
	return count;
}

static void add_wait(struct kept_lock *kept, const struct open_wait *wait)
{
	uint64_t waited_ns = wait->until_ns - wait->since_ns;

	kept->waiters++;
	kept->wait_ns += waited_ns;
	if (!kept->wait || waited_ns > kept->wait->until_ns - kept->wait->since_ns)
		kept->wait = wait;
}

void find_kept_lock(const struct report *report, uint64_t least_ns, struct kept_lock *ret_kept)
{
	const struct open_wait **order OWNED(mem_freep) =
		xcalloc(report->open_wait_count, sizeof(*order));
	size_t count = sort_waits(report, least_ns, order), next;

	*ret_kept = (struct kept_lock){ 0 };
	for (size_t i = 0; i < count; i = next) {
		struct kept_lock kept = { 0 };

		for (next = i; next < count && order[next]->lock == order[i]->lock &&
			       order[next]->holder == order[i]->holder;
		     next++)
			add_wait(&kept, order[next]);
		if (kept.wait_ns > ret_kept->wait_ns &&
		    is_immovable(report, kept.wait, least_ns, &kept))
			*ret_kept = kept;
	}
}
