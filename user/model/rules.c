/* SPDX-License-Identifier: GPL-2.0-only */
/* The rules, most certain first. */
#include "model/rules.h"

#include <linux/futex.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13 /* Linux 5.14 */
#endif

/* A joined thread that wakes its joiner is gone this soon (115 µs were measured), not counting the
 * time it has to wait for a CPU. */
#define JOIN_DEATH_NS 1000000

static const struct word *word_of(const struct words *words, const struct use_facts *facts)
{
	return &words->list[facts->word];
}

static enum gil_part gil_part(const struct words *words, const struct use_facts *facts)
{
	const struct place *place = word_of(words, facts)->place;

	return place ? place->gil : GIL_NOT;
}

static bool is_gil(const struct words *words, const struct use_facts *facts)
{
	return gil_part(words, facts) == GIL_WAIT;
}

static bool is_hand_over(const struct words *words, const struct use_facts *facts)
{
	return gil_part(words, facts) == GIL_HAND_OVER;
}

static bool is_pi(const struct words *words, const struct use_facts *facts)
{
	(void)words;
	return facts->use->use.op == FUTEX_LOCK_PI || facts->use->use.op == FUTEX_LOCK_PI2;
}

/* The wait for a condition whose mutex is a PI mutex: idle until it is requeued. */
static bool is_requeue_pi(const struct words *words, const struct use_facts *facts)
{
	(void)words;
	return facts->use->use.op == FUTEX_WAIT_REQUEUE_PI;
}

static bool has_thread(const struct trace *trace, int64_t tid, int32_t pid)
{
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		if (thread->tid == tid && !thread->is_rest && (!pid || thread->pid == pid))
			return true;
	}
	return false;
}

/* The word is the other thread's clear_child_tid, which the kernel itself clears and wakes. */
static bool is_join(const struct words *words, const struct use_facts *facts)
{
	const struct futex_use *use = &facts->use->use;

	return use->op == FUTEX_WAIT_BITSET && !(use->flags & USE_PRIVATE) && use->value &&
	       facts->pid && has_thread(words->trace, use->value, facts->pid);
}

static bool is_bitset(const struct words *words, const struct use_facts *facts)
{
	(void)words;
	return facts->use->use.op == FUTEX_WAIT_BITSET;
}

static bool is_mutex(const struct words *words, const struct use_facts *facts)
{
	const struct futex_use *use = &facts->use->use;

	(void)words;
	return facts->has_one_value && use->value == 2 &&
	       (use->op == FUTEX_WAIT ||
		(use->op == FUTEX_WAIT_BITSET && (use->flags & USE_TIMED)));
}

/*
 * Nobody took it or let it go in the whole window: workers are parked on it, or they are stuck.
 * Either way they did not contend.
 */
static bool is_never_free(const struct words *words, const struct use_facts *facts)
{
	return facts->waits && !facts->partial &&
	       (facts->call == CALL_MUTEX || is_mutex(words, facts));
}

/* Its word holds the owner and says that somebody waits. */
static bool is_robust_mutex(const struct words *words, const struct use_facts *facts)
{
	const struct futex_use *use = &facts->use->use;

	return (use->op == FUTEX_WAIT || use->op == FUTEX_WAIT_BITSET) &&
	       (use->value & FUTEX_WAITERS) &&
	       has_thread(words->trace, use->value & FUTEX_TID_MASK, 0);
}

/* Of the virtual machine itself, not of the program that it runs. */
static bool is_jvm_mutex(const struct words *words, const struct use_facts *facts)
{
	return facts->place && is_call_of_jvm(facts->place) &&
	       (facts->call == CALL_MUTEX || is_mutex(words, facts));
}

static bool is_pair(const struct words *words, const struct use_facts *facts)
{
	return use_is_blank(&facts->use->use) && word_of(words, facts)->is_pair;
}

static bool is_lock_by_roles(const struct words *words, const struct use_facts *facts)
{
	return use_is_blank(&facts->use->use) && word_of(words, facts)->both >= 2;
}

static bool is_join_by_roles(const struct words *words, const struct use_facts *facts)
{
	const struct word *word = word_of(words, facts);
	const struct thread *waker;

	if (!use_is_blank(&facts->use->use) || word->waits != 1 || word->waiters != 1 ||
	    !word->last_waker)
		return false;
	waker = &words->trace->threads[word->last_waker - 1];
	return waker->end_ns < words->trace->meta.end_ns && waker->end_ns >= word->last_wake_ns &&
	       waker->end_ns - word->last_wake_ns <= JOIN_DEATH_NS + word->ready_ns;
}

static bool is_idle_by_roles(const struct words *words, const struct use_facts *facts)
{
	(void)words;
	return use_is_blank(&facts->use->use);
}

static const struct rule rules[] = {
	{ "gil-range", LOCK_GIL, LOCK_STATE_LOCK, is_gil, CALL_NOT_KNOWN },
	{ "gil-range", LOCK_HAND_OVER, LOCK_STATE_LOCK, is_hand_over, CALL_NOT_KNOWN },
	{ "futex-pi", LOCK_PI, LOCK_STATE_LOCK, is_pi, CALL_NOT_KNOWN },
	{ "futex-requeue-pi", LOCK_CONDITION, LOCK_STATE_CONDITION, is_requeue_pi, CALL_NOT_KNOWN },
	{ "join-tid", LOCK_JOIN, LOCK_STATE_JOIN, is_join, CALL_NOT_KNOWN },
	{ "never-free", LOCK_MUTEX, LOCK_STATE_FUTEX, is_never_free, CALL_NOT_KNOWN },
	{ "mutex-robust", LOCK_MUTEX, LOCK_STATE_LOCK, is_robust_mutex, CALL_NOT_KNOWN },
	{ "java-internal", LOCK_MUTEX, LOCK_STATE_LOCK, is_jvm_mutex, CALL_NOT_KNOWN },
	{ "call-mutex", LOCK_MUTEX, LOCK_STATE_LOCK, NULL, CALL_MUTEX },
	{ "call-rwlock", LOCK_RWLOCK, LOCK_STATE_LOCK, NULL, CALL_RWLOCK },
	{ "call-barrier", LOCK_BARRIER, LOCK_STATE_CONDITION, NULL, CALL_BARRIER },
	{ "call-once", LOCK_ONCE, LOCK_STATE_LOCK, NULL, CALL_ONCE },
	{ "call-join", LOCK_JOIN, LOCK_STATE_JOIN, NULL, CALL_JOIN },
	{ "openmp-worker", LOCK_BARRIER, LOCK_STATE_CONDITION, NULL, CALL_OPENMP_IDLE },
	/* Taking the mutex again after waiting for a condition is a lock like any other. */
	{ "mutex-value", LOCK_MUTEX, LOCK_STATE_LOCK, is_mutex, CALL_NOT_KNOWN },
	{ "call-gil", LOCK_GIL, LOCK_STATE_LOCK, is_bitset, CALL_GIL },
	{ "call-gil", LOCK_HAND_OVER, LOCK_STATE_LOCK, is_bitset, CALL_GIL_HAND_OVER },
	{ "java-monitor", LOCK_MUTEX, LOCK_STATE_LOCK, is_bitset, CALL_JAVA_MONITOR },
	{ "java-wait", LOCK_CONDITION, LOCK_STATE_CONDITION, is_bitset, CALL_JAVA_WAIT },
	{ "java-sleep", LOCK_CONDITION, LOCK_STATE_CONDITION, is_bitset, CALL_JAVA_SLEEP },
	{ "java-park-lock", LOCK_MUTEX, LOCK_STATE_LOCK, is_bitset, CALL_JAVA_PARK_LOCK },
	{ "java-park-idle", LOCK_CONDITION, LOCK_STATE_CONDITION, is_bitset, CALL_JAVA_PARK_IDLE },
	{ "java-park", LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, is_bitset, CALL_JAVA_PARK },
	{ "java-internal", LOCK_CONDITION, LOCK_STATE_CONDITION, NULL, CALL_JAVA_INTERNAL },
	{ "lock-of-semaphores", LOCK_SEMAPHORE, LOCK_STATE_LOCK, NULL, CALL_SEMAPHORE_LOCK },
	{ "call-condition", LOCK_CONDITION, LOCK_STATE_CONDITION, NULL, CALL_CONDITION },
	{ "condition-pair", LOCK_CONDITION, LOCK_STATE_CONDITION, is_pair, CALL_NOT_KNOWN },
	{ "roles-lock", LOCK_SEMAPHORE, LOCK_STATE_LOCK, is_lock_by_roles, CALL_NOT_KNOWN },
	{ "roles-join", LOCK_JOIN, LOCK_STATE_JOIN, is_join_by_roles, CALL_NOT_KNOWN },
	{ "call-semaphore", LOCK_SEMAPHORE, LOCK_STATE_CONDITION, NULL, CALL_SEMAPHORE },
	{ "roles-idle", LOCK_CONDITION, LOCK_STATE_CONDITION, is_idle_by_roles, CALL_NOT_KNOWN },
	{ "unclassified", LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, NULL, CALL_NOT_KNOWN },
};

static bool decides(const struct rule *rule, const struct words *words,
		    const struct use_facts *facts)
{
	return (rule->call == CALL_NOT_KNOWN || rule->call == facts->call) &&
	       (!rule->holds || rule->holds(words, facts));
}

const struct rule *rules_decide(const struct words *words, const struct use_facts *facts)
{
	const struct rule *rule = rules;

	while (!decides(rule, words, facts))
		rule++;
	return rule;
}
