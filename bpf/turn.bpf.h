/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The state machine of a thread: states are left and entered here, time is charged here, and turns
 * go to the ring. All of it is cut to the window. Who may call: events of one thread are serialised
 * by its run queue's lock.
 */
#ifndef CONVOY_TURN_BPF_H
#define CONVOY_TURN_BPF_H

/* The instant of an event: the clock, not behind the last event, not beyond the window. */
static __always_inline __u64 event_time(const struct thread_state *ts, __u64 now_ns)
{
	/* The clock was read before this: an end decided later than that is ahead of it. */
	__u64 limit_ns = end_ns;

	if (now_ns > limit_ns)
		now_ns = limit_ns;
	if (now_ns < ts->since_ns) {
		count_loss(LOSS_CLOCK_BACK, 1);
		now_ns = ts->since_ns;
	}
	return now_ns;
}

/* Charges the time since the last event to the state that ends now. */
static __always_inline void state_leave(struct thread_state *ts, __u64 now_ns)
{
	__u64 from_ns = ts->since_ns;
	__u32 state = ts->state;

	/* One register for the check and the index, or the verifier loses the bound. */
	barrier_var(state);
	ts->since_ns = now_ns;
	if (from_ns < start_ns)
		from_ns = start_ns;
	if (now_ns <= from_ns || state >= STATE_COUNT)
		return;
	ts->total.state_ns[state] += now_ns - from_ns;
	if (state == STATE_FUTEX)
		use_add_wait(ts, now_ns - from_ns);
}

/* Pending turns go to user space or, if the ring is full, are lost and counted. */
static __always_inline void turns_account(struct thread_state *ts, long err)
{
	if (err) {
		ts->total.slices_lost += ts->pending_slices;
		count_loss(LOSS_SLICE_RING, ts->pending_slices);
		count_loss(LOSS_TURNS_RING, ts->pending_count);
	}
	ts->pending_count = 0;
	ts->pending_slices = 0;
}

/* Before the thread, its address space or the window goes: the turns that still wait for company.
 */
static __noinline void turns_flush(struct thread_state *ts)
{
	/* All of them would have gone already: the mask is for the verifier. */
	__u32 count = ts->pending_count & (TURNS_AT_ONCE - 1);

	if (count == 0)
		return;
	turns_account(ts, bpf_ringbuf_output(&turns, ts->pending, count * sizeof(ts->pending[0]),
					     BPF_RB_NO_WAKEUP));
}

/* Hands the turn to user space; flags: CYCLE_*. Inlined: this is where every switch goes. */
static __always_inline void turn_emit(struct thread_state *ts, __u64 out_ns, __u32 flags)
{
	__u64 off_ns = ts->off_ns, wake_ns = ts->wake_ns, in_ns = ts->in_ns;
	struct cycle_record *turn;
	__u32 slices;

	/* The end of the window is cut where the clock is read, its begin where a turn spans it. */
	if (off_ns < start_ns) {
		off_ns = window_cut(off_ns);
		wake_ns = window_cut(wake_ns);
		in_ns = window_cut(in_ns);
		out_ns = window_cut(out_ns);
	}
	if (out_ns <= off_ns || !wants_turns)
		return;
	slices = (wake_ns > off_ns) + (in_ns > wake_ns) + (out_ns > in_ns);
	ts->total.slices += slices;
	ts->pending_slices += slices;
	ts->total.seq++;
	turn = &ts->pending[ts->pending_count & (TURNS_AT_ONCE - 1)];
	turn->thread = ts->total.thread;
	turn->seq = ts->total.seq;
	turn->off_ns = off_ns;
	turn->wake_ns = wake_ns;
	turn->in_ns = in_ns;
	turn->out_ns = out_ns;
	turn->use = ts->use;
	turn->waker = ts->waker;
	turn->holder = ts->holder;
	turn->proc = ts->off_proc;
	turn->syscall = ts->syscall;
	turn->cpu = ts->cpu;
	turn->state = ts->off_state;
	turn->result = ts->result;
	turn->flags = ts->turn_flags | flags;
	turn->pad = 0;
	if (++ts->pending_count == TURNS_AT_ONCE)
		turns_account(ts, bpf_ringbuf_output(&turns, ts->pending, sizeof(ts->pending),
						     BPF_RB_NO_WAKEUP));
}

/* A new turn begins with the thread off the CPU in `state`. */
static __always_inline void turn_begin(struct thread_state *ts, __u64 now_ns, __u8 state)
{
	ts->off_ns = now_ns;
	ts->wake_ns = now_ns;
	ts->in_ns = now_ns;
	ts->since_ns = now_ns;
	ts->state = state;
	ts->off_state = state;
	ts->off_proc = ts->total.proc;
	ts->waker = 0;
	ts->holder = 0;
	ts->result = WAIT_RESULT_UNKNOWN;
	ts->turn_flags = state == STATE_FUTEX ? CYCLE_HAS_WAIT : 0;
}

/* Closes the account exactly once, whoever comes first: the thread's own next event or the end
 * iterator. */
static __always_inline bool thread_close(struct thread_state *ts)
{
	return __sync_val_compare_and_swap(&ts->is_closed, 0, 1) == 0;
}

/* What is still open at the end of the window: the state under way is charged, the turn emitted as
 * far as it got. */
static __noinline void thread_finish(struct thread_state *ts)
{
	__u64 last_ns = end_ns;

	if (!thread_close(ts) || ts->total.start_ns == ~0ULL)
		return;
	state_leave(ts, last_ns);
	if (ts->state == STATE_QUEUED || ts->state == STATE_PREEMPTED)
		ts->in_ns = last_ns;
	else if (ts->state != STATE_RUNNING)
		ts->wake_ns = ts->in_ns = last_ns;
	if (ts->state == STATE_PREEMPTED)
		ts->wake_ns = last_ns;
	turn_emit(ts, last_ns, 0);
	turns_flush(ts);
	ts->total.end_ns = last_ns;
}

/*
 * Every event of a thread begins here; clock_ns: the clock, just read. False: nothing more is to be
 * done, the window is over for it.
 */
static __always_inline bool event_begin(struct thread_state *ts, __u64 clock_ns, __u64 *now_ns)
{
	if (ts->is_closed)
		return false;
	*now_ns = event_time(ts, clock_ns);
	if (*now_ns >= end_ns) {
		thread_finish(ts);
		return false;
	}
	ts->has_event = 1;
	return true;
}

#endif
