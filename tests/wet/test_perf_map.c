/* SPDX-License-Identifier: GPL-2.0-only */
/* The map of a JIT compiler: what its lines say, and what a hostile one costs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "names/perf_map.h"
#include "names/stack.h"

#define CODE 0x7f0000001000ULL
#define MAP_BYTES (16U << 20) /* the largest that is read */

/* This process as one with frames outside of all files, and its map. */
struct scene {
	char path[64];
	struct mapping mapping;
	struct process process;
	struct view view;
	uint64_t map_ns;
	struct frames frames;
};

static int setup(void **state)
{
	struct scene *scene = xcalloc(1, sizeof(*scene));

	snprintf(scene->path, sizeof(scene->path), "/tmp/perf-%d.map", getpid());
	unlink(scene->path);
	scene->mapping.name = "";
	scene->process.pid = getpid();
	scene->view.process = &scene->process;
	scene->view.pid = getpid();
	scene->frames.view = &scene->view;
	scene->frames.map_ns = &scene->map_ns;
	*state = scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	unlink(scene->path);
	free(scene);
	return 0;
}

static void set_frames(struct scene *scene, size_t count)
{
	memset(scene->frames.list, 0, sizeof(scene->frames.list));
	scene->frames.count = count;
	for (size_t i = 0; i < count; i++) {
		scene->frames.list[i].address = CODE + 16 * i + 8;
		scene->frames.list[i].mapping = &scene->mapping;
	}
}

static FILE *open_map(const struct scene *scene)
{
	FILE *file = fopen(scene->path, "we");

	assert_non_null(file);
	return file;
}

/* The name of the first frame with a map of this text. */
static const char *name_by(struct scene *scene, const char *text)
{
	FILE *file = open_map(scene);

	fputs(text, file);
	fclose(file);
	set_frames(scene, 1);
	perf_map_name(&scene->frames);
	return scene->frames.list[0].function;
}

static void test_perf_map__lines_say_start_size_and_name(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(name_by(scene, "7f0000001000 10 a name\n"), "a name");
	assert_true(scene->frames.list[0].function_start == CODE);
	assert_string_equal(name_by(scene, "0x7F0000001000 0x10 b\n"), "b");
	assert_string_equal(name_by(scene, "7f0000001000 10 old\n7f0000001000 10 new\n"), "new");
	assert_string_equal(name_by(scene, "7f0000001000 8 a\n"), "a"); /* a return address */
	assert_string_equal(name_by(scene, "7f0000001000 7 a\n7f0000001008 9 b\n"), "");
	assert_string_equal(name_by(scene, "7f0000001000\n10 a\n-7f0000001000 10 a\n"), "");
	assert_string_equal(name_by(scene, "7f0000001000 10 \n7f0000001000 g0 a\n"), "");
	assert_string_equal(name_by(scene, "100007f0000001000 10 a\n"), "");
	assert_string_equal(name_by(scene, "7f0000001000 10 without an end"), "");
}

static void test_perf_map__names_and_lines_without_end_are_cut(void **state)
{
	struct scene *scene = *state;
	FILE *file = open_map(scene);

	fprintf(file, "%llx 10 first\n%llx 10 ", CODE, CODE + 16);
	for (int i = 0; i < 200000; i++)
		fputs("endless ", file);
	fprintf(file, "\n%llx 10 %0300d\n", CODE + 32, 7);
	fclose(file);
	set_frames(scene, 3);
	perf_map_name(&scene->frames);

	assert_string_equal(scene->frames.list[0].function, "first");
	assert_string_equal(scene->frames.list[1].function, "");
	assert_int_equal(strlen(scene->frames.list[2].function), SYMBOL_NAME_MAX - 1);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Every line is of every frame. */
static void test_perf_map__the_worst_map_takes_bounded_time(void **state)
{
	static const char line[] = "1 ffffffffffff a\n";
	struct scene *scene = *state;
	FILE *file = open_map(scene);
	double begin;

	for (size_t bytes = 0; bytes + sizeof(line) < MAP_BYTES; bytes += sizeof(line) - 1)
		fputs(line, file);
	fclose(file);
	set_frames(scene, FRAMES_MAX);
	begin = cpu_seconds();
	perf_map_name(&scene->frames);
	printf("%.3f s\n", cpu_seconds() - begin);
	assert_string_equal(scene->frames.list[FRAMES_MAX - 1].function, "a");
	assert_true(cpu_seconds() - begin < 1);
	assert_true(scene->map_ns > 0);
}

static void test_perf_map__a_process_and_all_of_them_have_their_share(void **state)
{
	struct scene *scene = *state;

	for (int i = 0; i < 16; i++)
		assert_string_equal(name_by(scene, "7f0000001000 10 a\n"), "a");
	assert_string_equal(name_by(scene, "7f0000001000 10 a\n"), "");
	scene->process.perf_map_reads = 0;
	assert_string_equal(name_by(scene, "7f0000001000 10 a\n"), "a");
	scene->map_ns = 1ULL << 32;
	assert_string_equal(name_by(scene, "7f0000001000 10 a\n"), "");
}

/* Where the target writes while convoy reads, the end is the size that may be read. */
static void test_perf_map__a_sparse_or_growing_file_has_an_end(void **state)
{
	struct scene *scene = *state;
	double begin = cpu_seconds();
	pid_t pid;

	assert_string_equal(name_by(scene, "7f0000001000 10 a\n"), "a");
	assert_int_equal(truncate(scene->path, 10LL << 30), 0);
	set_frames(scene, 1);
	perf_map_name(&scene->frames);
	assert_string_equal(scene->frames.list[0].function, "");
	assert_int_equal(truncate(scene->path, 18), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(scene->path, O_WRONLY | O_APPEND | O_CLOEXEC);

		for (int i = 0; i < 8192 && write(fd, scene->frames.list, 4096) > 0; i++)
			;
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		set_frames(scene, FRAMES_MAX);
		perf_map_name(&scene->frames);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("%.3f s\n", cpu_seconds() - begin);
	assert_true(cpu_seconds() - begin < 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_perf_map__lines_say_start_size_and_name),
		TEST(test_perf_map__names_and_lines_without_end_are_cut),
		TEST(test_perf_map__the_worst_map_takes_bounded_time),
		TEST(test_perf_map__a_process_and_all_of_them_have_their_share),
		TEST(test_perf_map__a_sparse_or_growing_file_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
