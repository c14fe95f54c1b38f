/* SPDX-License-Identifier: GPL-2.0-only */
/* Slice store: whatever the order of arrival and the number of runs, slices come back sorted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream/slice_store.h"
#include "stream/slice_store_limits.h"

static struct slice_store *new_small(size_t chunk, uint64_t max_bytes)
{
	const struct slice_store_limits limits = {
		.max_bytes = max_bytes,
		.chunk_slices = chunk,
		.buffers_slices = 1, /* the smallest buffers */
	};

	return slice_store_new_limited(&limits);
}

static int reference_compare(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;

	if (left->start_ns != right->start_ns)
		return left->start_ns < right->start_ns ? -1 : 1;
	if (left->thread != right->thread)
		return left->thread < right->thread ? -1 : 1;
	/* duration_ns holds the order of arrival in these tests */
	return left->duration_ns < right->duration_ns ? -1 : 1;
}

static void assert_reads(struct slice_store *store, const struct slice *expected, size_t count)
{
	struct slice_source *source = slice_store_source(store);
	struct slice slice;

	assert_int_equal(source->rewind(source), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(source->next(source, &slice), 1);
		assert_memory_equal(&slice, &expected[i], sizeof(slice));
	}
	assert_int_equal(source->next(source, &slice), 0);
	assert_int_equal(source->next(source, &slice), 0);
}

/* disorder: how far from its place a slice may arrive; 0: in order. */
static void check_order(size_t count, size_t chunk, uint64_t disorder)
{
	struct slice *slices = calloc(count + 1, sizeof(*slices));
	struct slice_store *store = new_small(chunk, 0);

	for (size_t i = 0; i < count; i++) {
		slices[i].start_ns = 1000 + i / 2 + (disorder ? (uint64_t)rand() % disorder : 0);
		slices[i].thread = disorder ? (uint32_t)rand() % 4 + 1 : i % 2 + 1;
		slices[i].duration_ns = i + 1;
		assert_int_equal(slice_store_add(store, &slices[i]), 0);
	}
	assert_int_equal(slice_store_count(store), count);
	qsort(slices, count, sizeof(*slices), reference_compare);
	assert_reads(store, slices, count);
	assert_reads(store, slices, count);
	slice_store_free(store);
	free(slices);
}

static void test_slice_store__an_empty_store_has_an_empty_stream(void **state)
{
	(void)state;
	check_order(0, 16, 0);
}

static void test_slice_store__one_chunk_stays_in_memory(void **state)
{
	(void)state;
	setenv("TMPDIR", "/nonexistent/convoy", 1);
	check_order(100, 100, 1000);
	unsetenv("TMPDIR");
}

static void test_slice_store__sorted_input_stays_sorted(void **state)
{
	(void)state;
	check_order(10000, 64, 0);
}

static void test_slice_store__random_arrival_is_sorted_over_many_runs(void **state)
{
	static const size_t counts[] = { 1, 15, 16, 17, 99, 100, 101, 1000, 40000 };

	(void)state;
	srand(11);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		check_order(counts[i], 100, 5);
		check_order(counts[i], 100, 50);
		check_order(counts[i], 37, 1000000);
	}
}

static void test_slice_store__a_thousand_runs_are_merged(void **state)
{
	(void)state;
	check_order(3000, 3, 4000);
}

static void test_slice_store__the_limit_drops_late_slices_and_keeps_earlier_ones(void **state)
{
	struct slice slices[10] = { { 0 } };
	struct slice_store *store = new_small(4, 10 * sizeof(struct slice) + 7);

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		slices[i] = (struct slice){ .start_ns = i, .duration_ns = 1, .thread = 1 };
		assert_int_equal(slice_store_add(store, &slices[i]), 0);
	}
	assert_int_equal(slice_store_add(store, &slices[0]), -EFBIG);
	assert_int_equal(slice_store_add(store, &slices[0]), -EFBIG);
	assert_int_equal(slice_store_count(store), 10);
	assert_reads(store, slices, 10);
	slice_store_free(store);
}

static void test_slice_store__a_failed_spill_is_told_and_keeps_the_chunk(void **state)
{
	struct slice slices[3] = { { 0 } };
	struct slice_store *store = new_small(2, 0);

	(void)state;
	setenv("TMPDIR", "/nonexistent/convoy", 1);
	for (size_t i = 0; i < 3; i++)
		slices[i] = (struct slice){ .start_ns = i, .duration_ns = 1, .thread = 1 };
	assert_int_equal(slice_store_add(store, &slices[0]), 0);
	assert_int_equal(slice_store_add(store, &slices[1]), 0);
	assert_int_equal(slice_store_add(store, &slices[2]), -ENOENT);
	assert_int_equal(slice_store_add(store, &slices[2]), -ENOENT);
	assert_reads(store, slices, 2);
	slice_store_free(store);
	unsetenv("TMPDIR");
}

static void test_slice_store__uses_become_locks_on_reading(void **state)
{
	static const uint32_t lock_of_use[] = { 7, 0, 9 };
	static const uint32_t given[] = { 0, 1, 2, 3, 4 };
	static const uint32_t expected[] = { 0, 7, 0, 9, 0 };
	struct slice_store *store = new_small(2, 0);
	struct slice_source *source = slice_store_source(store);
	struct slice slice;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		slice = (struct slice){ .start_ns = i, .duration_ns = 1, .lock = given[i] };
		assert_int_equal(slice_store_add(store, &slice), 0);
	}
	for (int mapped = 0; mapped < 2; mapped++) {
		assert_int_equal(source->rewind(source), 0);
		for (size_t i = 0; i < 5; i++) {
			assert_int_equal(source->next(source, &slice), 1);
			assert_int_equal(slice.lock, mapped ? expected[i] : given[i]);
		}
		slice_store_map_locks(store, lock_of_use, 3);
	}
	slice_store_free(store);
}

static void test_slice_store__the_full_size_spills(void **state)
{
	struct slice_store *store = slice_store_new(0);
	struct slice_source *source = slice_store_source(store);
	struct slice slice = { .duration_ns = 1, .thread = 1 };
	uint64_t count = 300000, before = 0;

	(void)state;
	for (uint64_t i = 0; i < count; i++) {
		slice.start_ns = (i * 7919) % count;
		assert_int_equal(slice_store_add(store, &slice), 0);
	}
	assert_int_equal(source->rewind(source), 0);
	for (uint64_t i = 0; i < count; i++) {
		assert_int_equal(source->next(source, &slice), 1);
		assert_true(slice.start_ns >= before);
		before = slice.start_ns;
	}
	assert_int_equal(source->next(source, &slice), 0);
	slice_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slice_store__an_empty_store_has_an_empty_stream),
		cmocka_unit_test(test_slice_store__one_chunk_stays_in_memory),
		cmocka_unit_test(test_slice_store__sorted_input_stays_sorted),
		cmocka_unit_test(test_slice_store__random_arrival_is_sorted_over_many_runs),
		cmocka_unit_test(test_slice_store__a_thousand_runs_are_merged),
		cmocka_unit_test(
			test_slice_store__the_limit_drops_late_slices_and_keeps_earlier_ones),
		cmocka_unit_test(test_slice_store__a_failed_spill_is_told_and_keeps_the_chunk),
		cmocka_unit_test(test_slice_store__uses_become_locks_on_reading),
		cmocka_unit_test(test_slice_store__the_full_size_spills),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
