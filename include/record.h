/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the BPF programs and user space say to each other: the states, the records of the two ring
 * buffers and the totals. Facts only, in nanoseconds of CLOCK_MONOTONIC. Not for anything that only
 * one side needs.
 *
 * Both sides include <linux/types.h> or vmlinux.h first, so __u32 and friends are known. Structs
 * are padded by hand and their sizes asserted; enum values are stored in files, so they are
 * explicit and append-only.
 */
#ifndef CONVOY_RECORD_H
#define CONVOY_RECORD_H

#ifndef CONVOY_VMLINUX_H
#include <linux/types.h>
#endif

#define RECORD_COMM_LEN 16
#define RECORD_MASK_WORDS 16 /* allowed CPUs, 64 a word: 1,024 CPUs */
#define RECORD_SYSCALL_NONE (-1) /* not in a system call: a page fault, a kernel worker */

/* A thread is in exactly one of these at any time. */
enum state {
	STATE_RUNNING = 0, /* switched in */
	STATE_PREEMPTED = 1, /* switched out while runnable */
	STATE_QUEUED = 2, /* woken or new, not yet switched in */
	STATE_FUTEX = 3, /* blocked in a futex wait */
	STATE_IO = 4, /* blocked with in_iowait set */
	STATE_KERNEL = 5, /* any other uninterruptible wait */
	STATE_SLEEP = 6, /* any other interruptible wait */
	STATE_STOPPED = 7, /* stopped or traced */
	STATE_UNKNOWN = 8, /* before the first thing known */
};
#define STATE_COUNT 9

/* How a futex wait ended. */
enum wait_result {
	WAIT_RESULT_UNKNOWN = 0, /* not known: lean mode and no waker seen, or still waiting */
	WAIT_RESULT_WOKEN = 1,
	WAIT_RESULT_TIMED_OUT = 2,
	WAIT_RESULT_INTERRUPTED = 3,
};

/* The futex operation of a wait, as the kernel numbers it, plus two for the calls that have no
 * operation. */
#define FUTEX_OP_WAITV 64 /* futex_waitv(2), keyed by its first word */
#define FUTEX_OP_WAIT2 65 /* futex_wait(2), Linux 6.7 */
#define FUTEX_OP_WAKE 1 /* total rows of wake calls, not waits */

/* Flags of a futex use: one bit each, stored beside the operation. */
#define USE_PRIVATE 1 /* FUTEX_PRIVATE_FLAG */
#define USE_REALTIME 2 /* FUTEX_CLOCK_REALTIME */
#define USE_TIMED 4 /* the call has a timeout */
#define USE_PARKED 8 /* address is what the thread is parked for, the word is on its stack */

/* Identifies what a thread waits on: a futex word and the kind of operation, in one process
 * generation. */
struct futex_use {
	__u64 address; /* user address of the word */
	__u8 op; /* FUTEX_WAIT … or FUTEX_OP_* */
	__u8 flags; /* USE_* */
	__u16 pad;
	__u32 value; /* the value waited for: the first seen of this use by this thread */
};
_Static_assert(sizeof(struct futex_use) == 16, "layout is shared with BPF");

#define CYCLE_HAS_WAIT 1 /* the off-CPU part is a futex wait: use is filled */
#define CYCLE_WAKER_RELEASED                                                                       \
	2 /* the waker was inside a futex wake of the same word, or the joined thread died */
#define CYCLE_LAST 4 /* the thread died at out_ns */
#define CYCLE_HOLDER_TSTATE 8 /* holder is the address of a CPython thread state */
#define CYCLE_HOLDER_TID 16 /* holder is a thread id, as the process counts them */

/*
 * One turn of a thread: off the CPU since off_ns, woken at wake_ns, switched in at in_ns, switched
 * out at out_ns. It stands for up to three slices: state [off, wake), queued [wake, in), running
 * [in, out); for a preempted thread wake_ns == in_ns. Times are cut to the window. A turn that is
 * open at an edge has its unfinished parts empty: wake_ns == in_ns == out_ns.
 */
struct cycle_record {
	__u32 thread; /* serial number, from 1 */
	__u32 seq; /* counts the turns of the thread; a jump is a hole, from the last out_ns to
		      off_ns */
	__u64 off_ns;
	__u64 wake_ns;
	__u64 in_ns;
	__u64 out_ns;
	struct futex_use use;
	__u32 waker; /* serial number of the target thread that woke it, 0: none, a timer or a
			stranger */
	__u32 proc; /* process generation: a new number at every fork of a process and every exec */
	__u64 holder; /* who had the lock at off_ns, see CYCLE_HOLDER_*; 0: not known */
	__s16 syscall; /* of the off-CPU part, RECORD_SYSCALL_NONE: not in one */
	__u16 cpu; /* of the running part */
	__u8 state; /* enum state of the off-CPU part */
	__u8 result; /* enum wait_result, of a futex wait */
	__u8 flags; /* CYCLE_* */
	__u8 pad;
};
_Static_assert(sizeof(struct cycle_record) == 80, "layout is shared with BPF");

/* What happens to processes and threads, in a small ring of its own. */
enum life_kind {
	LIFE_BIRTH = 1, /* a thread became a target */
	LIFE_EXEC = 2, /* the address space is new: names must be read again */
	LIFE_DEATH = 3,
	LIFE_FIRST_WAIT = 4, /* a process waits on a word for the first time: name it now */
	LIFE_POINTER = 5, /* the thread pointer of a thread is known now: fsbase */
	LIFE_LOOK = 6, /* a thread that was looked at has the GIL at use.address, and runs;
			  use.value changes whenever the GIL goes to another thread */
	LIFE_LATER_WAIT = 7, /* one of the waits after the first: where it is from */
};

struct life_record {
	__u32 kind; /* enum life_kind */
	__u32 thread;
	__u64 time_ns;
	__s32 pid; /* thread group, in the initial PID namespace */
	__s32 tid;
	__s32 ppid;
	__u32 proc;
	__u32 parent_proc; /* LIFE_BIRTH: whose map of addresses it shares or inherits; LIFE_EXEC:
			      the one before */
	__u32 allowed_count; /* nr_cpus_allowed */
	struct futex_use use; /* LIFE_FIRST_WAIT, LIFE_LATER_WAIT */
	__u64 fsbase; /* user-space thread pointer */
	char comm[RECORD_COMM_LEN];
	__u64 allowed[RECORD_MASK_WORDS]; /* CPUs allowed */
};
_Static_assert(sizeof(struct life_record) == 208, "layout is shared with BPF");

#define RECORD_STACK_BYTES 1024
#define RECORD_PARKING_DEPTH 1024 /* from a stack pointer to a parked thread's semaphore */

/* A LIFE_FIRST_WAIT, LIFE_LATER_WAIT or LIFE_LOOK: with the top of the thread's stack, from its
 * pointer up. */
struct stack_record {
	struct life_record life;
	__u64 instruction; /* user instruction pointer: of a wait, after the system call */
	__u64 stack_pointer;
	__u32 stack_bytes; /* of stack that could be read */
	__u32 switches; /* nvcsw of the thread: while it is that, the thread waits here still */
	__u8 stack[RECORD_STACK_BYTES];
};
_Static_assert(sizeof(struct stack_record) == 208 + 24 + RECORD_STACK_BYTES,
	       "layout is shared with BPF");

/* What a thread is looked at for. */
struct gil_look {
	__u64 gil_start; /* user address of the GIL's struct */
	__u64 holder; /* its last_holder while the thread has it */
};
_Static_assert(sizeof(struct gil_look) == 16, "layout is shared with BPF");

/* Futex totals of one thread and use, kept in the kernel; they survive lost slices. */
struct use_total {
	struct futex_use use;
	__u32 waits; /* blocked stretches; of a FUTEX_OP_WAKE row: calls that woke somebody */
	__u32 timeouts; /* waits that ended by time-out (default mode only) */
	__u32 again; /* EAGAIN tries (default mode only); of a wake row: calls that woke nobody */
	__u32 proc;
	__u64 wait_ns; /* switch-out to wake-up */
	__u64 min_ns;
	__u64 max_ns;
};
_Static_assert(sizeof(struct use_total) == 56, "layout is shared with BPF");

#define THREAD_USES 8 /* uses kept with the thread; more go to a hash */

/* All that is kept of a thread: the kernel's totals, cut to the window. */
struct thread_total {
	__u32 thread;
	__u32 proc;
	__s32 pid;
	__s32 tid;
	__s32 ppid;
	__u32 seq; /* turns produced */
	__u64 start_ns; /* first instant in the window */
	__u64 end_ns; /* last instant in the window, 0: not closed */
	__u64 state_ns[STATE_COUNT];
	__u64 voluntary;
	__u64 involuntary;
	__u64 yields;
	__u64 migrations;
	__u64 slices; /* produced, not empty */
	__u64 slices_lost;
	__u64 kernel_run_first; /* se.sum_exec_runtime at the first and last switch in the window */
	__u64 kernel_run_last;
	__u64 kernel_wait_first; /* sched_info.run_delay */
	__u64 kernel_wait_last;
	__u64 own_run_first; /* state_ns[STATE_RUNNING] and preempted + queued at the same two
				instants */
	__u64 own_run_last;
	__u64 own_wait_first;
	__u64 own_wait_last;
	__u64 charged_ready_ns; /* queued, but charged by the kernel as running */
	__u64 charged_ready_first; /* the same at the first and last switch, as above */
	__u64 charged_ready_last;
	__u64 uncharged_ns; /* running, but not charged: taken by interrupts and the hypervisor, or
			       charged_ready_ns of the thread that came next. ~0: not known */
	__u64 uncharged_first;
	__u64 uncharged_last;
	__u64 kernel_run_out; /* se.sum_exec_runtime at the last switch-out */
	__u64 switches; /* of the thread, in the window: the kernel_* pair needs two */
	__u64 fsbase;
	__u64 other_wait_ns; /* futex waits whose use found no room: not in any use_total */
	__u64 other_waits;
	char comm[RECORD_COMM_LEN];
	struct use_total uses[THREAD_USES];
};

/* Follows a thread_total in a live view: the state under way, not yet in the totals. */
struct live_record {
	__u64 since_ns;
	struct futex_use use; /* of a futex wait */
	__s16 syscall;
	__u8 state;
	__u8 pad[5];
};
_Static_assert(sizeof(struct live_record) == 32, "layout is shared with BPF");

/* Key of the hash for uses that did not fit with their thread. */
struct use_key {
	__u32 thread;
	__u32 proc;
	__u64 address;
	__u8 op;
	__u8 flags;
	__u16 pad;
	__u32 pad2;
};
_Static_assert(sizeof(struct use_key) == 24, "layout is shared with BPF");

/* Every way to lose something has a counter. */
enum loss {
	LOSS_SLICE_RING = 0, /* slices lost because the ring was full */
	LOSS_LIFE_RING = 1, /* life records lost */
	LOSS_STORAGE = 2, /* threads not traced: no task storage */
	LOSS_DEAD_FULL = 3, /* dead threads summed in the row "other threads" */
	LOSS_USES_FULL = 4, /* waits summed in the thread's other_wait_ns */
	LOSS_CLOCK_BACK = 5, /* time stamps behind their predecessor, clamped */
	LOSS_UNMATCHED = 6, /* switched in while running: a switch-out was not told */
	LOSS_COMPAT = 7, /* blocked in a 32-bit system call: counted, its futex waits are not */
	LOSS_TURNS_RING = 8, /* turns (ring records) lost; each is 1 to 3 slices */
	LOSS_WORDS_FULL = 9, /* words that could not be announced for naming */
	LOSS_REPAIRED = 10, /* switches and wake-ups that fired no tracepoint, put right */
};
#define LOSS_COUNT 11

#endif
