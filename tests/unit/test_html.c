/* SPDX-License-Identifier: GPL-2.0-only */
/* The page keeps every slice while there is room, says what it put together, and no name gets out
 * of its data. What it looks like is tried in a browser, elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "array_source.h"
#include "base/mem.h"
#include "output/histogram.h"
#include "output/html_parts.h"
#include "output/output.h"
#include "output/timeline.h"

#define START 1000
#define PLENTY (1 << 20)

/* Feeds all slices, as a sweep would. */
static void take_all(struct timeline *timeline, const struct example *example)
{
	for (size_t i = 0; i < example->count; i++)
		timeline_take(timeline, &example->slices[i]);
	timeline_finish(timeline);
}

/* Two threads on one lock, and a sleep in poll. */
static struct example *two_threads(void)
{
	struct example *example = example_new(START, START + 1000, 2);
	uint32_t a = example_thread(example), b = example_thread(example);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex");

	example_slice(example, a, STATE_RUNNING, START, START + 1000)->cpu = 3;
	example_wait(example, b, lock, START, START + 300)->holder = a;
	example_slice(example, b, STATE_QUEUED, START + 300, START + 310);
	example_slice(example, b, STATE_RUNNING, START + 310, START + 600)->cpu = 1;
	example_slice(example, b, STATE_SLEEP, START + 600, START + 1000)->syscall = 7;
	return example;
}

static void test_html__every_slice_is_kept_to_the_nanosecond(void **state)
{
	struct example *example = two_threads();
	const struct report *report = example_report(example, 0, 0);
	const uint64_t durations[] = { 300, 10, 290, 400 };
	const enum look looks[] = { LOOK_LOCK, LOOK_QUEUED, LOOK_RUNNING, LOOK_SLEEP };
	struct timeline timeline;

	(void)state;
	timeline_init(&timeline, report, 8, PLENTY);
	take_all(&timeline, example);

	assert_int_equal(timeline.track_count, 2);
	assert_int_equal(timeline.slices, 5);
	assert_int_equal(timeline.merged, 0);
	assert_int_equal(timeline.tracks[1].count, 4);
	assert_int_equal(timeline.tracks[1].start_ns, START);
	for (size_t i = 0; i < 4; i++) {
		const struct piece *piece = &timeline.tracks[1].pieces[i];

		assert_int_equal(piece->duration_ns, durations[i]);
		assert_int_equal(timeline.entries[piece->entry].look, looks[i]);
	}
	timeline_release(&timeline);
	example_free(example);
}

static void test_html__a_piece_knows_lock_holder_call_and_cpu(void **state)
{
	struct example *example = two_threads();
	const struct report *report = example_report(example, 0, 0);
	const struct entry *wait, *run, *sleep;
	struct timeline timeline;

	(void)state;
	timeline_init(&timeline, report, 8, PLENTY);
	take_all(&timeline, example);

	wait = &timeline.entries[timeline.tracks[1].pieces[0].entry];
	run = &timeline.entries[timeline.tracks[1].pieces[2].entry];
	sleep = &timeline.entries[timeline.tracks[1].pieces[3].entry];
	assert_int_equal(wait->lock, 1);
	assert_int_equal(wait->holder, 1);
	assert_int_equal(wait->syscall, RECORD_SYSCALL_NONE);
	assert_int_equal(run->cpu, 1);
	assert_int_equal(sleep->syscall, 7);
	assert_int_equal(sleep->cpu, -1);
	timeline_release(&timeline);
	example_free(example);
}

static void test_html__a_futex_looks_like_what_its_lock_is(void **state)
{
	static const enum look looks[] = { LOOK_LOCK, LOOK_CONDITION, LOOK_JOIN, LOOK_FUTEX };
	struct example *example = example_new(START, START + 500, 1);
	uint32_t thread = example_thread(example);
	struct timeline timeline;

	(void)state;
	for (enum lock_state i = LOCK_STATE_LOCK; i <= LOCK_STATE_FUTEX; i++) {
		uint32_t lock = example_lock(example, LOCK_UNCLASSIFIED, i, "");

		example_wait(example, thread, lock, START + 100 * i, START + 100 * i + 100);
	}
	example_wait(example, thread, 0, START + 400, START + 500);
	timeline_init(&timeline, example_report(example, 0, 0), 8, PLENTY);
	take_all(&timeline, example);

	for (size_t i = 0; i < 5; i++) {
		const struct piece *piece = &timeline.tracks[0].pieces[i];

		assert_int_equal(timeline.entries[piece->entry].look,
				 i < 4 ? looks[i] : LOOK_FUTEX);
	}
	timeline_release(&timeline);
	example_free(example);
}

static void test_html__what_was_lost_is_a_piece_of_its_own(void **state)
{
	struct example *example = example_new(START, START + 1000, 1);
	uint32_t thread = example_thread(example);
	const uint64_t durations[] = { 50, 50, 300, 500, 100 };
	const struct track *track;
	struct timeline timeline;

	(void)state;
	example_slice(example, thread, STATE_RUNNING, START + 50, START + 100);
	example_slice(example, thread, STATE_RUNNING, START + 400, START + 900);
	example_thread(example);
	timeline_init(&timeline, example_report(example, 0, 0), 8, PLENTY);
	take_all(&timeline, example);

	track = &timeline.tracks[0];
	assert_int_equal(track->start_ns, START);
	assert_int_equal(track->count, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct piece *piece = &track->pieces[i];

		assert_int_equal(piece->duration_ns, durations[i]);
		assert_int_equal(timeline.entries[piece->entry].look,
				 i % 2 ? LOOK_RUNNING : LOOK_HOLE);
	}
	assert_int_equal(timeline.tracks[1].count, 1);
	assert_int_equal(timeline.tracks[1].pieces[0].duration_ns, 1000);
	assert_int_equal(timeline.slices, 2);
	timeline_release(&timeline);
	example_free(example);
}

#define CROWD 4000
#define LONG_NS 5000000

/* Runs and waits of 700 ns in turn, and every 500 slices a long sleep. */
static struct example *crowd(void)
{
	struct example *example = example_new(START, START + UINT64_C(1000000000), 1);
	uint32_t thread = example_thread(example);
	uint64_t now_ns = START;

	for (size_t i = 0; i < CROWD; i++) {
		uint64_t length_ns = i % 500 == 499 ? LONG_NS : 700;
		enum state look = i % 500 == 499 ? STATE_SLEEP
				  : i % 2	 ? STATE_QUEUED
						 : STATE_RUNNING;

		example_slice(example, thread, look, now_ns, now_ns + length_ns);
		now_ns += length_ns;
	}
	example_slice(example, thread, STATE_SLEEP, now_ns, START + UINT64_C(1000000000));
	return example;
}

static void test_html__too_many_slices_are_put_together_and_counted(void **state)
{
	struct example *example = crowd();
	struct timeline timeline;
	const struct track *track;
	uint64_t sum_ns = 0, slices = 0, alone = 0, long_ones = 0;

	(void)state;
	timeline_init(&timeline, example_report(example, 0, 0), 8, 2000);
	take_all(&timeline, example);

	track = &timeline.tracks[0];
	for (size_t i = 0; i < track->count; i++) {
		const struct piece *piece = &track->pieces[i];

		sum_ns += piece->duration_ns;
		slices += piece->count;
		alone += piece->entry != 0;
		long_ones += piece->entry && piece->duration_ns == LONG_NS;
	}
	assert_true(timeline.bytes <= 2000);
	assert_true(timeline.merge_below_ns > 700 && timeline.merge_below_ns < LONG_NS);
	assert_int_equal(sum_ns, 1000000000);
	assert_int_equal(slices, CROWD + 1);
	assert_int_equal(timeline.merged, slices - alone);
	assert_int_equal(long_ones, CROWD / 500);
	timeline_release(&timeline);
	example_free(example);
}

static void test_html__the_bytes_counted_are_those_written(void **state)
{
	struct example *example = crowd();
	struct timeline timeline;

	(void)state;
	for (uint64_t max = 500; max <= PLENTY; max *= 8) {
		unsigned char *bytes;
		size_t length;

		timeline_init(&timeline, example_report(example, 0, 0), 8, max);
		take_all(&timeline, example);
		bytes = track_encode(&timeline.tracks[0], &length);
		assert_int_equal(length, timeline.bytes);
		free(bytes);
		timeline_release(&timeline);
		report_free(example->report);
		example->report = NULL;
	}
	example_free(example);
}

static void test_html__shares_of_what_was_put_together_are_its_times(void **state)
{
	struct example *example = crowd();
	struct timeline timeline;

	(void)state;
	timeline_init(&timeline, example_report(example, 0, 0), 8, 2000);
	take_all(&timeline, example);

	for (size_t i = 0; i < timeline.tracks[0].count; i++) {
		const struct piece *piece = &timeline.tracks[0].pieces[i];
		const float *look_ns;
		float whole = (float)piece->duration_ns;

		if (piece->entry)
			continue;
		look_ns = timeline.tracks[0].mixes[piece->mix].look_ns;
		assert_true(look_ns[LOOK_RUNNING] > .4f * whole);
		assert_true(look_ns[LOOK_QUEUED] > .4f * whole);
		assert_true(look_ns[LOOK_RUNNING] + look_ns[LOOK_QUEUED] <= 1.01f * whole);
		assert_true(look_ns[LOOK_SLEEP] == 0);
	}
	timeline_release(&timeline);
	example_free(example);
}

static uint64_t sum_of_bins(const struct timeline *timeline)
{
	uint64_t sum_ns = 0;

	for (size_t i = 0; i < BIN_COUNT; i++) {
		for (size_t look = 0; look < LOOK_COUNT; look++)
			sum_ns += timeline->bins[i][look];
	}
	return sum_ns;
}

static void test_html__threads_without_a_track_share_one(void **state)
{
	struct example *example = two_threads();
	struct timeline timeline;

	(void)state;
	timeline_init(&timeline, example_report(example, 0, 0), 1, PLENTY);
	take_all(&timeline, example);

	assert_int_equal(timeline.track_count, 1);
	assert_int_equal(timeline.tracks[0].thread, 1);
	assert_int_equal(timeline.other_threads, 1);
	assert_int_equal(sum_of_bins(&timeline), 1000);
	assert_int_equal(timeline.slices, 1);
	timeline_release(&timeline);
	example_free(example);
}

static void test_html__a_histogram_counts_every_episode_once(void **state)
{
	struct example *example = example_new(START, START + 1000000, 1);
	uint32_t thread = example_thread(example);
	uint32_t lock = example_lock(example, LOCK_MUTEX, LOCK_STATE_LOCK, "mutex");
	struct histograms histograms;
	const struct lock_stat *stat;
	uint64_t sum = 0;

	(void)state;
	example_wait(example, thread, lock, START, START + 100);
	example_slice(example, thread, STATE_SLEEP, START + 100, START + 200);
	example_wait(example, thread, lock, START + 200, START + 260);
	example_slice(example, thread, STATE_SLEEP, START + 260, START + 300);
	example_wait(example, thread, lock, START + 300, START + 1000000);
	stat = find_lock_stat(example_report(example, 0, 0), lock);
	histograms_init(&histograms, example->trace);
	for (size_t i = 0; i < example->count; i++)
		histograms_take(&histograms, &example->slices[i]);
	histograms_finish(&histograms);

	for (size_t i = 0; i < HISTOGRAM_BINS; i++)
		sum += histograms.locks[0]->count[i];
	assert_int_equal(sum, stat->episodes);
	assert_int_equal(histograms.locks[0]->count[6], 1); /* 64 to 127 ns */
	assert_int_equal(histograms.locks[0]->count[5], 1);
	assert_int_equal(histograms.locks[0]->count[19], 1);
	histograms_release(&histograms);
	example_free(example);
}

static char *render(const struct report *report)
{
	const struct output_options options = { 0 };
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	assert_int_equal(output_find("html")->render_report(report, &options, file), 0);
	fclose(file);
	assert_int_equal(strlen(text), size);
	return text;
}

/* The data of a page: what stands between its tags, as JSON. */
static json_t *data_of(const char *page, const char **ret_begin, size_t *ret_length)
{
	static const char tag[] = "id=\"data\">";
	const char *begin = strstr(page, tag), *end;
	json_t *data;

	assert_non_null(begin);
	begin += strlen(tag);
	end = strstr(begin, "</script>");
	assert_non_null(end);
	data = json_loadb(begin, (size_t)(end - begin), 0, NULL);
	assert_non_null(data);
	*ret_begin = begin;
	*ret_length = (size_t)(end - begin);
	return data;
}

static const char *const hostile[] = {
	"</script><script>trip()</script>",
	"<img src=x onerror=trip()>",
	"<!--<script>",
	"\"'`&lt;&#60;${trip()}",
	"\033[31m\033]0;trip\007",
	"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae",
	"\xff\xfe\xc0\xaf",
	"na\xc3\xafve \xf0\x9f\x98\x80",
};
#define HOSTILE_COUNT (sizeof(hostile) / sizeof(hostile[0]))

static void test_html__no_name_gets_out_of_the_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < HOSTILE_COUNT; i++) {
		struct example *example = two_threads();
		const char *begin;
		size_t length;
		char *page;

		trace_set_string(&example->trace->locks[0].name, hostile[i]);
		trace_set_string(&example->trace->threads[0].name, hostile[i]);
		trace_add_string(&example->trace->meta.command, hostile[i]);
		page = render(example_report(example, 0, 0));
		json_decref(data_of(page, &begin, &length));
		for (size_t at = 0; at < length; at++) {
			assert_null(memchr("<>&", begin[at], 3));
			assert_in_range(begin[at], ' ', '~');
		}
		free(page);
		example_free(example);
	}
}

static void test_html__numbers_are_those_of_the_report(void **state)
{
	struct example *example = two_threads();
	const struct report *report = example_report(example, 0, 0);
	char *page = render(report);
	const char *begin;
	size_t length;
	json_t *data = data_of(page, &begin, &length);
	const json_t *json = json_object_get(data, "report");
	const json_t *names = json_object_get(json_object_get(json, "page"), "locks");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(json, "wall_ns")), 1000);
	assert_int_equal(json_integer_value(json_object_get(json, "cpu_ns")), report->cpu_ns);
	assert_string_equal(json_string_value(json_object_get(names, "1")), "mutex");
	json_decref(data);
	free(page);
	example_free(example);
}

static void test_html__without_slices_there_is_no_timeline(void **state)
{
	struct example *example = two_threads();
	const char *begin;
	size_t length;
	json_t *data, *page_part;
	char *page;

	(void)state;
	example_finish(example);
	example->trace->slices = NULL;
	page = render(example_report(example, 0, 0));
	data = data_of(page, &begin, &length);
	page_part = json_object_get(json_object_get(data, "report"), "page");

	assert_true(json_is_null(json_object_get(page_part, "timeline")));
	json_decref(data);
	free(page);
	example_free(example);
}

static void test_html__a_full_disk_is_an_error(void **state)
{
	const struct output_options options = { 0 };
	struct example *example = two_threads();
	const struct report *report = example_report(example, 0, 0);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_true(output_find("html")->render_report(report, &options, full) < 0);
	fclose(full);
	example_free(example);
}

static void test_html__the_page_loads_nothing(void **state)
{
	(void)state;
	assert_non_null(strstr(html_page, "default-src 'none'"));
	assert_non_null(strstr(html_page, "script-src 'sha256-"));
	assert_null(strstr(html_page, "unsafe"));
	assert_null(strstr(html_page, "innerHTML"));
	assert_null(strstr(html_page, "src=\"http"));
	assert_null(strstr(html_page, "url("));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_html__every_slice_is_kept_to_the_nanosecond),
		cmocka_unit_test(test_html__a_piece_knows_lock_holder_call_and_cpu),
		cmocka_unit_test(test_html__a_futex_looks_like_what_its_lock_is),
		cmocka_unit_test(test_html__what_was_lost_is_a_piece_of_its_own),
		cmocka_unit_test(test_html__too_many_slices_are_put_together_and_counted),
		cmocka_unit_test(test_html__the_bytes_counted_are_those_written),
		cmocka_unit_test(test_html__shares_of_what_was_put_together_are_its_times),
		cmocka_unit_test(test_html__threads_without_a_track_share_one),
		cmocka_unit_test(test_html__a_histogram_counts_every_episode_once),
		cmocka_unit_test(test_html__no_name_gets_out_of_the_data),
		cmocka_unit_test(test_html__numbers_are_those_of_the_report),
		cmocka_unit_test(test_html__without_slices_there_is_no_timeline),
		cmocka_unit_test(test_html__a_full_disk_is_an_error),
		cmocka_unit_test(test_html__the_page_loads_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
