/* SPDX-License-Identifier: GPL-2.0-only */
/* Calls that wait, by name. */
#include "model/calls.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Condition variables and semaphores of a known caller: the caller says more than the call. */
struct caller_row {
	const char *object; /* the file's name begins so */
	const char *function; /* and the function's */
	enum wait_call call;
};

static const struct caller_row callers[] = {
	{ "", "take_gil", CALL_GIL },
	{ "", "drop_gil", CALL_GIL_HAND_OVER },
	/* The GIL of 2.7 is a semaphore; later ones are never asked for from here. */
	{ "libpython2.", "PyEval_", CALL_GIL },
	{ "python2.", "PyEval_", CALL_GIL },
	/* From 3.13 on threads wait on semaphores of their own for nearly everything. */
	{ "", "ThreadHandle_join", CALL_JOIN },
	{ "", "_PyMutex_Lock", CALL_MUTEX },
	{ "libjvm.so", "ObjectMonitor::enter", CALL_JAVA_MONITOR },
	{ "libjvm.so", "ObjectMonitor::Enter", CALL_JAVA_MONITOR },
	{ "libjvm.so", "ObjectMonitor::ReenterI", CALL_JAVA_MONITOR },
	{ "libjvm.so", "ObjectMonitor::reenter", CALL_JAVA_MONITOR },
	{ "libjvm.so", "Unsafe_Park", CALL_JAVA_PARK },
	{ "libjvm.so", "Parker::park", CALL_JAVA_PARK },
	{ "libjvm.so", "ObjectMonitor::wait", CALL_JAVA_WAIT },
	{ "libjvm.so", "JavaThread::sleep", CALL_JAVA_SLEEP },
	{ "libjvm.so", "", CALL_JAVA_INTERNAL },
	/* PostgreSQL: every process has one semaphore, for all locks but those of rows. */
	{ "postgres", "", CALL_SEMAPHORE_LOCK },
};

struct call_row {
	const char *text;
	bool is_part; /* anywhere in the name, else at its begin */
	enum wait_call call;
};

/* The first that fits. */
static const struct call_row calls[] = {
	{ "pthread_mutex_", false, CALL_MUTEX },
	{ "mtx_", false, CALL_MUTEX },
	{ "pthread_cond_", false, CALL_CONDITION },
	{ "cnd_", false, CALL_CONDITION },
	{ "std::condition_variable", false, CALL_CONDITION },
	{ "pthread_rwlock_", false, CALL_RWLOCK },
	{ "pthread_barrier_", false, CALL_BARRIER },
	{ "pthread_once", false, CALL_ONCE },
	{ "call_once", false, CALL_ONCE },
	{ "cxa_guard_acquire", false, CALL_ONCE },
	{ "sem_", false, CALL_SEMAPHORE },
	{ "new_sem_", false, CALL_SEMAPHORE },
	{ "pthread_join", false, CALL_JOIN },
	{ "pthread_timedjoin", false, CALL_JOIN },
	{ "pthread_clockjoin", false, CALL_JOIN },
	{ "thrd_join", false, CALL_JOIN },
	/* libgomp: its other calls wait for the team. */
	{ "GOMP_critical", false, CALL_MUTEX },
	{ "GOMP_atomic", false, CALL_MUTEX },
	{ "omp_set_", false, CALL_MUTEX },
	{ "GOMP_", false, CALL_BARRIER },
	/* Rust: std and parking_lot. */
	{ "Mutex::lock_contended", true, CALL_MUTEX },
	{ "RwLock::read_contended", true, CALL_RWLOCK },
	{ "RwLock::write_contended", true, CALL_RWLOCK },
	{ "Condvar::wait", true, CALL_CONDITION },
	{ "Barrier::wait", true, CALL_BARRIER },
	{ "Once::call", true, CALL_ONCE },
	{ "Once::wait", true, CALL_ONCE },
	{ "hread::park", true, CALL_CONDITION },
	{ "Parker::park", true, CALL_CONDITION },
	{ "RawMutex::lock_slow", true, CALL_MUTEX },
	{ "RawRwLock::lock_", true, CALL_RWLOCK },
	/* Go's runtime: its own locks, and threads without work. */
	{ "runtime.lock", false, CALL_MUTEX },
	{ "runtime.note", false, CALL_CONDITION },
};

#define JVM "libjvm.so"
#define BLOCKER_PERCENT 90 /* of the looks at a parked thread */

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static enum wait_call call_of_name(const char *primitive)
{
	primitive += strspn(primitive, "_");
	for (size_t i = 0; i < COUNT(calls); i++)
		if (calls[i].is_part ? strstr(primitive, calls[i].text) != NULL
				     : begins(primitive, calls[i].text))
			return calls[i].call;
	return CALL_NOT_KNOWN;
}

/* What threads of Java park for, by the begin of the class's name. */
static const struct {
	const char *name;
	enum wait_call call;
} blockers[] = {
	{ "java.util.concurrent.locks.ReentrantLock$", CALL_JAVA_PARK_LOCK },
	{ "java.util.concurrent.locks.ReentrantReadWriteLock$", CALL_JAVA_PARK_LOCK },
	{ "java.util.concurrent.locks.StampedLock", CALL_JAVA_PARK_LOCK },
	/* A condition of a lock, and queues, pools, latches and results. */
	{ "java.util.concurrent.locks.AbstractQueuedSynchronizer$Cond", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.locks.AbstractQueuedLongSynchronizer$Cond", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.SynchronousQueue", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.LinkedTransferQueue", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.ForkJoinPool", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.ForkJoinTask", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.FutureTask", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.CompletableFuture", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.CountDownLatch$", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.Phaser", CALL_JAVA_PARK_IDLE },
	{ "java.util.concurrent.Exchanger", CALL_JAVA_PARK_IDLE },
};

static enum wait_call call_of_blocker(const char *name)
{
	for (size_t i = 0; i < COUNT(blockers); i++)
		if (begins(name, blockers[i].name))
			return blockers[i].call;
	return CALL_JAVA_PARK;
}

/* One word serves all that a thread parks for: it is one thing if nearly all looks say so. */
static enum wait_call call_of_parking(const struct place *place)
{
	uint64_t looks = 0, idle = 0, locked = 0;

	for (size_t i = 0; i < PLACE_SIGHTS && place->blockers[i].name; i++) {
		enum wait_call call = call_of_blocker(place->blockers[i].name);

		looks += place->blockers[i].looks;
		idle += call == CALL_JAVA_PARK_IDLE ? place->blockers[i].looks : 0;
		locked += call == CALL_JAVA_PARK_LOCK ? place->blockers[i].looks : 0;
	}
	if (looks && idle * 100 >= looks * BLOCKER_PERCENT)
		return CALL_JAVA_PARK_IDLE;
	if (looks && locked * 100 >= looks * BLOCKER_PERCENT)
		return CALL_JAVA_PARK_LOCK;
	return CALL_JAVA_PARK;
}

static enum wait_call call_of_caller(const struct place *place, enum wait_call call)
{
	for (size_t i = 0; i < COUNT(callers); i++)
		if (begins(place->caller_object, callers[i].object) &&
		    begins(place->caller, callers[i].function))
			return callers[i].call == CALL_JAVA_PARK ? call_of_parking(place)
								 : callers[i].call;
	return call;
}

enum wait_call wait_call_of(const struct place *place)
{
	enum wait_call call = call_of_name(place->primitive);

	if (call == CALL_CONDITION || call == CALL_SEMAPHORE)
		return call_of_caller(place, call);
	/* Safepoints. */
	if (call == CALL_NOT_KNOWN && begins(place->caller, "LinuxWaitBarrier::wait"))
		return CALL_JAVA_INTERNAL;
	/* What it waits in is libgomp's own, and nothing of the program is below it. */
	if (!*place->primitive && begins(place->caller_object, "libgomp.so"))
		return CALL_OPENMP_IDLE;
	return call;
}

bool is_call_of_jvm(const struct place *place)
{
	return begins(place->caller_object, JVM);
}

bool is_call_by_thread(enum wait_call call)
{
	return call >= CALL_JAVA_MONITOR && call <= CALL_JAVA_SLEEP;
}
