/* SPDX-License-Identifier: GPL-2.0-only */
/* What real CPythons for x86-64 say of themselves at the start of _PyRuntime, read from a live
 * process of each: cookie and version come before. Not a test itself. */
#ifndef CONVOY_TESTS_PY_TABLES_H
#define CONVOY_TESTS_PY_TABLES_H

#include <stdint.h>

#define PY_TABLE_WORDS 96

struct py_table {
	const char *interpreter;
	uint64_t words[PY_TABLE_WORDS];
};

#define COOKIE 0x7970677562656478ULL /* "xdebugpy" */

/* clang-format off */
static const struct py_table py_tables[] = {
	{ "CPython 3.13.0", { COOKIE, 0x030d00f0, 0,
	  283320, 608, 632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16, 7752, 0, 7768,
	  7760, 304, 0, 8, 16, 72, 152, 160, 232, 32, 80, 8, 0, 56, 72, 70, 208, 112, 120, 128,
	  136, 68, 52, 96, 104, 200, 16, 8, 416, 24, 88, 168, 32, 24, 16, 40, 24, 16, 48, 32, 40,
	  24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 240, 200 } },
	{ "CPython 3.14.10", { COOKIE, 0x030e0af0, 0,
	  316616, 784, 808, 225864, 7280, 7272, 7344, 7360, 7408, 7688, 7672, 7680, 16, 7784, 0,
	  7800, 7792, 7992, 0, 832, 0, 8, 16, 72, 152, 160, 232, 32, 88, 8, 0, 56, 80, 74, 64, 0,
	  216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 416, 24, 88, 168, 40, 32, 16,
	  40, 24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40,
	  264, 192, 160, 24, 72, 67, 0, 8, 24, 304, 8076, 0, 4, 512, 1 } },
	{ "CPython 3.15.2", { COOKIE, 0x030f02f0, 0,
	  346568, 912, 936, 226240, 7272, 7264, 7336, 7352, 7400, 7592, 7576, 7584, 16, 7736, 0,
	  7752, 7744, 7944, 0, 888, 0, 8, 16, 72, 80, 88, 96, 176, 184, 256, 32, 36, 40, 136, 288,
	  0, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8,
	  424, 24, 88, 168, 32, 288, 944, 888, 40, 32, 16, 40, 24, 16, 200, 24, 40, 32, 48, 32, 40,
	  24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 56, 176, 112 } },
};
/* clang-format on */

#define PY_TABLES (sizeof(py_tables) / sizeof(py_tables[0]))

#endif
