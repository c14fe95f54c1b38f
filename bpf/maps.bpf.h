/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Every map and global variable: what it holds, who writes it, who reads it. Sizes that user space
 * decides are set before the load.
 */
#ifndef CONVOY_MAPS_BPF_H
#define CONVOY_MAPS_BPF_H

/* Constants of the run, written by user space before the load. */
const volatile __s32 own_tgid = 0; /* never a target */
/* From a CPU's `runqueues` to its preempt count, in bytes; 0: not known. */
const volatile __s64 preempt_count_from_rq = 0;
/* Whether the kernel has bpf_rdonly_cast(). */
const volatile bool has_rdonly_cast = false;
/* Whether turns are sent: a live view needs the totals only. */
const volatile bool wants_turns = true;

/* The window. Written by user space, or here at exec and at the last death; always a little ahead
 * of now. */
volatile __u64 start_ns = ~0ULL; /* ~0: not open yet */
volatile __u64 end_ns = ~0ULL; /* ~0: not decided yet */
/* From a task's stack to its user registers, in bytes; ~0: not asked yet. */
__u64 registers_in_stack = ~0ULL;
/* run: the held command. Its exec opens the window, its death is the beginning of the end. */
volatile __s32 root_tgid = 0;
volatile bool ends_with_root = false;
volatile bool root_is_dead = false; /* its last thread is in exit */
#define ROOT_DEATH_GRACE_NS 1000000 /* descendants that live on are observed so much longer */

/* Written here, read by user space. */
__u32 thread_count = 0; /* serial numbers given out */
__u32 proc_count = 0;
__s64 live_count = 0; /* targets alive */
__u32 handed_count = 0; /* threads whose totals were given to user space */
__u64 loss[LOSS_COUNT] = {};

/* Stacks of later waits: each costs user space some 50 µs. User space sets the number back every
 * few seconds. */
#define WORD_STACKS_MAX 24
#define STACKS_MAX 256
__u32 stacks_copied = 0;

#define TURNS_AT_ONCE 8

/* What is known of a target thread: lives and dies with its task. */
struct thread_state {
	struct thread_total total;
	/* The turn under way. */
	__u64 since_ns; /* the state began */
	__u64 off_ns;
	__u64 wake_ns;
	__u64 in_ns;
	struct futex_use use; /* of a futex wait */
	__u64 wait_word; /* its futex word: use.address, but for USE_PARKED */
	__u32 waker; /* who ended the off-CPU part */
	__s16 syscall;
	__u16 cpu;
	__u8 state; /* enum state, now */
	__u8 off_state; /* of the off-CPU part of the turn */
	__u8 result;
	__u8 turn_flags; /* CYCLE_* */
	/* A waker seen by sched_waking, until the sleeper's sched_wakeup. */
	__u32 latch_waker;
	__u64 latch_address; /* futex word the waker was waking, or LATCH_* */
	/* Life. */
	__u32 is_closed; /* nothing more is added */
	__u32 is_handed; /* the totals have been given to user space */
	__u64 holder; /* of the wait under way, as in cycle_record */
	/* Turns on their way to the ring: a few go at once, as each way costs as much as a turn. */
	struct cycle_record pending[TURNS_AT_ONCE];
	__u32 pending_count;
	__u32 pending_slices;
	__u32 sample_step; /* see is_sampled_wait() */
	__u32 unsampled_waits; /* to go until the next */
	__u32 use_slot; /* row of total.uses that the wait under way adds to */
	__u64 clock_woken; /* queue_clock() at the wake-up */
	__u64 uncharged_in; /* of the CPU, when the thread got it; as uncharged_by_now() */
	__u32 off_proc; /* whose word use is, of the turn under way */
	__u32 has_event; /* something is known from an event, not only from the scan */
};

/* Written by every program here; the end iterator hands the totals to user space. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread_state);
} threads SEC(".maps");

/* Turns; written without wake-up, drained on a timer. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} turns SEC(".maps");

/* Births, execs, deaths, waits to be named; wakes user space only where a name would be lost by
 * waiting. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);
} lives SEC(".maps");

/* Totals of dead threads; user space drains it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct thread_total);
} dead SEC(".maps");

/* Sum of the dead threads for which `dead` had no room. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct thread_total);
} rest SEC(".maps");

/* Futex totals that found no room with their thread; read at the end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct use_key);
	__type(value, struct use_total);
} uses SEC(".maps");

/* Words already announced for naming, each with the number of stacks copied since. */
struct word_key {
	__u64 address;
	__u32 proc;
	__u32 how; /* operation and flags of the wait; 0 in gil_words */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct word_key);
	__type(value, __u32);
} words SEC(".maps");

/* Words by which threads wait for a GIL, and where that GIL's struct begins; user space finds out.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct word_key);
	__type(value, __u64);
} gil_words SEC(".maps");

/* Threads to be looked at while they run, by serial number; user space decides. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct gil_look);
} looks SEC(".maps");

/* Whether gil_words has any: programs without a GIL do not look. */
volatile bool has_gil_words = false;

/* Process ids (thread groups) to observe: the attached ones and, while scanning, their descendants.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __s32);
	__type(value, __u32); /* process generation, 0: not given yet */
} target_pids SEC(".maps");

/*
 * Which target runs on each CPU: spares the waker's look-up at a wake-up. A hint, held against the
 * task itself: where no switch was told, the look-up is made. A line of cache each.
 */
#define CPUS_MAX 1024
struct running_target {
	__u64 task; /* address, 0: none */
	__u32 thread;
	__u32 pad[13];
};
static struct running_target running[CPUS_MAX];

static __always_inline void count_loss(enum loss kind, __u64 amount)
{
	__sync_fetch_and_add(&loss[kind], amount);
}

#endif
