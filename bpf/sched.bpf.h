/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The scheduler's tracepoints: switches and wake-ups of target threads. A task that is no target
 * costs one look-up.
 */
#ifndef CONVOY_SCHED_BPF_H
#define CONVOY_SCHED_BPF_H

static __always_inline struct thread_state *thread_of(struct task_struct *task)
{
	/* The idle task exists once per CPU and is never a target. */
	return task->pid ? bpf_task_storage_get(&threads, task, NULL, 0) : NULL;
}

/* What a thread that stops running goes into. Fills call, use and syscall of the turn to come. */
static __always_inline __u8 blocked_state(struct thread_state *ts, struct task_struct *task,
					  __u64 task_state)
{
	struct call call = { .number = RECORD_SYSCALL_NONE };
	__u64 stack_pointer = 0;

	if (has_user_registers(task)) {
		const struct pt_regs *regs = user_registers(task);

		if (regs) {
			read_call(task, regs, &call);
			stack_pointer = regs->sp;
		}
	}
	ts->syscall = call.number;
	if (task_state & (TASK_STOPPED | TASK_TRACED | TASK_FROZEN))
		return STATE_STOPPED;
	if (BPF_CORE_READ_BITFIELD(task, in_iowait))
		return STATE_IO;
	if (!(task_state & TASK_INTERRUPTIBLE))
		return STATE_KERNEL;
	if (call.number != RECORD_SYSCALL_NONE && read_wait(&call, ts, &ts->use)) {
		park_begin(ts, task, stack_pointer);
		return STATE_FUTEX;
	}
	if (call.is_compat)
		count_loss(LOSS_COMPAT, 1);
	return STATE_SLEEP;
}

/* The kernel's own account, to be held against ours: taken at the first and the last switch in the
 * window. */
static __always_inline void account_sample(struct thread_state *ts, const struct task_struct *task,
					   __u64 run_ns)
{
	__u64 wait_ns = task->sched_info.run_delay;
	__u64 own_wait_ns = ts->total.state_ns[STATE_PREEMPTED] + ts->total.state_ns[STATE_QUEUED];

	if (ts->total.switches == 0) {
		ts->total.kernel_run_first = run_ns;
		ts->total.own_run_first = ts->total.state_ns[STATE_RUNNING];
		ts->total.kernel_wait_first = wait_ns;
		ts->total.own_wait_first = own_wait_ns;
		ts->total.charged_ready_first = ts->total.charged_ready_ns;
		ts->total.uncharged_first = ts->total.uncharged_ns;
	}
	ts->total.switches++;
	ts->total.kernel_run_last = run_ns;
	ts->total.own_run_last = ts->total.state_ns[STATE_RUNNING];
	ts->total.kernel_wait_last = wait_ns;
	ts->total.own_wait_last = own_wait_ns;
	ts->total.charged_ready_last = ts->total.charged_ready_ns;
	ts->total.uncharged_last = ts->total.uncharged_ns;
}

static __always_inline void switch_count(struct thread_state *ts, __u8 state, bool is_preempt)
{
	if (state == STATE_PREEMPTED) {
		ts->total.involuntary++;
		if (!is_preempt && ts->syscall == NR_sched_yield)
			ts->total.yields++;
	} else {
		ts->total.voluntary++;
	}
}

/* The thread is dead: it will not be seen again. */
static __always_inline void switch_out_dead(struct thread_state *ts, struct task_struct *task,
					    __u64 now_ns)
{
	__s64 left;

	turn_emit(ts, now_ns, CYCLE_LAST);
	turns_flush(ts);
	thread_close(ts);
	ts->total.end_ns = now_ns > start_ns ? now_ns : 0;
	thread_bury(ts, task);
	left = __sync_fetch_and_add(&live_count, -1) - 1;
	if (end_ns == ~0ULL && start_ns != ~0ULL) {
		/* The end is never behind an event that another CPU may be handling. */
		if (left <= 0)
			end_ns = now_ns;
		else if (root_is_dead && task->tgid == root_tgid)
			end_ns = now_ns + ROOT_DEATH_GRACE_NS;
	}
	life_tell(ts, task, LIFE_DEATH, left <= 0 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP, 0);
}

/* A call on its way out has its result in ax: giving way there was not asked for. */
static __always_inline void read_yield(struct thread_state *ts, struct task_struct *task)
{
	const struct pt_regs *regs = user_registers(task);

	ts->syscall = RECORD_SYSCALL_NONE;
	if (regs && has_user_registers(task) && (__s32)regs->orig_ax == NR_sched_yield &&
	    (__s64)regs->ax == -ENOSYS)
		ts->syscall = NR_sched_yield;
}

/*
 * A thread that leaves the CPU was running, even if nobody said so: some kernels fire no tracepoint
 * while a certain task is current (seen: the agent of a virtual machine), so the wake-ups it makes
 * and the switch from it to the next one are not told. How long the next one ran is what the kernel
 * charged it since its last switch-out; a wake-up that was not told is put at the switch-in.
 */
static __always_inline void switch_in_repair(struct thread_state *ts,
					     const struct task_struct *task, __u64 now_ns)
{
	__u64 ran_ns = task->se.sum_exec_runtime - ts->total.kernel_run_out;
	__u64 in_ns = now_ns - ran_ns;

	/* The kernel may charge from the wake-up on: its clock is not read again for every switch.
	 */
	if (ran_ns > now_ns - ts->since_ns)
		in_ns = ts->since_ns;
	count_loss(LOSS_REPAIRED, 1);
	state_leave(ts, in_ns);
	if (ts->state != STATE_QUEUED)
		ts->wake_ns = in_ns;
	ts->in_ns = in_ns;
	ts->uncharged_in = ~0ULL;
	ts->state = STATE_RUNNING;
	ts->cpu = bpf_get_smp_processor_id();
}

/* What the thread is not charged of its time on the CPU; next_ns: of it, charged to the next one.
 */
static __always_inline void uncharged_add(struct thread_state *ts, const struct task_struct *task,
					  __u64 next_ns)
{
	/* Of one CPU's clocks: a way to another may not have been told. */
	if (ts->uncharged_in != ~0ULL && ts->cpu == bpf_get_smp_processor_id())
		ts->total.uncharged_ns += uncharged_by_now(task) - ts->uncharged_in + next_ns;
	else if (!bpf_core_field_exists(task->se.cfs_rq))
		ts->total.uncharged_ns = ~0ULL;
}

static __always_inline void switch_out(struct thread_state *ts, struct task_struct *task,
				       bool is_preempt, __u64 task_state, __u64 clock_ns,
				       __u64 charged_next_ns)
{
	__u64 now_ns, run_ns;
	__u8 state;

	if (!event_begin(ts, clock_ns, &now_ns)) {
		/* A dying thread is on no list any more: this is the last chance. */
		if (task_state & TASK_DEAD)
			thread_bury(ts, task);
		return;
	}
	if (ts->state != STATE_RUNNING)
		switch_in_repair(ts, task, now_ns);
	state_leave(ts, now_ns);
	uncharged_add(ts, task, charged_next_ns);
	run_ns = task->se.sum_exec_runtime;
	ts->total.kernel_run_out = run_ns;
	if (now_ns > start_ns)
		account_sample(ts, task, run_ns);
	if (task_state & TASK_DEAD) {
		switch_out_dead(ts, task, now_ns);
		return;
	}
	turn_emit(ts, now_ns, 0);
	/*
	 * A signal that came in time keeps the task runnable: __schedule() has then put the state
	 * back, though older kernels still pass the one it saw. A wake-up cannot have changed it
	 * yet: it waits for this switch to end.
	 */
	if (is_preempt || !task_state || !task->__state) {
		state = STATE_PREEMPTED;
		if (is_preempt)
			ts->syscall = RECORD_SYSCALL_NONE;
		else
			read_yield(ts, task);
	} else {
		state = blocked_state(ts, task, task_state);
	}
	if (now_ns > start_ns)
		switch_count(ts, state, is_preempt);
	turn_begin(ts, now_ns, state);
	if (state == STATE_FUTEX) {
		if (use_begin_wait(ts))
			word_announce(ts, task);
		if (!ts->total.fsbase)
			pointer_announce(ts, task);
		read_holder(ts);
	}
}

/* How much of the wait for the CPU that ends now the kernel charges as running: all since the
 * wake-up, or nothing. */
static __always_inline __u64 charged_ready(const struct thread_state *ts,
					   const struct task_struct *task, __u64 now_ns)
{
	if (ts->state != STATE_QUEUED || now_ns < ts->since_ns ||
	    ts->clock_woken != queue_clock(task))
		return 0;
	return now_ns - ts->since_ns;
}

static __always_inline void switch_in(struct thread_state *ts, struct task_struct *task,
				      __u64 clock_ns, __u64 charged_ns)
{
	__u64 now_ns;
	__u16 cpu;

	if (!event_begin(ts, clock_ns, &now_ns))
		return;
	if (ts->state == STATE_RUNNING)
		count_loss(LOSS_UNMATCHED, 1);
	else if (ts->state != STATE_QUEUED && ts->state != STATE_PREEMPTED)
		count_loss(LOSS_REPAIRED, 1); /* its wake-up was not told */
	state_leave(ts, now_ns);
	if (ts->state != STATE_QUEUED)
		ts->wake_ns = now_ns;
	ts->in_ns = now_ns;
	ts->uncharged_in = uncharged_by_now(task);
	ts->state = STATE_RUNNING;
	cpu = bpf_get_smp_processor_id();
	if (now_ns > start_ns) {
		if (ts->total.switches == 0)
			account_sample(ts, task, task->se.sum_exec_runtime);
		ts->total.charged_ready_ns += charged_ns;
		if (cpu != ts->cpu && ts->total.switches > 1)
			ts->total.migrations++;
	}
	ts->cpu = cpu;
}

/* thread: of the target that has got this CPU, 0: it went to somebody else. */
static __always_inline void running_set(const struct task_struct *task, __u32 thread)
{
	__u32 cpu = bpf_get_smp_processor_id();

	barrier_var(cpu);
	if (cpu >= CPUS_MAX)
		return;
	running[cpu].task = thread ? (__u64)task : 0;
	running[cpu].thread = thread;
}

/* Serial number of the current task, 0: no target. */
static __always_inline __u32 current_thread(struct task_struct *current_task)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct thread_state *ts;

	barrier_var(cpu);
	if (cpu < CPUS_MAX && running[cpu].task == (__u64)current_task)
		return running[cpu].thread;
	ts = thread_of(current_task);
	return ts ? ts->total.thread : 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool is_preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct thread_state *out = thread_of(prev);
	struct thread_state *in = thread_of(next);
	__u64 clock_ns, charged_ns = 0;

	if (!out) {
		/* Two tests: the compiler would make one of them by or-ing pointers, which the
		 * verifier refuses. */
		barrier_var(in);
		if (!in)
			return 0;
	}
	/* One instant for both: one leaves the CPU when the other gets it. */
	clock_ns = bpf_ktime_get_ns();
	if (in)
		charged_ns = charged_ready(in, next, clock_ns);
	if (out)
		switch_out(out, prev, is_preempt, prev_state, clock_ns, charged_ns);
	running_set(next, in ? in->total.thread : 0);
	if (in)
		switch_in(in, next, clock_ns, charged_ns);
	return 0;
}

/*
 * The futex word that the current task is waking, or LATCH_*. is_waker: whether it is waking
 * anybody at all: in an interrupt it is a bystander. A task in a futex wake is taken at its word,
 * which spares the question.
 */
static __always_inline __u64 read_release(struct task_struct *task, bool *is_waker)
{
	const struct pt_regs *regs;
	struct call call;
	__u64 address;

	*is_waker = true;
	if (task->flags & PF_EXITING)
		return LATCH_EXITING;
	regs = user_registers(task);
	if (!regs)
		return LATCH_NOBODY;
	read_call(task, regs, &call);
	address = read_wake(&call);
	if (address == LATCH_NOBODY) {
		/* Without the preempt count, an interrupt of user code still shows: there is no
		 * call to wake from. */
		*is_waker = preempt_count_from_rq ? !in_interrupt(task)
						  : call.number != RECORD_SYSCALL_NONE;
	}
	return address;
}

/* Who wakes, and whether it lets go of what the sleeper waits for: kept until the wake-up itself.
 */
SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct thread_state *ts = thread_of(task);
	struct task_struct *current_task;
	bool is_waker;
	__u32 waker;

	if (!ts || ts->is_closed)
		return 0;
	current_task = bpf_get_current_task_btf();
	waker = current_thread(current_task);
	if (!waker) {
		ts->latch_waker = 0;
		ts->latch_address = LATCH_NOBODY;
		return 0;
	}
	ts->latch_address = read_release(current_task, &is_waker);
	ts->latch_waker = is_waker ? waker : 0;
	return 0;
}

static __always_inline void wake(struct thread_state *ts, const struct task_struct *task,
				 __u64 now_ns)
{
	ts->waker = ts->latch_waker;
	if (ts->state == STATE_FUTEX && ts->waker && is_release_of(ts->latch_address, ts)) {
		ts->turn_flags |= CYCLE_WAKER_RELEASED;
		ts->result = WAIT_RESULT_WOKEN;
	}
	state_leave(ts, now_ns);
	ts->wake_ns = now_ns;
	ts->in_ns = now_ns;
	ts->state = STATE_QUEUED;
	ts->clock_woken = queue_clock(task);
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
	struct thread_state *ts = thread_of(task);
	__u64 now_ns;

	if (!ts || !event_begin(ts, bpf_ktime_get_ns(), &now_ns))
		return 0;
	if (ts->state >= STATE_FUTEX)
		wake(ts, task, now_ns);
	ts->latch_waker = 0;
	ts->latch_address = LATCH_NOBODY;
	return 0;
}

#endif
