/* SPDX-License-Identifier: GPL-2.0-only */
/* Which lock is it? One small live trace for every rule, and totals that survive. */
#include <errno.h>
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
#define PRIVATE USE_PRIVATE
#define TIMED (USE_PRIVATE | USE_TIMED)

static struct example *example;
static struct trace *trace;
static uint32_t a, b, c;

static int setup(void **state)
{
	(void)state;
	example = example_new(0, 100000000, 2);
	trace = example->trace;
	a = example_thread(example);
	b = example_thread(example);
	c = example_thread(example);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

static uint32_t add_use(uint64_t address, uint8_t op, uint8_t flags, uint32_t value)
{
	struct use *use = trace_add_use(trace);

	use->proc = PROC;
	use->use.address = address;
	use->use.op = op;
	use->use.flags = flags;
	use->use.value = value;
	return use->id;
}

/* A thread waited so often on a use, 10 ns each time. */
static struct use_row *add_row(uint32_t thread, uint32_t use, uint32_t waits)
{
	struct use_row *row = trace_add_use_row(trace);

	row->thread = thread;
	row->use = use;
	row->total.use = trace->uses[use - 1].use;
	row->total.waits = waits;
	if (row->total.use.op != FUTEX_OP_WAKE) {
		row->total.wait_ns = 10 * waits;
		row->total.min_ns = row->total.max_ns = 10;
		trace->threads[thread - 1].state_ns[STATE_FUTEX] += 10 * waits;
	}
	return row;
}

static struct place *add_place(uint64_t address, enum place_kind kind)
{
	struct place *place = trace_add_place(trace);

	place->proc = PROC;
	place->address = address;
	place->group = address;
	place->kind = kind;
	return place;
}

static const struct lock *lock_of(uint32_t use)
{
	assert_int_not_equal(trace->uses[use - 1].lock, 0);
	return &trace->locks[trace->uses[use - 1].lock - 1];
}

static void assert_lock(uint32_t use, enum lock_kind kind, enum lock_state lock_state,
			const char *evidence)
{
	assert_int_equal(lock_of(use)->kind, kind);
	assert_int_equal(lock_of(use)->state, lock_state);
	assert_string_equal(lock_of(use)->evidence, evidence);
}

static struct place *add_gil_word(uint64_t address, enum gil_part part)
{
	struct place *place = add_place(address, PLACE_SYMBOL);

	place->gil = part;
	place->group = 1000;
	trace_set_string(&place->symbol, "_PyRuntime");
	trace_set_string(&place->object, "python3.11");
	return place;
}

static void test_classify__all_words_of_the_gil_are_one_lock(void **state)
{
	uint32_t second = add_use(1076, FUTEX_WAIT_BITSET, TIMED, 0);
	uint32_t condition = add_use(1072, FUTEX_WAIT_BITSET, TIMED, 0);
	uint32_t mutex = add_use(1080, FUTEX_WAIT, PRIVATE, 2);
	uint32_t hand_over = add_use(1160, FUTEX_WAIT_BITSET, PRIVATE, 0);

	(void)state;
	add_gil_word(1072, GIL_WAIT);
	add_gil_word(1076, GIL_WAIT);
	add_gil_word(1080, GIL_WAIT);
	add_gil_word(1160, GIL_HAND_OVER);
	add_row(a, condition, 1);
	add_row(a, second, 2);
	add_row(b, mutex, 3);
	add_row(b, hand_over, 4);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_lock(condition, LOCK_GIL, LOCK_STATE_LOCK, "gil-range: _PyRuntime in python3.11");
	assert_ptr_equal(lock_of(condition), lock_of(second));
	assert_ptr_equal(lock_of(condition), lock_of(mutex));
	assert_string_equal(lock_of(condition)->name, "GIL");
	assert_int_equal(lock_of(condition)->waits, 6);
	assert_int_equal(lock_of(condition)->address, 1072);
	assert_lock(hand_over, LOCK_HAND_OVER, LOCK_STATE_LOCK,
		    "gil-range: _PyRuntime in python3.11");
	assert_int_equal(trace->threads[a - 1].futex_class_ns[LOCK_STATE_LOCK], 30);
	assert_int_equal(trace->threads[b - 1].futex_class_ns[LOCK_STATE_LOCK], 70);
}

static void test_classify__the_gil_of_another_interpreter_says_so(void **state)
{
	uint32_t use = add_use(1072, FUTEX_WAIT_BITSET, TIMED, 0);
	struct place *place = add_place(1072, PLACE_ANONYMOUS);

	(void)state;
	place->gil = GIL_WAIT;
	place->interpreter = 2;
	place->group = 1000;
	add_row(a, use, 1);
	assert_int_equal(classify(trace), 0);

	assert_string_equal(lock_of(use)->name, "GIL of interpreter 2");
	assert_string_equal(lock_of(use)->evidence, "gil-range");
}

static void test_classify__values_and_operations_tell_mutexes(void **state)
{
	uint32_t plain = add_use(0x100, FUTEX_WAIT, PRIVATE, 2);
	uint32_t timed = add_use(0x100, FUTEX_WAIT_BITSET, TIMED, 2);
	uint32_t pi = add_use(0x200, FUTEX_LOCK_PI, PRIVATE, 0);
	uint32_t robust =
		add_use(0x300, FUTEX_WAIT, 0, FUTEX_WAITERS | (uint32_t)trace->threads[c - 1].tid);
	uint32_t stranger = add_use(0x400, FUTEX_WAIT, 0, FUTEX_WAITERS | 999999);

	(void)state;
	add_row(a, plain, 1);
	add_row(b, timed, 1);
	add_row(a, pi, 1);
	add_row(a, robust, 1);
	add_row(a, stranger, 1);
	assert_int_equal(classify(trace), 0);

	assert_lock(plain, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex-value");
	assert_ptr_equal(lock_of(plain), lock_of(timed));
	assert_lock(pi, LOCK_PI, LOCK_STATE_LOCK, "futex-pi");
	assert_lock(robust, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex-robust");
	assert_lock(stranger, LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, "unclassified");
}

static void test_classify__a_barrier_whose_round_is_two_is_no_mutex(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT, PRIVATE, 2);

	(void)state;
	add_row(a, use, 1);
	add_row(b, use, 1)->total.use.value = 3;
	assert_int_equal(classify(trace), 0);

	assert_lock(use, LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, "unclassified");
}

static void test_classify__a_word_that_holds_a_thread_number_is_a_join(void **state)
{
	uint32_t tid = (uint32_t)trace->threads[c - 1].tid;
	uint32_t join = add_use(0x100, FUTEX_WAIT_BITSET, USE_REALTIME, tid);
	uint32_t other = add_use(0x200, FUTEX_WAIT_BITSET, USE_REALTIME, 999999);

	(void)state;
	add_row(a, join, 1);
	add_row(a, other, 1);
	assert_int_equal(classify(trace), 0);

	assert_lock(join, LOCK_JOIN, LOCK_STATE_JOIN, "join-tid");
	assert_string_equal(lock_of(join)->name, "join of thread 103");
	assert_lock(other, LOCK_UNCLASSIFIED, LOCK_STATE_FUTEX, "unclassified");
	assert_int_equal(trace->threads[a - 1].futex_class_ns[LOCK_STATE_JOIN], 10);
}

static void test_classify__the_two_words_of_a_condition_are_one(void **state)
{
	uint32_t first = add_use(0x128, FUTEX_WAIT_BITSET, PRIVATE, 0);
	uint32_t second = add_use(0x12c, FUTEX_WAIT_BITSET, PRIVATE, 0);
	uint32_t wake = add_use(0x12c, FUTEX_OP_WAKE, PRIVATE, 0);

	(void)state;
	add_row(a, second, 1);
	add_row(b, second, 1);
	add_row(a, first, 1);
	add_row(a, wake, 1);
	add_row(b, wake, 1);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 1);
	assert_lock(first, LOCK_CONDITION, LOCK_STATE_CONDITION, "condition-pair");
	assert_ptr_equal(lock_of(first), lock_of(second));
	assert_int_equal(lock_of(first)->address, 0x128);
	assert_int_equal(trace->uses[wake - 1].lock, 0);
}

static void test_classify__waiters_that_wake_each_other_have_a_lock(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 0);
	uint32_t wake = add_use(0x100, FUTEX_OP_WAKE, PRIVATE, 0);

	(void)state;
	add_row(a, use, 3);
	add_row(b, use, 3);
	add_row(a, wake, 3);
	add_row(b, wake, 3);
	assert_int_equal(classify(trace), 0);

	assert_lock(use, LOCK_SEMAPHORE, LOCK_STATE_LOCK, "roles-lock");
}

static void test_classify__releases_seen_in_slices_are_enough(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 0);
	struct slice *wait;

	(void)state;
	add_row(a, use, 1);
	add_row(b, use, 1);
	wait = example_wait(example, a, use, 0, 10);
	wait->waker = b;
	wait->flags = SLICE_WAKER_RELEASED;
	wait = example_wait(example, b, use, 20, 30);
	wait->waker = a;
	wait->flags = SLICE_WAKER_RELEASED;
	assert_int_equal(classify(trace), 0);

	assert_lock(use, LOCK_SEMAPHORE, LOCK_STATE_LOCK, "roles-lock");
}

static void test_classify__a_consumer_is_idle(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 0);
	uint32_t wake = add_use(0x100, FUTEX_OP_WAKE, PRIVATE, 0);

	(void)state;
	add_row(a, use, 50);
	add_row(b, use, 50);
	add_row(c, wake, 100);
	assert_int_equal(classify(trace), 0);

	assert_lock(use, LOCK_CONDITION, LOCK_STATE_CONDITION, "roles-idle");
}

static void test_classify__one_thread_in_both_roles_is_not_enough(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 0);
	uint32_t wake = add_use(0x100, FUTEX_OP_WAKE, PRIVATE, 0);

	(void)state;
	add_row(a, use, 5);
	add_row(b, use, 5);
	add_row(a, wake, 5);
	add_row(c, wake, 5);
	assert_int_equal(classify(trace), 0);

	assert_lock(use, LOCK_CONDITION, LOCK_STATE_CONDITION, "roles-idle");
}

static void one_wake_then_death(uint64_t death_ns)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 0);

	add_row(a, use, 1);
	example_wait(example, a, use, 0, 1000)->waker = b;
	example_sort(example);
	trace->threads[b - 1].end_ns = death_ns;
	assert_int_equal(classify(trace), 0);
}

static void test_classify__one_wake_from_a_dying_thread_is_a_join(void **state)
{
	(void)state;
	one_wake_then_death(1000 + 1000000);

	assert_lock(1, LOCK_JOIN, LOCK_STATE_JOIN, "roles-join");
}

static void test_classify__a_dying_thread_may_have_to_wait_for_a_cpu(void **state)
{
	(void)state;
	example_slice(example, b, STATE_QUEUED, 500, 900);
	example_slice(example, b, STATE_RUNNING, 900, 2000);
	example_slice(example, b, STATE_PREEMPTED, 2000, 5002000);
	one_wake_then_death(1000 + 6000000);

	assert_lock(1, LOCK_JOIN, LOCK_STATE_JOIN, "roles-join");
}

static void test_classify__a_thread_that_blocks_before_it_dies_was_not_joined(void **state)
{
	(void)state;
	example_slice(example, b, STATE_RUNNING, 900, 2000);
	example_slice(example, b, STATE_SLEEP, 2000, 5002000);
	one_wake_then_death(1000 + 6000000);

	assert_lock(1, LOCK_CONDITION, LOCK_STATE_CONDITION, "roles-idle");
}

static void test_classify__one_wake_from_a_thread_that_lives_on_is_none(void **state)
{
	(void)state;
	one_wake_then_death(1000 + 1000001);

	assert_lock(1, LOCK_CONDITION, LOCK_STATE_CONDITION, "roles-idle");
}

static void test_classify__a_word_used_in_two_ways_is_two_locks(void **state)
{
	uint32_t mutex = add_use(0x100, FUTEX_WAIT, PRIVATE, 2);
	uint32_t other = add_use(0x100, FUTEX_WAIT_BITSET, PRIVATE, 9);

	(void)state;
	add_row(a, mutex, 1);
	add_row(a, other, 2);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_int_equal(lock_of(mutex)->waits, 1);
	assert_int_equal(lock_of(other)->waits, 2);
	assert_int_equal(lock_of(other)->state, LOCK_STATE_FUTEX);
}

static void test_classify__shared_words_are_one_lock_of_no_process(void **state)
{
	uint32_t here = add_use(0x1000, FUTEX_WAIT, 0, 2);
	uint32_t there = add_use(0x2000, FUTEX_WAIT, 0, 2);
	struct place *places[2] = { NULL };

	(void)state;
	trace->uses[there - 1].proc = PROC + 1;
	for (int i = 0; i < 2; i++) {
		places[i] = add_place(i ? 0x2000 : 0x1000, PLACE_SHARED);
		places[i]->proc = PROC + (uint32_t)i;
		places[i]->shared_dev = 5;
		places[i]->shared_inode = 6;
		places[i]->shared_offset = 64;
		trace_set_string(&places[i]->object, "/dev/shm/x");
	}
	add_row(a, here, 1);
	add_row(b, there, 1);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 1);
	assert_int_equal(lock_of(here)->pid, 0);
	assert_string_equal(lock_of(here)->name, "/dev/shm/x+0x40 (shared)");
}

static void test_classify__private_words_of_two_address_spaces_are_two_locks(void **state)
{
	uint32_t here = add_use(0x1000, FUTEX_WAIT, PRIVATE, 2);
	uint32_t there = add_use(0x1000, FUTEX_WAIT, PRIVATE, 2);

	(void)state;
	trace->uses[there - 1].proc = PROC + 1;
	add_row(a, here, 1);
	add_row(b, there, 1);
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_int_equal(lock_of(here)->pid, 100);
}

static const char *name_at(enum place_kind kind, uint64_t address)
{
	uint32_t use = add_use(address, FUTEX_WAIT, PRIVATE, 2);
	struct place *place = add_place(address, kind);

	trace_set_string(&place->object, "server");
	if (kind == PLACE_SYMBOL)
		trace_set_string(&place->symbol, "table_lock");
	place->tid = kind == PLACE_STACK ? 42 : 0;
	place->offset = 8;
	add_row(a, use, 1);
	for (size_t i = 0; i < trace->lock_count; i++) {
		free(trace->locks[i].name);
		free(trace->locks[i].evidence);
	}
	trace->lock_count = 0;
	trace->wait_total_count = 0;
	assert_int_equal(classify(trace), 0);
	return lock_of(use)->name;
}

static void test_classify__names_say_where_the_word_lies(void **state)
{
	(void)state;
	assert_string_equal(name_at(PLACE_SYMBOL, 0x10), "mutex 'table_lock'+8 in server");
	assert_string_equal(name_at(PLACE_FILE, 0x20), "mutex server+0x8");
	assert_string_equal(name_at(PLACE_HEAP, 0x30), "mutex on the heap 0x30");
	assert_string_equal(name_at(PLACE_STACK, 0x40), "mutex on the stack of thread 42 0x40");
	assert_string_equal(name_at(PLACE_GONE, 0x50), "mutex 0x50, process gone before naming");
}

static void test_classify__totals_are_the_kernels(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT, PRIVATE, 2);
	struct use_row *row = add_row(a, use, 3);

	(void)state;
	row->total.min_ns = 2;
	row->total.max_ns = 20;
	row->total.timeouts = 1;
	row = add_row(b, use, 1);
	trace->threads[b - 1].state_ns[STATE_FUTEX] += 500; /* a word there was no room for */
	assert_int_equal(classify(trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_int_equal(trace->wait_total_count, 3);
	assert_int_equal(trace->wait_totals[0].thread, a);
	assert_int_equal(trace->wait_totals[0].waits, 3);
	assert_int_equal(trace->wait_totals[0].timeouts, 1);
	assert_int_equal(trace->wait_totals[0].min_ns, 2);
	assert_int_equal(lock_of(use)->wait_ns, 40);
	assert_int_equal(lock_of(use)->min_ns, 2);
	assert_int_equal(lock_of(use)->max_ns, 20);
	assert_int_equal(trace->wait_totals[2].wait_ns, 500);
	assert_string_equal(trace->locks[1].name, "other futex words");
	assert_int_equal(trace->threads[b - 1].futex_class_ns[LOCK_STATE_FUTEX], 500);
}

static void test_classify__lean_has_no_timeouts_and_bad_rows_are_refused(void **state)
{
	uint32_t use = add_use(0x100, FUTEX_WAIT, PRIVATE, 2);

	(void)state;
	trace_set_string(&trace->meta.mode, "lean");
	add_row(a, use, 1);
	assert_int_equal(classify(trace), 0);
	assert_int_equal(lock_of(use)->timeouts, TRACE_NOT_MEASURED);
	assert_int_equal(trace->wait_totals[0].timeouts, TRACE_NOT_MEASURED);

	add_row(a, use, 1)->use = 99;
	assert_int_equal(classify(trace), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(test_classify__##name, setup, teardown)
		CASE(all_words_of_the_gil_are_one_lock),
		CASE(the_gil_of_another_interpreter_says_so),
		CASE(values_and_operations_tell_mutexes),
		CASE(a_barrier_whose_round_is_two_is_no_mutex),
		CASE(a_word_that_holds_a_thread_number_is_a_join),
		CASE(the_two_words_of_a_condition_are_one),
		CASE(waiters_that_wake_each_other_have_a_lock),
		CASE(releases_seen_in_slices_are_enough),
		CASE(a_consumer_is_idle),
		CASE(one_thread_in_both_roles_is_not_enough),
		CASE(one_wake_from_a_dying_thread_is_a_join),
		CASE(one_wake_from_a_thread_that_lives_on_is_none),
		CASE(a_dying_thread_may_have_to_wait_for_a_cpu),
		CASE(a_thread_that_blocks_before_it_dies_was_not_joined),
		CASE(a_word_used_in_two_ways_is_two_locks),
		CASE(shared_words_are_one_lock_of_no_process),
		CASE(private_words_of_two_address_spaces_are_two_locks),
		CASE(names_say_where_the_word_lies),
		CASE(totals_are_the_kernels),
		CASE(lean_has_no_timeouts_and_bad_rows_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
