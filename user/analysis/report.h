/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What convoy found out about one interval of one trace, as plain numbers: the input of every
 * output format. The arithmetic is that of the identities I0–I7 in ARCHITECTURE.md. Not for text,
 * rounding or colours.
 *
 * All times are ns. A report borrows its trace; report_free frees the rest.
 */
#ifndef CONVOY_ANALYSIS_REPORT_H
#define CONVOY_ANALYSIS_REPORT_H

#include "stream/trace.h"

/* Why no target thread ran: charged by what the thread whose switch-in ends the gap was doing
 * during it. */
enum gap_kind {
	GAP_HAND_OFF, /* queued after a release of `lock` */
	GAP_CPU, /* queued or preempted otherwise */
	GAP_STATE, /* in `state` (a futex wait: on `lock`) */
	GAP_END, /* nobody ran again before the end */
};

struct gap_cause {
	uint8_t kind; /* enum gap_kind */
	uint8_t state; /* enum state, with GAP_STATE */
	int16_t syscall; /* with GAP_STATE, not a futex */
	uint32_t lock; /* 0: none */
	uint64_t ns;
	uint64_t count; /* gaps that have a part of this cause */
};

/* A thread in the interval. */
struct thread_stat {
	uint32_t thread;
	uint64_t lifetime_ns; /* within the interval */
	uint64_t state_ns[STATE_COUNT];
	uint64_t
		class_ns[LOCK_STATE_COUNT]; /* the futex part, by what the locks turned out to be */
	uint64_t longest_ns[STATE_COUNT]; /* longest slice of each state */
	int16_t top_syscall; /* the call most time of io + kernel + sleep was spent in */
	uint64_t top_syscall_ns;
	uint64_t alone_ns; /* time it ran while no other target thread ran */
};

/* What most of a kind of holder time was: whose, and in which call it was blocked. */
struct holder_peak {
	uint32_t thread; /* 0: none */
	uint8_t state; /* enum state */
	int16_t syscall;
	uint64_t ns; /* waiter-weighted */
};

/* The hand-offs of a lock: a release, and then another thread that got it and runs. */
struct handoff_stat {
	uint64_t p50_ns; /* wake-up → run; TRACE_NOT_MEASURED without any */
	uint64_t p99_ns;
	uint64_t same_cpu; /* the receiver ran where the giver was */
	uint64_t other_cpu; /* the rest of the hand-offs: not known */
};

/* Episodes in which a wait timed out twice or more while the same thread had the lock and ran. */
struct stuck_stat {
	uint64_t episodes;
	uint64_t wait_ns;
	uint32_t holder; /* of most of that time */
	uint64_t holder_ns;
};

/* A lock in the interval. */
struct lock_stat {
	uint32_t lock;
	uint64_t episodes;
	uint64_t waits;
	uint64_t timeouts; /* TRACE_NOT_MEASURED in lean mode */
	uint64_t wait_ns;
	uint64_t min_ns; /* of a wait */
	uint64_t max_ns;
	uint64_t p50_ns; /* of an episode; TRACE_NOT_MEASURED where no slices were recorded */
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint32_t waiters;
	uint64_t passed; /* waits ended by a thread that had waited there itself; of conditions, and
			    where slices were recorded */
	uint64_t handoffs;
	uint64_t handoff_ns; /* sum of wake-up → run */
	uint64_t dead_ns; /* of these: until the first of those woken ran, so nobody had it */
	uint64_t lost_ns; /* capacity lost to it: the share of I5 */
	uint64_t holder_running_ns; /* waiter-weighted; the four sum to wait_ns */
	uint64_t holder_ready_ns;
	uint64_t holder_blocked_ns;
	uint64_t holder_unknown_ns;
	struct holder_peak ready; /* the largest part of holder_ready_ns */
	struct holder_peak blocked; /* and of holder_blocked_ns */
	struct handoff_stat handoff;
	struct stuck_stat stuck;
};

enum holder_mark {
	HOLDER_UNKNOWN,
	HOLDER_LIKELY,
	HOLDER_EXACT,
};

struct edge {
	uint32_t waiter;
	uint32_t holder; /* 0: not known */
	uint32_t lock;
	uint8_t mark; /* enum holder_mark */
	uint64_t episodes;
	uint64_t wait_ns;
};

/* The last wait of a thread that nobody ended but the end of the interval or of the thread, with
 * its holder as read from the lock's memory when it began and not contradicted since. */
struct open_wait {
	uint32_t thread;
	uint32_t lock;
	uint32_t holder;
	uint64_t since_ns; /* begin of its episode */
	uint64_t until_ns;
};

struct capacity {
	uint32_t cpus; /* the most usable at any time of the interval */
	bool is_raised; /* more were seen running than were allowed */
	uint64_t total_ns; /* Σ usable CPUs × time, over covered time; = the four below */
	uint64_t running_ns;
	uint64_t cpu_wait_ns;
	uint64_t locks_ns; /* = Σ lock_stat.lost_ns */
	uint64_t not_asked_ns;
};

/* Time on the critical path that is alike. */
struct path_part {
	uint32_t thread; /* 0: of no thread that is known */
	uint32_t lock; /* with STATE_FUTEX: waited for; 0: none. Of locks called the same the first
			*/
	uint32_t held_lock; /* what the rest of the path waited for meanwhile; 0: no lock */
	int16_t syscall; /* of a blocked state */
	uint8_t state; /* enum state; STATE_UNKNOWN: not recorded */
	uint64_t ns;
};

#define PATH_PARTS_MAX 200

/* From the end of the interval backwards through whatever the end had to wait for. */
struct critical_path {
	bool is_known; /* false: no slices, or too many of them */
	uint32_t end_thread; /* where it ends; 0: nobody ran at all */
	uint64_t moves; /* from thread to thread */
	struct path_part *parts; /* largest first; with other_ns they sum to wall_ns */
	size_t part_count;
	uint64_t other_ns; /* of parts beyond PATH_PARTS_MAX */
};

/* The wall time as it would be if a lock never blocked. */
struct prediction {
	uint32_t lock; /* 0: of all contended locks at once */
	uint32_t lock_count; /* with it, taken as one: all GILs and their hand-overs */
	uint64_t wall_ns;
	uint64_t cpu_ns; /* running, all threads */
	uint64_t ready_ns; /* ready, but off the CPU, all threads */
};

enum what_if_state {
	WHAT_IF_NOT_MADE, /* not asked for: a part of the window */
	WHAT_IF_MADE,
	WHAT_IF_MODEL_OFF, /* the model does not give what was measured: no predictions */
	WHAT_IF_NO_SLICES,
	WHAT_IF_LOST, /* too much of the interval was not recorded */
	WHAT_IF_TOO_LONG, /* more slices than are replayed */
	WHAT_IF_FAILED, /* no room for a temporary file, or contradictory slices */
};

#define WHAT_IF_LOCKS 3 /* asked for by themselves */
#define WHAT_IF_MAX (WHAT_IF_LOCKS + 1)
#define WHAT_IF_ERROR_PERMILLE 20 /* beyond it nothing is predicted */

struct what_if {
	uint8_t state; /* enum what_if_state */
	uint64_t model_wall_ns; /* of the replay with nothing removed; else TRACE_NOT_MEASURED */
	uint32_t error_permille; /* of that against wall_ns */
	struct prediction predictions[WHAT_IF_MAX]; /* the costliest lock first, all last */
	size_t count;
};

/* The identities: what is left over. 0 when they hold. I6 and I7 are 0 in a report of a phase. */
#define RESIDUAL_COUNT 8

/* One number that a sentence rests on. */
enum evidence_unit {
	EVIDENCE_NS,
	EVIDENCE_COUNT,
	EVIDENCE_PERMILLE, /* thousandths */
	EVIDENCE_THREAD, /* a thread number */
	EVIDENCE_LOCK, /* a lock number */
};

struct evidence {
	const char *name; /* static, a JSON key */
	enum evidence_unit unit;
	uint64_t value;
};

#define FINDING_EVIDENCE_MAX 8

struct finding {
	const char *id; /* static: the rule's */
	char *says; /* a sentence for a person, plain text; names in it are escaped */
	const char *try; /* static: what to try, "" if nothing */
	const char *variant; /* of an experiment: the one it is about, borrowed; else NULL */
	uint64_t stake_ns; /* wall time at stake: findings are ordered by it, largest first */
	struct evidence evidence[FINDING_EVIDENCE_MAX];
	size_t evidence_count;
};

struct report {
	const struct trace *trace;
	uint64_t begin_ns; /* the interval: the window, or a phase */
	uint64_t end_ns;
	bool is_whole; /* the interval is the whole window */
	uint64_t wall_ns;
	uint64_t
		covered_ns; /* wall − not recorded: where no thread has a hole; I2–I5 speak of it */
	uint64_t not_recorded_ns;
	uint64_t cpu_ns; /* Σ running, over covered time */
	uint64_t gap_ns; /* T_0 */
	uint64_t overlap_ns; /* Σ_{k≥2} (k−1) T_k */
	uint64_t *parallel_ns; /* T_k, k = 0 … parallel_count − 1; sums to covered_ns */
	size_t parallel_count;
	struct gap_cause *gaps; /* sum to gap_ns, largest first */
	size_t gap_count;
	struct capacity capacity;
	struct thread_stat *threads; /* threads alive in the interval, by number */
	size_t thread_count;
	struct lock_stat *locks; /* locks waited for in the interval, by number */
	size_t lock_count;
	struct edge *edges; /* of the whole window only */
	size_t edge_count;
	struct open_wait *open_waits; /* one a thread at most */
	size_t open_wait_count;
	struct critical_path critical_path;
	struct what_if what_if;
	uint64_t residual_ns[RESIDUAL_COUNT]; /* I0 … I7, absolute values */
	uint64_t worst_run_error_ns; /* largest |own + charged ready − uncharged − kernel's| of a
					thread, and that thread; */
	uint32_t worst_run_thread; /* 0: no thread could be compared */
	uint64_t own_run_ns; /* sums over the threads compared */
	uint64_t kernel_run_ns;
	uint64_t charged_ready_ns; /* of these threads: between wake-ups and their switches,
				      which the kernel charges as running and convoy does not */
	uint64_t uncharged_ns; /* of these threads: running to convoy and not to the kernel: taken
				  by interrupts and the hypervisor, or charged to who came next */
	uint64_t switches; /* of target threads, whole window */
	struct finding *findings; /* by stake; never empty */
	size_t finding_count;
};

/* CPU time of all threads in the interval, from their totals: known even where slices were lost, in
 * which case cpu_ns is that of the covered time alone. ns. */
uint64_t report_run_ns(const struct report *report);

/*
 * Analyses [begin_ns, end_ns) of the trace, reading its slices once or twice in order; 0,0 means
 * the whole window. The findings are not yet made (findings_make). 0, or negative errno if the
 * slices could not be read.
 */
int report_make(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
		struct report **ret_report);
/* The same, with the critical path and the what-if, which take another look at every slice. */
int report_make_deep(const struct trace *trace, uint64_t begin_ns, uint64_t end_ns,
		     struct report **ret_report);
void report_free(struct report *report);

#endif
