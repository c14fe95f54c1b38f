/* SPDX-License-Identifier: GPL-2.0-only */
/* Sleeping between drains: longer only where the ring has room for all that may come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "capture/pace.h"

#define RING_BYTES (16ULL << 20)

static int sleep_ms(uint64_t ring_bytes, uint32_t cpus, uint64_t drained_bytes)
{
	const struct pace pace = { .ring_bytes = ring_bytes, .cpus = cpus };

	return pace_sleep_ms(&pace, drained_bytes);
}

static void test_pace__a_ring_with_room_is_left_alone(void **state)
{
	(void)state;
	assert_in_range(sleep_ms(RING_BYTES, 2, 0), 150, 170);
	assert_in_range(sleep_ms(RING_BYTES, 2, RING_BYTES / 4), 150, 170);
	assert_in_range(sleep_ms(2 * RING_BYTES, 2, 0), 300, 340);
}

static void test_pace__a_ring_that_fills_is_drained_often(void **state)
{
	(void)state;
	assert_int_equal(sleep_ms(RING_BYTES, 2, RING_BYTES / 4 + 1), PACE_LEAST_MS);
	assert_int_equal(sleep_ms(RING_BYTES, 2, UINT64_MAX), PACE_LEAST_MS);
}

static void test_pace__many_cpus_or_a_small_ring_need_short_sleeps(void **state)
{
	(void)state;
	assert_int_equal(sleep_ms(RING_BYTES, 64, 0), PACE_LEAST_MS);
	assert_int_equal(sleep_ms(4096, 1, 0), PACE_LEAST_MS);
}

static void test_pace__no_sleep_is_for_ever(void **state)
{
	(void)state;
	assert_int_equal(sleep_ms(1ULL << 30, 1, 0), PACE_MOST_MS);
	assert_int_equal(sleep_ms(1ULL << 30, 0, 0), PACE_MOST_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace__a_ring_with_room_is_left_alone),
		cmocka_unit_test(test_pace__a_ring_that_fills_is_drained_often),
		cmocka_unit_test(test_pace__many_cpus_or_a_small_ring_need_short_sleeps),
		cmocka_unit_test(test_pace__no_sleep_is_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
