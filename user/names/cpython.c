/* SPDX-License-Identifier: GPL-2.0-only */
/* The GIL by the shape of its struct. All of it is read from a target: it proves nothing alone. */
#include "names/cpython.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "names/addrspace.h"

/* As CPython 3.7 and later lay it out with glibc; only offsets and a few fields are used. */
struct gil_struct {
	uint64_t interval_us; /* 5,000 unless the program chose another */
	uint64_t last_holder;
	int32_t locked; /* -1 before it was first taken */
	int32_t pad;
	uint64_t switch_number;
	pthread_cond_t cond;
	pthread_mutex_t mutex;
	pthread_cond_t switch_cond;
	pthread_mutex_t switch_mutex;
};
_Static_assert(2 * sizeof(struct gil_struct) <= TARGET_READ_MAX, "read in one piece");

#define INTERVAL_USUAL_US 5000
#define INTERVAL_MAX_US 1000000ULL
#define INTERVAL_MAX_RUNTIME_US 1000000000000ULL /* where the symbol is evidence enough */
#define POINTER_MIN 65536ULL
#define POINTER_MAX (1ULL << 47)
#define SWITCHES_MAX (1ULL << 48)
#define COND_BYTES 48
#define PYPY_BYTES 48 /* condition words and the mutex behind them */

/* Which kind of call waits on a word. */
enum wait_kind {
	WAIT_TIMED, /* condition, with a timeout */
	WAIT_UNTIMED, /* condition, without */
	WAIT_MUTEX,
	WAIT_OTHER,
};

/* Distance of a futex word from the start of the struct. A condition has two words, at another
 * place in it from glibc 2.41 on. */
struct word {
	enum wait_kind kind;
	uint64_t distance;
};

#define COND offsetof(struct gil_struct, cond)
#define SWITCH_COND offsetof(struct gil_struct, switch_cond)

static const struct word words[] = {
	{ WAIT_TIMED, COND + 40 },
	{ WAIT_TIMED, COND + 44 },
	{ WAIT_TIMED, COND + 32 },
	{ WAIT_TIMED, COND + 36 },
	{ WAIT_MUTEX, offsetof(struct gil_struct, mutex) },
	{ WAIT_UNTIMED, SWITCH_COND + 40 },
	{ WAIT_UNTIMED, SWITCH_COND + 44 },
	{ WAIT_UNTIMED, SWITCH_COND + 32 },
	{ WAIT_UNTIMED, SWITCH_COND + 36 },
	{ WAIT_MUTEX, offsetof(struct gil_struct, switch_mutex) },
};

void gil_wait_words(uint64_t gil_start, uint64_t ret_words[GIL_WAIT_WORDS])
{
	for (size_t i = 0; i < GIL_WAIT_WORDS; i++)
		ret_words[i] = gil_start + words[i].distance;
}

static enum wait_kind wait_kind_of(const struct futex_use *use)
{
	if (use->op == FUTEX_WAIT && use->value == 2)
		return WAIT_MUTEX;
	if (use->op != FUTEX_WAIT_BITSET || use->value == 2)
		return WAIT_OTHER;
	return use->flags & USE_TIMED ? WAIT_TIMED : WAIT_UNTIMED;
}

enum gil_part gil_part_of_call(const struct futex_use *use)
{
	static const enum gil_part parts[] = {
		[WAIT_TIMED] = GIL_WAIT,
		[WAIT_UNTIMED] = GIL_HAND_OVER,
		[WAIT_MUTEX] = GIL_WAIT,
		[WAIT_OTHER] = GIL_NOT,
	};

	return parts[wait_kind_of(use)];
}

static bool is_pointer(uint64_t value)
{
	return value >= POINTER_MIN && value < POINTER_MAX && value % sizeof(void *) == 0;
}

static bool has_shape(const struct gil_struct *gil, uint64_t interval_max_us)
{
	return gil->interval_us >= 1 && gil->interval_us <= interval_max_us &&
	       (gil->last_holder == 0 || is_pointer(gil->last_holder)) && gil->locked >= -1 &&
	       gil->locked <= 1 && gil->switch_number < SWITCHES_MAX;
}

/* A mutex made by pthread_mutex_init without attributes. */
static bool is_plain_mutex(const pthread_mutex_t *mutex)
{
	return mutex->__data.__kind == 0 && mutex->__data.__lock >= 0 && mutex->__data.__lock <= 2;
}

/* The bit of a condition made with CLOCK_MONOTONIC; its place depends on the glibc. */
static bool has_clock_bit(const pthread_cond_t *cond, size_t at)
{
	uint32_t references;

	memcpy(&references, (const char *)cond + at, sizeof(references));
	return references & 2;
}

static bool are_monotonic(const struct gil_struct *gil)
{
	static const size_t places[] = { 36, 28 };

	for (size_t i = 0; i < 2; i++)
		if (has_clock_bit(&gil->cond, places[i]) &&
		    has_clock_bit(&gil->switch_cond, places[i]))
			return true;
	return false;
}

/*
 * Outside of _PyRuntime nothing but the shape speaks for it, and memory full of small numbers has
 * the plain one: two mutexes and two monotonic conditions must be there as well, or the usual
 * interval (3.7 had no monotonic conditions, but no second interpreter's GIL either).
 */
static bool is_convincing(const struct gil_struct *gil, enum wait_kind kind)
{
	if (!has_shape(gil, INTERVAL_MAX_US) || !is_plain_mutex(&gil->mutex) ||
	    !is_plain_mutex(&gil->switch_mutex))
		return false;
	if (are_monotonic(gil))
		return gil->last_holder != 0 || kind == WAIT_TIMED;
	return kind == WAIT_TIMED && gil->interval_us == INTERVAL_USUAL_US &&
	       is_pointer(gil->last_holder);
}

#define AROUND_BYTES (sizeof(struct gil_struct) - COND - sizeof(uint64_t))

/*
 * The start of a convincing struct around the word, wherever in its conditions and mutexes the
 * word lies: glibc also waits on others than those of the table, for its own bookkeeping.
 */
static bool find_convincing(const struct gil_query *query, enum wait_kind kind, uint64_t *ret_start)
{
	char bytes[AROUND_BYTES + sizeof(struct gil_struct)];
	uint64_t nearest = (query->use->address - COND) & ~(sizeof(uint64_t) - 1);
	uint64_t first = nearest - AROUND_BYTES;

	if (query->use->address < COND + AROUND_BYTES ||
	    !target_read(query->pid, first, bytes, sizeof(bytes)))
		return false;
	for (size_t at = 0; at <= AROUND_BYTES; at += sizeof(uint64_t)) {
		struct gil_struct gil;

		memcpy(&gil, bytes + at, sizeof(gil));
		if (!is_convincing(&gil, kind))
			continue;
		*ret_start = first + at;
		return true;
	}
	return false;
}

/* In _PyRuntime the plain shape will do, where a word of this kind of wait must lie. */
static bool find_plain(const struct gil_query *query, enum wait_kind kind, uint64_t *ret_start)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		uint64_t start = query->use->address - words[i].distance;
		struct gil_struct gil;

		if (words[i].kind != kind || start % sizeof(uint64_t) ||
		    !target_read(query->pid, start, &gil, sizeof(gil)) ||
		    !has_shape(&gil, INTERVAL_MAX_RUNTIME_US))
			continue;
		*ret_start = start;
		return true;
	}
	return false;
}

static bool find_start(const struct gil_query *query, enum wait_kind kind, uint64_t *ret_start)
{
	/* The usual interval is evidence enough there, whatever the wait. */
	if (query->is_in_runtime)
		return find_convincing(query, WAIT_TIMED, ret_start) ||
		       find_plain(query, kind, ret_start);
	return find_convincing(query, kind, ret_start);
}

static enum gil_part part_at(const struct gil *gil, uint64_t address)
{
	uint64_t distance = address - gil->start;

	if (address < gil->start)
		return GIL_NOT;
	if (gil->layout == GIL_LAYOUT_SEMAPHORE)
		return distance == 0 ? GIL_WAIT : GIL_NOT;
	if (gil->layout == GIL_LAYOUT_PYPY)
		return distance < PYPY_BYTES ? GIL_WAIT : GIL_NOT;
	if (distance < COND || distance >= sizeof(struct gil_struct))
		return GIL_NOT;
	return distance < SWITCH_COND ? GIL_WAIT : GIL_HAND_OVER;
}

/* An interpreter may have ended and its memory be something else now. */
static bool is_gone(const struct gil *gil, pid_t pid)
{
	struct gil_struct now;

	return gil->layout == GIL_LAYOUT_CPYTHON && gil->interpreter != 0 &&
	       target_read(pid, gil->start, &now, sizeof(now)) &&
	       (!has_shape(&now, INTERVAL_MAX_US) || !is_plain_mutex(&now.mutex));
}

static const struct gil *find_known(struct gils *gils, const struct gil_query *query,
				    enum gil_part *ret_part)
{
	for (size_t i = 0; i < gils->count; i++) {
		enum gil_part part = part_at(&gils->list[i], query->use->address);

		if (part == GIL_NOT)
			continue;
		if (is_gone(&gils->list[i], query->pid)) {
			/* Its number is not given again. */
			gils->list[i].start = UINT64_MAX;
			continue;
		}
		*ret_part = part;
		return &gils->list[i];
	}
	return NULL;
}

/*
 * PyPy: a condition in the library's data that is waited for with a timeout, and the mutex right
 * behind it while somebody waits so.
 */
static bool find_pypy(const struct gil_query *query, enum wait_kind kind, uint64_t *ret_start)
{
	uint64_t words_at = query->use->address & ~7ULL;
	uint32_t references;

	if (kind == WAIT_TIMED) {
		*ret_start = words_at;
		return true;
	}
	if (kind != WAIT_MUTEX || words_at != query->use->address ||
	    !target_read(query->pid, words_at - 12, &references, sizeof(references)) ||
	    references < 8)
		return false;
	*ret_start = words_at - 8;
	return true;
}

const struct gil *gils_add(struct gils *gils, struct gil gil)
{
	struct gil *added;

	if (gils->count == GILS_MAX)
		return NULL;
	added = array_add(&gils->list, &gils->count, sizeof(*added));
	*added = gil;
	return added;
}

static uint32_t next_interpreter(const struct gils *gils)
{
	uint32_t next = 1;

	for (size_t i = 0; i < gils->count; i++)
		if (gils->list[i].interpreter >= next)
			next = gils->list[i].interpreter + 1;
	return next;
}

const struct gil *gils_find(struct gils *gils, const struct gil_query *query,
			    enum gil_part *ret_part)
{
	enum wait_kind kind = wait_kind_of(query->use);
	struct gil gil = { 0 };
	const struct gil *known = find_known(gils, query, ret_part);

	if (known || query->pid <= 0)
		return known;
	if (query->is_in_pypy) {
		gil.layout = GIL_LAYOUT_PYPY;
		if (!find_pypy(query, kind, &gil.start))
			return NULL;
	} else if (!find_start(query, kind, &gil.start)) {
		return NULL;
	}
	if (!query->is_in_file && !query->is_in_runtime)
		gil.interpreter = next_interpreter(gils);
	*ret_part = part_at(&gil, query->use->address);
	return gils_add(gils, gil);
}

void gils_copy(struct gils *to, const struct gils *from)
{
	for (size_t i = 0; i < from->count; i++)
		gils_add(to, from->list[i]);
}

void gils_release(struct gils *gils)
{
	free(gils->list);
	*gils = (struct gils){ 0 };
}
