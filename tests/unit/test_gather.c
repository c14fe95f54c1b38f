/* SPDX-License-Identifier: GPL-2.0-only */
/* Waits of a JVM: gathered by what they are for, and its own kept apart. */
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array_source.h"
#include "model/classify.h"

#define PROC 7
#define THREADS 4

static struct example *example;
static struct trace *trace;

static int setup(void **state)
{
	(void)state;
	example = example_new(0, 100000000, 2);
	trace = example->trace;
	for (int i = 0; i < THREADS; i++)
		example_thread(example);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

/* A thread used a word once, 10 ns long if it waited; the number of the use. */
static uint32_t add_use(uint32_t thread, uint64_t address, uint8_t op, uint32_t value)
{
	struct use *use = trace_add_use(trace);
	struct use_row *row = trace_add_use_row(trace);

	use->proc = PROC;
	use->use = (struct futex_use){
		.address = address, .op = op, .flags = USE_PRIVATE, .value = value
	};
	row->thread = thread;
	row->use = use->id;
	row->total.use = use->use;
	row->total.waits = 1;
	if (op != FUTEX_OP_WAKE) {
		row->total.wait_ns = row->total.min_ns = row->total.max_ns = 10;
		trace->threads[thread - 1].state_ns[STATE_FUTEX] += 10;
	}
	return use->id;
}

static struct place *see(uint32_t use, const char *primitive, const char *caller)
{
	struct place *place = trace_add_place(trace);

	place->proc = trace->uses[use - 1].proc;
	place->use = trace->uses[use - 1].use;
	place->address = place->group = place->use.address;
	place->kind = PLACE_HEAP;
	trace_set_string(&place->primitive, primitive);
	trace_set_string(&place->caller, caller);
	trace_set_string(&place->caller_object, "libjvm.so");
	return place;
}

/* A thread waits on a word of its own. */
static uint32_t add_wait(uint32_t thread, const char *caller)
{
	uint32_t use = add_use(thread, 0x1000 * thread, FUTEX_WAIT_BITSET, 0);

	see(use, "pthread_cond_wait", caller);
	return use;
}

static void add_wake(uint32_t thread, uint32_t sleeper)
{
	add_use(thread, 0x1000 * sleeper, FUTEX_OP_WAKE, 0);
}

static const struct lock *lock_of(uint32_t use)
{
	assert_int_not_equal(trace->uses[use - 1].lock, 0);
	return &trace->locks[trace->uses[use - 1].lock - 1];
}

static void assert_lock(uint32_t use, enum lock_state lock_state, const char *evidence,
			const char *name)
{
	assert_int_equal(lock_of(use)->state, lock_state);
	assert_string_equal(lock_of(use)->evidence, evidence);
	assert_string_equal(lock_of(use)->name, name);
}

static void test_gather__what_a_process_waits_for_alike_is_one_lock(void **state)
{
	uint32_t first = add_wait(1, "ObjectMonitor::EnterI");
	uint32_t second = add_wait(2, "ObjectMonitor::ReenterI");
	uint32_t idle = add_wait(3, "ObjectMonitor::wait");
	uint32_t other = add_wait(4, "ObjectMonitor::EnterI");

	(void)state;
	trace->uses[other - 1].proc = trace->places[3].proc = PROC + 1;
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 3);
	assert_lock(first, LOCK_STATE_LOCK, "java-monitor: pthread_cond_wait",
		    "mutex of Java monitors");
	assert_ptr_equal(lock_of(first), lock_of(second));
	assert_ptr_not_equal(lock_of(first), lock_of(other));
	assert_int_equal(lock_of(first)->waits, 2);
	assert_int_equal(lock_of(first)->address, 0x1000);
	assert_int_equal(trace->threads[1].futex_class_ns[LOCK_STATE_LOCK], 10);
	assert_lock(idle, LOCK_STATE_CONDITION, "java-wait: pthread_cond_wait",
		    "condition of Object.wait() in Java");
}

#define LOCK_CLASS "java.util.concurrent.locks.ReentrantLock$NonfairSync"
#define IDLE_CLASS "java.util.concurrent.locks.AbstractQueuedSynchronizer$ConditionObject"

/* A thread was found parked so often for a lock, for work, and for something else. */
static uint32_t add_parking(uint32_t thread, uint32_t locked, uint32_t idle, uint32_t other)
{
	static const char *const names[] = { LOCK_CLASS, IDLE_CLASS, "Own" };
	const uint32_t looks[] = { locked, idle, other };
	uint32_t use = add_wait(thread, "Unsafe_Park");
	struct place *place = &trace->places[trace->place_count - 1];
	size_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		if (looks[i] == 0)
			continue;
		trace_set_string(&place->blockers[count].name, names[i]);
		place->blockers[count++].looks = looks[i];
	}
	return use;
}

static void test_gather__looks_tell_a_lock_from_a_pool(void **state)
{
	uint32_t locked = add_parking(1, 12, 0, 0);
	uint32_t idle = add_parking(2, 1, 9, 0);
	uint32_t mixed = add_parking(3, 1, 8, 0);
	uint32_t other = add_parking(4, 0, 0, 5);

	(void)state;
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 3);
	assert_lock(locked, LOCK_STATE_LOCK, "java-park-lock: " LOCK_CLASS,
		    "mutex of java.util.concurrent locks");
	assert_lock(idle, LOCK_STATE_CONDITION, "java-park-idle: " LOCK_CLASS ", " IDLE_CLASS,
		    "condition of java.util.concurrent queues, pools and results");
	assert_lock(mixed, LOCK_STATE_FUTEX, "java-park: " LOCK_CLASS ", " IDLE_CLASS,
		    "futex of parked Java threads");
	assert_ptr_equal(lock_of(mixed), lock_of(other));
}

/* They may share a lock; or hand each other tasks and results, or signals of a queue. */
static void test_gather__who_parks_and_wakes_is_not_told(void **state)
{
	uint32_t first = add_wait(1, "Unsafe_Park");

	(void)state;
	add_wait(2, "Unsafe_Park");
	add_wait(3, "Parker::park");
	add_wake(1, 2);
	add_wake(2, 3);
	add_wake(3, 1);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 1);
	assert_lock(first, LOCK_STATE_FUTEX, "java-park: pthread_cond_wait",
		    "futex of parked Java threads");
}

/* The second word of the thread's condition. */
static uint32_t add_second_word(uint32_t thread)
{
	uint32_t use = add_use(thread, 0x1000 * thread + 4, FUTEX_WAIT_BITSET, 0);

	see(use, "pthread_cond_wait", "Unsafe_Park");
	return use;
}

static void test_gather__a_word_never_looked_at_is_what_its_pair_is(void **state)
{
	uint32_t pair = add_second_word(1);
	uint32_t locked = add_parking(1, 5, 0, 0);
	uint32_t alone = add_second_word(2);

	(void)state;
	assert_int_equal(classify(trace), 0);

	assert_ptr_equal(lock_of(pair), lock_of(locked));
	assert_string_equal(lock_of(pair)->evidence, "java-park-lock: " LOCK_CLASS);
	assert_int_equal(lock_of(alone)->state, LOCK_STATE_FUTEX);
}

static void test_gather__waits_of_the_machine_itself_say_so(void **state)
{
	uint32_t queue = add_wait(1, "CompileQueue::get");
	uint32_t again = add_use(1, 0x9000, FUTEX_WAIT, 2);
	uint32_t mutex = add_use(2, 0xa000, FUTEX_WAIT, 2);
	uint32_t sleep = add_wait(3, "JavaThread::sleep");

	(void)state;
	see(again, "pthread_cond_wait", "CompileQueue::get");
	see(mutex, "pthread_mutex_lock", "AdapterBlob::create");
	assert_int_equal(classify(trace), 0);

	assert_lock(queue, LOCK_STATE_CONDITION, "java-internal: pthread_cond_wait",
		    "JVM-internal condition in CompileQueue::get() of libjvm.so");
	assert_lock(again, LOCK_STATE_LOCK, "java-internal: pthread_cond_wait",
		    "JVM-internal mutex in CompileQueue::get() of libjvm.so");
	assert_lock(mutex, LOCK_STATE_LOCK, "java-internal: pthread_mutex_lock",
		    "JVM-internal mutex in AdapterBlob::create() of libjvm.so");
	assert_lock(sleep, LOCK_STATE_CONDITION, "java-sleep: pthread_cond_wait",
		    "condition of Thread.sleep() in Java");
}

/* Each letter a stack; of a process of its own. */
static uint32_t add_callers(uint32_t thread, const char *letters)
{
	uint32_t use = add_wait(thread, "ObjectMonitor::EnterI");
	struct place *place = &trace->places[trace->place_count - 1];

	trace->uses[use - 1].proc = place->proc = PROC + thread;
	for (; *letters; letters++)
		sights_add(place->callers, (const char[]){ *letters, '\0' }, 1);
	return use;
}

static void test_gather__several_callers_are_told_the_most_frequent_first(void **state)
{
	uint32_t one = add_callers(1, "aaa");
	uint32_t two = add_callers(2, "abb");
	uint32_t many = add_callers(3, "abcdecdd");

	(void)state;
	assert_int_equal(classify(trace), 0);
	assert_string_equal(lock_of(one)->evidence, "java-monitor: pthread_cond_wait");
	assert_string_equal(lock_of(two)->evidence, "java-monitor: pthread_cond_wait; called by "
						    "b (2 of 3 stacks), a (1)");
	assert_string_equal(lock_of(many)->evidence,
			    "java-monitor: pthread_cond_wait; called by c (2 of 8 stacks), a (1), "
			    "b (1), others (4)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_gather__##name, setup, teardown)
		CASE(what_a_process_waits_for_alike_is_one_lock),
		CASE(looks_tell_a_lock_from_a_pool),
		CASE(who_parks_and_wakes_is_not_told),
		CASE(a_word_never_looked_at_is_what_its_pair_is),
		CASE(waits_of_the_machine_itself_say_so),
		CASE(several_callers_are_told_the_most_frequent_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
