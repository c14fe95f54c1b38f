/* SPDX-License-Identifier: GPL-2.0-only */
/* Merge sort for slices that arrive nearly in order: merges touch only what is out of place. */
#include "stream/slice_sort.h"

#include <string.h>

#define INSERTION_MAX 16

static void sort_by_insertion(struct slice *slices, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct slice moved = slices[i];
		size_t at = i;

		for (; at > 0 && slice_is_before(&moved, &slices[at - 1]); at--)
			slices[at] = slices[at - 1];
		slices[at] = moved;
	}
}

/* How many of the ordered slices stay in front of `key`; ties do if `keeps_ties`. */
static size_t count_in_front(const struct slice *slices, size_t count, const struct slice *key,
			     bool keeps_ties)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		bool is_front = keeps_ties ? !slice_is_before(key, &slices[middle])
					   : slice_is_before(&slices[middle], key);

		if (is_front)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Merges the two ordered halves [0, middle) and [middle, count). */
static void merge(struct slice *slices, size_t middle, size_t count, struct slice *scratch)
{
	const struct slice *left = scratch, *left_end;
	const struct slice *right = slices + middle, *right_end;
	struct slice *out;
	size_t first;

	if (!slice_is_before(right, right - 1))
		return;
	first = count_in_front(slices, middle, right, true);
	right_end = right + count_in_front(right, count - middle, &slices[middle - 1], false);
	memcpy(scratch, slices + first, (middle - first) * sizeof(*slices));
	left_end = scratch + (middle - first);
	out = slices + first;
	while (left < left_end && right < right_end)
		*out++ = slice_is_before(right, left) ? *right++ : *left++;
	memcpy(out, left, (size_t)(left_end - left) * sizeof(*out));
}

void slices_sort(struct slice *slices, size_t count, struct slice *scratch)
{
	size_t middle = count / 2;

	if (count <= INSERTION_MAX) {
		sort_by_insertion(slices, count);
		return;
	}
	slices_sort(slices, middle, scratch);
	slices_sort(slices + middle, count - middle, scratch);
	merge(slices, middle, count, scratch);
}
