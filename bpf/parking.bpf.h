/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Waits in a parking lot (CPython 3.13 and later): a thread makes an entry on its own stack with
 * the address of what it is parked for, links it into a list and sleeps on a semaphore in the
 * entry. So the futex word says who waits, and the entry for what. Not for who has it.
 */
#ifndef CONVOY_PARKING_BPF_H
#define CONVOY_PARKING_BPF_H

#define PARKING_DEPTH_MAX 1024 /* from the stack pointer to the semaphore; 264 was seen */

/* The entry from the address on (struct wait_entry in Python/parking_lot.c, 3.13 to 3.15). */
struct parking_entry {
	__u64 lock;
	__u8 semaphore[32]; /* glibc's and musl's are of one size */
	__u64 next;
	__u64 previous;
	__u8 is_unparking; /* it has left the list and is about to be woken */
	__u8 pad[7];
};
#define PARKING_NODE (sizeof(__u64) + 32) /* the links, in the entry */

/* Both neighbours must point back: nothing looks like this by chance. */
static __always_inline bool is_parked(const struct parking_entry *entry, __u64 address)
{
	__u64 node = address + PARKING_NODE, from_next = 0, from_previous = 0;

	if (!entry->next && !entry->previous)
		return entry->is_unparking == 1;
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
	    !is_parked(&entry, address))
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
	if (address - stack_pointer < PARKING_DEPTH_MAX && task == bpf_get_current_task_btf())
		park_read(ts, address);
}

#endif
