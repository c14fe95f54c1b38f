/* SPDX-License-Identifier: GPL-2.0-only */
/* Gaps and what they are charged to. */
#include "analysis/gaps.h"

#include <stdlib.h>

#include "base/mem.h"

bool slice_is_released(const struct trace *trace, const struct slice *slice)
{
	if (slice->state != STATE_FUTEX || slice_lock_state(trace, slice) != LOCK_STATE_LOCK)
		return false;
	/* Who waits there has let go of the GIL himself: nothing passes on to him. */
	if (trace->locks[slice->lock - 1].kind == LOCK_HAND_OVER)
		return false;
	/* Without the futex tracepoint the result is not known, but the waker is. */
	return slice->result == WAIT_RESULT_WOKEN ||
	       (slice->result == WAIT_RESULT_UNKNOWN && (slice->flags & SLICE_WAKER_RELEASED));
}

static uint64_t cause_key(const struct gap_cause *cause)
{
	return (uint64_t)cause->kind << 32 | (uint64_t)cause->state << 16 |
	       (uint16_t)cause->syscall;
}

static void charge(struct gaps *gaps, const struct gap_cause *cause, uint64_t ns)
{
	struct tally *tally = tally_get(&gaps->causes, cause_key(cause), cause->lock);

	tally->ns += ns;
	/* A thread may be in one state twice in a gap; that is still one gap. */
	if (gaps->last != tally || gaps->last_from_ns != gaps->from_ns)
		tally->count++;
	gaps->last = tally;
	gaps->last_from_ns = gaps->from_ns;
}

static struct gap_cause cause_of(const struct trace *trace, const struct slice *slice,
				 const struct slice *before)
{
	struct gap_cause cause = { .kind = GAP_STATE,
				   .state = slice->state,
				   .syscall = RECORD_SYSCALL_NONE };

	if (slice->state == STATE_QUEUED || slice->state == STATE_PREEMPTED) {
		bool is_after = before && slice_end_ns(before) == slice->start_ns;

		cause.kind = GAP_CPU;
		cause.state = 0;
		if (is_after && slice->state == STATE_QUEUED && slice_is_released(trace, before)) {
			cause.kind = GAP_HAND_OFF;
			cause.lock = before->lock;
		}
	} else if (slice->state == STATE_FUTEX) {
		cause.lock = slice->lock;
	} else if (slice->state >= STATE_IO && slice->state <= STATE_SLEEP) {
		cause.syscall = slice->syscall;
	}
	return cause;
}

/* What is left of the gap: its ender was not yet there, or how it ended was not recorded. */
static void charge_unknown(struct gaps *gaps, uint64_t ns)
{
	const struct gap_cause cause = { .kind = GAP_STATE,
					 .state = STATE_UNKNOWN,
					 .syscall = RECORD_SYSCALL_NONE };

	if (ns)
		charge(gaps, &cause, ns);
}

/* Charges the gap by the slices of the thread that ended it, from the end backwards. */
static void charge_ender(struct gaps *gaps, const struct moment *moment)
{
	const struct moment_thread *ender = &moment->threads[moment->starter - 1];
	uint64_t to_ns = gaps->to_ns;

	for (int i = 0; i < SWEEP_PAST && to_ns > gaps->from_ns; i++) {
		const struct slice *slice = &ender->past[i];
		const struct slice *before = i + 1 < SWEEP_PAST ? &ender->past[i + 1] : NULL;
		struct gap_cause cause;
		uint64_t from_ns = slice->start_ns;

		if (!slice->duration_ns || slice_end_ns(slice) != to_ns)
			break;
		if (from_ns < gaps->from_ns)
			from_ns = gaps->from_ns;
		cause = cause_of(moment->trace, slice, before);
		charge(gaps, &cause, to_ns - from_ns);
		to_ns = from_ns;
	}
	charge_unknown(gaps, to_ns - gaps->from_ns);
}

static void on_covered(void *self, const struct moment *moment, uint64_t from_ns, uint64_t to_ns)
{
	struct gaps *gaps = self;

	if (gaps->from_ns < gaps->to_ns && (moment->running || gaps->to_ns != from_ns)) {
		if (gaps->to_ns == from_ns && moment->starter)
			charge_ender(gaps, moment);
		else
			charge_unknown(gaps, gaps->to_ns - gaps->from_ns);
		gaps->from_ns = gaps->to_ns;
	}
	if (moment->running)
		return;
	if (gaps->from_ns == gaps->to_ns)
		gaps->from_ns = from_ns;
	gaps->to_ns = to_ns;
}

struct observer gaps_observer(struct gaps *gaps)
{
	return (struct observer){ .self = gaps, .covered = on_covered };
}

static int by_weight(const void *a, const void *b)
{
	const struct gap_cause *x = a, *y = b;
	uint64_t x_key = cause_key(x), y_key = cause_key(y);

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x_key != y_key)
		return x_key < y_key ? -1 : 1;
	return x->lock < y->lock ? -1 : x->lock > y->lock;
}

void gaps_finish(struct gaps *gaps, struct report *report)
{
	const struct gap_cause end = { .kind = GAP_END, .syscall = RECORD_SYSCALL_NONE };

	if (gaps->from_ns < gaps->to_ns) {
		if (gaps->to_ns == report->end_ns)
			charge(gaps, &end, gaps->to_ns - gaps->from_ns);
		else
			charge_unknown(gaps, gaps->to_ns - gaps->from_ns);
	}
	for (const struct tally *t = gaps->causes; t; t = t->hh.next) {
		struct gap_cause *cause =
			array_add(&report->gaps, &report->gap_count, sizeof(*report->gaps));

		cause->kind = t->key.high >> 32;
		cause->state = t->key.high >> 16 & 0xff;
		cause->syscall = (int16_t)(uint16_t)(t->key.high & 0xffff);
		cause->lock = (uint32_t)t->key.low;
		cause->ns = t->ns;
		cause->count = t->count;
	}
	if (report->gap_count)
		qsort(report->gaps, report->gap_count, sizeof(*report->gaps), by_weight);
}

void gaps_release(struct gaps *gaps)
{
	tally_free(&gaps->causes);
}
