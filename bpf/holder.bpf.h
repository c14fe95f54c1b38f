/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Who has the lock when a thread begins to wait for it, where the lock's own memory says so. Read
 * from the waiting thread's memory with faults off; what is read is a hint for user space to check,
 * never trusted.
 */
#ifndef CONVOY_HOLDER_BPF_H
#define CONVOY_HOLDER_BPF_H

#define FUTEX_WORD_TID 0x3fffffff /* owner in the word of PI and robust locks */
#define FUTEX_WORD_OWNED 0x80000000 /* value waited for by robust locks: waiters, and the owner */
#define MUTEX_CONTENDED 2 /* value waited for by glibc's mutexes */

/* CPython 3.7 to 3.15, 8 bytes into its GIL: who took it last, whether it is taken, and how often
 * another thread got it. */
struct gil_fields {
	__u64 last_holder;
	__s32 locked;
	__s32 pad;
	__u64 switch_number;
};
#define GIL_FIELDS_OFFSET 8

/* The first words of a glibc mutex: lock, count, owner. */
struct mutex_fields {
	__u32 word;
	__u32 count;
	__u32 owner;
};

static __always_inline bool read_gil_holder(struct thread_state *ts)
{
	struct word_key key = { .address = ts->use.address, .proc = ts->total.proc };
	struct gil_fields gil = {};
	__u64 *start;

	start = bpf_map_lookup_elem(&gil_words, &key);
	if (!start)
		return false;
	bpf_probe_read_user(&gil, sizeof(gil), (const void *)(*start + GIL_FIELDS_OFFSET));
	if (gil.locked == 1) {
		ts->holder = gil.last_holder;
		ts->turn_flags |= CYCLE_HOLDER_TSTATE;
	}
	return true;
}

static __always_inline void read_mutex_holder(struct thread_state *ts)
{
	bool is_in_word = ts->use.op == FUTEX_CMD_LOCK_PI || ts->use.op == FUTEX_CMD_LOCK_PI2 ||
			  (ts->use.op == FUTEX_CMD_WAIT && (ts->use.value & FUTEX_WORD_OWNED));
	struct mutex_fields mutex = {};

	if (!is_in_word && ts->use.value != MUTEX_CONTENDED)
		return;
	if (bpf_probe_read_user(&mutex, sizeof(mutex), (const void *)ts->use.address))
		return;
	ts->holder = is_in_word ? mutex.word & FUTEX_WORD_TID : mutex.owner;
	ts->turn_flags |= CYCLE_HOLDER_TID;
}

/*
 * By a timer of user space's on a thread that ran on with the GIL while others asked for it: tells
 * where it is if it has the GIL now. The timer interrupts it, so its registers are at hand.
 */
SEC("perf_event")
int on_look(void *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct thread_state *ts = bpf_task_storage_get(&threads, task, 0, 0);
	struct stack_record *seen;
	struct gil_fields gil = {};
	struct gil_look *look;

	if (!ts)
		return 0;
	look = bpf_map_lookup_elem(&looks, &ts->total.thread);
	if (!look)
		return 0;
	bpf_probe_read_user(&gil, sizeof(gil), (const void *)(look->gil_start + GIL_FIELDS_OFFSET));
	if (gil.locked != 1 || gil.last_holder != look->holder)
		return 0;
	/* A look more or less is no loss. */
	seen = bpf_ringbuf_reserve(&lives, sizeof(*seen), 0);
	if (!seen)
		return 0;
	life_fill(&seen->life, ts, task, LIFE_LOOK);
	seen->life.use.address = look->gil_start;
	seen->life.use.value = gil.switch_number;
	stack_fill(seen, task);
	bpf_ringbuf_submit(seen, BPF_RB_NO_WAKEUP);
	return 0;
}

/* The turn has begun with a futex wait. */
static __always_inline void read_holder(struct thread_state *ts)
{
	if (has_gil_words && read_gil_holder(ts))
		return;
	if (!(ts->use.flags & USE_PARKED))
		read_mutex_holder(ts);
}

#endif
