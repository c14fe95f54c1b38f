/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracks that stay within their bytes: whenever they outgrow them, the length below which slices
 * are put together doubles, and all tracks are gone through once more.
 */
#include "output/timeline.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/mem.h"

#define MERGE_LEAST_NS 1024
#define MERGE_SPAN 16 /* slices put together are this many times as long as the longest of them */
#define ENTRIES_MAX 16384 /* told apart; more are told by their state alone */

struct timeline_entry {
	struct entry key;
	uint32_t index;
	UT_hash_handle hh;
};

static const char *const look_names[LOOK_COUNT] = {
	"running", "preempted", "queued", "lock",    "condition", "join",	  "futex",
	"io",	   "kernel",	"sleep",  "stopped", "unknown",	  "not recorded",
};

const char *look_name(enum look look)
{
	return look_names[look];
}

static enum look look_of(const struct trace *trace, const struct slice *slice)
{
	static const uint8_t by_state[STATE_COUNT] = {
		[STATE_RUNNING] = LOOK_RUNNING, [STATE_PREEMPTED] = LOOK_PREEMPTED,
		[STATE_QUEUED] = LOOK_QUEUED,	[STATE_FUTEX] = LOOK_FUTEX,
		[STATE_IO] = LOOK_IO,		[STATE_KERNEL] = LOOK_KERNEL,
		[STATE_SLEEP] = LOOK_SLEEP,	[STATE_STOPPED] = LOOK_STOPPED,
		[STATE_UNKNOWN] = LOOK_UNKNOWN,
	};
	static const uint8_t by_class[LOCK_STATE_COUNT] = {
		[LOCK_STATE_LOCK] = LOOK_LOCK,
		[LOCK_STATE_CONDITION] = LOOK_CONDITION,
		[LOCK_STATE_JOIN] = LOOK_JOIN,
		[LOCK_STATE_FUTEX] = LOOK_FUTEX,
	};

	if (slice->state == STATE_FUTEX && slice->lock)
		return by_class[trace->locks[slice->lock - 1].state];
	return by_state[slice->state];
}

static struct entry describe(const struct trace *trace, const struct slice *slice)
{
	bool is_futex = slice->state == STATE_FUTEX;
	bool is_blocked = slice->state > STATE_FUTEX && slice->state != STATE_UNKNOWN;

	return (struct entry){
		.look = look_of(trace, slice),
		.cpu = slice->state == STATE_RUNNING ? slice->cpu : -1,
		.syscall = is_blocked ? slice->syscall : RECORD_SYSCALL_NONE,
		.lock = is_futex ? slice->lock : 0,
		.holder = is_futex && slice->holder != slice->thread ? slice->holder : 0,
	};
}

static uint32_t find_entry(struct timeline *timeline, const struct entry *entry)
{
	struct timeline_entry *found;

	HASH_FIND(hh, timeline->table, entry, sizeof(*entry), found);
	if (found)
		return found->index;
	/* The plain states always find room. */
	if (timeline->entry_count >= ENTRIES_MAX &&
	    (entry->cpu >= 0 || entry->lock || entry->syscall != RECORD_SYSCALL_NONE))
		return 0;
	found = xcalloc(1, sizeof(*found));
	found->key = *entry;
	found->index = (uint32_t)timeline->entry_count;
	HASH_ADD(hh, timeline->table, key, sizeof(found->key), found);
	*(struct entry *)array_add(&timeline->entries, &timeline->entry_count, sizeof(*entry)) =
		*entry;
	return found->index;
}

static uint32_t entry_of(struct timeline *timeline, const struct entry *entry)
{
	uint32_t index = find_entry(timeline, entry);
	struct entry plain = { .look = entry->look, .cpu = -1, .syscall = RECORD_SYSCALL_NONE };

	if (index)
		return index;
	timeline->unnamed++;
	return find_entry(timeline, &plain);
}

static size_t number_length(uint64_t value)
{
	return value < 128 ? 1 : (size_t)(63 - __builtin_clzll(value)) / 7 + 1;
}

/* The looks in a mix, one bit each. */
static uint32_t looks_of(const struct mix *mix)
{
	uint32_t looks = 0;

	for (size_t look = 0; look < LOOK_COUNT; look++)
		looks |= (mix->look_ns[look] > 0 ? 1u : 0) << look;
	return looks;
}

static size_t piece_length(const struct track *track, const struct piece *piece)
{
	size_t length = number_length(piece->entry) + number_length(piece->duration_ns);
	uint32_t looks;

	if (piece->entry)
		return length;
	looks = looks_of(&track->mixes[piece->mix]);
	return length + number_length(piece->count) + number_length(looks) +
	       (size_t)__builtin_popcount(looks);
}

static enum look piece_look(const struct timeline *timeline, const struct piece *piece)
{
	return timeline->entries[piece->entry].look;
}

/* Short enough to be put together with its like. What was lost is never hidden so. */
static bool is_small(const struct timeline *timeline, const struct piece *piece)
{
	if (!piece->entry)
		return true;
	return piece->duration_ns < timeline->merge_below_ns &&
	       piece_look(timeline, piece) != LOOK_HOLE;
}

/* Makes the last piece of a track one of several slices, if it is not. */
static struct mix *open_mix(const struct timeline *timeline, struct track *track,
			    struct piece *piece)
{
	struct mix *mix;

	if (!piece->entry)
		return &track->mixes[piece->mix];
	mix = array_add(&track->mixes, &track->mix_count, sizeof(*mix));
	mix->look_ns[piece_look(timeline, piece)] = (float)piece->duration_ns;
	piece->mix = (uint32_t)track->mix_count - 1;
	piece->entry = 0;
	return mix;
}

/* Puts a piece into the one before it, the last of its track so far, if both are small. `parts`:
 * its mix, if it has one. */
static bool merge(struct timeline *timeline, struct track *track, struct piece *into,
		  const struct piece *piece, const struct mix *parts)
{
	uint64_t together_ns = into->duration_ns + piece->duration_ns;
	struct mix *mix;

	if (!is_small(timeline, into) || !is_small(timeline, piece) ||
	    together_ns > MERGE_SPAN * timeline->merge_below_ns)
		return false;
	timeline->bytes -= piece_length(track, into);
	timeline->merged += (into->entry ? 1 : 0) + (piece->entry ? 1 : 0);
	mix = open_mix(timeline, track, into);
	if (piece->entry)
		mix->look_ns[piece_look(timeline, piece)] += (float)piece->duration_ns;
	for (size_t look = 0; !piece->entry && look < LOOK_COUNT; look++)
		mix->look_ns[look] += parts->look_ns[look];
	into->count += piece->count;
	into->duration_ns = together_ns;
	timeline->bytes += piece_length(track, into);
	return true;
}

static void track_add(struct timeline *timeline, struct track *track, const struct piece *piece,
		      const struct mix *parts)
{
	struct piece *added;

	if (track->count && merge(timeline, track, &track->pieces[track->count - 1], piece, parts))
		return;
	added = array_add(&track->pieces, &track->count, sizeof(*piece));
	*added = *piece;
	if (!piece->entry) {
		added->mix = (uint32_t)track->mix_count;
		*(struct mix *)array_add(&track->mixes, &track->mix_count, sizeof(*parts)) = *parts;
	}
	timeline->bytes += piece_length(track, added);
}

/* Goes through a track again, with a longer merge_below_ns than before. */
static void compact(struct timeline *timeline, struct track *track)
{
	struct track old = *track;

	track->pieces = NULL;
	track->mixes = NULL;
	track->count = track->mix_count = 0;
	for (size_t i = 0; i < old.count; i++) {
		const struct piece *piece = &old.pieces[i];

		timeline->bytes -= piece_length(&old, piece);
		track_add(timeline, track, piece, piece->entry ? NULL : &old.mixes[piece->mix]);
	}
	free(old.pieces);
	free(old.mixes);
}

/* To three quarters of what is allowed, so that the next time is some way off. */
static void shrink(struct timeline *timeline)
{
	while (timeline->bytes > timeline->bytes_max / 4 * 3) {
		uint64_t below_ns = timeline->merge_below_ns;

		if (below_ns > timeline->report->wall_ns)
			return;
		timeline->merge_below_ns = below_ns ? 2 * below_ns : MERGE_LEAST_NS;
		for (size_t i = 0; i < timeline->track_count; i++)
			compact(timeline, &timeline->tracks[i]);
	}
}

/* What a thread lived of the interval. */
static uint64_t life_begin(const struct report *report, uint32_t thread)
{
	uint64_t start_ns = report->trace->threads[thread - 1].start_ns;

	return start_ns > report->begin_ns ? start_ns : report->begin_ns;
}

static uint64_t life_end(const struct report *report, uint32_t thread)
{
	uint64_t end_ns = report->trace->threads[thread - 1].end_ns;

	return end_ns < report->end_ns ? end_ns : report->end_ns;
}

/* The track goes on until then with what was lost, if there is anything. */
static void fill_hole(struct timeline *timeline, struct track *track, uint64_t until_ns)
{
	const struct entry hole = { LOOK_HOLE, -1, RECORD_SYSCALL_NONE, 0, 0 };
	struct piece piece = { 0 };

	if (!track->count)
		track->start_ns = track->end_ns = life_begin(timeline->report, track->thread);
	if (track->end_ns >= until_ns)
		return;
	piece.duration_ns = until_ns - track->end_ns;
	piece.entry = entry_of(timeline, &hole);
	track_add(timeline, track, &piece, NULL);
	track->end_ns = until_ns;
}

/* A slice of a thread without a track: its time goes into the bins it touches. */
static void add_to_bins(struct timeline *timeline, const struct slice *slice)
{
	const struct report *report = timeline->report;
	enum look look = look_of(report->trace, slice);
	uint64_t from_ns = slice->start_ns - report->begin_ns;
	uint64_t to_ns = from_ns + slice->duration_ns;
	uint64_t bin_ns = report->wall_ns / BIN_COUNT + 1;

	while (from_ns < to_ns) {
		uint64_t bin = from_ns / bin_ns, end_ns = (bin + 1) * bin_ns;

		if (end_ns > to_ns)
			end_ns = to_ns;
		timeline->bins[bin][look] += end_ns - from_ns;
		from_ns = end_ns;
	}
}

void timeline_take(struct timeline *timeline, const struct slice *slice)
{
	uint32_t index = timeline->track_of[slice->thread - 1];
	struct entry entry = describe(timeline->report->trace, slice);
	struct piece piece = { .duration_ns = slice->duration_ns, .count = 1 };
	struct track *track;

	if (!index) {
		if (timeline->bins)
			add_to_bins(timeline, slice);
		return;
	}
	track = &timeline->tracks[index - 1];
	fill_hole(timeline, track, slice->start_ns);
	if (!track->count)
		track->start_ns = slice->start_ns;
	piece.entry = entry_of(timeline, &entry);
	timeline->slices++;
	track_add(timeline, track, &piece, NULL);
	track->end_ns = slice->start_ns + slice->duration_ns;
	if (timeline->bytes > timeline->bytes_max)
		shrink(timeline);
}

void timeline_finish(struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->track_count; i++) {
		struct track *track = &timeline->tracks[i];

		if (!timeline->report->trace->threads[track->thread - 1].is_rest)
			fill_hole(timeline, track, life_end(timeline->report, track->thread));
	}
}

struct candidate {
	uint32_t thread;
	uint64_t busy_ns;
};

static int by_busy(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->busy_ns != y->busy_ns)
		return x->busy_ns > y->busy_ns ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static int by_number(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* The threads that asked most of the CPUs get a track, in order of their birth. */
static void choose(struct timeline *timeline, size_t max_threads)
{
	const struct report *report = timeline->report;
	struct candidate *all OWNED(mem_freep) = xcalloc(report->thread_count, sizeof(*all));
	size_t count = report->thread_count < max_threads ? report->thread_count : max_threads;

	for (size_t i = 0; i < report->thread_count; i++) {
		const struct thread_stat *stat = &report->threads[i];

		all[i].thread = stat->thread;
		all[i].busy_ns = stat->state_ns[STATE_RUNNING] + stat->state_ns[STATE_PREEMPTED] +
				 stat->state_ns[STATE_QUEUED] + stat->class_ns[LOCK_STATE_LOCK];
	}
	if (report->thread_count)
		qsort(all, report->thread_count, sizeof(*all), by_busy);
	if (count)
		qsort(all, count, sizeof(*all), by_number);
	timeline->tracks = xcalloc(count, sizeof(*timeline->tracks));
	timeline->track_count = count;
	timeline->other_threads = report->thread_count - count;
	for (size_t i = 0; i < count; i++) {
		timeline->tracks[i].thread = all[i].thread;
		timeline->track_of[all[i].thread - 1] = (uint32_t)i + 1;
	}
}

void timeline_init(struct timeline *timeline, const struct report *report, size_t max_threads,
		   uint64_t max_bytes)
{
	*timeline = (struct timeline){ .report = report, .bytes_max = max_bytes };
	timeline->track_of = xcalloc(report->trace->thread_count, sizeof(*timeline->track_of));
	choose(timeline, max_threads);
	if (timeline->other_threads)
		timeline->bins = xcalloc(BIN_COUNT, sizeof(*timeline->bins));
	array_add(&timeline->entries, &timeline->entry_count, sizeof(*timeline->entries));
}

void timeline_release(struct timeline *timeline)
{
	struct timeline_entry *entry, *next;

	HASH_ITER(hh, timeline->table, entry, next)
	{
		HASH_DEL(timeline->table, entry);
		free(entry);
	}
	for (size_t i = 0; i < timeline->track_count; i++) {
		free(timeline->tracks[i].pieces);
		free(timeline->tracks[i].mixes);
	}
	free(timeline->tracks);
	free(timeline->track_of);
	free(timeline->entries);
	free(timeline->bins);
}

static unsigned char *put_number(unsigned char *at, uint64_t value)
{
	for (; value >= 128; value >>= 7)
		*at++ = (unsigned char)(value | 128);
	*at++ = (unsigned char)value;
	return at;
}

static unsigned char *put_piece(unsigned char *at, const struct track *track,
				const struct piece *piece)
{
	const struct mix *mix;

	at = put_number(at, piece->entry);
	at = put_number(at, piece->duration_ns);
	if (piece->entry)
		return at;
	mix = &track->mixes[piece->mix];
	at = put_number(at, piece->count);
	at = put_number(at, looks_of(mix));
	for (size_t look = 0; look < LOOK_COUNT; look++) {
		float share = mix->look_ns[look] / (float)piece->duration_ns;

		/* What was there at all is shown. */
		if (share > 0)
			*at++ = (unsigned char)(share >= 1 ? 255 : 1 + share * 254);
	}
	return at;
}

unsigned char *track_encode(const struct track *track, size_t *ret_length)
{
	size_t length = 0;
	unsigned char *bytes, *at;

	for (size_t i = 0; i < track->count; i++)
		length += piece_length(track, &track->pieces[i]);
	bytes = at = xcalloc(length + 1, 1);
	for (size_t i = 0; i < track->count; i++)
		at = put_piece(at, track, &track->pieces[i]);
	*ret_length = length;
	return bytes;
}
