/* SPDX-License-Identifier: GPL-2.0-only */
/* The fixture of the tests of trace directories. */
#include "trace_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "output/save.h"
#include "stream/trace_dir.h"

const char *const fixture_files[FIXTURE_FILES] = { "meta.json",	   "threads.csv", "locks.csv",
						   "edges.csv",	   "slices.csv",  "waits.csv",
						   "parallel.csv", "handoffs.csv" };

static int array_rewind(struct slice_source *source)
{
	((struct array_source *)source)->next = 0;
	return 0;
}

static int array_next(struct slice_source *source, struct slice *ret_slice)
{
	struct array_source *array = (struct array_source *)source;

	if (array->next == array->count)
		return 0;
	*ret_slice = array->slices[array->next++];
	return 1;
}

/* Thread 1 holds the lock while thread 2 waits for it twice. */
const struct slice fixture_slices[FIXTURE_SLICES] = {
	{ FIXTURE_START, 6000, 1, 0, 0, 0, RECORD_SYSCALL_NONE, 1, STATE_RUNNING, 0, 0, 0 },
	{ FIXTURE_START, 1000, 2, 0, 0, 0, RECORD_SYSCALL_NONE, 0, STATE_QUEUED, 0, 0, 0 },
	{ FIXTURE_START + 1000, 1000, 2, 0, 0, 0, RECORD_SYSCALL_NONE, 3, STATE_RUNNING, 0, 0, 0 },
	{ FIXTURE_START + 2000, 3000, 2, 1, 0, 1, 202, 0, STATE_FUTEX, WAIT_RESULT_TIMED_OUT, 9,
	  0 },
	{ FIXTURE_START + 5000, 500, 2, 0, 0, 0, RECORD_SYSCALL_NONE, 3, STATE_RUNNING, 0, 0, 0 },
	{ FIXTURE_START + 5500, 500, 2, 1, 1, 1, 202, 0, STATE_FUTEX, WAIT_RESULT_WOKEN, 9,
	  SLICE_WAKER_RELEASED },
	{ FIXTURE_START + 6000, 4000, 1, 0, 0, 0, 281, 0, STATE_SLEEP, 0, 0, SLICE_OPEN },
	{ FIXTURE_START + 6000, 4000, 2, 0, 0, 0, RECORD_SYSCALL_NONE, 2, STATE_RUNNING, 0, 0, 0 },
};

static void fill_meta(struct trace *trace)
{
	struct meta *meta = &trace->meta;
	struct cpu_step *step;
	struct phase *phase;

	trace_set_string(&meta->version, "0.1.0");
	trace_set_string(&meta->kind, "run");
	trace_set_string(&meta->mode, "default");
	trace_set_string(&meta->kernel, "6.1.0");
	trace_set_string(&meta->arch, "x86_64");
	trace_add_string(&meta->command, "./a\x1b[31m");
	trace_add_string(&meta->command, "\xff\"\\x41\"");
	trace_add_string(&meta->missing, "BPF statistics: no run time of the programs");
	meta->uid = 1000;
	meta->cpus_online = 4;
	meta->root_pid = 100;
	meta->exit_status = 3;
	meta->start_ns = FIXTURE_START;
	meta->end_ns = FIXTURE_END;
	meta->realtime_offset_ns = INT64_C(1700000000000000000);
	meta->boottime_offset_ns = -5;
	meta->quota = (struct quota){ .is_known = true, .cpus = 1.5, .throttled_ns = 7 };
	meta->calibration.before_ns = 17;
	for (size_t i = 0; i < LOSS_COUNT; i++)
		meta->loss[i] = i * 1000;
	meta->slices_produced = FIXTURE_SLICES;
	meta->is_complete = true;
	meta->own_cpu_ns = 99;
	step = trace_add_cpu_step(trace);
	*step = (struct cpu_step){ FIXTURE_START, 4 };
	phase = trace_add_phase(trace);
	trace_set_string(&phase->name, "=count,");
	phase->begin_ns = FIXTURE_START + 2000;
	phase->end_ns = FIXTURE_START + 6000;
}

static void fill_threads(struct trace *trace)
{
	struct thread *one = trace_add_thread(trace), *two;

	one->pid = one->tid = 100;
	one->ppid = 1;
	memcpy(one->comm, "=cmd,\"\n\xff", 8);
	trace_set_string(&one->name, "-main \\ thread\u202e");
	one->state_ns[STATE_RUNNING] = 6000;
	one->state_ns[STATE_SLEEP] = 4000;
	one->kernel_run_ns = 5990;
	one->own_run_ns = 5985;
	one->charged_ready_ns = 7;
	one->uncharged_ns = 2;
	one->own_wait_ns = one->kernel_wait_ns = TRACE_NOT_MEASURED;
	one->yields = 4;
	two = trace_add_thread(trace);
	two->pid = 100;
	two->tid = 101;
	two->state_ns[STATE_RUNNING] = 5500;
	two->state_ns[STATE_QUEUED] = 1000;
	two->state_ns[STATE_FUTEX] = two->futex_class_ns[LOCK_STATE_LOCK] = 3500;
	for (size_t i = 0; i < 2; i++) {
		trace->threads[i].start_ns = FIXTURE_START;
		trace->threads[i].end_ns = FIXTURE_END;
	}
}

static void fill_locks(struct fixture *fixture)
{
	struct trace *trace = fixture->trace;
	struct lock *lock = trace_add_lock(trace);

	lock->pid = 100;
	lock->address = 0x7fff00001234;
	lock->kind = LOCK_MUTEX;
	lock->state = LOCK_STATE_LOCK;
	trace_set_string(&lock->name, "queue \"a,b\" in \xc3");
	trace_set_string(&lock->evidence, "symbol");
	lock->waits = 2;
	lock->timeouts = 1;
	lock->wait_ns = 3500;
	lock->min_ns = 500;
	lock->max_ns = 3000;
	*trace_add_wait_total(trace) = (struct wait_total){ .thread = 2,
							    .lock = 1,
							    .waits = 2,
							    .timeouts = 1,
							    .wait_ns = 3500,
							    .min_ns = 500,
							    .max_ns = 3000 };
	fixture->lock_stat = (struct lock_stat){ .lock = 1,
						 .episodes = 1,
						 .p50_ns = 4000,
						 .p90_ns = 4000,
						 .p99_ns = 4000,
						 .waiters = 1,
						 .holder_running_ns = 3500 };
	fixture->edge = (struct edge){ .waiter = 2,
				       .holder = 1,
				       .lock = 1,
				       .mark = HOLDER_EXACT,
				       .episodes = 1,
				       .wait_ns = 3000 };
}

int fixture_setup(void **state)
{
	struct fixture *fixture = xcalloc(1, sizeof(*fixture));
	struct report *report = &fixture->report;

	strncpy(fixture->dir, "/tmp/convoy-test-XXXXXX", sizeof(fixture->dir));
	assert_non_null(mkdtemp(fixture->dir));
	snprintf(fixture->path, sizeof(fixture->path), "%s/trace", fixture->dir);
	fixture->trace = trace_new();
	fill_meta(fixture->trace);
	fill_threads(fixture->trace);
	fill_locks(fixture);
	fixture->source = (struct array_source){ .source = { array_rewind, array_next, NULL },
						 .slices = fixture_slices,
						 .count = FIXTURE_SLICES };
	fixture->trace->slices = &fixture->source.source;
	fixture->parallel_ns[1] = 8500;
	fixture->parallel_ns[2] = 1500;
	report->trace = fixture->trace;
	report->parallel_ns = fixture->parallel_ns;
	report->parallel_count = 3;
	report->locks = &fixture->lock_stat;
	report->lock_count = 1;
	report->edges = &fixture->edge;
	report->edge_count = 1;
	*state = fixture;
	return 0;
}

void fixture_remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *name = xasprintf("%s/%s", path, entry->d_name);

		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) {
			if (unlink(name))
				fixture_remove_tree(name);
		}
		free(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	trace_free(fixture->trace);
	fixture_remove_tree(fixture->dir);
	free(fixture);
	return 0;
}

void fixture_save(const struct report *report, const char *path)
{
	struct trace_error error = { "" };
	struct trace_dir *dir = trace_dir_create(path, getuid(), getgid(), &error);

	assert_non_null(dir);
	assert_int_equal(trace_save(dir, report, &error), 0);
	assert_int_equal(trace_dir_commit(dir, &error), 0);
	trace_dir_free(dir);
}

struct trace *fixture_load(const char *path)
{
	struct trace_error error = { "" };
	struct trace *trace = NULL;
	int err = trace_load(path, &trace, &error);

	if (err)
		print_error("%s\n", error.text);
	assert_int_equal(err, 0);
	return trace;
}

void fixture_assert_refused(const struct fixture *fixture, const char *part)
{
	struct trace_error error = { "" };
	struct trace *trace = NULL;

	assert_true(trace_load(fixture->path, &trace, &error) < 0);
	assert_null(trace);
	if (!strstr(error.text, part))
		print_error("'%s' has no '%s'\n", error.text, part);
	assert_non_null(strstr(error.text, part));
}

char *fixture_file_path(const struct fixture *fixture, const char *name)
{
	return xasprintf("%s/%s", fixture->path, name);
}

char *fixture_read_text(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "r");
	char *text = xcalloc(1, 1 << 16);

	assert_non_null(file);
	*ret_length = fread(text, 1, (1 << 16) - 1, file);
	fclose(file);
	return text;
}

void fixture_write_text(const char *path, const char *text, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	fclose(file);
}

void fixture_replace(const struct fixture *fixture, const char *name, const char *old,
		     const char *new)
{
	char *path = fixture_file_path(fixture, name), *changed, *at;
	size_t length;
	char *text = fixture_read_text(path, &length);

	at = strstr(text, old);
	if (!at)
		print_error("'%s' is not in %s:\n%s\n", old, name, text);
	assert_non_null(at);
	*at = '\0';
	changed = xasprintf("%s%s%s", text, new, at + strlen(old));
	fixture_write_text(path, changed, strlen(changed));
	free(changed);
	free(text);
	free(path);
}
