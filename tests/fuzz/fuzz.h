/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fuzz targets share: the entry that libFuzzer calls, and a check that stays in every
 * build. */
#ifndef CONVOY_TESTS_FUZZ_FUZZ_H
#define CONVOY_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* What must hold for every input. */
static inline void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

#endif
