/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Waits in a parking lot (CPython 3.13 and later): a thread makes an entry on its own stack with
 * the address of what it is parked for, links it into a list and sleeps on a semaphore in the
 * entry. So the futex word says who waits, and the entry for what. Not for who has it.
 */
#ifndef CONVOY_PARKING_BPF_H
#define CONVOY_PARKING_BPF_H

/* The entry from the address on (struct wait_entry in Python/parking_lot.c, 3.13 to 3.15). */
struct parking_entry {
	__u64 lock;
	__u8 semaphore[32]; /* glibc's sem_t */
	__u64 next;
	__u64 previous;
	__u8 is_unparking; /* it has left the list and is about to be woken */
	__u8 pad[7];
};
#define PARKING_NODE (sizeof(__u64) + 32) /* the links, in the entry */

/* A thread of the process was seen parked for it, in the list. */
static __always_inline bool is_known_parked(const struct thread_state *ts, __u64 lock)
{
	struct word_key key = { .address = lock,
				.proc = ts->total.proc,
				.how = ts->use.op | (ts->use.flags | USE_PARKED) << 8 };

	return bpf_map_lookup_elem(&words, &key) != NULL;
}

/* Of glibc. */
static __always_inline bool is_semaphore_wait(const struct futex_use *use)
{
	return (use->flags & USE_PRIVATE) && use->op == FUTEX_CMD_WAIT_BITSET && use->value == 0;
}

/* Both neighbours must point back: nothing looks like this by chance. */
static __always_inline bool is_parked(const struct thread_state *ts,
				      const struct parking_entry *entry, __u64 address)
{
	__u64 node = address + PARKING_NODE, from_next = 0, from_previous = 0;

	if (!entry->next && !entry->previous)
		return entry->is_unparking == 1 && is_known_parked(ts, entry->lock);
	bpf_probe_read_user(&from_next, sizeof(from_next),
			    (const void *)(entry->next + sizeof(__u64)));
	bpf_probe_read_user(&from_previous, sizeof(from_previous), (const void *)entry->previous);
	return from_next == node && from_previous == node;
}

/* address: of the entry, if there is one. */
static __noinline void park_read(struct thread_state *ts, __u64 address)
{
	struct parking_entry entry = {};

	if (bpf_probe_read_user(&entry, sizeof(entry), (const void *)address) || !entry.lock ||
	    !is_parked(ts, &entry, address))
		return;
	ts->use.address = entry.lock;
	ts->use.flags |= USE_PARKED;
}

/* A wait on ts->use begins: if the thread is parked, what for is what it waits for. */
static __always_inline void park_begin(struct thread_state *ts, struct task_struct *task,
				       __u64 stack_pointer)
{
	__u64 address = ts->use.address - sizeof(__u64);

	ts->wait_word = ts->use.address;
	/* Only the task itself has its memory at hand, not the scan. */
	if (is_semaphore_wait(&ts->use) && address - stack_pointer < RECORD_PARKING_DEPTH &&
	    task == bpf_get_current_task_btf())
		park_read(ts, address);
}

#endif
