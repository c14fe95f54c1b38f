/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace directories are written safely: nothing is followed, overwritten or left half done. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "output/save.h"
#include "stream/trace_dir.h"
#include "trace_fixture.h"

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static void test_trace_dir__only_the_owner_may_look(void **state)
{
	struct fixture *fixture = *state;
	mode_t before = umask(0);

	fixture_save(&fixture->report, fixture->path);
	umask(before);
	assert_int_equal(mode_of(fixture->path), 0700);
	for (size_t i = 0; i < FIXTURE_FILES; i++) {
		char *path = fixture_file_path(fixture, fixture_files[i]);

		assert_int_equal(mode_of(path), 0600);
		free(path);
	}
}

static void test_trace_dir__an_uncommitted_trace_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct trace_error error = { "" };
	struct trace_dir *dir = trace_dir_create(fixture->path, getuid(), getgid(), &error);

	assert_non_null(dir);
	assert_int_equal(trace_save(dir, &fixture->report, &error), 0);
	trace_dir_free(dir);
	assert_int_equal(rmdir(fixture->dir), 0); /* it is empty */
}

static void test_trace_dir__only_absent_or_empty_directories_are_written(void **state)
{
	struct fixture *fixture = *state;
	struct trace_error error = { "" };
	char *file = fixture_file_path(fixture, "mine");

	assert_int_equal(trace_dir_check(fixture->path, &error), 0);
	assert_int_equal(mkdir(fixture->path, 0700), 0);
	assert_int_equal(trace_dir_check(fixture->path, &error), 0);
	fixture_save(&fixture->report, fixture->path);
	assert_int_equal(trace_dir_check(fixture->path, &error), -ENOTEMPTY);
	assert_null(trace_dir_create(fixture->path, getuid(), getgid(), &error));
	assert_non_null(strstr(error.text, "choose another name"));
	assert_int_equal(trace_dir_check(file, &error), 0); /* its parent is there */
	fixture_write_text(file, "x", 1);
	assert_int_equal(trace_dir_check(file, &error), -EEXIST);
	assert_int_equal(trace_dir_check("/nonexistent/convoy/trace", &error), -ENOENT);
	assert_int_equal(trace_dir_check("", &error), -EINVAL);
	assert_int_equal(trace_dir_check("/", &error), -EINVAL);
	assert_int_equal(trace_dir_check("..", &error), -EINVAL);
	free(file);
}

static void test_trace_dir__planted_links_are_not_followed(void **state)
{
	struct fixture *fixture = *state;
	struct trace_error error = { "" };
	struct trace_dir *dir;
	char victim[96], partial[128], link[160];

	snprintf(victim, sizeof(victim), "%s/victim", fixture->dir);
	snprintf(partial, sizeof(partial), "%s.partial", fixture->path);
	snprintf(link, sizeof(link), "%s/slices.csv", partial);
	assert_int_equal(mkdir(victim, 0700), 0);
	assert_int_equal(symlink(victim, fixture->path), 0);
	assert_int_equal(trace_dir_check(fixture->path, &error), -EEXIST);
	unlink(fixture->path);
	assert_int_equal(symlink(victim, partial), 0);
	assert_null(trace_dir_create(fixture->path, getuid(), getgid(), &error));
	assert_non_null(strstr(error.text, "exists"));
	unlink(partial);
	dir = trace_dir_create(fixture->path, getuid(), getgid(), &error);
	assert_non_null(dir);
	assert_int_equal(symlink("../victim/file", link), 0);
	assert_true(trace_save(dir, &fixture->report, &error) < 0);
	assert_non_null(strstr(error.text, "slices.csv"));
	unlink(link);
	trace_dir_free(dir);
	assert_int_equal(rmdir(victim), 0); /* nothing was written into it */
	assert_int_equal(rmdir(fixture->dir), 0);
}

/* Puts a link to the victim where a directory was just made, over and over, until killed. */
static void swap_for_ever(const char *partial, const char *victim)
{
	char stash[160];

	snprintf(stash, sizeof(stash), "%s.stash", partial);
	for (;;) {
		if (rename(partial, stash))
			continue;
		if (symlink(victim, partial) == 0) {
			usleep(20);
			unlink(partial);
		}
		rmdir(stash);
	}
}

/* 10,000 tries, or as many as a second holds. How many met the swapper. */
static size_t create_and_write(const struct fixture *fixture, uint32_t owner, size_t *ret_tries)
{
	clock_t end = clock() + CLOCKS_PER_SEC;
	size_t met = 0, tries = 0;

	for (; tries < 10000 && clock() < end; tries++) {
		struct trace_error error = { "" };
		struct trace_dir *dir = trace_dir_create(fixture->path, owner, owner, &error);
		FILE *file = dir ? trace_dir_file(dir, "slices.csv", &error) : NULL;

		met += !file;
		if (file)
			fclose(file);
		trace_dir_free(dir);
	}
	*ret_tries = tries;
	return met;
}

/* Whoever owns the place can move things about while they are made. */
static void test_trace_dir__a_race_for_the_directory_changes_no_victim(void **state)
{
	struct fixture *fixture = *state;
	uint32_t owner = getuid() ? getuid() : 65534;
	char victim[96], partial[128];
	struct stat before, after;
	size_t met, tries;
	pid_t pid;

	snprintf(victim, sizeof(victim), "%s/victim", fixture->dir);
	snprintf(partial, sizeof(partial), "%s.partial", fixture->path);
	assert_int_equal(mkdir(victim, 0700), 0);
	assert_int_equal(stat(victim, &before), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		swap_for_ever(partial, victim);
	}
	met = create_and_write(fixture, owner, &tries);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	printf("%zu tries, %zu met the swapper\n", tries, met);
	assert_true(met > 0);
	assert_int_equal(stat(victim, &after), 0);
	assert_int_equal(after.st_uid, before.st_uid);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(rmdir(victim), 0); /* nothing was written into it */
}

static void test_trace_dir__a_full_disk_is_told_by_file(void **state)
{
	struct fixture *fixture = *state;
	struct trace_error error = { "" };
	struct trace_dir *dir = trace_dir_create(fixture->path, getuid(), getgid(), &error);
	FILE *file = fopen("/dev/full", "w");

	fputs("some text", file);
	assert_int_equal(trace_dir_close(dir, file, "slices.csv", &error), -ENOSPC);
	assert_non_null(strstr(error.text, "trace/slices.csv': No space left"));
	trace_dir_free(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_trace_dir__only_the_owner_may_look),
		TEST(test_trace_dir__an_uncommitted_trace_leaves_nothing),
		TEST(test_trace_dir__only_absent_or_empty_directories_are_written),
		TEST(test_trace_dir__planted_links_are_not_followed),
		TEST(test_trace_dir__a_race_for_the_directory_changes_no_victim),
		TEST(test_trace_dir__a_full_disk_is_told_by_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
