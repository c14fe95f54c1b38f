/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every kind of wait of the C library, three threads each, on an object that is a variable and on
 * one that is on the heap: w_primitives [--hold-us N] [--rounds N]. Before the lines of the
 * threads stands one of what they wait for: "lock what=… place=… address=0x… kind=… state=…
 * symbol=… caller=…".
 */
#include "w.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <threads.h>

#define WAITERS 3

union object {
	pthread_mutex_t mutex;
	mtx_t mtx;
	sem_t sem;
	pthread_rwlock_t rwlock;
	pthread_barrier_t barrier;
	pthread_once_t once;
	FILE *file;
	pthread_t thread;
	struct {
		pthread_cond_t cond;
		pthread_mutex_t mutex;
		unsigned long news;
	} queue;
	struct {
		cnd_t cond;
		mtx_t mutex;
		unsigned long news;
	} c11;
	char bytes[128];
};

static uint64_t rounds, hold_ns;
static atomic_int arrived; /* threads of the group under way that have begun */
static _Thread_local unsigned long seen; /* news had */
static _Thread_local uint64_t inside_ns; /* of the call, but not waiting */

/* An hour from now, on a clock. */
static struct timespec late(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	now.tv_sec += 3600;
	return now;
}

#define WAIT_FUNCTION static __attribute__((noinline)) void

/* A mutex of a type, with a protocol, robust or not, shared or not. */
static void init_mutex_of(union object *object, const int attribute[4])
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, attribute[0]);
	pthread_mutexattr_setprotocol(&attributes, attribute[1]);
	pthread_mutexattr_setrobust(&attributes, attribute[2]);
	pthread_mutexattr_setpshared(&attributes, attribute[3]);
	w_check(!pthread_mutex_init(&object->mutex, &attributes), "pthread_mutex_init");
}

#define INIT_MUTEX(name, ...)                                                                      \
	static void init_##name(union object *object)                                              \
	{                                                                                          \
		init_mutex_of(object, (const int[4]){ __VA_ARGS__ });                              \
	}

INIT_MUTEX(mutex, PTHREAD_MUTEX_NORMAL)
INIT_MUTEX(recursive, PTHREAD_MUTEX_RECURSIVE)
INIT_MUTEX(errorcheck, PTHREAD_MUTEX_ERRORCHECK)
INIT_MUTEX(adaptive, PTHREAD_MUTEX_ADAPTIVE_NP)
INIT_MUTEX(pi, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT)
INIT_MUTEX(robust, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST)
INIT_MUTEX(shared, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED,
	   PTHREAD_PROCESS_SHARED)

WAIT_FUNCTION take_mutex(union object *object)
{
	w_check(!pthread_mutex_lock(&object->mutex), "pthread_mutex_lock");
}

WAIT_FUNCTION take_timed(union object *object)
{
	struct timespec until = late(CLOCK_REALTIME);

	w_check(!pthread_mutex_timedlock(&object->mutex, &until), "pthread_mutex_timedlock");
}

WAIT_FUNCTION take_clocked(union object *object)
{
	struct timespec until = late(CLOCK_MONOTONIC);

	w_check(!pthread_mutex_clocklock(&object->mutex, CLOCK_MONOTONIC, &until),
		"pthread_mutex_clocklock");
}

static void leave_mutex(union object *object)
{
	pthread_mutex_unlock(&object->mutex);
}

static void init_mtx(union object *object)
{
	w_check(mtx_init(&object->mtx, mtx_plain) == thrd_success, "mtx_init");
}

WAIT_FUNCTION take_mtx(union object *object)
{
	w_check(mtx_lock(&object->mtx) == thrd_success, "mtx_lock");
}

static void leave_mtx(union object *object)
{
	mtx_unlock(&object->mtx);
}

static void init_sem(union object *object)
{
	w_check(!sem_init(&object->sem, 0, 1), "sem_init");
}

static void init_empty_sem(union object *object)
{
	w_check(!sem_init(&object->sem, 0, 0), "sem_init");
}

WAIT_FUNCTION take_sem(union object *object)
{
	w_check(!sem_wait(&object->sem), "sem_wait");
}

WAIT_FUNCTION take_sem_timed(union object *object)
{
	struct timespec until = late(CLOCK_REALTIME);

	w_check(!sem_timedwait(&object->sem, &until), "sem_timedwait");
}

static void leave_sem(union object *object)
{
	sem_post(&object->sem);
}

static void post_all(union object *object)
{
	for (int i = 0; i < WAITERS; i++)
		sem_post(&object->sem);
}

static void init_rwlock(union object *object)
{
	w_check(!pthread_rwlock_init(&object->rwlock, NULL), "pthread_rwlock_init");
}

WAIT_FUNCTION take_read(union object *object)
{
	w_check(!pthread_rwlock_rdlock(&object->rwlock), "pthread_rwlock_rdlock");
}

WAIT_FUNCTION take_write(union object *object)
{
	w_check(!pthread_rwlock_wrlock(&object->rwlock), "pthread_rwlock_wrlock");
}

static void leave_rwlock(union object *object)
{
	pthread_rwlock_unlock(&object->rwlock);
}

static void init_barrier(union object *object)
{
	w_check(!pthread_barrier_init(&object->barrier, NULL, WAITERS + 1), "pthread_barrier_init");
}

WAIT_FUNCTION meet(union object *object)
{
	int result = pthread_barrier_wait(&object->barrier);

	w_check(!result || result == PTHREAD_BARRIER_SERIAL_THREAD, "pthread_barrier_wait");
}

static void init_once(union object *object)
{
	object->once = PTHREAD_ONCE_INIT;
}

static void slow_start(void)
{
	uint64_t begin_ns = w_now_ns();

	while (arrived < WAITERS) /* on a busy machine they may be late */
		w_rest(hold_ns / 10);
	w_rest(hold_ns);
	inside_ns = w_now_ns() - begin_ns;
}

WAIT_FUNCTION begin_once(union object *object)
{
	w_check(!pthread_once(&object->once, slow_start), "pthread_once");
}

static void init_file(union object *object)
{
	object->file = fopen("/dev/null", "w");
	w_check(object->file, "/dev/null");
}

WAIT_FUNCTION write_file(union object *object)
{
	w_check(fputs("x", object->file) >= 0, "fputs");
}

static void hold_file(union object *object)
{
	flockfile(object->file);
}

static void leave_file(union object *object)
{
	funlockfile(object->file);
}

static void init_cond(union object *object)
{
	pthread_cond_init(&object->queue.cond, NULL);
	pthread_mutex_init(&object->queue.mutex, NULL);
}

#define AWAIT(name, lock, unlock, part, wait, ...)                                                 \
	WAIT_FUNCTION name(union object *object)                                                   \
	{                                                                                          \
		struct timespec until = late(CLOCK_REALTIME);                                      \
                                                                                                   \
		(void)until;                                                                       \
		lock(&object->part.mutex);                                                         \
		for (seen++; object->part.news < seen;)                                            \
			w_check(!wait(&object->part.cond, &object->part.mutex, ##__VA_ARGS__),     \
				#wait);                                                            \
		unlock(&object->part.mutex);                                                       \
	}

AWAIT(await_cond, pthread_mutex_lock, pthread_mutex_unlock, queue, pthread_cond_wait)
AWAIT(await_cond_timed, pthread_mutex_lock, pthread_mutex_unlock, queue, pthread_cond_timedwait,
      &until)
AWAIT(await_cnd, mtx_lock, mtx_unlock, c11, cnd_wait)

/* Those woken must wait for the mutex once more. */
static void tell_cond(union object *object)
{
	pthread_mutex_lock(&object->queue.mutex);
	object->queue.news++;
	pthread_cond_broadcast(&object->queue.cond);
	w_rest(hold_ns);
	pthread_mutex_unlock(&object->queue.mutex);
}

static void init_cnd(union object *object)
{
	cnd_init(&object->c11.cond);
	mtx_init(&object->c11.mutex, mtx_plain);
}

static void tell_cnd(union object *object)
{
	mtx_lock(&object->c11.mutex);
	object->c11.news++;
	cnd_broadcast(&object->c11.cond);
	mtx_unlock(&object->c11.mutex);
}

/*
 * How a round goes: all contend; or main takes it, the others wait, main leaves it; or main gives
 * what the others wait for.
 */
enum manner { CONTEND, HELD, SERVED };

struct primitive {
	const char *what, *kind, *state, *caller;
	enum manner manner;
	void (*init)(union object *object);
	void (*wait)(union object *object);
	void (*leave)(union object *object); /* of the waiters; NULL: nothing to leave */
	void (*hold)(union object *object); /* main's */
	void (*give)(union object *object);
	union object *variable;
	const char *symbol;
};

#define OBJECT(name) (&object_##name), ("object_" #name)
#define DECLARE(name) static union object object_##name

DECLARE(mutex);
DECLARE(recursive);
DECLARE(errorcheck);
DECLARE(adaptive);
DECLARE(timed);
DECLARE(clocked);
DECLARE(robust);
DECLARE(shared);
DECLARE(pi);
DECLARE(mtx);
DECLARE(sem_lock);
DECLARE(sem_timed);
DECLARE(sem_idle);
DECLARE(read);
DECLARE(write);
DECLARE(barrier);
DECLARE(once);
DECLARE(cond);
DECLARE(cond_timed);
DECLARE(cnd);

#define LOCK(what, kind, init, take, leave)                                                        \
	{                                                                                          \
#what, kind, "lock", #take, CONTEND, init, take, leave, NULL, NULL, OBJECT(what)   \
	}
#define IDLE(what, kind, init, wait, give)                                                         \
	{                                                                                          \
#what, kind, "condition", #wait, SERVED, init, wait, NULL, NULL, give,             \
			OBJECT(what)                                                               \
	}

static const struct primitive primitives[] = {
	LOCK(mutex, "mutex", init_mutex, take_mutex, leave_mutex),
	LOCK(recursive, "mutex", init_recursive, take_mutex, leave_mutex),
	LOCK(errorcheck, "mutex", init_errorcheck, take_mutex, leave_mutex),
	LOCK(adaptive, "mutex", init_adaptive, take_mutex, leave_mutex),
	LOCK(timed, "mutex", init_mutex, take_timed, leave_mutex),
	LOCK(clocked, "mutex", init_mutex, take_clocked, leave_mutex),
	LOCK(robust, "mutex", init_robust, take_mutex, leave_mutex),
	LOCK(shared, "mutex", init_shared, take_mutex, leave_mutex),
	LOCK(pi, "pi", init_pi, take_mutex, leave_mutex),
	LOCK(mtx, "mutex", init_mtx, take_mtx, leave_mtx),
	LOCK(sem_lock, "semaphore", init_sem, take_sem, leave_sem),
	LOCK(sem_timed, "semaphore", init_sem, take_sem_timed, leave_sem),
	LOCK(write, "rwlock", init_rwlock, take_write, leave_rwlock),
	{ "read", "rwlock", "lock", "take_read", HELD, init_rwlock, take_read, leave_rwlock,
	  take_write, leave_rwlock, OBJECT(read) },
	IDLE(sem_idle, "semaphore", init_empty_sem, take_sem, post_all),
	IDLE(barrier, "barrier", init_barrier, meet, meet),
	IDLE(cond, "condition", init_cond, await_cond, tell_cond),
	IDLE(cond_timed, "condition", init_cond, await_cond_timed, tell_cond),
	IDLE(cnd, "condition", init_cnd, await_cnd, tell_cnd),
	{ "once", "once", "lock", "begin_once", CONTEND, init_once, begin_once, NULL, NULL, NULL,
	  OBJECT(once) },
	{ "stdio", "mutex", "lock", "write_file", HELD, init_file, write_file, NULL, hold_file,
	  leave_file, NULL, NULL },
};

/* The threads of one object. */
struct group {
	const struct primitive *primitive;
	union object *object;
	struct w_truth truths[WAITERS];
	uint64_t rounds;
};

struct member {
	struct group *group;
	int number;
};

static void *play(void *argument)
{
	const struct member *member = argument;
	const struct group *group = member->group;
	const struct primitive *primitive = group->primitive;
	struct w_truth *truth = &member->group->truths[member->number];

	w_begin(truth, primitive->what, group->object);
	arrived++;
	for (uint64_t i = 0; i < group->rounds; i++) {
		if (primitive->manner == HELD) /* main has it by now */
			w_rest(hold_ns);
		w_wait_begins(truth);
		primitive->wait(group->object);
		w_wait_ends(truth);
		if (primitive->manner == CONTEND)
			w_rest(hold_ns);
		if (primitive->leave)
			primitive->leave(group->object);
		w_rest(hold_ns / 4); /* lets another have it */
	}
	truth->wait_ns -= inside_ns;
	w_end(truth);
	return NULL;
}

static void serve(const struct group *group)
{
	const struct primitive *primitive = group->primitive;

	for (uint64_t i = 0; i < group->rounds && primitive->manner != CONTEND; i++) {
		if (primitive->hold)
			primitive->hold(group->object);
		w_rest(3 * hold_ns);
		primitive->give(group->object);
		w_rest(hold_ns / 8);
	}
}

static void say(const struct group *group, const char *place)
{
	const struct primitive *primitive = group->primitive;

	printf("lock what=%s place=%s address=0x%llx kind=%s state=%s symbol=%s caller=%s\n",
	       primitive->what, place, (unsigned long long)(uintptr_t)group->object,
	       primitive->kind, primitive->state, primitive->symbol ? primitive->symbol : "-",
	       primitive->caller);
	for (int i = 0; i < WAITERS; i++)
		w_say(&group->truths[i]);
}

static void run(const struct primitive *primitive, union object *object, const char *place)
{
	struct group group = { .primitive = primitive, .object = object, .rounds = rounds };
	struct member members[WAITERS];
	pthread_t threads[WAITERS];

	arrived = 0;
	primitive->init(object);
	if (!strcmp(primitive->what, "once"))
		group.rounds = 1;
	if (!strcmp(primitive->what, "stdio")) /* what is waited for is a part of the file */
		group.object = memcpy(calloc(1, sizeof(*object)), object, sizeof(*object));
	if (primitive->manner == HELD)
		w_rest(hold_ns / 4);
	for (int i = 0; i < WAITERS; i++) {
		members[i] = (struct member){ &group, i };
		threads[i] = w_start(play, &members[i]);
	}
	serve(&group);
	for (int i = 0; i < WAITERS; i++)
		w_join(threads[i]);
	say(&group, place);
}

static void *sleeper(void *argument)
{
	w_rest(4 * hold_ns);
	return argument;
}

WAIT_FUNCTION join_thread(union object *object)
{
	w_check(!pthread_join(object->thread, NULL), "pthread_join");
}

static void *join_one(void *argument)
{
	struct w_truth *truth = argument;
	union object object = { .thread = w_start(sleeper, NULL) };

	w_begin(truth, "join", NULL);
	w_wait_begins(truth);
	join_thread(&object);
	w_wait_ends(truth);
	w_end(truth);
	return NULL;
}

/* Each joins a thread of its own: there is no object of the program that it waits on. */
static void run_joins(void)
{
	struct w_truth truths[WAITERS];
	pthread_t threads[WAITERS];

	for (int i = 0; i < WAITERS; i++)
		threads[i] = w_start(join_one, &truths[i]);
	for (int i = 0; i < WAITERS; i++)
		w_join(threads[i]);
	for (int i = 0; i < WAITERS; i++)
		w_say(&truths[i]);
}

int main(int argc, char **argv)
{
	size_t count = sizeof(primitives) / sizeof(primitives[0]);

	rounds = w_number(argc, argv, "--rounds", 4);
	hold_ns = w_number(argc, argv, "--hold-us", 3000) * 1000;
	for (size_t i = 0; i < count; i++) {
		if (primitives[i].variable)
			run(&primitives[i], primitives[i].variable, "variable");
		run(&primitives[i], calloc(1, sizeof(union object)), "heap");
	}
	run_joins();
	return 0;
}
