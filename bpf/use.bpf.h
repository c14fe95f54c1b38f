/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Futex uses: which word a blocked thread waits on, how, and the totals per thread and use. Totals
 * live with the thread in a small two-way table; what it evicts is added to a hash, so nothing is
 * lost.
 */
#ifndef CONVOY_USE_BPF_H
#define CONVOY_USE_BPF_H

static __always_inline bool is_wait_command(__u32 command)
{
	return command == FUTEX_CMD_WAIT || command == FUTEX_CMD_WAIT_BITSET ||
	       command == FUTEX_CMD_LOCK_PI || command == FUTEX_CMD_LOCK_PI2 ||
	       command == FUTEX_CMD_WAIT_REQUEUE_PI;
}

static __always_inline bool is_wake_command(__u32 command)
{
	return command == FUTEX_CMD_WAKE || command == FUTEX_CMD_WAKE_BITSET ||
	       command == FUTEX_CMD_WAKE_OP || command == FUTEX_CMD_REQUEUE ||
	       command == FUTEX_CMD_CMP_REQUEUE || command == FUTEX_CMD_CMP_REQUEUE_PI ||
	       command == FUTEX_CMD_UNLOCK_PI;
}

static __always_inline bool read_futex_wait(const struct call *call, struct futex_use *use)
{
	__u32 op = call->args[1];

	if (!is_wait_command(op & FUTEX_CMD_MASK))
		return false;
	use->address = call->args[0];
	use->op = op & FUTEX_CMD_MASK;
	use->flags = (op & FUTEX_FLAG_PRIVATE ? USE_PRIVATE : 0) |
		     (op & FUTEX_FLAG_REALTIME ? USE_REALTIME : 0) |
		     (call->args[3] ? USE_TIMED : 0);
	use->value = call->args[2];
	return true;
}

/* struct futex_waitv of the system call: value, address, flags, reserved. */
struct waitv_entry {
	__u64 value;
	__u64 address;
	__u32 flags;
	__u32 reserved;
};

/* The wait a call stands for, if it is one. resumed: the wait that restart_syscall would go on
 * with. */
static __always_inline bool read_wait(const struct call *call, const struct thread_state *ts,
				      struct futex_use *use)
{
	if (call->number == NR_futex)
		return read_futex_wait(call, use);
	if (call->number == NR_restart_syscall) {
		if (!ts->wait_word || ts->wait_word != call->args[0])
			return false;
		*use = ts->use;
		use->address = ts->wait_word;
		use->flags &= ~USE_PARKED;
		return true;
	}
	if (call->number == NR_futex_wait) {
		use->address = call->args[0];
		use->op = FUTEX_OP_WAIT2;
		use->flags = (call->args[3] & FUTEX2_FLAG_PRIVATE ? USE_PRIVATE : 0) |
			     (call->args[4] ? USE_TIMED : 0);
		use->value = call->args[1];
		return true;
	}
	if (call->number == NR_futex_waitv) {
		struct waitv_entry entry = {};

		bpf_probe_read_user(&entry, sizeof(entry), (const void *)call->args[0]);
		use->address = entry.address ? entry.address : call->args[0];
		use->op = FUTEX_OP_WAITV;
		use->flags = (entry.flags & FUTEX2_FLAG_PRIVATE ? USE_PRIVATE : 0) |
			     (call->args[3] ? USE_TIMED : 0);
		use->value = entry.value;
		return true;
	}
	return false;
}

#define LATCH_NOBODY 0
#define LATCH_EXITING (~0ULL) /* the waker is dying: a join */
#define LATCH_SHARED                                                                               \
	(~1ULL) /* a wake without FUTEX_PRIVATE_FLAG: another address may name the word */

/* Which word the current call wakes. */
static __always_inline __u64 read_wake(const struct call *call)
{
	if (call->number == NR_futex) {
		__u32 op = call->args[1];

		if (!is_wake_command(op & FUTEX_CMD_MASK))
			return LATCH_NOBODY;
		if (!(op & FUTEX_FLAG_PRIVATE))
			return LATCH_SHARED;
		return call->args[0];
	}
	if (call->number == NR_futex_wake)
		return call->args[3] & FUTEX2_FLAG_PRIVATE ? call->args[0] : LATCH_SHARED;
	if (call->number == NR_futex_requeue)
		return LATCH_SHARED;
	return LATCH_NOBODY;
}

static __always_inline bool is_release_of(__u64 latch_address, const struct thread_state *ts)
{
	if (latch_address == LATCH_NOBODY)
		return false;
	if (latch_address == LATCH_EXITING)
		return true;
	if (latch_address == LATCH_SHARED)
		return !(ts->use.flags & USE_PRIVATE);
	return latch_address == ts->wait_word;
}

static __always_inline bool is_same_use(const struct use_total *row, const struct futex_use *use,
					__u32 proc)
{
	return row->use.address == use->address && row->use.op == use->op &&
	       row->use.flags == use->flags && row->proc == proc;
}

static __always_inline void use_key_init(struct use_key *key, __u32 thread,
					 const struct use_total *row)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->thread = thread;
	key->proc = row->proc;
	key->address = row->use.address;
	key->op = row->use.op;
	key->flags = row->use.flags;
}

/* Moves a row to the hash. Only the thread itself or, at its end, one closer adds to a key. */
static __noinline void use_evict(struct thread_state *ts, struct use_total *row)
{
	struct use_total *kept;
	struct use_key key;

	use_key_init(&key, ts->total.thread, row);
	kept = bpf_map_lookup_elem(&uses, &key);
	if (kept) {
		kept->waits += row->waits;
		kept->timeouts += row->timeouts;
		kept->again += row->again;
		kept->wait_ns += row->wait_ns;
		if (row->waits && row->min_ns < kept->min_ns)
			kept->min_ns = row->min_ns;
		if (row->max_ns > kept->max_ns)
			kept->max_ns = row->max_ns;
	} else if (bpf_map_update_elem(&uses, &key, row, BPF_NOEXIST)) {
		if (row->use.op != FUTEX_OP_WAKE) {
			ts->total.other_waits += row->waits;
			ts->total.other_wait_ns += row->wait_ns;
			count_loss(LOSS_USES_FULL, row->waits);
		}
	}
	row->use.address = 0;
}

static __always_inline void use_reset(struct use_total *row, const struct futex_use *use,
				      __u32 proc)
{
	row->use = *use;
	row->waits = 0;
	row->timeouts = 0;
	row->again = 0;
	row->proc = proc;
	row->wait_ns = 0;
	row->min_ns = ~0ULL;
	row->max_ns = 0;
}

/* Index of the row of a use, made if need be. *is_new: the thread did not have it at hand. */
static __always_inline __u32 use_find(struct thread_state *ts, const struct futex_use *use,
				      bool *is_new)
{
	/* Words of one lock are 4 bytes apart: the low bits must count. */
	__u32 hash = (__u32)(use->address >> 2) ^ (__u32)(use->address >> 7) ^ (use->op << 1);
	__u32 slot = hash & (THREAD_USES - 1);
	__u32 other = slot ^ 1;

	*is_new = false;
	if (is_same_use(&ts->total.uses[slot], use, ts->total.proc))
		return slot;
	if (is_same_use(&ts->total.uses[other], use, ts->total.proc))
		return other;
	*is_new = true;
	if (ts->total.uses[slot].use.address) {
		if (!ts->total.uses[other].use.address)
			slot = other;
		else
			use_evict(ts, &ts->total.uses[slot]);
	}
	use_reset(&ts->total.uses[slot], use, ts->total.proc);
	return slot;
}

static __always_inline struct use_total *use_row(struct thread_state *ts,
						 const struct futex_use *use)
{
	bool is_new;

	return &ts->total.uses[use_find(ts, use, &is_new) & (THREAD_USES - 1)];
}

/* Whether the thread's wait is one to look at: ever fewer are. The steps from one to the
 * next are odd and differ from thread to thread, or threads that go round in turn would be met at
 * the same place. */
static __always_inline bool is_sampled_wait(struct thread_state *ts)
{
	if (ts->unsampled_waits) {
		ts->unsampled_waits--;
		return false;
	}
	ts->sample_step = ts->sample_step * 2 + 1;
	ts->unsampled_waits = ts->sample_step - 1 + 2 * (ts->total.thread & 7);
	return true;
}

/* A wait begins: its row is found now, so that its end need not look. True: it may be the thread's
 * first on the word (tries that did not block have left rows without a wait), or it is one to look
 * at. */
static __always_inline bool use_begin_wait(struct thread_state *ts)
{
	bool is_sampled = is_sampled_wait(ts);
	bool is_new;

	ts->use_slot = use_find(ts, &ts->use, &is_new);
	return is_sampled || is_new || !ts->total.uses[ts->use_slot & (THREAD_USES - 1)].waits;
}

/* One wait, or its part inside of the window, is over. */
static __always_inline void use_add_wait(struct thread_state *ts, __u64 wait_ns)
{
	__u32 slot = ts->use_slot & (THREAD_USES - 1);
	struct use_total *row;
	bool is_new;

	/* A thread that was woken unseen went on making calls, which may have taken the row. */
	if (!is_same_use(&ts->total.uses[slot], &ts->use, ts->total.proc))
		slot = use_find(ts, &ts->use, &is_new) & (THREAD_USES - 1);
	row = &ts->total.uses[slot];
	row->waits++;
	row->wait_ns += wait_ns;
	if (wait_ns < row->min_ns)
		row->min_ns = wait_ns;
	if (wait_ns > row->max_ns)
		row->max_ns = wait_ns;
}

/* Before the address space goes: what is at hand moves to the hash, under the old process number.
 */
static __noinline void use_evict_all(struct thread_state *ts)
{
	for (int i = 0; i < THREAD_USES; i++) {
		if (ts->total.uses[i].use.address)
			use_evict(ts, &ts->total.uses[i]);
	}
}

#endif
