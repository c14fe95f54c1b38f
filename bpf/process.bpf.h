/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Threads and processes: how targets come to be, change their program, and leave; the scan for
 * those that are already there; and the end of the window.
 */
#ifndef CONVOY_PROCESS_BPF_H
#define CONVOY_PROCESS_BPF_H

/* A new target. NULL: no memory, counted. */
static __always_inline struct thread_state *thread_make(struct task_struct *task)
{
	struct thread_state *ts;

	ts = bpf_task_storage_get(&threads, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!ts) {
		count_loss(LOSS_STORAGE, 1);
		return NULL;
	}
	ts->total.thread = __sync_fetch_and_add(&thread_count, 1) + 1;
	ts->total.ppid = BPF_CORE_READ(task, real_parent, tgid);
	ts->syscall = RECORD_SYSCALL_NONE;
	ts->total.fsbase = BPF_CORE_READ(task, thread.fsbase);
	thread_refresh(ts, task);
	__sync_fetch_and_add(&live_count, 1);
	return ts;
}

static __always_inline __u32 proc_make(void)
{
	return __sync_fetch_and_add(&proc_count, 1) + 1;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct thread_state *from = thread_of(parent);
	struct thread_state *ts;
	bool is_thread;

	if (!from || (from->is_closed && from->total.end_ns))
		return 0;
	ts = thread_make(child);
	if (!ts)
		return 0;
	is_thread = parent->tgid == child->tgid;
	ts->total.proc = is_thread ? from->total.proc : proc_make();
	ts->total.start_ns = ~0ULL; /* not born before its first wake-up */
	turn_begin(ts, bpf_ktime_get_ns(), STATE_UNKNOWN);
	life_tell(ts, child, LIFE_BIRTH, BPF_RB_NO_WAKEUP, from->total.proc);
	return 0;
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_wakeup_new, struct task_struct *task)
{
	struct thread_state *ts = thread_of(task);
	struct thread_state *waker;
	__u64 now_ns;

	if (!ts || !event_begin(ts, bpf_ktime_get_ns(), &now_ns))
		return 0;
	turn_begin(ts, now_ns, STATE_QUEUED);
	waker = thread_of(bpf_get_current_task_btf());
	if (waker)
		ts->waker = waker->total.thread;
	ts->total.start_ns = now_ns;
	ts->cpu = bpf_get_smp_processor_id();
	ts->clock_woken = queue_clock(task);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	struct thread_state *ts = thread_of(task);
	__u32 before;

	if (!ts || ts->is_closed)
		return 0;
	before = ts->total.proc;
	use_evict_all(ts);
	turns_flush(ts); /* holders are told by the memory that goes */
	ts->total.proc = proc_make();
	ts->wait_word = 0;
	ts->total.fsbase = 0;
	thread_refresh(ts, task);
	if (start_ns == ~0ULL && task->tgid == root_tgid)
		start_ns = bpf_ktime_get_ns();
	life_tell(ts, task, LIFE_EXEC, BPF_RB_FORCE_WAKEUP, before);
	return 0;
}

/* Another kernel passes a second argument; only the first is used. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	/* The count has been taken down already: 0 means the last thread of its process. */
	if (ends_with_root && task->tgid == root_tgid && thread_of(task) &&
	    BPF_CORE_READ(task, signal, live.counter) == 0)
		root_is_dead = true; /* its last switch sets the end */
	return 0;
}

/* State of a task as the scan finds it. May be called for any task, also one that runs. */
static __always_inline __u8 scanned_state(struct thread_state *ts, struct task_struct *task)
{
	__u32 task_state = task->__state;

	if (task->on_cpu)
		return STATE_RUNNING;
	if (task_state == 0 || (task_state & TASK_WAKING))
		return STATE_PREEMPTED;
	return blocked_state(ts, task, task_state);
}

/*
 * Takes what the scan sees, as long as no event has said something newer. An event in between makes
 * the loop look again; and the scan itself is repeated.
 */
static __always_inline void scan_thread(struct thread_state *ts, struct task_struct *task)
{
	for (int attempt = 0; attempt < 4 && !ts->has_event; attempt++) {
		__u8 state = scanned_state(ts, task);

		if (ts->state == state && ts->since_ns)
			return;
		turn_begin(ts, bpf_ktime_get_ns(), state);
		if (state == STATE_FUTEX && use_begin_wait(ts))
			word_announce(ts, task);
	}
}

/* How many threads the last scan added. */
__u32 scan_found = 0;

SEC("iter/task")
int scan_targets(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_state *ts;
	__u32 *proc, made;
	__s32 tgid, parent;

	if (!task)
		return 0;
	tgid = task->tgid;
	if (!task->pid || tgid == own_tgid || (task->flags & PF_EXITING))
		return 0;
	ts = bpf_task_storage_get(&threads, task, NULL, 0);
	if (ts) {
		scan_thread(ts, task);
		return 0;
	}
	proc = bpf_map_lookup_elem(&target_pids, &tgid);
	if (!proc) {
		parent = BPF_CORE_READ(task, real_parent, tgid);
		if (!bpf_map_lookup_elem(&target_pids, &parent))
			return 0;
		made = 0;
		bpf_map_update_elem(&target_pids, &tgid, &made, BPF_ANY);
		proc = bpf_map_lookup_elem(&target_pids, &tgid);
		if (!proc)
			return 0;
	}
	if (!*proc)
		*proc = proc_make();
	ts = thread_make(task);
	if (!ts)
		return 0;
	ts->total.proc = *proc;
	ts->state = STATE_UNKNOWN;
	scan_thread(ts, task);
	scan_found++;
	life_tell(ts, task, LIFE_BIRTH, BPF_RB_NO_WAKEUP, 0);
	return 0;
}

/* After the end of the window: closes what is open and hands over the totals of the living. */
SEC("iter/task")
int finish_targets(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct thread_state *ts;

	if (!task || !task->pid)
		return 0;
	ts = bpf_task_storage_get(&threads, task, NULL, 0);
	if (!ts)
		return 0;
	thread_finish(ts);
	thread_refresh(ts, task);
	/* A full buffer makes the kernel ask again for the same task. */
	if (thread_hand_over(ts) && bpf_seq_write(ctx->meta->seq, &ts->total, sizeof(ts->total))) {
		__sync_fetch_and_add(&handed_count, -1);
		ts->is_handed = 0;
	}
	return 0;
}

/* The totals as they are, while the thread goes on: for a live view, which can do with a torn
 * number. */
SEC("iter/task")
int peek_targets(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct live_record live = {};
	struct thread_state *ts;

	if (!task || !task->pid)
		return 0;
	ts = bpf_task_storage_get(&threads, task, NULL, 0);
	if (!ts || ts->is_closed || ts->total.start_ns == ~0ULL)
		return 0;
	live.since_ns = ts->since_ns;
	live.state = ts->state;
	live.syscall = ts->syscall;
	live.use = ts->use;
	bpf_seq_write(ctx->meta->seq, &ts->total, sizeof(ts->total));
	bpf_seq_write(ctx->meta->seq, &live, sizeof(live));
	return 0;
}

#endif
