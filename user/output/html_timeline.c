/* SPDX-License-Identifier: GPL-2.0-only */
/* A timeline as JSON: entries in columns, the pieces of each track packed and in base64. */
#include <stdlib.h>

#include "base/mem.h"
#include "output/html_parts.h"
#include "output/json_parts.h"

static char *base64(const unsigned char *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = xcalloc(length / 3 + 2, 4), *at = text;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t word = (uint32_t)bytes[i] << 16;

		if (left > 1)
			word |= (uint32_t)bytes[i + 1] << 8;
		if (left > 2)
			word |= bytes[i + 2];
		*at++ = digits[word >> 18];
		*at++ = digits[word >> 12 & 63];
		*at++ = left > 1 ? digits[word >> 6 & 63] : '=';
		*at++ = left > 2 ? digits[word & 63] : '=';
	}
	*at = '\0';
	return text;
}

static json_t *json_of_track(const struct track *track, uint64_t begin_ns)
{
	size_t length;
	unsigned char *bytes OWNED(mem_freep) = track_encode(track, &length);
	char *text OWNED(mem_freep) = base64(bytes, length);
	json_t *object = json_object();

	json_put(object, "thread", track->thread);
	json_put(object, "start_ns", track->count ? track->start_ns - begin_ns : 0);
	json_put(object, "pieces", track->count);
	json_object_set_new(object, "data", json_string(text));
	return object;
}

static json_t *json_of_entries(const struct timeline *timeline, struct names_wanted *wanted)
{
	json_t *object = json_object(), *look = json_array(), *cpu = json_array();
	json_t *call = json_array(), *lock = json_array(), *holder = json_array();

	for (size_t i = 0; i < timeline->entry_count; i++) {
		const struct entry *entry = &timeline->entries[i];

		json_array_append_new(look, json_integer(entry->look));
		json_array_append_new(cpu, json_integer(entry->cpu));
		json_array_append_new(call, json_integer(entry->syscall));
		json_array_append_new(lock, json_integer(entry->lock));
		json_array_append_new(holder, json_integer(entry->holder));
		names_want_lock(wanted, entry->lock);
		names_want_thread(wanted, entry->holder);
		if (i > 0)
			names_want_call(wanted, entry->syscall);
	}
	json_object_set_new(object, "look", look);
	json_object_set_new(object, "cpu", cpu);
	json_object_set_new(object, "call", call);
	json_object_set_new(object, "lock", lock);
	json_object_set_new(object, "holder", holder);
	return object;
}

/* The looks in turn, bin after bin. */
static json_t *json_of_bins(const struct timeline *timeline)
{
	json_t *list = json_array();

	if (!timeline->bins) {
		json_decref(list);
		return json_null();
	}
	for (size_t i = 0; i < BIN_COUNT; i++) {
		for (size_t look = 0; look < LOOK_COUNT; look++)
			json_array_append_new(list, json_measured(timeline->bins[i][look]));
	}
	return list;
}

json_t *json_of_timeline(const struct timeline *timeline, struct names_wanted *wanted)
{
	const struct report *report = timeline->report;
	json_t *object = json_object(), *looks = json_array(), *tracks = json_array();

	for (size_t i = 0; i < LOOK_COUNT; i++)
		json_array_append_new(looks, json_string(look_name((enum look)i)));
	for (size_t i = 0; i < timeline->track_count; i++) {
		json_array_append_new(tracks,
				      json_of_track(&timeline->tracks[i], report->begin_ns));
		names_want_thread(wanted, timeline->tracks[i].thread);
	}
	json_object_set_new(object, "looks", looks);
	json_object_set_new(object, "entries", json_of_entries(timeline, wanted));
	json_object_set_new(object, "tracks", tracks);
	json_put(object, "other_threads", timeline->other_threads);
	json_object_set_new(object, "other_bins", json_of_bins(timeline));
	json_put(object, "bin_ns", report->wall_ns / BIN_COUNT + 1);
	json_put(object, "slices", timeline->slices);
	json_put(object, "merged", timeline->merged);
	json_put(object, "merge_below_ns", timeline->merge_below_ns);
	json_put(object, "unnamed", timeline->unnamed);
	return object;
}
