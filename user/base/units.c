/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people, and back: integers all the way, so that what is printed adds up. */
#include "base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef __int128 wide;
typedef unsigned __int128 uwide;

struct remainder {
	uint64_t left;
	size_t index;
};

static int remainder_compare(const void *a, const void *b)
{
	const struct remainder *left = a, *right = b;

	if (left->left != right->left)
		return left->left > right->left ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

void round_parts_to(const int64_t *parts, size_t count, int64_t unit, int64_t total_units,
		    int64_t *ret_units)
{
	struct remainder *order OWNED(mem_freep) = xcalloc(count, sizeof(*order));
	wide floors = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t left = parts[i] % unit;

		ret_units[i] = parts[i] / unit;
		if (left < 0) { /* C rounds towards zero, shares need the floor */
			left += unit;
			ret_units[i]--;
		}
		order[i] = (struct remainder){ .left = (uint64_t)left, .index = i };
		floors += ret_units[i];
	}
	qsort(order, count, sizeof(*order), remainder_compare);
	for (size_t i = 0; i < count && floors < total_units; i++, floors++)
		ret_units[order[i].index]++;
}

void round_parts(const int64_t *parts, size_t count, int64_t unit, int64_t *ret_units)
{
	wide total = 0, rounded;

	for (size_t i = 0; i < count; i++)
		total += parts[i];
	/* Half away from zero, so that a bill and its mirror image show the same digits. */
	rounded = total < 0 ? -((-total * 2 + unit) / ((wide)unit * 2))
			    : (total * 2 + unit) / ((wide)unit * 2);
	round_parts_to(parts, count, unit, (int64_t)rounded, ret_units);
}

void share_permille(const uint64_t *parts, size_t count, uint32_t *ret_permille)
{
	struct remainder *order OWNED(mem_freep) = xcalloc(count, sizeof(*order));
	uwide sum = 0;
	uint32_t given = 0;

	for (size_t i = 0; i < count; i++)
		sum += parts[i];
	for (size_t i = 0; i < count; i++) {
		uwide scaled = (uwide)parts[i] * 1000;

		ret_permille[i] = sum ? (uint32_t)(scaled / sum) : 0;
		given += ret_permille[i];
		/* Compared only with each other: 40 bits of the fraction are enough. */
		order[i].left = sum ? (uint64_t)((scaled % sum << 40) / sum) : 0;
		order[i].index = i;
	}
	if (!sum)
		return;
	qsort(order, count, sizeof(*order), remainder_compare);
	for (size_t i = 0; given < 1000; i++, given++)
		ret_permille[order[i].index]++;
}

/* How a time is shown: the first row whose limit the rounded time stays below. */
struct time_scale {
	uint64_t limit_ns;
	uint64_t step_ns; /* what one unit of the last digit is worth */
	unsigned int decimals;
	const char *unit;
};

static const struct time_scale time_scales[] = {
	{ 1000, 1, 0, "ns" },
	{ 10000, 100, 1, "µs" },
	{ 1000000, 1000, 0, "µs" },
	{ 10000000, 100000, 1, "ms" },
	{ 1000000000, 1000000, 0, "ms" },
	{ 10000000000, 10000000, 2, "s" },
	{ 100000000000, 100000000, 1, "s" },
	{ UINT64_MAX, 1000000000, 0, "s" },
};

static const uint64_t powers_of_ten[] = { 1, 10, 100 };

char *format_ns(uint64_t ns, char buffer[UNITS_BUFFER])
{
	const struct time_scale *scale = time_scales;
	uint64_t steps;

	for (;; scale++) {
		steps = ns / scale->step_ns + (ns % scale->step_ns * 2 >= scale->step_ns);
		if (scale->limit_ns == UINT64_MAX || steps < scale->limit_ns / scale->step_ns)
			break;
	}
	if (scale->decimals) {
		uint64_t power = powers_of_ten[scale->decimals];

		snprintf(buffer, UNITS_BUFFER, "%" PRIu64 ".%0*" PRIu64 " %s", steps / power,
			 (int)scale->decimals, steps % power, scale->unit);
	} else {
		snprintf(buffer, UNITS_BUFFER, "%" PRIu64 " %s", steps, scale->unit);
	}
	return buffer;
}

char *format_count(uint64_t count, char buffer[UNITS_BUFFER])
{
	char digits[UNITS_BUFFER];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *out = buffer;

	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buffer;
}

char *format_bytes(uint64_t bytes, char buffer[UNITS_BUFFER])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	size_t unit = 0;
	uint64_t whole, tenths;

	while (unit + 1 < sizeof(units) / sizeof(units[0]) && bytes >> (10 * (unit + 1)))
		unit++;
	whole = bytes >> (10 * unit);
	tenths = unit ? (bytes >> (10 * (unit - 1)) & 1023) * 10 / 1024 : 0;
	if (whole < 10 && tenths)
		snprintf(buffer, UNITS_BUFFER, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
			 units[unit]);
	else
		snprintf(buffer, UNITS_BUFFER, "%" PRIu64 " %s", whole, units[unit]);
	return buffer;
}

/* Reads decimal digits at *text and moves it behind them. -EINVAL: none; -ERANGE: too many. */
static int parse_digits(const char **text, uint64_t *ret_value)
{
	const char *digit = *text;
	uint64_t value = 0;
	bool is_too_large = false;

	if (*digit < '0' || *digit > '9')
		return -EINVAL;
	for (; *digit >= '0' && *digit <= '9'; digit++) {
		is_too_large |= __builtin_mul_overflow(value, 10u, &value);
		is_too_large |= __builtin_add_overflow(value, (uint64_t)(*digit - '0'), &value);
	}
	*text = digit;
	*ret_value = value;
	return is_too_large ? -ERANGE : 0;
}

int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret_count)
{
	uint64_t count;
	int err = parse_digits(&text, &count);

	if (err == -EINVAL || *text)
		return -EINVAL;
	if (err || count < min || count > max)
		return -ERANGE;
	*ret_count = count;
	return 0;
}

int parse_bytes(const char *text, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMGkmg";
	const char *suffix;
	uint64_t bytes, scale = 1;
	int err = parse_digits(&text, &bytes);

	if (err == -EINVAL)
		return err;
	if (*text) {
		suffix = strchr(suffixes, *text);
		if (!suffix || text[1])
			return -EINVAL;
		scale <<= 10 * ((suffix - suffixes) % 3 + 1);
	}
	if (err || __builtin_mul_overflow(bytes, scale, &bytes))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}

/* Nanoseconds of the digits behind a decimal point: at most nine, a finer time does not exist
 * here. */
static int parse_fraction(const char **text, uint64_t *ret_ns)
{
	const char *begin = *text;
	uint64_t ns = 0;
	int err = parse_digits(text, &ns);

	if (err || *text - begin > 9)
		return -EINVAL;
	for (long digits = *text - begin; digits < 9; digits++)
		ns *= 10;
	*ret_ns = ns;
	return 0;
}

int parse_seconds(const char *text, uint64_t *ret_ns)
{
	uint64_t seconds = 0, ns = 0;
	int err = *text == '.' ? 0 : parse_digits(&text, &seconds);

	if (err == -EINVAL)
		return err;
	if (*text == '.') {
		text++;
		if (parse_fraction(&text, &ns))
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	if (err || __builtin_mul_overflow(seconds, 1000000000u, &seconds) ||
	    __builtin_add_overflow(seconds, ns, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}
