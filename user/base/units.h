/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers for people: parse and print times, bytes and percentages; round a column so that what is
 * printed still adds up.
 */
#ifndef CONVOY_BASE_UNITS_H
#define CONVOY_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Rounds parts to multiples of `unit` so that they sum to `total` rounded to a multiple of it
 * (largest remainder, ties to the earlier). ret_units[i] is in units. total must be the sum of
 * parts. Signed parts are allowed.
 */
void round_parts(const int64_t *parts, size_t count, int64_t unit, int64_t *ret_units);

/*
 * As round_parts, but to a total that was rounded before: the multiple of unit below or above the
 * sum of parts. Each part moves by less than a unit.
 */
void round_parts_to(const int64_t *parts, size_t count, int64_t unit, int64_t total_units,
		    int64_t *ret_units);
/* Shares of parts in their sum, in thousandths, summing to 1000 exactly (all 0 if the sum is 0). */
void share_permille(const uint64_t *parts, size_t count, uint32_t *ret_permille);

#define UNITS_BUFFER 32
/* "12.3 s", "620 ms", "5.0 ms", "98 µs", "740 ns": three significant digits at most. Returns
 * buffer. */
char *format_ns(uint64_t ns, char buffer[UNITS_BUFFER]);
/* "20,000,000" */
char *format_count(uint64_t count, char buffer[UNITS_BUFFER]);
/* "16 MiB" */
char *format_bytes(uint64_t bytes, char buffer[UNITS_BUFFER]);

/* Whole-string parsers: 0, or -EINVAL / -ERANGE. Sizes take K, M, G (1024); seconds take a decimal
 * point. */
int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret_count);
int parse_bytes(const char *text, uint64_t *ret_bytes);
int parse_seconds(const char *text, uint64_t *ret_ns);

#endif
