/* SPDX-License-Identifier: GPL-2.0-only */
/* Units: printed numbers add up, are short, and are read back strictly. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"

static void test_units__rounded_parts_sum_to_the_rounded_total(void **state)
{
	const int64_t thirds[] = { 333, 333, 334 };
	const int64_t mixed[] = { 27400, 118600, -7000 };
	int64_t units[3];

	(void)state;
	round_parts(thirds, 3, 100, units);
	assert_int_equal(units[0] + units[1] + units[2], 10);
	assert_int_equal(units[2], 4);
	round_parts(mixed, 3, 1000, units);
	assert_int_equal(units[0], 27);
	assert_int_equal(units[1], 119);
	assert_int_equal(units[2], -7);
}

static void test_units__a_tie_goes_to_the_earlier_part(void **state)
{
	const int64_t halves[] = { 50, 50, 50, 50 };
	int64_t units[4];

	(void)state;
	round_parts(halves, 4, 100, units);
	assert_int_equal(units[0], 1);
	assert_int_equal(units[1], 1);
	assert_int_equal(units[2], 0);
	assert_int_equal(units[3], 0);
}

static void test_units__random_parts_always_add_up_and_move_less_than_a_unit(void **state)
{
	int64_t parts[17], units[17];

	(void)state;
	srand(7);
	for (int turn = 0; turn < 2000; turn++) {
		int64_t total = 0, sum = 0, unit = 1 + rand() % 1000;
		size_t count = (size_t)(rand() % 17) + 1;

		for (size_t i = 0; i < count; i++)
			total += parts[i] = rand() % 20001 - 10000;
		round_parts(parts, count, unit, units);
		for (size_t i = 0; i < count; i++) {
			sum += units[i];
			assert_true(llabs(units[i] * unit - parts[i]) < unit);
		}
		assert_true(llabs(sum * unit - total) * 2 <= unit);
	}
}

static void test_units__parts_of_a_rounded_line_add_up_to_it_and_move_less_than_a_unit(void **state)
{
	const int64_t causes[] = { 990045, 15010000, 600000 };
	int64_t units[3];

	(void)state;
	round_parts_to(causes, 3, 1000000, 17, units);
	assert_int_equal(units[0], 1);
	assert_int_equal(units[1], 15);
	assert_int_equal(units[2], 1);
	round_parts_to(causes, 3, 1000000, 16, units);
	assert_int_equal(units[0], 1);
	assert_int_equal(units[1], 15);
	assert_int_equal(units[2], 0);
	srand(11);
	for (int turn = 0; turn < 2000; turn++) {
		int64_t unit = 1 + rand() % 1000, total = 0, sum = 0, parts[3], line;

		for (size_t i = 0; i < 3; i++)
			total += parts[i] = rand() % 20001 - 10000;
		line = (total - ((total % unit) + unit) % unit) / unit +
		       (total % unit && rand() % 2);
		round_parts_to(parts, 3, unit, line, units);
		for (size_t i = 0; i < 3; i++) {
			sum += units[i];
			assert_true(llabs(units[i] * unit - parts[i]) < unit);
		}
		assert_int_equal(sum, line);
	}
}

static void test_units__shares_sum_to_a_thousand(void **state)
{
	const uint64_t thirds[] = { 1, 1, 1 };
	const uint64_t ninths[] = { 1, 5, 3 };
	const uint64_t large[] = { UINT64_MAX, UINT64_MAX, 0 };
	const uint64_t nothing[] = { 0, 0 };
	uint32_t permille[3];

	(void)state;
	share_permille(thirds, 3, permille);
	assert_int_equal(permille[0], 334);
	assert_int_equal(permille[1], 333);
	assert_int_equal(permille[2], 333);
	share_permille(ninths, 3, permille);
	assert_int_equal(permille[0], 111);
	assert_int_equal(permille[1], 556);
	assert_int_equal(permille[2], 333);
	share_permille(large, 3, permille);
	assert_int_equal(permille[0], 500);
	assert_int_equal(permille[2], 0);
	share_permille(nothing, 2, permille);
	assert_int_equal(permille[0], 0);
	assert_int_equal(permille[1], 0);
}

static void assert_ns(uint64_t ns, const char *expected)
{
	char buffer[UNITS_BUFFER];

	assert_string_equal(format_ns(ns, buffer), expected);
}

static void test_units__times_are_short(void **state)
{
	(void)state;
	assert_ns(0, "0 ns");
	assert_ns(740, "740 ns");
	assert_ns(1000, "1.0 µs");
	assert_ns(98000, "98 µs");
	assert_ns(5000000, "5.0 ms");
	assert_ns(620000000, "620 ms");
	assert_ns(1170000000, "1.17 s");
	assert_ns(12300000000, "12.3 s");
	assert_ns(UINT64_MAX, "18446744074 s");
}

static void test_units__a_time_that_rounds_up_takes_the_next_scale(void **state)
{
	(void)state;
	assert_ns(9960, "10 µs");
	assert_ns(999600, "1.0 ms");
	assert_ns(999700000, "1.00 s");
	assert_ns(99960000000, "100 s");
}

static void test_units__counts_have_separators(void **state)
{
	char buffer[UNITS_BUFFER];

	(void)state;
	assert_string_equal(format_count(0, buffer), "0");
	assert_string_equal(format_count(999, buffer), "999");
	assert_string_equal(format_count(20000000, buffer), "20,000,000");
	assert_string_equal(format_count(UINT64_MAX, buffer), "18,446,744,073,709,551,615");
}

static void test_units__bytes_take_the_largest_unit(void **state)
{
	char buffer[UNITS_BUFFER];

	(void)state;
	assert_string_equal(format_bytes(0, buffer), "0 B");
	assert_string_equal(format_bytes(1023, buffer), "1023 B");
	assert_string_equal(format_bytes(1536, buffer), "1.5 KiB");
	assert_string_equal(format_bytes(16 << 20, buffer), "16 MiB");
	assert_string_equal(format_bytes(UINT64_MAX, buffer), "15 EiB");
}

static void test_units__counts_are_parsed_whole_and_in_range(void **state)
{
	uint64_t count = 5;

	(void)state;
	assert_int_equal(parse_count("12", 1, 100, &count), 0);
	assert_int_equal(count, 12);
	assert_int_equal(parse_count("18446744073709551615", 0, UINT64_MAX, &count), 0);
	assert_true(count == UINT64_MAX);
	assert_int_equal(parse_count("18446744073709551616", 0, UINT64_MAX, &count), -ERANGE);
	assert_int_equal(parse_count("0", 1, 100, &count), -ERANGE);
	assert_int_equal(parse_count("101", 1, 100, &count), -ERANGE);
	assert_int_equal(parse_count("", 0, 100, &count), -EINVAL);
	assert_int_equal(parse_count("-1", 0, 100, &count), -EINVAL);
	assert_int_equal(parse_count(" 1", 0, 100, &count), -EINVAL);
	assert_int_equal(parse_count("1x", 0, 100, &count), -EINVAL);
	assert_true(count == UINT64_MAX);
}

static void test_units__sizes_take_suffixes(void **state)
{
	uint64_t bytes = 0;

	(void)state;
	assert_int_equal(parse_bytes("4096", &bytes), 0);
	assert_int_equal(bytes, 4096);
	assert_int_equal(parse_bytes("16M", &bytes), 0);
	assert_int_equal(bytes, 16 << 20);
	assert_int_equal(parse_bytes("2g", &bytes), 0);
	assert_true(bytes == UINT64_C(2) << 30);
	assert_int_equal(parse_bytes("M", &bytes), -EINVAL);
	assert_int_equal(parse_bytes("1MB", &bytes), -EINVAL);
	assert_int_equal(parse_bytes("1T", &bytes), -EINVAL);
	assert_int_equal(parse_bytes("18446744073709551615K", &bytes), -ERANGE);
}

static void test_units__seconds_take_a_decimal_point(void **state)
{
	uint64_t ns = 0;

	(void)state;
	assert_int_equal(parse_seconds("10", &ns), 0);
	assert_true(ns == UINT64_C(10000000000));
	assert_int_equal(parse_seconds("0.25", &ns), 0);
	assert_int_equal(ns, 250000000);
	assert_int_equal(parse_seconds(".5", &ns), 0);
	assert_int_equal(ns, 500000000);
	assert_int_equal(parse_seconds("1.000000001", &ns), 0);
	assert_int_equal(ns, 1000000001);
	assert_int_equal(parse_seconds("1.", &ns), -EINVAL);
	assert_int_equal(parse_seconds(".", &ns), -EINVAL);
	assert_int_equal(parse_seconds("1.0000000001", &ns), -EINVAL);
	assert_int_equal(parse_seconds("1e3", &ns), -EINVAL);
	assert_int_equal(parse_seconds("nan", &ns), -EINVAL);
	assert_int_equal(parse_seconds("18446744074", &ns), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units__rounded_parts_sum_to_the_rounded_total),
		cmocka_unit_test(test_units__a_tie_goes_to_the_earlier_part),
		cmocka_unit_test(test_units__random_parts_always_add_up_and_move_less_than_a_unit),
		cmocka_unit_test(
			test_units__parts_of_a_rounded_line_add_up_to_it_and_move_less_than_a_unit),
		cmocka_unit_test(test_units__shares_sum_to_a_thousand),
		cmocka_unit_test(test_units__times_are_short),
		cmocka_unit_test(test_units__a_time_that_rounds_up_takes_the_next_scale),
		cmocka_unit_test(test_units__counts_have_separators),
		cmocka_unit_test(test_units__bytes_take_the_largest_unit),
		cmocka_unit_test(test_units__counts_are_parsed_whole_and_in_range),
		cmocka_unit_test(test_units__sizes_take_suffixes),
		cmocka_unit_test(test_units__seconds_take_a_decimal_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
