/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Where kernels and system call tables differ: one small function each, with the kernel version
 * that made the difference. x86-64 only: another architecture adds its registers and numbers here.
 */
#ifndef CONVOY_COMPAT_BPF_H
#define CONVOY_COMPAT_BPF_H

#define TASK_INTERRUPTIBLE 0x1
#define TASK_UNINTERRUPTIBLE 0x2
#define TASK_STOPPED 0x4
#define TASK_TRACED 0x8
#define TASK_DEAD 0x80
#define TASK_WAKING 0x200
#define TASK_FROZEN 0x8000 /* 6.1: the freezer has a state of its own */
#define PF_EXITING 0x4
#define PF_IO_WORKER 0x10
#define PF_USER_WORKER 0x4000 /* 6.4: vhost and io_uring workers */
#define PF_KTHREAD 0x200000
#define TS_COMPAT 0x2

#define NR_sched_yield 24
#define ENOSYS 38 /* in ax while a call is under way */
#define NR_futex 202
#define NR_restart_syscall 219
#define NR_futex_waitv 449
#define NR_futex_wake 454 /* 6.7, like the next two */
#define NR_futex_wait 455
#define NR_futex_requeue 456
#define NR_i386_futex 240
#define NR_i386_futex_time64 422

#define FUTEX_CMD_WAIT 0
#define FUTEX_CMD_WAKE 1
#define FUTEX_CMD_REQUEUE 3
#define FUTEX_CMD_CMP_REQUEUE 4
#define FUTEX_CMD_WAKE_OP 5
#define FUTEX_CMD_LOCK_PI 6
#define FUTEX_CMD_UNLOCK_PI 7
#define FUTEX_CMD_WAIT_BITSET 9
#define FUTEX_CMD_WAKE_BITSET 10
#define FUTEX_CMD_WAIT_REQUEUE_PI 11
#define FUTEX_CMD_CMP_REQUEUE_PI 12
#define FUTEX_CMD_LOCK_PI2 13
#define FUTEX_CMD_MASK 0x7f
#define FUTEX_FLAG_PRIVATE 128
#define FUTEX_FLAG_REALTIME 256
#define FUTEX2_FLAG_PRIVATE 128

#define EINTR 4
#define EAGAIN 11
#define ETIMEDOUT 110
#define ERESTARTSYS 512
#define ERESTART_RESTARTBLOCK 516

/*
 * In an interrupt the current task is a bystander, not the waker. The preempt count is a per-CPU
 * variable, and kernels built without KALLSYMS_ALL give no address for it; but a task knows its run
 * queue, which is a per-CPU variable too, and BTF knows how far the two are apart. 0: not known (no
 * FAIR_GROUP_SCHED).
 */
#define INTERRUPT_MASK 0xff0100 /* hard interrupt, NMI, serving a soft interrupt */

static __always_inline bool in_interrupt(const struct task_struct *current_task)
{
	__u32 count = 0;
	__u64 address;

	if (!preempt_count_from_rq || !bpf_core_field_exists(current_task->se.cfs_rq))
		return false;
	address = (__u64)current_task->se.cfs_rq->rq + preempt_count_from_rq;
	bpf_probe_read_kernel(&count, sizeof(count), (const void *)address);
	return count & INTERRUPT_MASK;
}

/*
 * What this CPU's clock has lost so far to interrupts and the hypervisor, as far as the kernel
 * tells them from the time of tasks (IRQ_TIME_ACCOUNTING, PARAVIRT_TIME_ACCOUNTING): the difference
 * of its run queue's clocks, both read at the beginning of a switch. task: switching here. ~0: not
 * known.
 */
static __always_inline __u64 uncharged_by_now(const struct task_struct *task)
{
	const struct rq *rq;

	if (!bpf_core_field_exists(task->se.cfs_rq))
		return ~0ULL;
	rq = task->se.cfs_rq->rq;
	return rq->clock - rq->clock_task;
}

/*
 * The clock of the task's run queue, as the kernel last read it: it charges by that. Whoever is
 * switched in by a wake-up is charged from the wake-up on, as the clock is not read again for the
 * switch. 0: not known.
 */
static __always_inline __u64 queue_clock(const struct task_struct *task)
{
	if (!bpf_core_field_exists(task->se.cfs_rq))
		return 0;
	return task->se.cfs_rq->rq->clock;
}

/* The system call a user task is in, in 64-bit terms. */
struct call {
	__s32 number; /* RECORD_SYSCALL_NONE: none */
	bool is_compat; /* a 32-bit call; number is NR_futex or none */
	__u64 args[5];
};

/* A kernel-made worker of a user process has no system call of its own. */
static __always_inline bool has_user_registers(const struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER));
}

static __always_inline void read_compat_call(const struct pt_regs *regs, struct call *call)
{
	__u64 number = (__u32)regs->orig_ax;

	call->is_compat = true;
	call->number = RECORD_SYSCALL_NONE;
	if (number != NR_i386_futex && number != NR_i386_futex_time64)
		return;
	call->number = NR_futex;
	call->args[0] = (__u32)regs->bx;
	call->args[1] = (__u32)regs->cx;
	call->args[2] = (__u32)regs->dx;
	call->args[3] = (__u32)regs->si;
	call->args[4] = (__u32)regs->di;
}

/* 6.2: makes a typed pointer of any address; reads through it are checked as they are made. */
extern void *bpf_rdonly_cast(void *address, __u32 btf_id) __ksym __weak;

/* As a number: up to 6.12 the verifier takes no pointer to kernel memory for one. */
static __always_inline __u64 registers_address(struct task_struct *task)
{
	const void *registers = (const void *)bpf_task_pt_regs(task);
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &registers);
	return address;
}

/*
 * What a task had in its registers when it entered the kernel; NULL: it never was in user space.
 * They lie at the same place of every task's stack. A helper knows where; asking it once is enough
 * where the kernel lets us read there ourselves.
 */
static __always_inline const struct pt_regs *user_registers(struct task_struct *task)
{
	__u64 stack = (__u64)task->stack;

	if (!has_rdonly_cast)
		return (const struct pt_regs *)bpf_task_pt_regs(task);
	if (registers_in_stack == ~0ULL)
		registers_in_stack = registers_address(task) - stack;
	return bpf_rdonly_cast((void *)(stack + registers_in_stack),
			       bpf_core_type_id_kernel(struct pt_regs));
}

/* task: current, or blocked for good. */
static __always_inline void read_call(struct task_struct *task, const struct pt_regs *regs,
				      struct call *call)
{
	if (task->thread_info.status & TS_COMPAT) {
		read_compat_call(regs, call);
		return;
	}
	call->is_compat = false;
	call->number = (__s32)regs->orig_ax;
	call->args[0] = regs->di;
	call->args[1] = regs->si;
	call->args[2] = regs->dx;
	call->args[3] = regs->r10;
	call->args[4] = regs->r8;
}

#endif
