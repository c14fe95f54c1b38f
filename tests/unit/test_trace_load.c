/* SPDX-License-Identifier: GPL-2.0-only */
/* Loading: a trace that is cut, contradicts itself or was planted is refused, by file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "stream/trace_dir.h"
#include "trace_fixture.h"

/* One change to a good trace, and what must be said. */
struct contradiction {
	const char *file;
	const char *old;
	const char *new;
	const char *says;
};

static const struct contradiction contradictions[] = {
	{ "meta.json", "\"schema\": 1", "\"schema\": 2",
	  "meta.json:2: the trace is from a newer convoy (schema 2" },
	{ "meta.json", "\"schema\": 1", "\"schema\": \"1\"", "meta.json:2: 'schema'" },
	{ "meta.json", "\"schema\": 1", "\"uid\": 0, \"schema\": 1", "duplicate" },
	{ "meta.json", "{", "[", "meta.json:" },
	{ "meta.json", "\"kind\": \"run\"", "\"kind\": \"jog\"", "meta.json:4: 'kind'" },
	{ "meta.json", "\"mode\": \"default\"", "\"mode\": null", "'mode'" },
	{ "meta.json", "\"end_ns\": 1000010000", "\"end_ns\": 10000", "window" },
	{ "meta.json", "\"end_ns\": 1000010000", "\"end_ns\": null", "'end_ns'" },
	{ "meta.json", "\"end_ns\": 1000010000", "\"end_ns\": 1e3", "'end_ns'" },
	{ "meta.json", "\"end_ns\": 1000010000", "\"end_ns\": -1", "'end_ns'" },
	{ "meta.json", "\"uid\": 1000", "\"uid\": 4294967296", "'uid'" },
	{ "meta.json", "\"uid\": 1000", "\"gid\": 1000", "'uid' is missing" },
	{ "meta.json", "./a\\\\x1b", "./a\\\\xzz", "'command'" },
	{ "meta.json", "\"slices_lost\": 0", "\"slices_lost\": 1", "'complete'" },
	{ "meta.json", "\"clock_back\": 5000", "\"clock_back\": null", "'loss'" },
	{ "meta.json", "\"cpus\": 1.5", "\"cpus\": -1.5", "'quota'" },
	{ "meta.json", "\"from_ns\": 1000000000", "\"from_ns\": 1000000001", "'usable_cpus'" },
	{ "meta.json", "\"phases\": [",
	  "\"phases\": [{\"name\": \"a\", \"begin_ns\": 1, \"end_ns\": 2},", "phase 1" },
	{ "meta.json", "\"own_run_ns\": [", "\"own_run_ns\": [1,",
	  "'own_run_ns' has not a number for each of the 2 threads" },
	{ "threads.csv", "\r\n2,", "\r\n3,", "threads.csv:3: number 3, expected 2" },
	{ "threads.csv", "\r\n2,", "\r\n1,", "threads.csv:3: number 1, expected 2" },
	{ "threads.csv", ",6000,", ",6001,", "threads.csv:2: the states of thread 1 sum to" },
	{ "threads.csv", ",6000,", ",18446744073709551614,", "threads.csv:2: the states" },
	{ "threads.csv", ",1000000000,1000010000,", ",999999999,1000010000,",
	  "threads.csv:2: thread 1 lives outside" },
	{ "threads.csv", ",1000000000,1000010000,", ",1000000001,1000010000,",
	  "threads.csv:2: lifetime_ns" },
	{ "threads.csv", "\\x3dcmd", "\\x3dcmdcmdcmdcmdcmd", "threads.csv:2: column 'comm'" },
	{ "threads.csv", "thread,pid", "pid,thread", "threads.csv:1: column 1 is 'pid'" },
	{ "locks.csv", ",2,1,3500,", ",2,3,3500,", "locks.csv:2: lock 1 has more timeouts" },
	{ "locks.csv", ",2,1,3500,", ",2,1,3501,", "locks.csv:2: the holder columns" },
	{ "locks.csv", ",2,1,3500,500,", ",2,1,3500,3400,", "locks.csv:2: min_ns, max_ns" },
	{ "locks.csv", ",mutex,", ",mutant,", "locks.csv:2: column 'kind': 'mutant'" },
	{ "edges.csv", "2,1,1,exact", "3,1,1,exact", "edges.csv:2: an unknown thread" },
	{ "edges.csv", "2,1,1,exact", "2,1,2,exact", "edges.csv:2: an unknown lock" },
	{ "edges.csv", "1,3000\r\n", "1,2999\r\n",
	  "the edges of lock 1 sum to 3499 ns, row 1 of locks.csv says 3500 ns" },
	{ "edges.csv", "2,1,1,exact", "1,1,1,exact",
	  "the edges of thread 1 sum to 3000 ns, row 1 of threads.csv says 0 ns" },
	{ "slices.csv", "1000000000,1000,2,", "1000000000,1000,3,",
	  "slices.csv:3: an unknown thread" },
	{ "slices.csv", "1000000000,6000,1,100,100", "1000000000,6000,1,100,101",
	  "slices.csv:2: pid or tid" },
	{ "slices.csv", "1000001000,1000", "1000001000,0", "slices.csv:4: duration_ns is 0" },
	{ "slices.csv", "1000001000,1000", "1000001000,1001",
	  "slices.csv:5: overlaps the slice of thread 2" },
	{ "slices.csv", "1000001000,1000", "1000001000,999",
	  "sum to 5499 ns, threads.csv says 5500" },
	{ "slices.csv", "1000001000,1000", "999999999,1000", "slices.csv:4: not in order" },
	{ "slices.csv", "1000006000,4000,1", "1000006000,4001,1", "slices.csv:8: outside of" },
	{ "slices.csv", ",running,3,,,", ",running,3,,1,", "slices.csv:4: a lock without" },
	{ "slices.csv", ",futex,,202,1,", ",futex,,202,2,", "slices.csv:5: an unknown lock" },
	{ "slices.csv", ",futex,,202,1,1", ",futex,,202,1,2", "waits.csv:3: another waker" },
	{ "slices.csv", ",futex,,202,1,", ",sleep,,202,,", "waits.csv:2: not the next futex wait" },
	{ "waits.csv", "1000005500,500", "1000005500,501", "waits.csv:3: not the next futex wait" },
	{ "waits.csv", "exact,1\r\n", "exact,1\r\n1000007000,1,2,1,,,1,,,\r\n",
	  "waits.csv:4: a wait that is not in slices.csv" },
	{ "waits.csv", "1,1,exact", "1,9,exact", "waits.csv:2: an unknown thread" },
};

static void test_trace_load__contradictions_are_refused_by_file_and_line(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(contradictions) / sizeof(contradictions[0]); i++) {
		const struct contradiction *change = &contradictions[i];

		fixture_save(&fixture->report, fixture->path);
		fixture_replace(fixture, change->file, change->old, change->new);
		fixture_assert_refused(fixture, change->says);
		/* What to try: another convoy, or another copy. */
		fixture_assert_refused(fixture, strstr(change->says, "newer") ? ": update convoy"
									      : "copy it again");
		fixture_remove_tree(fixture->path);
	}
}

static void test_trace_load__truncated_files_never_crash(void **state)
{
	struct fixture *fixture = *state;

	fixture_save(&fixture->report, fixture->path);
	for (size_t i = 0; i < FIXTURE_FILES - 2; i++) { /* the last two are not read back */
		char *path = fixture_file_path(fixture, fixture_files[i]);
		size_t length;
		char *text = fixture_read_text(path, &length);

		for (size_t cut = 0; cut < length; cut += 1 + cut / 16) {
			struct trace_error error = { "" };
			struct trace *trace = NULL;

			fixture_write_text(path, text, cut);
			if (cut == length - 1 && i == 0)
				continue; /* only the line feed behind the JSON is gone */
			assert_true(trace_load(fixture->path, &trace, &error) < 0);
			assert_true(strlen(error.text) > 0);
		}
		fixture_write_text(path, text, length);
		free(text);
		free(path);
	}
	trace_free(fixture_load(fixture->path));
}

static void test_trace_load__changed_bytes_never_crash(void **state)
{
	struct fixture *fixture = *state;

	srand(5);
	fixture_save(&fixture->report, fixture->path);
	for (size_t turn = 0; turn < 3000; turn++) {
		char *path = fixture_file_path(fixture, fixture_files[turn % (FIXTURE_FILES - 2)]);
		struct trace_error error = { "" };
		struct trace *trace = NULL;
		size_t length;
		char *text = fixture_read_text(path, &length);
		size_t at = (size_t)rand() % length;
		char before = text[at];
		struct slice slice;

		text[at] = (char)(rand() % 3 ? "0123456789,\"\n-\\"[rand() % 15] : rand());
		fixture_write_text(path, text, length);
		if (trace_load(fixture->path, &trace, &error)) {
			assert_true(strlen(error.text) > 0);
		} else {
			assert_int_equal(trace->slices->rewind(trace->slices), 0);
			while (trace->slices->next(trace->slices, &slice) > 0)
				assert_true(slice.thread && slice.thread <= trace->thread_count);
			trace_free(trace);
		}
		text[at] = before;
		fixture_write_text(path, text, length);
		free(text);
		free(path);
	}
}

static void test_trace_load__missing_files_are_named(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < FIXTURE_FILES - 2; i++) {
		char *path = fixture_file_path(fixture, fixture_files[i]);

		fixture_save(&fixture->report, fixture->path);
		unlink(path);
		fixture_assert_refused(fixture, fixture_files[i]);
		fixture_remove_tree(fixture->path);
		free(path);
	}
	fixture_assert_refused(fixture, "No such file");
}

static void test_trace_load__files_that_are_not_regular_are_refused(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_file_path(fixture, "slices.csv");

	fixture_save(&fixture->report, fixture->path);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fixture_assert_refused(fixture, "not a regular file");
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	fixture_assert_refused(fixture, "slices.csv': a symbolic link, which is not followed");
	free(path);
	path = fixture_file_path(fixture, "meta.json");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fixture_assert_refused(fixture, "meta.json': not a regular file");
	free(path);
}

/* Whoever shows a message escapes it: what it quotes is raw, or would be escaped twice. */
static void test_trace_load__names_in_messages_are_raw(void **state)
{
	struct fixture *fixture = *state;

	fixture_save(&fixture->report, fixture->path);
	fixture_replace(fixture, "threads.csv", "thread,pid",
			"thr\x1b"
			"ad,pid");
	fixture_assert_refused(fixture, "threads.csv:1: column 1 is 'thr\x1b"
					"ad', expected");
	strcat(fixture->path, "\x1b");
	fixture_assert_refused(fixture, "trace\x1b': No such file or directory; name the DIR");
}

static void test_trace_load__a_figure_by_its_former_name_is_known(void **state)
{
	struct fixture *fixture = *state;
	struct trace *trace;

	fixture_save(&fixture->report, fixture->path);
	fixture_replace(fixture, "meta.json", "\"charged_ready_ns\"", "\"out_of_idle_ns\"");
	trace = fixture_load(fixture->path);
	assert_int_equal(trace->threads[0].charged_ready_ns,
			 fixture->trace->threads[0].charged_ready_ns);
	assert_int_not_equal(trace->threads[0].charged_ready_ns, TRACE_NOT_MEASURED);
	trace_free(trace);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_trace_load__contradictions_are_refused_by_file_and_line),
		TEST(test_trace_load__truncated_files_never_crash),
		TEST(test_trace_load__changed_bytes_never_crash),
		TEST(test_trace_load__missing_files_are_named),
		TEST(test_trace_load__files_that_are_not_regular_are_refused),
		TEST(test_trace_load__names_in_messages_are_raw),
		TEST(test_trace_load__a_figure_by_its_former_name_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
