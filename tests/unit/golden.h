/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Golden files: what was printed once, looked at, and must not change unseen. UPDATE_GOLDEN=1
 * writes them anew: read the difference before keeping it. Tests run from the root of the source.
 */
#ifndef CONVOY_TESTS_GOLDEN_H
#define CONVOY_TESTS_GOLDEN_H

#include <stddef.h>

/* Fails unless the file tests/golden/<name> has exactly these bytes. */
void golden_assert(const char *name, const char *bytes, size_t length);

#endif
