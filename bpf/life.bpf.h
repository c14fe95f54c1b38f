/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The record of a life event, and the end of a thread's account.
 */
#ifndef CONVOY_LIFE_BPF_H
#define CONVOY_LIFE_BPF_H

static __always_inline __u64 window_cut(__u64 time_ns)
{
	if (time_ns < start_ns)
		return start_ns;
	return time_ns > end_ns ? end_ns : time_ns;
}

static __always_inline void read_allowed(const struct task_struct *task, struct life_record *life)
{
	const struct cpumask *mask = BPF_CORE_READ(task, cpus_ptr);
	__u32 bytes = bpf_core_type_size(struct cpumask);

	__builtin_memset(life->allowed, 0, sizeof(life->allowed));
	life->allowed_count = BPF_CORE_READ(task, nr_cpus_allowed);
	if (bytes > sizeof(life->allowed))
		bytes = sizeof(life->allowed);
	bpf_probe_read_kernel(life->allowed, bytes, mask);
}

static __always_inline void life_fill(struct life_record *life, struct thread_state *ts,
				      struct task_struct *task, __u32 kind)
{
	life->kind = kind;
	life->thread = ts->total.thread;
	life->time_ns = bpf_ktime_get_ns();
	life->pid = ts->total.pid;
	life->tid = ts->total.tid;
	life->ppid = ts->total.ppid;
	life->proc = ts->total.proc;
	life->parent_proc = 0;
	life->use = ts->use;
	life->fsbase = ts->total.fsbase;
	__builtin_memcpy(life->comm, ts->total.comm, sizeof(life->comm));
	read_allowed(task, life);
}

/* wakeup: BPF_RB_*. */
static __noinline void life_tell(struct thread_state *ts, struct task_struct *task, __u32 kind,
				 __u64 wakeup, __u32 parent_proc)
{
	struct life_record *life = bpf_ringbuf_reserve(&lives, sizeof(*life), 0);

	if (!life) {
		count_loss(LOSS_LIFE_RING, 1);
		return;
	}
	life_fill(life, ts, task, kind);
	life->parent_proc = parent_proc;
	bpf_ringbuf_submit(life, wakeup);
}

/* The stack may end sooner than the copy would: then a smaller one is tried. */
static __always_inline __u32 read_stack(void *stack, __u64 stack_pointer)
{
	if (!bpf_probe_read_user(stack, RECORD_STACK_BYTES, (const void *)stack_pointer))
		return RECORD_STACK_BYTES;
	if (!bpf_probe_read_user(stack, RECORD_STACK_BYTES / 4, (const void *)stack_pointer))
		return RECORD_STACK_BYTES / 4;
	return 0;
}

/* Registers and stack of a thread as it last was in user space. */
static __always_inline void stack_fill(struct stack_record *wait, struct task_struct *task)
{
	const struct pt_regs *regs = user_registers(task);

	wait->instruction = 0;
	wait->stack_pointer = 0;
	wait->stack_bytes = 0;
	wait->switches = task->nvcsw;
	if (regs) {
		wait->instruction = regs->ip;
		wait->stack_pointer = regs->sp;
		/* Only the task itself has its memory at hand, not the scan. */
		if (task == bpf_get_current_task_btf())
			wait->stack_bytes = read_stack(wait->stack, regs->sp);
	}
}

static __noinline void wait_tell(struct thread_state *ts, struct task_struct *task, __u32 kind)
{
	struct stack_record *wait = bpf_ringbuf_reserve(&lives, sizeof(*wait), 0);

	if (!wait) {
		/* A stack of a word that is known already is no loss. */
		if (kind == LIFE_FIRST_WAIT)
			count_loss(LOSS_LIFE_RING, 1);
		return;
	}
	life_fill(&wait->life, ts, task, kind);
	stack_fill(wait, task);
	bpf_ringbuf_submit(wait, BPF_RB_FORCE_WAKEUP);
}

/* A few stacks tell who waits where; a GIL is waited for everywhere. */
static __always_inline void later_wait_tell(struct thread_state *ts, struct task_struct *task,
					    __u32 *stacks)
{
	struct word_key key = { .address = ts->use.address, .proc = ts->total.proc };

	if (*stacks >= WORD_STACKS_MAX || stacks_copied >= STACKS_MAX ||
	    (has_gil_words && bpf_map_lookup_elem(&gil_words, &key)))
		return;
	if (__sync_fetch_and_add(stacks, 1) >= WORD_STACKS_MAX)
		return;
	__sync_fetch_and_add(&stacks_copied, 1);
	wait_tell(ts, task, LIFE_LATER_WAIT);
}

/* Tells user space of a word the first time that the process waits on it in this way, and of a few
 * later waits. */
static __noinline void word_announce(struct thread_state *ts, struct task_struct *task)
{
	struct word_key key = { .address = ts->use.address,
				.proc = ts->total.proc,
				.how = ts->use.op | ts->use.flags << 8 };
	__u32 none = 0, *stacks;

	stacks = bpf_map_lookup_elem(&words, &key);
	if (stacks) {
		later_wait_tell(ts, task, stacks);
		return;
	}
	if (bpf_map_update_elem(&words, &key, &none, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&words, &key))
			count_loss(LOSS_WORDS_FULL, 1);
		return;
	}
	wait_tell(ts, task, LIFE_FIRST_WAIT);
}

static __always_inline void thread_refresh(struct thread_state *ts, const struct task_struct *task)
{
	BPF_CORE_READ_STR_INTO(&ts->total.comm, task, comm);
	ts->total.tid = task->pid;
	ts->total.pid = task->tgid;
}

/* The first thread of a program has its thread pointer only some time after the exec. */
static __noinline void pointer_announce(struct thread_state *ts, struct task_struct *task)
{
	ts->total.fsbase = BPF_CORE_READ(task, thread.fsbase);
	if (ts->total.fsbase)
		life_tell(ts, task, LIFE_POINTER, BPF_RB_NO_WAKEUP, 0);
}

#define ADD_TO_REST(field) __sync_fetch_and_add(&sum->field, dead_total->field)

/* No room for the row of a dead thread: its numbers go into the sum, so totals stay exact. */
static __noinline void rest_add(const struct thread_total *dead_total)
{
	__u32 zero = 0;
	struct thread_total *sum = bpf_map_lookup_elem(&rest, &zero);
	__u64 from_ns = dead_total->start_ns > start_ns ? dead_total->start_ns : start_ns;

	if (!sum)
		return;
	for (int i = 0; i < STATE_COUNT; i++)
		ADD_TO_REST(state_ns[i]);
	ADD_TO_REST(voluntary);
	ADD_TO_REST(involuntary);
	ADD_TO_REST(yields);
	ADD_TO_REST(migrations);
	ADD_TO_REST(slices);
	ADD_TO_REST(slices_lost);
	__sync_fetch_and_add(&sum->other_wait_ns, dead_total->state_ns[STATE_FUTEX]);
	/* The lifetimes add up; the row has no single start and end. */
	__sync_fetch_and_add(&sum->end_ns, dead_total->end_ns - from_ns);
	__sync_fetch_and_add(&sum->switches, 1);
	count_loss(LOSS_DEAD_FULL, 1);
}

/* True for the one who may give the totals away: the thread's last switch, or the iterator at the
 * end. */
static __always_inline bool thread_hand_over(struct thread_state *ts)
{
	if (__sync_val_compare_and_swap(&ts->is_handed, 0, 1) != 0)
		return false;
	__sync_fetch_and_add(&handed_count, 1);
	return true;
}

/* After its last switch: the thread will not be seen again. */
static __always_inline void thread_bury(struct thread_state *ts, struct task_struct *task)
{
	__u32 thread = ts->total.thread;

	thread_refresh(ts, task);
	if (!thread_hand_over(ts))
		return;
	if (ts->total.end_ns > ts->total.start_ns &&
	    bpf_map_update_elem(&dead, &thread, &ts->total, BPF_NOEXIST))
		rest_add(&ts->total);
}

#endif
