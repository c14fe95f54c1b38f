/* SPDX-License-Identifier: GPL-2.0-only */
/* Text for terminals without UTF-8 keeps its meaning and its width. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/escape.h"

static char *ascii_of(const char *text)
{
	char *result = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&result, &size);

	ascii_put(text, file);
	fclose(file);
	return result;
}

static void check(const char *text, const char *expected)
{
	char *result = ascii_of(text);

	assert_string_equal(result, expected);
	free(result);
}

static void test_ascii__leaves_ascii_alone(void **state)
{
	(void)state;

	check("", "");
	check("wall 79.1 ms  [=] \\x1b ?\n", "wall 79.1 ms  [=] \\x1b ?\n");
}

static void test_ascii__substitutes_the_signs_of_reports(void **state)
{
	(void)state;

	check("threads \u2212 serial \u2013", "threads - serial -");
	check("1.89 \u00d7 faster, 30 \u00b5s", "1.89 x faster, 30 us");
	check("583 ms \u00b1 12 %", "583 ms +-12 %");
	check("\u22122 ms \u2026 +6 ms", "-2 ms ~ +6 ms");
	check("nobody, one, two \u2026: threads", "nobody, one, two..: threads");
	check("acquire_timed() of libpytho\u2026", "acquire_timed() of libpytho~");
	check("a \u2192 b", "a ->b");
}

static void test_ascii__asks_for_what_it_does_not_know(void **state)
{
	(void)state;

	check("f\u00fcr", "f?r");
	check("\u7dda.", "??.");
	check("\U0001f680", "??");
	check("bad \xff\xfe end \xe2\x80", "bad ?? end ??");
}

static void test_ascii__keeps_tables_in_line(void **state)
{
	static const char *const cells[] = { "583 ms \u00b1 12 %  \u2013",
					     "30 \u00b5s   \u7dda\u7a0b |", "pytho\u2026   |",
					     "\u2212269 ms  1.9 \u00d7" };

	(void)state;

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		char *result = ascii_of(cells[i]);

		assert_int_equal(strlen(result), text_columns(cells[i]));
		free(result);
	}
}

static void test_ascii__follows_the_locale(void **state)
{
	(void)state;

	setenv("LC_ALL", "C", 1);
	assert_false(locale_is_utf8());
	setenv("LC_ALL", "C.UTF-8", 1);
	assert_true(locale_is_utf8());
	setenv("LC_ALL", "no_SUCH.UTF-8", 1);
	assert_false(locale_is_utf8());
	setenv("LC_ALL", "", 1);
	setenv("LC_CTYPE", "C.UTF-8", 1);
	assert_true(locale_is_utf8());
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ascii__leaves_ascii_alone),
		cmocka_unit_test(test_ascii__substitutes_the_signs_of_reports),
		cmocka_unit_test(test_ascii__asks_for_what_it_does_not_know),
		cmocka_unit_test(test_ascii__keeps_tables_in_line),
		cmocka_unit_test(test_ascii__follows_the_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
