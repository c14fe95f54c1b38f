/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The `nogil` object: the countdown in C, called through ctypes, which lets go of the GIL around
 * the call. Embedded in convoy; not linked with anything.
 */
#include <stdint.h>

#include "cli/count_loop.h"

void convoy_count(uint64_t count);

void convoy_count(uint64_t count)
{
	count_loop(count);
}
