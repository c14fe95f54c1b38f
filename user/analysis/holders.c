/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timeline of holders. Only the present belief about a lock is kept: its stretch is charged
 * when it ends, to all who waited meanwhile.
 */
#include "analysis/holders.h"

#include <stdlib.h>

#include <linux/futex.h>

#include "analysis/gaps.h"
#include "base/mem.h"

/* The first time-out asks the holder to let go; who does not within another is stuck. */
#define STUCK_TIMEOUTS 2

enum doing {
	DOING_RUNNING,
	DOING_READY,
	DOING_BLOCKED,
	DOING_UNKNOWN,
};

void holders_init(struct holders *holders, const struct trace *trace, struct lock_stat *stats,
		  struct edge_sweep *edges, const struct episode *episodes)
{
	*holders = (struct holders){
		.trace = trace,
		.stats = stats,
		.edges = edges,
		.episodes = episodes,
		.locks = xcalloc(trace->lock_count, sizeof(*holders->locks)),
		.threads = xcalloc(trace->thread_count, sizeof(*holders->threads)),
	};
}

void holders_release(struct holders *holders)
{
	for (size_t i = 0; holders->locks && i < holders->trace->lock_count; i++)
		free(holders->locks[i].waiters);
	free(holders->locks);
	free(holders->threads);
	tally_free(&holders->peaks);
	tally_free(&holders->stuck);
}

/* Whether threads have it in turn, so that releases and acquisitions tell who. */
static bool is_passed_on(const struct trace *trace, uint32_t number)
{
	const struct lock *lock = &trace->locks[number - 1];

	return lock->state == LOCK_STATE_LOCK && lock->kind != LOCK_HAND_OVER;
}

static enum doing doing_of(const struct moment_thread *thread)
{
	if (!thread->has_slice)
		return DOING_UNKNOWN;
	switch (thread->now.state) {
	case STATE_RUNNING:
		return DOING_RUNNING;
	case STATE_PREEMPTED:
	case STATE_QUEUED:
		return DOING_READY;
	case STATE_UNKNOWN:
		return DOING_UNKNOWN;
	default:
		return DOING_BLOCKED;
	}
}

static void count_doing(struct lock_stat *stat, enum doing doing, uint64_t ns)
{
	if (doing == DOING_RUNNING)
		stat->holder_running_ns += ns;
	else if (doing == DOING_READY)
		stat->holder_ready_ns += ns;
	else if (doing == DOING_BLOCKED)
		stat->holder_blocked_ns += ns;
}

/* Who was not running, and why: named in the report. */
static void count_peak(struct holders *holders, uint32_t lock, const struct slice *slice,
		       uint64_t ns)
{
	uint16_t syscall = (uint16_t)RECORD_SYSCALL_NONE;
	uint8_t state = STATE_QUEUED;

	if (slice->state != STATE_PREEMPTED && slice->state != STATE_QUEUED) {
		state = slice->state;
		syscall = (uint16_t)slice->syscall;
	}
	tally_get(&holders->peaks, lock,
		  (uint64_t)slice->thread << 32 | (uint64_t)state << 16 | syscall)
		->ns += ns;
}

/* Adds what the holder did since the sums were last added to. */
static void advance(struct holders *holders, const struct moment *moment, uint32_t lock)
{
	struct holding *holding = &holders->locks[lock - 1];
	uint64_t ns = (moment->now_ns - holding->seen_ns) * holding->waiter_count;
	const struct moment_thread *holder;
	enum doing doing;

	holding->seen_ns = moment->now_ns;
	if (!ns || !holding->thread)
		return;
	holder = &moment->threads[holding->thread - 1];
	doing = doing_of(holder);
	if (doing == DOING_UNKNOWN)
		return;
	if (holding->is_guess) {
		holding->guess_ns[doing] += ns;
		return;
	}
	count_doing(&holders->stats[lock - 1], doing, ns);
	if (doing != DOING_RUNNING)
		count_peak(holders, lock, &holder->now, ns);
}

/* The guess was right, or it is forgotten. */
static void settle_guess(struct holders *holders, uint32_t lock, bool is_right)
{
	struct holding *holding = &holders->locks[lock - 1];

	for (int i = 0; i < HOLDER_DOINGS; i++) {
		if (is_right)
			count_doing(&holders->stats[lock - 1], (enum doing)i, holding->guess_ns[i]);
		holding->guess_ns[i] = 0;
	}
}

/* Charges a waiter's wait since it was last charged, up to then. */
static void charge_to(struct holders *holders, struct edge part, uint64_t until_ns)
{
	struct holder_thread *waiter = &holders->threads[part.waiter - 1];

	if (waiter->from_ns >= until_ns)
		return;
	part.wait_ns = until_ns - waiter->from_ns;
	waiter->from_ns = until_ns;
	/* Nobody waits for himself: the belief was wrong. */
	if (!part.holder || part.holder == part.waiter) {
		part.holder = 0;
		part.mark = HOLDER_UNKNOWN;
	}
	edges_charge(holders->edges, &part, holders->episodes[part.waiter - 1].number);
}

static void charge(struct holders *holders, const struct moment *moment, const struct edge *to)
{
	const struct edge unknown = { .lock = to->lock, .waiter = to->waiter };

	charge_to(holders, unknown, holders->locks[to->lock - 1].crowd_ns);
	charge_to(holders, *to, moment->now_ns);
}

static void charge_all(struct holders *holders, const struct moment *moment, uint32_t lock,
		       uint32_t holder, enum holder_mark mark)
{
	struct holding *holding = &holders->locks[lock - 1];
	struct edge to = { .lock = lock, .holder = holder, .mark = (uint8_t)mark };

	if (holding->waiter_count > HOLDERS_CROWD) {
		holding->crowd_ns = moment->now_ns;
		return;
	}
	for (size_t i = 0; i < holding->waiter_count; i++) {
		to.waiter = holding->waiters[i];
		charge(holders, moment, &to);
	}
}

static void unlink_lock(struct holders *holders, uint32_t lock)
{
	struct holding *holding = &holders->locks[lock - 1];

	if (holding->prev)
		holders->locks[holding->prev - 1].next = holding->next;
	else
		holders->threads[holding->thread - 1].held = holding->next;
	if (holding->next)
		holders->locks[holding->next - 1].prev = holding->prev;
	holding->next = holding->prev = 0;
	holding->thread = 0;
}

static void link_lock(struct holders *holders, uint32_t lock, uint32_t thread)
{
	struct holding *holding = &holders->locks[lock - 1];
	struct holder_thread *holder = &holders->threads[thread - 1];

	holding->thread = thread;
	holding->next = holder->held;
	if (holder->held)
		holders->locks[holder->held - 1].prev = lock;
	holder->held = lock;
}

/* From now on another thread has the lock, or nobody does; the stretch before is charged by now. */
static void change_holder(struct holders *holders, uint32_t lock, uint32_t thread,
			  enum holder_mark mark)
{
	struct holding *holding = &holders->locks[lock - 1];

	if (holding->thread)
		unlink_lock(holders, lock);
	if (thread)
		link_lock(holders, lock, thread);
	holding->mark = (uint8_t)(thread ? mark : HOLDER_UNKNOWN);
	holding->is_guess = false;
}

/* Something says who has it now: 0 nobody that is known. */
static void believe(struct holders *holders, const struct moment *moment, uint32_t lock,
		    uint32_t thread, enum holder_mark mark)
{
	struct holding *holding = &holders->locks[lock - 1];
	bool is_seen_twice = mark == HOLDER_EXACT && holding->mark == HOLDER_EXACT;

	advance(holders, moment, lock);
	if (thread == holding->thread) {
		settle_guess(holders, lock, true);
		holding->is_guess = false;
		if (thread && mark > holding->mark)
			holding->mark = (uint8_t)mark;
		return;
	}
	if (holding->is_guess)
		charge_all(holders, moment, lock, 0, HOLDER_UNKNOWN);
	else /* read as two threads' without a release between: when it passed is not known */
		charge_all(holders, moment, lock, holding->thread,
			   is_seen_twice ? HOLDER_LIKELY : (enum holder_mark)holding->mark);
	settle_guess(holders, lock, false);
	change_holder(holders, lock, thread, mark);
}

/* A release tells who had it up to now, which is more than what was only likely or a guess. */
static void let_go(struct holders *holders, const struct moment *moment, uint32_t lock,
		   uint32_t releaser)
{
	struct holding *holding = &holders->locks[lock - 1];

	advance(holders, moment, lock);
	if (releaser && releaser == holding->thread) {
		settle_guess(holders, lock, true);
		holding->is_guess = false;
	} else if (releaser && holding->mark != HOLDER_EXACT) {
		charge_all(holders, moment, lock, releaser, HOLDER_LIKELY);
	} else if (releaser) {
		holding->mark = HOLDER_LIKELY; /* it passed without a trace: when is not known */
	}
	believe(holders, moment, lock, 0, HOLDER_UNKNOWN);
	holding->is_passing = true;
	holding->passing_ns = moment->now_ns;
}

/*
 * A wait for the mutex inside of CPython's GIL: a short section in which threads ask for the GIL or
 * let it go. The holder can wait there, and who ends such a wait need not have the GIL.
 */
static bool is_inner(const struct holders *holders, const struct slice *wait)
{
	return holders->trace->locks[wait->lock - 1].kind == LOCK_GIL && wait->op == FUTEX_WAIT;
}

static void add_waiter(struct holders *holders, const struct moment *moment,
		       const struct slice *wait)
{
	struct holding *holding = &holders->locks[wait->lock - 1];
	struct holder_thread *waiter = &holders->threads[wait->thread - 1];

	if (holding->waiter_count == holding->waiter_room) {
		holding->waiter_room = holding->waiter_room * 2 + 4;
		holding->waiters =
			xrealloc(holding->waiters, holding->waiter_room, sizeof(*holding->waiters));
	}
	waiter->place = holding->waiter_count;
	waiter->from_ns = moment->now_ns;
	holding->waiters[holding->waiter_count++] = wait->thread;
}

static void remove_waiter(struct holders *holders, const struct slice *wait)
{
	struct holding *holding = &holders->locks[wait->lock - 1];
	size_t place = holders->threads[wait->thread - 1].place;
	uint32_t last = holding->waiters[--holding->waiter_count];

	holding->waiters[place] = last;
	holders->threads[last - 1].place = place;
}

void holders_wait_begins(struct holders *holders, const struct moment *moment,
			 const struct slice *wait)
{
	struct holding *holding = &holders->locks[wait->lock - 1];
	enum lock_state state = holders->trace->locks[wait->lock - 1].state;
	bool has_other = wait->holder && wait->holder != wait->thread &&
			 (state == LOCK_STATE_LOCK || state == LOCK_STATE_FUTEX);

	advance(holders, moment, wait->lock);
	if (holding->thread == wait->thread && !is_inner(holders, wait))
		believe(holders, moment, wait->lock, 0, HOLDER_UNKNOWN);
	if (!holding->waiter_count && holding->thread) {
		/* It could be let go and taken without a trace while nobody waited. */
		holding->is_guess = true;
		holding->mark = HOLDER_LIKELY;
	}
	if (has_other) {
		believe(holders, moment, wait->lock, wait->holder, HOLDER_EXACT);
		holding->is_passing = false;
	}
	add_waiter(holders, moment, wait);
}

/* Counts the waits in a row that found the same holder, running, and timed out. */
static void count_stuck(struct holders *holders, const struct moment *moment,
			const struct slice *wait)
{
	struct holder_thread *waiter = &holders->threads[wait->thread - 1];
	bool is_same = wait->holder && wait->holder == waiter->stuck_holder &&
		       wait->lock == waiter->stuck_lock;

	if (!is_same) {
		holders_episode_ends(holders, wait->thread);
		waiter->stuck_holder = wait->holder == wait->thread ? 0 : wait->holder;
		waiter->stuck_lock = wait->lock;
	}
	if (!waiter->stuck_holder)
		return;
	waiter->stuck_ns += wait->duration_ns;
	if (wait->result == WAIT_RESULT_TIMED_OUT &&
	    doing_of(&moment->threads[waiter->stuck_holder - 1]) == DOING_RUNNING)
		waiter->timeouts++;
}

void holders_episode_ends(struct holders *holders, uint32_t thread)
{
	struct holder_thread *waiter = &holders->threads[thread - 1];

	if (waiter->timeouts >= STUCK_TIMEOUTS) {
		struct stuck_stat *stuck = &holders->stats[waiter->stuck_lock - 1].stuck;

		stuck->episodes++;
		stuck->wait_ns += waiter->stuck_ns;
		tally_get(&holders->stuck, waiter->stuck_lock, waiter->stuck_holder)->ns +=
			waiter->stuck_ns;
	}
	waiter->stuck_holder = waiter->stuck_lock = waiter->timeouts = 0;
	waiter->stuck_ns = 0;
}

/* The wait is over and says nothing about the holder. */
static void charge_leaver(struct holders *holders, const struct moment *moment,
			  const struct slice *wait)
{
	struct holding *holding = &holders->locks[wait->lock - 1];
	struct edge to = { .lock = wait->lock,
			   .waiter = wait->thread,
			   .holder = holding->thread,
			   .mark = holding->mark };

	advance(holders, moment, wait->lock);
	if (holding->is_guess) {
		settle_guess(holders, wait->lock, false);
		to.holder = 0;
	}
	/* Who joins waits for the thread whose death ends that. */
	if (holders->trace->locks[wait->lock - 1].state == LOCK_STATE_JOIN &&
	    (wait->flags & SLICE_WAKER_RELEASED) && wait->waker) {
		to.holder = wait->waker;
		to.mark = HOLDER_EXACT;
	}
	charge(holders, moment, &to);
}

bool holders_wait_ends(struct holders *holders, const struct moment *moment,
		       const struct slice *wait)
{
	const struct holding *holding = &holders->locks[wait->lock - 1];
	uint32_t releaser = wait->flags & SLICE_WAKER_RELEASED ? wait->waker : 0;
	bool is_release = slice_is_released(holders->trace, wait);

	if (is_inner(holders, wait) && holding->thread && holding->thread != releaser)
		is_release = false;
	count_stuck(holders, moment, wait);
	if (is_release)
		let_go(holders, moment, wait->lock, releaser);
	else
		charge_leaver(holders, moment, wait);
	/* Of a crowd nobody has been charged yet. */
	charge(holders, moment, &(struct edge){ .lock = wait->lock, .waiter = wait->thread });
	remove_waiter(holders, wait);
	return is_release;
}

void holders_slice_ends(struct holders *holders, const struct moment *moment,
			const struct slice *slice)
{
	const struct thread *thread = &holders->trace->threads[slice->thread - 1];
	bool is_last = slice_end_ns(slice) == thread->end_ns && moment->now_ns < moment->end_ns;
	uint32_t next;

	for (uint32_t lock = holders->threads[slice->thread - 1].held; lock; lock = next) {
		next = holders->locks[lock - 1].next;
		if (is_last)
			believe(holders, moment, lock, 0, HOLDER_UNKNOWN);
		else
			advance(holders, moment, lock);
	}
}

uint64_t holders_take(struct holders *holders, const struct moment *moment, uint32_t lock,
		      uint32_t thread, bool is_sure)
{
	struct holding *holding = &holders->locks[lock - 1];
	uint64_t dead_ns = TRACE_NOT_MEASURED;

	if (!is_passed_on(holders->trace, lock) || holding->thread == thread)
		return TRACE_NOT_MEASURED;
	/* Another was read as its holder since: this one comes too late. */
	if (!is_sure && holding->thread)
		return TRACE_NOT_MEASURED;
	if (holding->is_passing)
		dead_ns = moment->now_ns - holding->passing_ns;
	holding->is_passing = false;
	believe(holders, moment, lock, thread, HOLDER_LIKELY);
	return dead_ns;
}

bool holders_may_have(const struct holders *holders, uint32_t lock, uint32_t thread)
{
	const struct holding *holding = &holders->locks[lock - 1];

	/* At its death a thread is no holder any more, but nobody was given the lock. */
	return holding->thread == thread || (!holding->thread && !holding->is_passing);
}

static void keep_peak(struct holder_peak *peak, const struct tally *tally)
{
	if (tally->ns <= peak->ns)
		return;
	peak->thread = (uint32_t)(tally->key.low >> 32);
	peak->state = tally->key.low >> 16 & 0xff;
	peak->syscall = (int16_t)(uint16_t)(tally->key.low & 0xffff);
	peak->ns = tally->ns;
}

void holders_finish(struct holders *holders)
{
	for (size_t i = 0; i < holders->trace->thread_count; i++)
		holders_episode_ends(holders, (uint32_t)i + 1);
	for (const struct tally *t = holders->peaks; t; t = t->hh.next) {
		struct lock_stat *stat = &holders->stats[t->key.high - 1];
		bool is_ready = (t->key.low >> 16 & 0xff) == STATE_QUEUED;

		keep_peak(is_ready ? &stat->ready : &stat->blocked, t);
	}
	for (const struct tally *t = holders->stuck; t; t = t->hh.next) {
		struct stuck_stat *stuck = &holders->stats[t->key.high - 1].stuck;

		if (t->ns <= stuck->holder_ns)
			continue;
		stuck->holder = (uint32_t)t->key.low;
		stuck->holder_ns = t->ns;
	}
}
