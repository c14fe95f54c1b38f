/* SPDX-License-Identifier: GPL-2.0-only */
/* Saving: what is saved says what was measured, and comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "analysis/report.h"
#include "base/mem.h"
#include "output/save.h"
#include "trace_fixture.h"

static void assert_same_meta(const struct meta *is, const struct meta *expected)
{
	assert_string_equal(is->kind, expected->kind);
	assert_string_equal(is->interpreter, "");
	assert_string_equal(is->command[0], expected->command[0]);
	assert_string_equal(is->command[1], expected->command[1]);
	assert_null(is->command[2]);
	assert_string_equal(is->missing[0], expected->missing[0]);
	assert_int_equal(is->exit_status, 3);
	assert_true(is->end_ns == FIXTURE_END);
	assert_true(is->realtime_offset_ns == expected->realtime_offset_ns);
	assert_int_equal(is->boottime_offset_ns, -5);
	assert_true(is->quota.is_known);
	assert_true(is->quota.cpus == 1.5);
	assert_int_equal(is->calibration.before_ns, 17);
	assert_int_equal(is->calibration.after_ns, 0);
	assert_memory_equal(is->loss, expected->loss, sizeof(is->loss));
	assert_true(is->steal_ns == TRACE_NOT_MEASURED);
	assert_int_equal(is->own_cpu_ns, 99);
	assert_int_equal(is->cpu_step_count, 1);
	assert_int_equal(is->cpu_steps[0].cpus, 4);
	assert_int_equal(is->phase_count, 1);
	assert_string_equal(is->phases[0].name, "=count,");
	assert_true(is->phases[0].begin_ns == FIXTURE_START + 2000);
	assert_true(is->phases[0].end_ns == FIXTURE_START + 6000);
	assert_true(is->is_complete && !is->is_truncated);
}

static void test_save__a_trace_comes_back(void **state)
{
	struct fixture *fixture = *state;
	const struct trace *expected = fixture->trace;
	struct trace *trace;
	struct slice slice;

	fixture_save(&fixture->report, fixture->path);
	trace = fixture_load(fixture->path);

	assert_same_meta(&trace->meta, &expected->meta);
	assert_int_equal(trace->thread_count, 2);
	for (size_t i = 0; i < 2; i++) {
		struct thread thread = trace->threads[i];

		assert_string_equal(thread.name, expected->threads[i].name);
		thread.name = expected->threads[i].name;
		assert_memory_equal(&thread, &expected->threads[i], sizeof(thread));
	}
	assert_int_equal(trace->lock_count, 1);
	assert_string_equal(trace->locks[0].name, expected->locks[0].name);
	assert_string_equal(trace->locks[0].evidence, "symbol");
	assert_true(trace->locks[0].address == 0x7fff00001234);
	assert_int_equal(trace->locks[0].kind, LOCK_MUTEX);
	assert_int_equal(trace->locks[0].waits, 2);
	assert_int_equal(trace->locks[0].max_ns, 3000);
	assert_int_equal(trace->wait_total_count, 1);
	assert_int_equal(trace->wait_totals[0].thread, 2);
	assert_int_equal(trace->wait_totals[0].wait_ns, 3500); /* 500 had no edge */
	assert_true(trace->wait_totals[0].waits == TRACE_NOT_MEASURED);
	for (int turn = 0; turn < 2; turn++) {
		assert_int_equal(trace->slices->rewind(trace->slices), 0);
		for (size_t i = 0; i < FIXTURE_SLICES; i++) {
			assert_int_equal(trace->slices->next(trace->slices, &slice), 1);
			assert_memory_equal(&slice, &fixture_slices[i], sizeof(slice));
		}
		assert_int_equal(trace->slices->next(trace->slices, &slice), 0);
	}
	trace_free(trace);
}

static void test_save__a_loaded_trace_saves_to_the_same_bytes(void **state)
{
	struct fixture *fixture = *state;
	struct report report = fixture->report;
	char again[128];
	struct trace *trace;

	fixture_save(&report, fixture->path);
	trace = fixture_load(fixture->path);
	report.trace = trace;
	snprintf(again, sizeof(again), "%s-again", fixture->path);
	fixture_save(&report, again);
	for (size_t i = 0; i < FIXTURE_FILES; i++) {
		char *first_path = fixture_file_path(fixture, fixture_files[i]);
		char *second_path = xasprintf("%s/%s", again, fixture_files[i]);
		size_t first_length, second_length;
		char *first = fixture_read_text(first_path, &first_length);
		char *second = fixture_read_text(second_path, &second_length);

		assert_int_equal(first_length, second_length);
		assert_string_equal(first, second);
		free(first);
		free(second);
		free(first_path);
		free(second_path);
	}
	trace_free(trace);
}

static void test_save__tables_say_what_was_measured(void **state)
{
	static const struct {
		const char *name;
		const char *row;
	} rows[] = {
		{ "threads.csv", "1,100,100,1,\"\\x3dcmd,\"\"\\x0a\\xff\",\\x2dmain \\x5c thread" },
		{ "threads.csv", ",5990,,0\r\n" },
		{ "locks.csv", ",2,1,3500,500,4000,4000,4000,3000,1,0,0,0,3500,0,0,0\r\n" },
		{ "edges.csv", "2,1,1,exact,1,3000\r\n2,,1,unknown,,500\r\n" },
		{ "slices.csv", "1000000000,6000,1,100,100,running,1,,,\r\n" },
		{ "slices.csv", "1000005500,500,2,100,101,futex,,202,1,1\r\n" },
		{ "waits.csv", "1000002000,3000,2,1,wait_bitset,timed out,1,1,exact,\r\n"
			       "1000005500,500,2,1,wait_bitset,woken,1,1,exact,1\r\n" },
		{ "parallel.csv", "phase,running,wall_ns\r\n,0,0\r\n,1,8500\r\n,2,1500\r\n"
				  "\"\\x3dcount,\",0,0\r\n\"\\x3dcount,\",1,3500\r\n"
				  "\"\\x3dcount,\",2,500\r\n" },
		{ "handoffs.csv", "mark\r\n1,1,2,1000002000,,1000006000,1000006000,exact\r\n" },
		{ "meta.json", "\"episode_gap_ns\": 100000" },
		{ "meta.json", "\"I7\": 0" },
		{ "meta.json", "\"steal_ns\": null" },
	};
	struct fixture *fixture = *state;

	fixture_save(&fixture->report, fixture->path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *path = fixture_file_path(fixture, rows[i].name);
		size_t length;
		char *text = fixture_read_text(path, &length);

		if (!strstr(text, rows[i].row))
			print_error("%s: %s\n%s\n", rows[i].name, rows[i].row, text);
		assert_non_null(strstr(text, rows[i].row));
		free(text);
		free(path);
	}
}

static void test_save__episodes_end_after_a_tenth_of_a_millisecond(void **state)
{
	static const struct slice far_slices[] = {
		{ FIXTURE_START, 10, 1, 1, 0, 0, 202, 0, STATE_FUTEX, 0, 0, 0 },
		{ FIXTURE_START + 10, 99999, 1, 0, 0, 0, RECORD_SYSCALL_NONE, 0, STATE_RUNNING, 0,
		  0, 0 },
		{ FIXTURE_START + 100009, 10, 1, 1, 0, 0, 202, 0, STATE_FUTEX, 0, 0, 0 },
		{ FIXTURE_START + 100019, 100000, 1, 0, 0, 0, -1, 0, STATE_RUNNING, 0, 0, 0 },
		{ FIXTURE_START + 200019, 10, 1, 1, 0, 0, 202, 0, STATE_FUTEX, 0, 0, 0 },
		{ FIXTURE_START + 200029, 10, 1, 0, 0, 0, 202, 0, STATE_FUTEX, 0, 0, 0 },
	};
	struct fixture *fixture = *state;
	char *path = fixture_file_path(fixture, "waits.csv"), *text;
	size_t length;

	fixture->source.slices = far_slices;
	fixture->source.count = sizeof(far_slices) / sizeof(far_slices[0]);
	fixture_save(&fixture->report, fixture->path);
	text = fixture_read_text(path, &length);
	assert_non_null(strstr(text, "1000000000,10,1,1,wait,,1,,,\r\n"
				     "1000100009,10,1,1,wait,,1,,,\r\n"
				     "1000200019,10,1,1,wait,,2,,,\r\n"
				     "1000200029,10,1,,wait,,3,,,\r\n"));
	free(text);
	free(path);
}

static void test_save__totals_alone_are_a_trace(void **state)
{
	struct fixture *fixture = *state;
	struct trace *trace;

	fixture->trace->slices = NULL;
	fixture->report.edge_count = 0;
	fixture_save(&fixture->report, fixture->path);
	trace = fixture_load(fixture->path);
	assert_null(trace->slices);
	assert_int_equal(trace->wait_totals[0].wait_ns, 3500);
	trace_free(trace);
}

static void test_save__the_row_of_other_threads_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct thread *rest = trace_add_thread(fixture->trace);
	struct trace *trace;

	rest->is_rest = true;
	rest->state_ns[STATE_RUNNING] = 1234567; /* more than the window: of many threads */
	rest->kernel_run_ns = rest->kernel_wait_ns = TRACE_NOT_MEASURED;
	rest->own_run_ns = rest->own_wait_ns = TRACE_NOT_MEASURED;
	fixture_save(&fixture->report, fixture->path);
	trace = fixture_load(fixture->path);
	assert_int_equal(trace->thread_count, 3);
	assert_true(trace->threads[2].is_rest);
	assert_int_equal(trace->threads[2].state_ns[STATE_RUNNING], 1234567);
	trace_free(trace);
}

static void test_save__packed_tables_are_read(void **state)
{
	struct fixture *fixture = *state;
	char *path = fixture_file_path(fixture, "slices.csv"),
	     *packed = fixture_file_path(fixture, "slices.csv.gz");
	size_t length;
	char *text;
	gzFile file;

	fixture_save(&fixture->report, fixture->path);
	text = fixture_read_text(path, &length);
	file = gzopen(packed, "wb");
	assert_int_equal(gzwrite(file, text, (unsigned int)length), (int)length);
	gzclose(file);
	unlink(path);
	trace_free(fixture_load(fixture->path));
	free(text);
	free(path);
	free(packed);
}

static void test_save__a_lock_of_words_without_room_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct lock *lock = &fixture->trace->locks[0];
	struct trace *trace;

	lock->waits = lock->timeouts = lock->min_ns = lock->max_ns = TRACE_NOT_MEASURED;
	fixture_save(&fixture->report, fixture->path);
	trace = fixture_load(fixture->path);
	assert_true(trace->locks[0].waits == TRACE_NOT_MEASURED);
	assert_true(trace->locks[0].min_ns == TRACE_NOT_MEASURED);
	assert_int_equal(trace->locks[0].wait_ns, 3500);
	trace_free(trace);
}

static void test_save__slices_of_a_thread_summed_elsewhere_come_back(void **state)
{
	struct fixture *fixture = *state;
	struct thread *thread = &fixture->trace->threads[0];
	struct trace *trace;

	memset(thread->state_ns, 0, sizeof(thread->state_ns));
	thread->end_ns = thread->start_ns;
	fixture->trace->meta.is_complete = false;
	fixture->trace->meta.loss[LOSS_DEAD_FULL] = 1;
	fixture_save(&fixture->report, fixture->path);
	trace = fixture_load(fixture->path);
	assert_int_equal(trace->thread_count, 2);
	trace_free(trace);
}

static void test_save__a_loaded_trace_gives_the_same_report(void **state)
{
	struct fixture *fixture = *state;
	struct report *live = NULL, *saved = NULL;
	struct trace *trace;

	assert_int_equal(report_make(fixture->trace, 0, 0, &live), 0);
	fixture_save(live, fixture->path);
	trace = fixture_load(fixture->path);
	assert_int_equal(report_make(trace, 0, 0, &saved), 0);
	assert_int_equal(saved->cpu_ns, live->cpu_ns);
	assert_int_equal(saved->parallel_count, live->parallel_count);
	assert_memory_equal(saved->parallel_ns, live->parallel_ns,
			    live->parallel_count * sizeof(*live->parallel_ns));
	assert_int_equal(saved->lock_count, 1);
	assert_memory_equal(saved->locks, live->locks, sizeof(*live->locks));
	assert_int_equal(saved->edge_count, live->edge_count);
	assert_memory_equal(saved->edges, live->edges, live->edge_count * sizeof(*live->edges));
	assert_memory_equal(saved->residual_ns, live->residual_ns, sizeof(live->residual_ns));
	assert_memory_equal(&saved->capacity, &live->capacity, sizeof(live->capacity));
	report_free(live);
	report_free(saved);
	trace_free(trace);
}

/* Ends of the slices between a released wait and the next running slice decide. */
static void test_save__only_a_wait_that_leads_to_running_is_a_hand_off(void **state)
{
	static const struct slice passed[] = {
		{ FIXTURE_START, 10, 1, 1, 2, 0, 202, 0, STATE_FUTEX, WAIT_RESULT_WOKEN, 0, 0 },
		{ FIXTURE_START, 10, 2, 1, 0, 0, 202, 0, STATE_FUTEX, WAIT_RESULT_TIMED_OUT, 0, 0 },
		{ FIXTURE_START + 10, 5, 1, 0, 2, 0, -1, 0, STATE_QUEUED, 0, 0, 0 },
		{ FIXTURE_START + 10, 5, 2, 0, 0, 0, -1, 0, STATE_RUNNING, 0, 0, 0 },
		{ FIXTURE_START + 15, 5, 1, 0, 0, 0, -1, 0, STATE_RUNNING, 0, 0, 0 },
		{ FIXTURE_START + 15, 5, 2, 1, 1, 0, 202, 0, STATE_FUTEX, WAIT_RESULT_WOKEN, 0, 0 },
		{ FIXTURE_START + 20, 5, 1, 1, 0, 0, 202, 0, STATE_FUTEX, WAIT_RESULT_WOKEN, 0, 0 },
		{ FIXTURE_START + 21, 5, 2, 0, 0, 0, -1, 0, STATE_RUNNING, 0, 0, 0 }, /* a hole */
		{ FIXTURE_START + 25, 5, 1, 0, 0, 0, -1, 0, STATE_RUNNING, 0, 0, 0 },
	};
	struct fixture *fixture = *state;
	char *path = fixture_file_path(fixture, "handoffs.csv"), *text;
	size_t length;

	fixture->source.slices = passed;
	fixture->source.count = sizeof(passed) / sizeof(passed[0]);
	fixture_save(&fixture->report, fixture->path);
	text = fixture_read_text(path, &length);
	assert_string_equal(text, "lock,from,to,request_ns,release_ns,wake_ns,run_ns,mark\r\n"
				  "1,2,1,1000000000,,1000000010,1000000015,likely\r\n"
				  "1,,1,1000000020,,1000000025,1000000025,unknown\r\n");
	free(text);
	free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_save__a_trace_comes_back),
		TEST(test_save__a_loaded_trace_saves_to_the_same_bytes),
		TEST(test_save__tables_say_what_was_measured),
		TEST(test_save__episodes_end_after_a_tenth_of_a_millisecond),
		TEST(test_save__totals_alone_are_a_trace),
		TEST(test_save__the_row_of_other_threads_comes_back),
		TEST(test_save__packed_tables_are_read),
		TEST(test_save__a_lock_of_words_without_room_comes_back),
		TEST(test_save__slices_of_a_thread_summed_elsewhere_come_back),
		TEST(test_save__a_loaded_trace_gives_the_same_report),
		TEST(test_save__only_a_wait_that_leads_to_running_is_a_hand_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
