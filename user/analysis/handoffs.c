/* SPDX-License-Identifier: GPL-2.0-only */
/* The ledger of hand-offs: at most one is open a thread. */
#include "analysis/handoffs.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/gaps.h"
#include "base/mem.h"

void handoffs_init(struct handoffs *handoffs, const struct trace *trace, struct lock_stat *stats)
{
	*handoffs = (struct handoffs){
		.trace = trace,
		.stats = stats,
		.receivers = xcalloc(trace->thread_count, sizeof(*handoffs->receivers)),
		.lengths = xcalloc(trace->lock_count, sizeof(*handoffs->lengths)),
	};
	for (size_t i = 0; i < trace->thread_count; i++) {
		handoffs->receivers[i].is_passed = true; /* what was before the interval */
		handoffs->receivers[i].giver_cpu = -1;
	}
}

void handoffs_release(struct handoffs *handoffs)
{
	for (size_t i = 0; handoffs->lengths && i < handoffs->trace->lock_count; i++)
		quantile_free(handoffs->lengths[i]);
	free(handoffs->lengths);
	free(handoffs->receivers);
}

/* It got the lock: the next wait is another request. */
static void settle(struct handoffs *handoffs, struct receiver *receiver)
{
	const struct handoff *open = &receiver->open;
	struct lock_stat *stat = &handoffs->stats[open->lock - 1];

	stat->handoffs++;
	stat->handoff_ns += open->run_ns - open->wake_ns;
	stat->handoff.same_cpu += open->is_same_cpu;
	stat->handoff.other_cpu += !open->is_same_cpu && receiver->giver_cpu >= 0;
	if (open->dead_ns != TRACE_NOT_MEASURED)
		stat->dead_ns += open->dead_ns;
	quantile_add(&handoffs->lengths[open->lock - 1], open->run_ns - open->wake_ns);
	if (handoffs->take)
		handoffs->take(handoffs->self, open);
	receiver->open.lock = 0;
	receiver->has_request = false;
}

void handoffs_slice_begins(struct handoffs *handoffs, const struct slice *slice, bool is_over)
{
	struct receiver *receiver = &handoffs->receivers[slice->thread - 1];
	bool is_wait = slice->state == STATE_FUTEX && slice->lock;

	if (receiver->open.lock) {
		bool has_failed = is_wait && !is_over && slice->lock == receiver->open.lock &&
				  slice->holder && slice->holder != slice->thread &&
				  !receiver->has_released;

		if (has_failed)
			receiver->open.lock = 0;
		else if (is_over || is_wait)
			settle(handoffs, receiver);
	}
	if (is_over)
		receiver->has_request = false;
	if (!is_wait || (receiver->has_request && receiver->request_lock == slice->lock))
		return;
	receiver->has_request = true;
	receiver->request_lock = slice->lock;
	receiver->request_ns = slice->start_ns;
}

void handoffs_wait_ends(struct handoffs *handoffs, const struct moment *moment,
			const struct slice *wait, bool is_passed)
{
	struct receiver *receiver = &handoffs->receivers[wait->thread - 1];
	const struct moment_thread *giver;

	receiver->is_passed = is_passed;
	receiver->giver_cpu = -1;
	if (!is_passed || !wait->waker || !(wait->flags & SLICE_WAKER_RELEASED))
		return;
	if (handoffs->receivers[wait->waker - 1].open.lock == wait->lock)
		handoffs->receivers[wait->waker - 1].has_released = true;
	giver = &moment->threads[wait->waker - 1];
	if (giver->has_slice && giver->now.state == STATE_RUNNING)
		receiver->giver_cpu = giver->now.cpu;
}

const struct slice *handoffs_wait_before(const struct handoffs *handoffs,
					 const struct moment *moment, const struct slice *run)
{
	const struct slice *past = moment->threads[run->thread - 1].past;
	const struct slice *wait = past[0].state == STATE_QUEUED ? &past[1] : &past[0];
	const struct slice *last = &past[0];

	if (!last->duration_ns || !wait->duration_ns || slice_end_ns(last) != moment->now_ns ||
	    (wait != last && slice_end_ns(wait) != last->start_ns) ||
	    !slice_is_released(moment->trace, wait) ||
	    !handoffs->receivers[run->thread - 1].is_passed)
		return NULL;
	return wait;
}

/* An episode that ends by this very run has taken its request along: the wait is what is left. */
static uint64_t request_of(const struct receiver *receiver, const struct slice *wait)
{
	bool is_known = receiver->request_lock == wait->lock && receiver->request_ns;

	return is_known ? receiver->request_ns : wait->start_ns;
}

void handoffs_run_begins(struct handoffs *handoffs, const struct moment *moment,
			 const struct slice *wait, uint64_t dead_ns, bool is_sure)
{
	struct receiver *receiver = &handoffs->receivers[wait->thread - 1];
	bool is_known = wait->waker && (wait->flags & SLICE_WAKER_RELEASED);
	const struct slice *run = &moment->threads[wait->thread - 1].now;
	uint64_t wake_ns = slice_end_ns(wait);

	receiver->has_released = false;
	receiver->open = (struct handoff){
		.lock = wait->lock,
		.from = wait->waker,
		.to = wait->thread,
		.mark = !wait->waker ? HOLDER_UNKNOWN
			: is_known   ? HOLDER_EXACT
				     : HOLDER_LIKELY,
		.is_same_cpu = receiver->giver_cpu == run->cpu,
		.request_ns = request_of(receiver, wait),
		.wake_ns = wake_ns < moment->begin_ns ? moment->begin_ns : wake_ns,
		.run_ns = moment->now_ns,
		.dead_ns = dead_ns,
	};
	if (is_sure)
		settle(handoffs, receiver);
}

void handoffs_finish(struct handoffs *handoffs)
{
	for (size_t i = 0; i < handoffs->trace->thread_count; i++) {
		if (handoffs->receivers[i].open.lock)
			settle(handoffs, &handoffs->receivers[i]);
	}
	for (size_t i = 0; i < handoffs->trace->lock_count; i++) {
		struct handoff_stat *stat = &handoffs->stats[i].handoff;
		struct quantile *lengths = handoffs->lengths[i];

		stat->p50_ns = lengths ? quantile_get(lengths, 500) : TRACE_NOT_MEASURED;
		stat->p99_ns = lengths ? quantile_get(lengths, 990) : TRACE_NOT_MEASURED;
	}
}
