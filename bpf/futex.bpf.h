/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the scheduler cannot see of futex calls: how a wait ended, tries that failed, wakes that
 * woke nobody. Only the exit of the call is needed: its arguments are still in the saved registers.
 * Not loaded in lean mode.
 */
#ifndef CONVOY_FUTEX_BPF_H
#define CONVOY_FUTEX_BPF_H

static __always_inline __u8 wait_result_of(const struct futex_use *use, long ret)
{
	if (ret == 0 || (ret > 0 && use->op == FUTEX_OP_WAITV))
		return WAIT_RESULT_WOKEN;
	if (ret == -ETIMEDOUT)
		return WAIT_RESULT_TIMED_OUT;
	if (ret == -EINTR || (ret <= -ERESTARTSYS && ret >= -ERESTART_RESTARTBLOCK))
		return WAIT_RESULT_INTERRUPTED;
	return WAIT_RESULT_UNKNOWN;
}

static __always_inline void wait_returned(struct thread_state *ts, const struct futex_use *use,
					  long ret)
{
	struct use_total *row;

	if (use->address && ts->wait_word == use->address) {
		if (ts->turn_flags & CYCLE_HAS_WAIT)
			ts->result = wait_result_of(use, ret);
		if (ts->use.flags & USE_PARKED)
			use = &ts->use;
		/* The call is over, but for one that restart_syscall goes on with. */
		if (ret > -ERESTARTSYS || ret < -ERESTART_RESTARTBLOCK)
			ts->wait_word = 0;
	}
	if (ret != -ETIMEDOUT && ret != -EAGAIN)
		return;
	row = use_row(ts, use);
	if (ret == -ETIMEDOUT)
		row->timeouts++;
	else
		row->again++;
}

static __always_inline void wake_returned(struct thread_state *ts, __u64 address, long ret)
{
	struct futex_use use = { .address = address, .op = FUTEX_OP_WAKE };
	struct use_total *row;

	row = use_row(ts, &use);
	if (ret > 0)
		row->waits++;
	else
		row->again++;
}

/* The clock is only asked near an edge. */
static __always_inline bool is_in_window(const struct thread_state *ts)
{
	__u64 now_ns;

	if (ts->since_ns >= start_ns && end_ns == ~0ULL)
		return true;
	now_ns = bpf_ktime_get_ns();
	return now_ns >= start_ns && now_ns < end_ns;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_syscall_exit, struct pt_regs *regs, long ret)
{
	__u64 number = regs->orig_ax;
	struct task_struct *task;
	struct thread_state *ts;
	struct futex_use use = {};
	struct call call;

	/* Paid by every system call of the host: nothing before this line. */
	if (number != NR_futex && number != NR_restart_syscall && number != NR_i386_futex &&
	    number != NR_i386_futex_time64 &&
	    (number < NR_futex_waitv || number > NR_futex_requeue))
		return 0;
	task = bpf_get_current_task_btf();
	ts = thread_of(task);
	if (!ts || ts->is_closed || !is_in_window(ts))
		return 0;
	read_call(task, regs, &call);
	if (call.number == RECORD_SYSCALL_NONE)
		return 0;
	if (read_wait(&call, ts, &use)) {
		wait_returned(ts, &use, ret);
		return 0;
	}
	if (call.number == NR_futex && is_wake_command((__u32)call.args[1] & FUTEX_CMD_MASK))
		wake_returned(ts, call.args[0], ret);
	else if (call.number == NR_futex_wake)
		wake_returned(ts, call.args[0], ret);
	return 0;
}

#endif
