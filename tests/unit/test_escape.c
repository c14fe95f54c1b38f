/* SPDX-License-Identifier: GPL-2.0-only */
/* Escaping: what came from outside is harmless when shown, and comes back byte for byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"

static void assert_escaped(const char *raw, const char *expected)
{
	char *escaped = escape_text(raw);

	assert_string_equal(escaped, expected);
	assert_int_equal(unescape_text(escaped), 0);
	assert_string_equal(escaped, raw);
	free(escaped);
}

static void assert_cell(const char *raw, const char *expected)
{
	char *escaped = escape_cell(raw);

	assert_string_equal(escaped, expected);
	assert_int_equal(unescape_text(escaped), 0);
	assert_string_equal(escaped, raw);
	free(escaped);
}

static void test_escape__plain_text_stays(void **state)
{
	(void)state;
	assert_escaped("", "");
	assert_escaped("a \"b\", c", "a \"b\", c");
	assert_escaped("größe 漢字 🙂", "größe 漢字 🙂");
}

static void test_escape__controls_and_backslash_are_hex(void **state)
{
	(void)state;
	assert_escaped("\x1b[31m\n", "\\x1b[31m\\x0a");
	assert_escaped("a\\x41", "a\\x5cx41");
	assert_escaped("\x7f", "\\x7f");
	assert_escaped("\xc2\x9b", "\\xc2\\x9b"); /* C1: a terminal's CSI */
}

static void test_escape__bytes_that_are_not_utf8_are_hex(void **state)
{
	(void)state;
	assert_escaped("\xff", "\\xff");
	assert_escaped("a\xc3", "a\\xc3");
	assert_escaped("\xc0\xaf", "\\xc0\\xaf"); /* overlong slash */
	assert_escaped("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	assert_escaped("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
	assert_escaped("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	assert_escaped("\xe2\x82g", "\\xe2\\x82g");
}

static void test_escape__bidirectional_and_format_characters_are_hex(void **state)
{
	(void)state;
	assert_escaped("a\u202e"
		       "b",
		       "a\\xe2\\x80\\xaeb");
	assert_escaped("\u2066", "\\xe2\\x81\\xa6");
	assert_escaped("\u200b", "\\xe2\\x80\\x8b");
	assert_escaped("\ufeff", "\\xef\\xbb\\xbf");
	assert_escaped("\u2028", "\\xe2\\x80\\xa8");
	assert_escaped("\U000e0041", "\\xf3\\xa0\\x81\\x81");
}

static void test_escape__a_cell_never_begins_a_formula(void **state)
{
	(void)state;
	assert_cell("=1+1", "\\x3d1+1");
	assert_cell("+1", "\\x2b1");
	assert_cell("-1", "\\x2d1");
	assert_cell("@a", "\\x40a");
	assert_cell("a=b", "a=b");
	assert_cell("", "");
	assert_cell("\t=1", "\\x09=1");
}

static void test_escape__every_byte_pair_comes_back(void **state)
{
	(void)state;
	for (int first = 1; first < 256; first++) {
		for (int second = 1; second < 256; second++) {
			char raw[] = { (char)first, (char)second, 0 };
			char *escaped = escape_cell(raw);

			for (const char *byte = escaped; *byte; byte++)
				assert_true((unsigned char)*byte >= 0x20 && *byte != 0x7f);
			assert_int_equal(unescape_text(escaped), 0);
			assert_string_equal(escaped, raw);
			free(escaped);
		}
	}
}

static void test_escape__malformed_escapes_are_refused_and_left_alone(void **state)
{
	static const char *const malformed[] = { "\\",	  "a\\", "\\x",	  "\\x4",    "\\xg0",
						 "\\x4g", "\\n", "\\x00", "\\x41\\", "\\\\" };

	(void)state;
	for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
		char text[16];

		strncpy(text, malformed[i], sizeof(text));
		assert_int_equal(unescape_text(text), -EINVAL);
		assert_string_equal(text, malformed[i]);
	}
}

static void test_escape__columns_are_counted_as_a_terminal_does(void **state)
{
	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("abc"), 3);
	assert_int_equal(text_columns("größe"), 5);
	assert_int_equal(text_columns("漢字"), 4);
	assert_int_equal(text_columns("e\u0301"), 1);
	assert_int_equal(text_columns("\\x1b"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape__plain_text_stays),
		cmocka_unit_test(test_escape__controls_and_backslash_are_hex),
		cmocka_unit_test(test_escape__bytes_that_are_not_utf8_are_hex),
		cmocka_unit_test(test_escape__bidirectional_and_format_characters_are_hex),
		cmocka_unit_test(test_escape__a_cell_never_begins_a_formula),
		cmocka_unit_test(test_escape__every_byte_pair_comes_back),
		cmocka_unit_test(test_escape__malformed_escapes_are_refused_and_left_alone),
		cmocka_unit_test(test_escape__columns_are_counted_as_a_terminal_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
