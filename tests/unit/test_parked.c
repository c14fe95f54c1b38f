/* SPDX-License-Identifier: GPL-2.0-only */
/* What threads are parked for: told by roles, like any word, but by nothing that a futex word has.
 */
#include <linux/futex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "array_source.h"
#include "model/classify.h"

static struct example *example;

static int setup(void **state)
{
	(void)state;
	example = example_new(0, 100000000, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	example_free(example);
	return 0;
}

/* A new thread waits once, for 10 ns. The number of the use. */
static uint32_t park(uint64_t address)
{
	struct use *use = trace_add_use(example->trace);
	struct use_row *row = trace_add_use_row(example->trace);

	use->proc = 7;
	use->use = (struct futex_use){ .address = address,
				       .op = FUTEX_WAIT_BITSET,
				       .flags = USE_PRIVATE | USE_PARKED };
	row->thread = example_thread(example);
	row->use = use->id;
	row->total.use = use->use;
	row->total.waits = 1;
	row->total.wait_ns = row->total.min_ns = row->total.max_ns = 10;
	example->trace->threads[row->thread - 1].state_ns[STATE_FUTEX] += 10;
	return use->id;
}

/* Two futex words 4 bytes apart are a condition's; these are bytes. */
static void test_parked__neighbours_are_no_pair(void **state)
{
	const struct trace *trace = example->trace;
	uint32_t first = park(0x128);
	uint32_t second = park(0x12c);

	(void)state;
	assert_int_equal(classify(example->trace), 0);

	assert_int_equal(trace->lock_count, 2);
	assert_int_not_equal(trace->uses[first - 1].lock, trace->uses[second - 1].lock);
	assert_string_equal(trace->locks[0].evidence, "roles-idle");
}

static void test_parked__who_wakes_each_other_has_a_lock(void **state)
{
	const struct trace *trace = example->trace;
	uint32_t first = park(0x129), second = park(0x129);
	struct slice *wait = example_wait(example, 1, first, 0, 10);

	(void)state;
	wait->waker = 2;
	wait->flags = SLICE_WAKER_RELEASED;
	wait = example_wait(example, 2, second, 20, 30);
	wait->waker = 1;
	wait->flags = SLICE_WAKER_RELEASED;
	assert_int_equal(classify(example->trace), 0);

	assert_string_equal(trace->locks[0].evidence, "roles-lock");
	assert_int_equal(trace->locks[0].address, 0x129);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parked__neighbours_are_no_pair, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_parked__who_wakes_each_other_has_a_lock, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
