/* SPDX-License-Identifier: GPL-2.0-only */
/* One unit for a column of times. */
#include "output/scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct scale_row {
	uint64_t below_ns;
	struct scale scale;
};

static const struct scale_row rows[] = {
	{ 1000, { 1, 0, "ns" } },
	{ 100000, { 100, 1, "µs" } },
	{ 1000000, { 1000, 0, "µs" } },
	{ 10000000, { 10000, 2, "ms" } },
	{ 100000000, { 100000, 1, "ms" } },
	{ 10000000000, { 1000000, 0, "ms" } },
	{ 100000000000, { 10000000, 2, "s" } },
	{ UINT64_MAX, { 100000000, 1, "s" } },
};

static const int64_t powers_of_ten[] = { 1, 10, 100 };

const struct scale *scale_for(uint64_t largest_ns)
{
	const struct scale_row *row = rows;

	while (largest_ns >= row->below_ns && row->below_ns != UINT64_MAX)
		row++;
	return &row->scale;
}

static char *print(const struct scale *scale, const char *sign, int64_t steps,
		   char buffer[UNITS_BUFFER])
{
	int64_t power = powers_of_ten[scale->decimals];

	if (scale->decimals)
		snprintf(buffer, UNITS_BUFFER, "%s%" PRId64 ".%0*" PRId64 " %s", sign,
			 steps / power, (int)scale->decimals, steps % power, scale->unit);
	else
		snprintf(buffer, UNITS_BUFFER, "%s%" PRId64 " %s", sign, steps, scale->unit);
	return buffer;
}

char *scale_print(const struct scale *scale, int64_t steps, char buffer[UNITS_BUFFER])
{
	return print(scale, steps < 0 ? "−" : "", llabs(steps), buffer);
}

char *scale_print_signed(const struct scale *scale, int64_t steps, char buffer[UNITS_BUFFER])
{
	return print(scale, steps < 0 ? "−" : steps > 0 ? "+" : "", llabs(steps), buffer);
}
