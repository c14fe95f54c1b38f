/* SPDX-License-Identifier: GPL-2.0-only */
/* Naming words of real processes: children of this program, which have its words at its addresses.
 */
#include <linux/futex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "names/names.h"

static uint32_t data_word[4] = { 1, 2, 3, 4 };
static uint32_t bss_word[1024];

/* A child that waits to be killed. */
static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct futex_use use_of(const void *word, uint8_t op, uint8_t flags, uint32_t value)
{
	return (struct futex_use){
		.address = (uintptr_t)word, .op = op, .flags = flags, .value = value
	};
}

static struct place *resolve(struct names *names, struct trace *trace, uint32_t proc,
			     const void *word)
{
	struct futex_use use = use_of(word, FUTEX_WAIT, 0, 0);
	struct place *place = trace_add_place(trace);

	names_resolve(names, proc, &use, place);
	return place;
}

struct scene {
	struct names *names;
	struct trace *trace;
	pid_t pid;
};

static void scene_begin(struct scene *scene)
{
	scene->names = names_new();
	scene->trace = trace_new();
	scene->pid = start_child();
	names_add_process(scene->names, 1, scene->pid, 0);
}

static void scene_end(struct scene *scene)
{
	if (scene->pid > 0)
		end_child(scene->pid);
	names_free(scene->names);
	trace_free(scene->trace);
}

static void test_names__data_and_bss_have_their_symbol_and_offset(void **state)
{
	struct scene scene;
	struct place *place;

	(void)state;
	scene_begin(&scene);

	place = resolve(scene.names, scene.trace, 1, &data_word[2]);
	assert_int_equal(place->kind, PLACE_SYMBOL);
	assert_string_equal(place->symbol, "data_word");
	assert_int_equal(place->offset, 8);
	assert_string_equal(place->object, "test_names");
	assert_int_equal(place->gil, GIL_NOT);

	place = resolve(scene.names, scene.trace, 1, &bss_word[1000]);
	assert_int_equal(place->kind, PLACE_SYMBOL);
	assert_string_equal(place->symbol, "bss_word");
	assert_int_equal(place->offset, 4000);
	assert_true(place->group == place->address);

	place = resolve(scene.names, scene.trace, 1, stdout); /* a word of the C library */
	assert_true(strncmp(place->object, "libc", 4) == 0);
	scene_end(&scene);
}

static void test_names__heap_stack_and_anonymous_memory_are_told_apart(void **state)
{
	uint32_t *heap = sbrk(8192);
	uint32_t *anonymous =
		mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t stack = 0;
	struct scene scene;
	struct place *place;

	(void)state;
	scene_begin(&scene);

	place = resolve(scene.names, scene.trace, 1, heap + 1024);
	assert_int_equal(place->kind, PLACE_HEAP);
	place = resolve(scene.names, scene.trace, 1, anonymous + 1000);
	assert_int_equal(place->kind, PLACE_ANONYMOUS);
	assert_string_equal(place->object, "");
	/* Under a sanitizer locals may live elsewhere: the environment is always on the stack. */
	(void)stack;
	place = resolve(scene.names, scene.trace, 1, (void *)((uintptr_t)environ[0] & ~3UL));
	assert_int_equal(place->kind, PLACE_STACK);
	assert_int_equal(place->tid, scene.pid);
	scene_end(&scene);
	munmap(anonymous, 1 << 20);
}

static void test_names__shared_words_are_told_by_file_and_offset(void **state)
{
	int fd = memfd_create("convoy-test", MFD_CLOEXEC);
	uint32_t *shared;
	uint32_t *nameless =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct futex_use private_use;
	struct scene scene;
	struct place *place;

	(void)state;
	assert_int_equal(ftruncate(fd, 16384), 0);
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 8192);
	assert_ptr_not_equal(shared, MAP_FAILED);
	scene_begin(&scene);

	place = resolve(scene.names, scene.trace, 1, shared + 10);
	assert_int_equal(place->kind, PLACE_SHARED);
	assert_int_equal(place->shared_offset, 8192 + 40);
	assert_true(place->shared_inode > 0);
	assert_string_equal(place->object, "/memfd:convoy-test (deleted)");
	place = resolve(scene.names, scene.trace, 1, nameless);
	assert_int_equal(place->kind, PLACE_SHARED);
	assert_true(place->shared_inode > 0);

	/* A private futex there is of one process only. */
	private_use = use_of(shared + 10, FUTEX_WAIT, USE_PRIVATE, 0);
	place = trace_add_place(scene.trace);
	names_resolve(scene.names, 1, &private_use, place);
	assert_int_equal(place->kind, PLACE_FILE);
	assert_true(place->shared_inode == 0);
	assert_string_equal(place->object, "memfd:convoy-test");
	scene_end(&scene);
	munmap(shared, 8192);
	munmap(nameless, 4096);
	close(fd);
}

static void test_names__the_gone_are_answered_for_by_their_parent(void **state)
{
	struct scene scene;
	struct place *place;
	pid_t child;

	(void)state;
	scene_begin(&scene);
	child = start_child();
	names_add_process(scene.names, 2, child, 1);
	names_add_process(scene.names, 3, 999999999, 0);
	end_child(child);

	place = resolve(scene.names, scene.trace, 2, &data_word[1]);
	assert_string_equal(place->symbol, "data_word");
	assert_int_equal(place->proc, 2);
	place = resolve(scene.names, scene.trace, 3, &data_word[1]);
	assert_int_equal(place->kind, PLACE_GONE);

	/* What was seen while it lived is remembered. */
	end_child(scene.pid);
	scene.pid = 0;
	place = resolve(scene.names, scene.trace, 1, &data_word[3]);
	assert_string_equal(place->symbol, "data_word");
	place = resolve(scene.names, scene.trace, 77, &data_word[3]);
	assert_int_equal(place->kind, PLACE_GONE);
	scene_end(&scene);
}

static void test_names__an_exec_leaves_nothing_of_the_old_image(void **state)
{
	struct scene scene;
	struct place *place;
	int gate[2];
	pid_t pid;

	(void)state;
	scene_begin(&scene);
	assert_int_equal(pipe(gate), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(gate[1]);
		if (read(gate[0], &byte, 1) == 0)
			execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	names_add_process(scene.names, 5, pid, 1);
	close(gate[0]);
	close(gate[1]);
	usleep(200000);
	names_add_process(scene.names, 6, pid, 5);

	/* The old generation is known through its parent, the new one has other words there. */
	place = resolve(scene.names, scene.trace, 5, &data_word[1]);
	assert_string_equal(place->symbol, "data_word");
	place = resolve(scene.names, scene.trace, 6, &data_word[1]);
	assert_string_equal(place->symbol, "");
	end_child(pid);
	scene_end(&scene);
}

static void test_names__a_birth_heard_of_after_the_exec_is_the_parents(void **state)
{
	struct scene scene;
	struct place *place;
	pid_t pid;

	(void)state;
	scene_begin(&scene);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/bin/sleep", "sleep", "60", (char *)NULL);
		_exit(1);
	}
	usleep(200000);
	names_add_process(scene.names, 8, pid, 1);
	names_add_process(scene.names, 9, pid, 8);

	place = resolve(scene.names, scene.trace, 8, &data_word[1]);
	assert_string_equal(place->symbol, "data_word");
	place = resolve(scene.names, scene.trace, 9, &data_word[1]);
	assert_string_equal(place->symbol, "");
	end_child(pid);
	scene_end(&scene);
}

/* The struct of a GIL as a sub-interpreter has it on the heap. */
#define GIL_WORDS 64
#define GIL_COND 32
#define GIL_SWITCH_COND 120

static void *forge_gil(uint64_t interval_us, bool is_monotonic)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t holder = (uintptr_t)memory;
	uint32_t references = 8 | 2;

	memory += 1024;
	memcpy(memory, &interval_us, sizeof(interval_us));
	memcpy(memory + 8, &holder, sizeof(holder));
	memory[16] = 1;
	memory[24] = 100;
	if (is_monotonic) {
		memcpy(memory + GIL_COND + 36, &references, sizeof(references));
		memcpy(memory + GIL_SWITCH_COND + 36, &references, sizeof(references));
	}
	return memory;
}

static int part_of(struct scene *scene, const char *gil, size_t at, uint8_t op, uint8_t flags)
{
	struct futex_use use = use_of(gil + at, op, flags | USE_PRIVATE,
				      op		    ? 0
				      : at == GIL_COND + 16 ? 3
							    : 2);
	struct place *place = trace_add_place(scene->trace);

	names_resolve(scene->names, 1, &use, place);
	if (place->gil)
		assert_true(place->group == (uintptr_t)gil);
	return place->gil;
}

static void test_names__a_gil_outside_the_runtime_needs_the_whole_shape(void **state)
{
	char *good = forge_gil(5000, true);
	char *second = forge_gil(200, true);
	char *third = forge_gil(5000, true);
	char *plain = forge_gil(1000, false);
	char *forged = forge_gil(0, true);
	struct scene scene;
	uint64_t start;

	(void)state;
	scene_begin(&scene);

	assert_int_equal(part_of(&scene, plain, GIL_COND + 40, FUTEX_WAIT_BITSET, USE_TIMED), 0);
	assert_int_equal(part_of(&scene, forged, GIL_COND + 40, FUTEX_WAIT_BITSET, USE_TIMED), 0);
	assert_int_equal(part_of(&scene, plain, 80, FUTEX_WAIT, 0), GIL_NOT);
	/* Any of its words comes first. */
	assert_int_equal(part_of(&scene, good, 80, FUTEX_WAIT, 0), GIL_WAIT);
	assert_int_equal(part_of(&scene, good, GIL_COND + 44, FUTEX_WAIT_BITSET, USE_TIMED),
			 GIL_WAIT);
	assert_int_equal(part_of(&scene, third, GIL_COND + 16, FUTEX_WAIT, 0), GIL_WAIT);
	assert_int_equal(part_of(&scene, second, GIL_SWITCH_COND + 40, FUTEX_WAIT_BITSET, 0),
			 GIL_HAND_OVER);
	assert_int_equal(part_of(&scene, second, 168, FUTEX_WAIT, 0), GIL_HAND_OVER);
	assert_int_equal(scene.trace->places[scene.trace->place_count - 1].interpreter, 3);
	assert_false(names_gil(scene.names, 1, &start));
	scene_end(&scene);
}

static __attribute__((noinline)) void native_work(void)
{
	usleep(0);
}

static void test_names__native_code_is_named_but_not_the_library_that_it_calls(void **state)
{
	struct wait_stack stack = { .instruction = (uintptr_t)native_work + 1 };
	struct scene scene;
	char *name;

	(void)state;
	native_work();
	scene_begin(&scene);
	name = names_native(scene.names, 1, &stack);
	assert_string_equal(name, "native_work() of test_names");
	free(name);
	stack.instruction = (uintptr_t)getppid + 1;
	assert_null(names_native(scene.names, 1, &stack));
	stack.instruction = 1;
	assert_null(names_native(scene.names, 1, &stack));
	assert_null(names_native(scene.names, 77, &stack));
	scene_end(&scene);
}

static void test_names__addresses_nobody_has_do_no_harm(void **state)
{
	static const uint64_t addresses[] = { 0, 4, 0xfff, 1ULL << 46, INT64_MAX, UINT64_MAX - 3 };
	struct scene scene;

	(void)state;
	scene_begin(&scene);

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct futex_use use = { .address = addresses[i],
					 .op = FUTEX_WAIT_BITSET,
					 .flags = USE_TIMED };
		struct place *place = trace_add_place(scene.trace);

		names_resolve(scene.names, 1, &use, place);
		assert_int_equal(place->gil, GIL_NOT);
		assert_string_equal(place->symbol, "");
	}
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names__data_and_bss_have_their_symbol_and_offset),
		cmocka_unit_test(test_names__heap_stack_and_anonymous_memory_are_told_apart),
		cmocka_unit_test(test_names__shared_words_are_told_by_file_and_offset),
		cmocka_unit_test(test_names__the_gone_are_answered_for_by_their_parent),
		cmocka_unit_test(test_names__an_exec_leaves_nothing_of_the_old_image),
		cmocka_unit_test(test_names__a_birth_heard_of_after_the_exec_is_the_parents),
		cmocka_unit_test(test_names__a_gil_outside_the_runtime_needs_the_whole_shape),
		cmocka_unit_test(
			test_names__native_code_is_named_but_not_the_library_that_it_calls),
		cmocka_unit_test(test_names__addresses_nobody_has_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
