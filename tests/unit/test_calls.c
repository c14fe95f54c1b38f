/* SPDX-License-Identifier: GPL-2.0-only */
/* Which lock is it, where the waiting call is known: one small live trace for every rule. */
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
#define BLANK FUTEX_WAIT_BITSET /* with value 0 */

static struct example *example;
static struct trace *trace;

static int setup(void **state)
{
	(void)state;
	example = example_new(0, 100000000, 2);
	trace = example->trace;
	for (int i = 0; i < 3; i++)
		example_thread(example);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

/* A thread waited so on a word, and its stack said in which call. */
static uint32_t add_wait(uint64_t address, uint8_t op, uint32_t value)
{
	struct use *use = trace_add_use(trace);
	struct use_row *row = trace_add_use_row(trace);

	use->proc = PROC;
	use->use = (struct futex_use){
		.address = address, .op = op, .flags = USE_PRIVATE, .value = value
	};
	row->thread = 1;
	row->use = use->id;
	row->total.use = use->use;
	row->total.waits = 1;
	row->total.wait_ns = row->total.min_ns = row->total.max_ns = 10;
	trace->threads[0].state_ns[STATE_FUTEX] += 10;
	return use->id;
}

static struct place *add_place(uint32_t use, const char *primitive, const char *caller,
			       const char *object)
{
	struct place *place = trace_add_place(trace);

	place->proc = PROC;
	place->use = trace->uses[use - 1].use;
	place->address = place->group = place->use.address;
	place->kind = PLACE_HEAP;
	trace_set_string(&place->primitive, primitive);
	trace_set_string(&place->caller, caller);
	trace_set_string(&place->caller_object, object);
	return place;
}

static const struct lock *lock_of(uint32_t use)
{
	assert_int_not_equal(trace->uses[use - 1].lock, 0);
	return &trace->locks[trace->uses[use - 1].lock - 1];
}

struct row {
	const char *primitive, *caller, *object;
	uint8_t op;
	uint32_t value;
	enum lock_kind kind;
	enum lock_state state;
	const char *evidence, *name;
};

static const struct row rows[] = {
	{ "pthread_mutex_lock", "work", "prog", FUTEX_WAIT, 2, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: pthread_mutex_lock", "mutex in work() of prog" },
	{ "mtx_lock", "", "prog", FUTEX_WAIT, 2, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: mtx_lock", "mutex in prog+0" },
	{ "pthread_rwlock_rdlock", "get", "prog", FUTEX_WAIT_BITSET, 3, LOCK_RWLOCK,
	  LOCK_STATE_LOCK, "call-rwlock: pthread_rwlock_rdlock", "rwlock in get() of prog" },
	{ "pthread_rwlock_timedwrlock", "put", "prog", FUTEX_WAIT_BITSET, 2, LOCK_RWLOCK,
	  LOCK_STATE_LOCK, "call-rwlock: pthread_rwlock_timedwrlock", "rwlock in put() of prog" },
	{ "pthread_barrier_wait", "meet", "prog", FUTEX_WAIT, 2, LOCK_BARRIER, LOCK_STATE_CONDITION,
	  "call-barrier: pthread_barrier_wait", "barrier in meet() of prog" },
	{ "pthread_once", "init", "prog", FUTEX_WAIT, 1, LOCK_ONCE, LOCK_STATE_LOCK,
	  "call-once: pthread_once", "once in init() of prog" },
	{ "__cxa_guard_acquire", "get", "prog", FUTEX_WAIT, 65792, LOCK_ONCE, LOCK_STATE_LOCK,
	  "call-once: __cxa_guard_acquire", "once in get() of prog" },
	{ "pthread_join", "main", "prog", FUTEX_WAIT_BITSET, 999999, LOCK_JOIN, LOCK_STATE_JOIN,
	  "call-join: pthread_join", "join of thread 999999" },
	{ "pthread_cond_wait", "pop", "prog", BLANK, 0, LOCK_CONDITION, LOCK_STATE_CONDITION,
	  "call-condition: pthread_cond_wait", "condition in pop() of prog" },
	/* The mutex again. */
	{ "pthread_cond_wait", "pop", "prog", FUTEX_WAIT, 2, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "mutex-value", "mutex in pop() of prog" },
	/* Its own bookkeeping. */
	{ "pthread_cond_broadcast", "push", "prog", FUTEX_WAIT, 3, LOCK_CONDITION,
	  LOCK_STATE_CONDITION, "call-condition: pthread_cond_broadcast",
	  "condition in push() of prog" },
	{ "sem_wait", "pop", "prog", BLANK, 0, LOCK_SEMAPHORE, LOCK_STATE_CONDITION,
	  "call-semaphore: sem_wait", "semaphore in pop() of prog" },
	/* A lock of the library's own. */
	{ "fputs", "log", "prog", FUTEX_WAIT, 2, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex-value",
	  "mutex of fputs() in log() of prog" },
	{ "pthread_cond_timedwait", "take_gil", "python3.11", BLANK, 0, LOCK_GIL, LOCK_STATE_LOCK,
	  "call-gil: pthread_cond_timedwait", "GIL in take_gil() of python3.11" },
	{ "pthread_cond_wait", "drop_gil", "python3.11", BLANK, 0, LOCK_HAND_OVER, LOCK_STATE_LOCK,
	  "call-gil: pthread_cond_wait", "GIL hand-over in drop_gil() of python3.11" },
	{ "pthread_cond_wait", "ObjectMonitor::EnterI", "libjvm.so", BLANK, 0, LOCK_MUTEX,
	  LOCK_STATE_LOCK, "java-monitor: pthread_cond_wait", "mutex of Java monitors" },
	{ "pthread_cond_wait", "ObjectMonitor::wait", "libjvm.so", BLANK, 0, LOCK_CONDITION,
	  LOCK_STATE_CONDITION, "java-wait: pthread_cond_wait",
	  "condition of Object.wait() in Java" },
	{ "pthread_cond_wait", "Unsafe_Park", "libjvm.so", BLANK, 0, LOCK_UNCLASSIFIED,
	  LOCK_STATE_FUTEX, "java-park: pthread_cond_wait", "futex of parked Java threads" },
	{ "", "LinuxWaitBarrier::wait", "libjvm.so", FUTEX_WAIT, 5, LOCK_CONDITION,
	  LOCK_STATE_CONDITION, "java-internal",
	  "JVM-internal condition in LinuxWaitBarrier::wait() of libjvm.so" },
	{ "sem_wait", "PosixSemaphore::wait", "libjvm.so", BLANK, 0, LOCK_CONDITION,
	  LOCK_STATE_CONDITION, "java-internal: sem_wait",
	  "JVM-internal condition in PosixSemaphore::wait() of libjvm.so" },
	{ "sem_wait", "LWLockAcquire", "postgres", BLANK, 0, LOCK_SEMAPHORE, LOCK_STATE_LOCK,
	  "lock-of-semaphores: sem_wait", "semaphore in LWLockAcquire() of postgres" },
	{ "sem_wait", "LWLockAcquire", "other", BLANK, 0, LOCK_SEMAPHORE, LOCK_STATE_CONDITION,
	  "call-semaphore: sem_wait", "semaphore in LWLockAcquire() of other" },
	/* CPython's own ways to wait: the GIL of 2.7, joins and inner mutexes of 3.13. */
	{ "sem_wait", "PyEval_RestoreThread", "libpython2.7.so.1.0", BLANK, 0, LOCK_GIL,
	  LOCK_STATE_LOCK, "call-gil: sem_wait",
	  "GIL in PyEval_RestoreThread() of libpython2.7.so.1.0" },
	{ "sem_wait", "PyEval_RestoreThread", "libpython3.8.so.1.0", BLANK, 0, LOCK_SEMAPHORE,
	  LOCK_STATE_CONDITION, "call-semaphore: sem_wait",
	  "semaphore in PyEval_RestoreThread() of libpython3.8.so.1.0" },
	{ "sem_wait", "ThreadHandle_join", "python3.13", BLANK, 0, LOCK_JOIN, LOCK_STATE_JOIN,
	  "call-join: sem_wait", "join in ThreadHandle_join() of python3.13" },
	{ "sem_wait", "_PyMutex_LockTimed", "python3.13t", BLANK, 0, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: sem_wait", "mutex in _PyMutex_LockTimed() of python3.13t" },
	{ "GOMP_critical_start", "f", "prog", FUTEX_WAIT, UINT32_MAX, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: GOMP_critical_start", "mutex in f() of prog" },
	{ "GOMP_barrier", "f", "prog", FUTEX_WAIT, 16, LOCK_BARRIER, LOCK_STATE_CONDITION,
	  "call-barrier: GOMP_barrier", "barrier in f() of prog" },
	{ "", "", "libgomp.so.1.0.0", FUTEX_WAIT, 16, LOCK_BARRIER, LOCK_STATE_CONDITION,
	  "openmp-worker", "barrier in libgomp.so.1.0.0+0" },
	{ "std::sys::sync::mutex::futex::Mutex::lock_contended", "r::f", "prog", FUTEX_WAIT_BITSET,
	  2, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: std::sys::sync::mutex::futex::Mutex::lock_contended",
	  "mutex in r::f() of prog" },
	{ "std::sys::sync::rwlock::futex::RwLock::write_contended", "r::f", "prog", BLANK, 0,
	  LOCK_RWLOCK, LOCK_STATE_LOCK,
	  "call-rwlock: std::sys::sync::rwlock::futex::RwLock::write_contended",
	  "rwlock in r::f() of prog" },
	{ "std::thread::thread::Thread::park", "r::f", "prog", FUTEX_WAIT_BITSET, UINT32_MAX,
	  LOCK_CONDITION, LOCK_STATE_CONDITION, "call-condition: std::thread::thread::Thread::park",
	  "condition in r::f() of prog" },
	{ "runtime.lock2", "runtime.mallocgc", "prog", FUTEX_WAIT, 2, LOCK_MUTEX, LOCK_STATE_LOCK,
	  "call-mutex: runtime.lock2", "mutex in runtime.mallocgc() of prog" },
	{ "runtime.notesleep", "runtime.stopm", "prog", FUTEX_WAIT, 0, LOCK_CONDITION,
	  LOCK_STATE_CONDITION, "call-condition: runtime.notesleep",
	  "condition in runtime.stopm() of prog" },
	/* An atomic that is waited for may mean anything. */
	{ "", "spin", "prog", FUTEX_WAIT, 7, LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, "unclassified",
	  "futex in spin() of prog" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void test_calls__every_call_has_its_kind_state_evidence_and_name(void **state)
{
	uint32_t uses[ROWS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		uses[i] = add_wait(0x1000 * (i + 1), rows[i].op, rows[i].value);
		add_place(uses[i], rows[i].primitive, rows[i].caller, rows[i].object);
	}
	assert_int_equal(classify(trace), 0);

	for (size_t i = 0; i < ROWS; i++) {
		assert_string_equal(lock_of(uses[i])->evidence, rows[i].evidence);
		assert_int_equal(lock_of(uses[i])->kind, rows[i].kind);
		assert_int_equal(lock_of(uses[i])->state, rows[i].state);
		assert_string_equal(lock_of(uses[i])->name, rows[i].name);
	}
}

static void test_calls__the_words_of_a_rwlock_are_one_lock(void **state)
{
	uint32_t read = add_wait(0x1008, FUTEX_WAIT_BITSET, 3);
	uint32_t write = add_wait(0x100c, FUTEX_WAIT_BITSET, 3);
	uint32_t alone = add_wait(0x200c, FUTEX_WAIT_BITSET, 3);

	(void)state;
	add_place(read, "pthread_rwlock_rdlock", "get", "prog");
	add_place(write, "pthread_rwlock_wrlock", "put", "prog");
	add_place(alone, "pthread_rwlock_wrlock", "put", "prog");
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_ptr_equal(lock_of(read), lock_of(write));
	assert_int_equal(lock_of(read)->waits, 2);
}

static void test_calls__another_way_to_wait_on_the_word_is_not_that_call(void **state)
{
	uint32_t mutex = add_wait(0x1000, FUTEX_WAIT, 2);
	uint32_t blank = add_wait(0x1000, BLANK, 0);

	(void)state;
	add_place(mutex, "pthread_mutex_lock", "work", "prog");
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_int_equal(lock_of(mutex)->kind, LOCK_MUTEX);
	assert_string_equal(lock_of(blank)->evidence, "roles-idle");
	/* Where it lies is still known, and who was seen there first. */
	assert_string_equal(lock_of(blank)->name, "condition in work() of prog");
}

static void test_calls__a_mutex_that_was_never_free_is_not_contended(void **state)
{
	const struct lock *lock;
	uint64_t window_ns = trace->meta.end_ns - trace->meta.start_ns;
	uint32_t parked = add_wait(0x1000, FUTEX_WAIT, 2);
	uint32_t taken = add_wait(0x2000, FUTEX_WAIT, 2);

	(void)state;
	trace->use_rows[0].total.wait_ns = trace->use_rows[0].total.min_ns = window_ns;
	trace->use_rows[1].total.wait_ns = trace->use_rows[1].total.min_ns = window_ns - 1;
	add_place(parked, "pthread_mutex_lock", "work", "prog");
	add_place(taken, "pthread_mutex_lock", "work", "prog");
	assert_int_equal(classify(trace), 0);

	lock = lock_of(parked);
	assert_int_equal(lock->kind, LOCK_MUTEX);
	assert_int_equal(lock->state, LOCK_STATE_FUTEX);
	assert_string_equal(lock->evidence, "never-free");
	assert_string_equal(lock->name, "mutex in work() of prog");
	assert_int_equal(lock_of(taken)->state, LOCK_STATE_LOCK);
}

static void test_calls__a_blank_wait_is_no_mutex_whatever_was_seen(void **state)
{
	uint32_t blank = add_wait(0x1000, BLANK, 0);
	struct place *place = add_place(blank, "pthread_rwlock_wrlock", "put", "prog");

	(void)state;
	place->use.value = 3;
	assert_int_equal(classify(trace), 0);

	assert_string_equal(lock_of(blank)->evidence, "roles-idle");
}

static void test_calls__variables_are_called_without_the_insides_of_their_type(void **state)
{
	static const struct {
		const char *primitive;
		uint8_t op;
		uint32_t value;
		uint64_t offset;
		const char *name;
	} symbols[] = {
		{ "pthread_mutex_lock", FUTEX_WAIT, 2, 0, "mutex 'table' in prog" },
		{ "pthread_mutex_lock", FUTEX_WAIT, 2, 40, "mutex 'table'+40 in prog" },
		{ "pthread_cond_wait", BLANK, 0, 40, "condition 'table' in prog" },
		{ "pthread_cond_wait", BLANK, 0, 36, "condition 'table' in prog" },
		{ "pthread_cond_wait", BLANK, 0, 104, "condition 'table'+104 in prog" },
		{ "pthread_rwlock_wrlock", FUTEX_WAIT, 3, 12, "rwlock 'table' in prog" },
		{ "pthread_barrier_wait", FUTEX_WAIT, 0, 4, "barrier 'table' in prog" },
	};
	size_t count = sizeof(symbols) / sizeof(symbols[0]);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		uint32_t use = add_wait(0x1000 * (i + 1), symbols[i].op, symbols[i].value);
		struct place *place = add_place(use, symbols[i].primitive, "work", "other");

		place->kind = PLACE_SYMBOL;
		place->offset = symbols[i].offset;
		trace_set_string(&place->symbol, "table");
		trace_set_string(&place->object, "prog");
	}
	assert_int_equal(classify(trace), 0);

	for (size_t i = 0; i < count; i++)
		assert_string_equal(trace->locks[i].name, symbols[i].name);
}

static void test_calls__a_function_without_a_name_is_told_by_who_called_it(void **state)
{
	uint32_t use = add_wait(0x1000, BLANK, 0);
	struct place *place = add_place(use, "sem_wait", "", "postgres");

	(void)state;
	place->caller_offset = 0x1d3b99;
	trace_set_string(&place->caller_above, "TransactionIdSetTreeStatus");
	assert_int_equal(classify(trace), 0);

	assert_string_equal(lock_of(use)->name,
			    "semaphore in postgres+0x1d3b99 below TransactionIdSetTreeStatus()");
}

static void test_calls__many_joins_on_one_stack_are_not_one_thread(void **state)
{
	uint32_t join = add_wait(0x1000, FUTEX_WAIT_BITSET, 103);

	(void)state;
	trace->uses[join - 1].use.flags = trace->use_rows[0].total.use.flags = 0;
	trace->use_rows[0].total.waits = 2;
	add_place(join, "pthread_join", "main", "prog");
	assert_int_equal(classify(trace), 0);

	assert_string_equal(lock_of(join)->evidence, "join-tid");
	assert_string_equal(lock_of(join)->name, "join in main() of prog");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_calls__##name, setup, teardown)
		CASE(every_call_has_its_kind_state_evidence_and_name),
		CASE(the_words_of_a_rwlock_are_one_lock),
		CASE(another_way_to_wait_on_the_word_is_not_that_call),
		CASE(a_blank_wait_is_no_mutex_whatever_was_seen),
		CASE(a_mutex_that_was_never_free_is_not_contended),
		CASE(variables_are_called_without_the_insides_of_their_type),
		CASE(a_function_without_a_name_is_told_by_who_called_it),
		CASE(many_joins_on_one_stack_are_not_one_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
