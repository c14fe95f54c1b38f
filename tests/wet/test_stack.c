/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames on real stacks, calls in machine code, names of functions, and perf maps that lie. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/demangle.h"
#include "names/elf_frames.h"
#include "names/elf_read.h"
#include "names/elf_symbols.h"
#include "names/names.h"
#include "names/plt.h"

static struct call call_at_end(const char *bytes, size_t count)
{
	uint8_t code[CALL_BYTES];

	memset(code, 0x90, sizeof(code));
	memcpy(code + CALL_BYTES - count, bytes, count);
	return call_before(code, 0x1000);
}

static void test_stack__calls_are_told_by_the_bytes_before_an_address(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
		enum call_kind kind;
		uint64_t target;
	} rows[] = {
		{ "\xe8\x10\x00\x00\x00", 5, CALL_DIRECT, 0x1010 },
		{ "\xe8\xf0\xff\xff\xff", 5, CALL_DIRECT, 0xff0 },
		{ "\xff\x15\x08\x00\x00\x00", 6, CALL_SLOT, 0x1008 },
		{ "\xff\xd0", 2, CALL_INDIRECT, 0 }, /* rax */
		{ "\x41\xff\xd4", 3, CALL_INDIRECT, 0 }, /* r12 */
		{ "\xff\x50\x18", 3, CALL_INDIRECT, 0 }, /* 24(rax) */
		{ "\xff\x90\x00\x01\x00\x00", 6, CALL_INDIRECT, 0 }, /* 256(rax) */
		{ "\xff\x14\xc5\x00\x10\x40\x00", 7, CALL_INDIRECT, 0 }, /* table(,rax,8) */
		{ "\xff\x54\x24\x08", 4, CALL_INDIRECT, 0 }, /* 8(rsp) */
		{ "\xff\xe0", 2, CALL_NONE, 0 }, /* a jump */
		{ "\xff\x25\x08\x00\x00\x00", 6, CALL_NONE, 0 },
		{ "\x0f\x05", 2, CALL_NONE, 0 }, /* syscall */
		{ "\x90\x90", 2, CALL_NONE, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct call call = call_at_end(rows[i].bytes, rows[i].count);

		assert_int_equal(call.kind, rows[i].kind);
		assert_int_equal(call.target, rows[i].target);
	}
}

static void test_stack__stubs_jump_through_a_slot(void **state)
{
	static const uint8_t plain[STUB_BYTES] = { 0xff, 0x25, 0x20, 0, 0, 0, 0x68 };
	static const uint8_t marked[STUB_BYTES] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xf2,
						    0xff, 0x25, 0x20, 0,    0 };
	static const uint8_t other[STUB_BYTES] = { 0x55, 0x48, 0x89, 0xe5 };
	uint64_t slot = 0;

	(void)state;
	assert_true(stub_slot(plain, 0x1000, &slot));
	assert_int_equal(slot, 0x1026);
	assert_true(stub_slot(marked, 0x1000, &slot));
	assert_int_equal(slot, 0x102b);
	assert_false(stub_slot(other, 0x1000, &slot));
}

static void test_stack__functions_are_written_as_a_person_writes_them(void **state)
{
	static const char *const rows[][2] = {
		{ "worker", "worker" },
		{ "worker.part.0", "worker" },
		{ "worker.constprop.0.cold", "worker" },
		{ "main.worker", "main.worker" },
		{ "_ZN13ObjectMonitor6EnterIEP10JavaThread", "ObjectMonitor::EnterI" },
		{ "_ZNSt5mutex4lockEv", "std::mutex::lock" },
		{ "_ZNKSt5mutex4lockEv", "std::mutex::lock" },
		{ "_Z6workerv", "worker" },
		{ "_ZL6workerPv", "worker" },
		{ "_ZN3app5tableE", "app::table" },
		{ "_ZN3app12_GLOBAL__N_1L5tableE", "app::(anonymous)::table" },
		{ "_ZN4core3fmt5Write17h0123456789abcdefE", "core::fmt::Write" },
		{ "_ZZ4mainENKUlvE0_clEv", "main::lambda" },
		{ "_ZNSt6thread11_State_implINS_8_InvokerISt5tupleIJZ4mainEUlvE_EEEEE6_M_runEv",
		  "main::lambda" },
		{ "_ZZ10mutex_initvE11Notify_lock", "mutex_init()::Notify_lock" },
		{ "_ZGVZ10once_valuevE1v", "once_value()::v (guard)" },
		{ "_RNvMs0_NtNtCsjrHS_3std6thread4unixNtB5_6Thread4join",
		  "std::thread::unix::Thread::join" },
		/* Not for us: as they are. */
		{ "_ZNSt6vectorIiSaIiEE9push_backEOi", "_ZNSt6vectorIiSaIiEE9push_backEOi" },
		{ "_RINvNtC3std3foolE", "_RINvNtC3std3foolE" },
		{ "_Z", "_Z" },
		{ "_ZN", "_ZN" },
		{ "_ZN99999999999999999999x", "_ZN99999999999999999999x" },
		{ "_ZN9shortE", "_ZN9shortE" },
		{ "_ZZ", "_ZZ" },
		{ "_ZGVZ", "_ZGVZ" },
		{ "_R", "_R" },
		{ "", "" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		demangle(rows[i][0], text, sizeof(text));
		if (strlen(rows[i][1]) < sizeof(text))
			assert_string_equal(text, rows[i][1]);
	}
	demangle("_ZN13ObjectMonitor6EnterIEv", text, 5);
	assert_string_equal(text, "Obje");
}

/* What a child waits for, in a function with a name. */
static pthread_mutex_t child_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t child_cond = PTHREAD_COND_INITIALIZER;
static sem_t child_sem;

__attribute__((noinline)) static void wait_in_cond(void)
{
	pthread_mutex_lock(&child_mutex);
	for (;;)
		pthread_cond_wait(&child_cond, &child_mutex);
}

__attribute__((noinline)) static void wait_in_sem(void)
{
	for (;;)
		sem_wait(&child_sem);
}

__attribute__((noinline)) static void wait_in_mutex(void)
{
	pthread_mutex_lock(&child_mutex);
	for (;;)
		pthread_mutex_lock(&child_mutex);
}

static pid_t start_child(void (*body)(void))
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		body();
	}
	assert_true(pid > 0);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

struct waiter {
	uint64_t stack;
	uint64_t instruction;
	uint64_t word;
};

/* Where a child sleeps in a futex call; waits until it does. */
static struct waiter find_waiter(pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/syscall", pid);
	struct waiter waiter;

	for (int i = 0; i < 1000; i++) {
		FILE *file = fopen(path, "re");
		int fields =
			file ? fscanf(file,
				      "202 %" SCNx64 " %*s %*s %*s %*s %*s %" SCNx64 " %" SCNx64,
				      &waiter.word, &waiter.stack, &waiter.instruction)
			     : 0;

		if (file)
			fclose(file);
		if (fields == 3)
			return waiter;
		usleep(10000);
	}
	fail_msg("the child does not wait");
	return waiter;
}

static size_t read_stack(pid_t pid, uint64_t address, uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size && target_read(pid, address + done, bytes + done, 64))
		done += 64;
	return done;
}

static void check_waiter(void (*body)(void), const char *primitive, const char *caller)
{
	pid_t pid = start_child(body);
	struct names *names = names_new();
	struct waiter waiter = find_waiter(pid);
	struct place place;
	uint8_t bytes[1024];
	struct wait_stack stack = { .instruction = waiter.instruction,
				    .pointer = waiter.stack,
				    .bytes = bytes };

	place_init(&place);
	stack.size = read_stack(pid, waiter.stack, bytes, sizeof(bytes));
	assert_true(stack.size >= 256);
	names_add_process(names, 1, pid, 0);
	names_resolve_caller(names, 1, &stack, &place);
	assert_string_equal(place.primitive, primitive);
	assert_string_equal(place.caller, caller);
	assert_string_equal(place.caller_object, "test_stack");

	/* Nothing is made of a stack cut short, or of none. */
	place_release(&place);
	place_init(&place);
	stack.size = 0;
	names_resolve_caller(names, 1, &stack, &place);
	assert_string_equal(place.caller_object[0] == 't' ? place.caller_object : "", "");
	place_release(&place);
	names_free(names);
	end_child(pid);
}

/* Under a sanitizer calls of pthread functions may go through it: the program is behind. */
static void test_stack__a_wait_has_its_call_and_its_caller(void **state)
{
	(void)state;
	check_waiter(wait_in_mutex, "pthread_mutex_lock", "wait_in_mutex");
	check_waiter(wait_in_cond, "pthread_cond_wait", "wait_in_cond");
	check_waiter(wait_in_sem, "sem_wait", "wait_in_sem");
}

extern const char __ehdr_start[]; /* the linker's: where this program begins in memory */

/* Symbols may be stripped, this index is not. */
static void test_stack__functions_begin_where_the_unwinder_s_index_says(void **state)
{
	void (*const functions[])(void) = { wait_in_mutex, wait_in_cond, wait_in_sem };
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_headers headers;
	Elf64_Phdr wrong;
	uint64_t start;

	(void)state;
	assert_true(fd >= 0);
	assert_true(elf_headers_read(fd, &headers));
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		uint64_t value = (uintptr_t)functions[i] - (uintptr_t)__ehdr_start;

		assert_true(elf_frames_start(fd, &headers.frames, value, &start));
		assert_int_equal(start, value);
		assert_true(elf_frames_start(fd, &headers.frames, value + 4, &start));
		assert_int_equal(start, value);
	}
	/* Before all functions; in a file without an index, or with another thing in its place. */
	assert_false(elf_frames_start(fd, &headers.frames, 0, &start));
	wrong = headers.frames;
	wrong.p_filesz = 16;
	assert_false(elf_frames_start(fd, &wrong, start, &start));
	wrong.p_filesz = 0;
	assert_false(elf_frames_start(fd, &wrong, start, &start));
	wrong = headers.frames;
	wrong.p_offset = 0;
	assert_false(elf_frames_start(fd, &wrong, start, &start));
	close(fd);
}

static void test_stack__a_forged_stack_does_no_harm(void **state)
{
	pid_t pid = start_child(wait_in_sem);
	struct names *names = names_new();
	struct waiter waiter = find_waiter(pid);
	uint64_t words[128];
	struct wait_stack stack = { .instruction = waiter.instruction,
				    .bytes = (const uint8_t *)words,
				    .size = sizeof(words) };

	(void)state;
	names_add_process(names, 1, pid, 0);
	srand(1);
	for (int round = 0; round < 200; round++) {
		struct place place;

		for (size_t i = 0; i < 128; i++)
			words[i] =
				round % 2 ? waiter.instruction - 5000 + (unsigned int)rand() % 10000
					  : (uint64_t)rand() << 33 ^ (uint64_t)rand() << 8;
		place_init(&place);
		names_resolve_caller(names, 1, &stack, &place);
		place_release(&place);
	}
	names_free(names);
	end_child(pid);
}

/* A child with a perf map, which says whatever the test wants. */
static char *map_path(pid_t pid)
{
	return xasprintf("/tmp/perf-%d.map", pid);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void test_stack__only_a_plain_perf_map_of_the_user_is_opened(void **state)
{
	pid_t pid = start_child(wait_in_sem);
	char *path OWNED(mem_freep) = map_path(pid);
	char *other OWNED(mem_freep) = xasprintf("/tmp/convoy-test-%d", pid);
	int fd;

	(void)state;
	unlink(path);
	assert_int_equal(perf_map_open(pid, 1000), -ENOENT);
	write_file(path, "1000 10 jitted\n");
	fd = perf_map_open(pid, 1000);
	assert_true(fd >= 0);
	close(fd);

	assert_int_equal(perf_map_open(pid, 3), -EFBIG);
	assert_int_equal(link(path, other), 0);
	assert_int_equal(perf_map_open(pid, 1000), -EPERM); /* another name */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(other, path), 0);
	assert_true(perf_map_open(pid, 1000) < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(perf_map_open(pid, 1000) < 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(perf_map_open(pid, 1000) < 0);
	rmdir(path);
	if (geteuid() == 0) { /* another user's */
		write_file(path, "x");
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(perf_map_open(pid, 1000), -EPERM);
		unlink(path);
	}
	unlink(other);
	end_child(pid);
	assert_int_equal(perf_map_open(pid, 1000), -ESRCH);
}

/* Code in memory: "call *%rax", then endless waiting; its return address is the only frame. */
static uint8_t *jitted;

static void wait_with_jit(void)
{
	wait_in_sem();
}

static void test_stack__jitted_functions_have_their_map_s_name(void **state)
{
	static const char *const maps[][2] = {
		{ "%" PRIx64 " 10 first\n%" PRIx64 " 10 jitted ~f:1\n1 10 elsewhere\n",
		  "jitted ~f:1" },
		{ "nonsense\n\n%" PRIx64 " zz bad\n", "" },
	};
	uint64_t words[128] = { 0 };

	(void)state;
	jitted = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	assert_ptr_not_equal(jitted, MAP_FAILED);
	jitted[0] = 0x90;
	memcpy(jitted + 6, "\xff\xd0", 2);
	words[0] = (uintptr_t)(jitted + 8);
	for (size_t i = 0; i < 2; i++) {
		pid_t pid = start_child(wait_with_jit);
		char *path OWNED(mem_freep) = map_path(pid);
		struct names *names = names_new();
		struct wait_stack stack = { .instruction = (uintptr_t)jitted + 4,
					    .bytes = (const uint8_t *)words,
					    .size = sizeof(words) };
		struct place place;
		char text[256];

		find_waiter(pid);
		snprintf(text, sizeof(text), i ? maps[1][0] : maps[0][0], (uint64_t)words[0] - 8,
			 (uint64_t)words[0] - 8);
		write_file(path, text);
		place_init(&place);
		names_add_process(names, 1, pid, 0);
		names_resolve_caller(names, 1, &stack, &place);
		assert_string_equal(place.caller, maps[i][1]);
		place_release(&place);
		names_free(names);
		unlink(path);
		end_child(pid);
	}
	munmap(jitted, 4096);
}

static int file_of(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

/* All that a stack asks of a file. */
static size_t ask(const uint8_t *bytes, size_t size)
{
	struct elf_file *file = elf_file_open(file_of(bytes, size));
	char name[SYMBOL_NAME_MAX];
	struct elf_symbol symbol;
	uint64_t bias;
	size_t found = 0;

	if (!file)
		return 0;
	for (uint64_t value = 0; value < 0x10000; value += 8) {
		found += elf_file_slot_name(file, value, name);
		found += elf_file_function_at(file, value, &symbol);
		elf_file_function_is(file, value, "main");
		elf_file_code_bias(file, 0x10000, value, 0x10000 + value, &bias);
	}
	elf_file_close(file);
	return found;
}

static void test_stack__damaged_programs_do_no_harm(void **state)
{
	size_t size = 0;
	uint8_t *bytes OWNED(mem_freep) = xcalloc(1 << 20, 1);
	FILE *file = fopen("/bin/true", "re");

	(void)state;
	assert_non_null(file);
	size = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	assert_true(ask(bytes, size) > 10); /* slots: it is stripped */

	srand(2);
	for (int i = 0; i < 60; i++)
		ask(bytes, (size_t)rand() % size);
	for (int i = 0; i < 60; i++) {
		uint8_t *at =
			&bytes[i % 2 ? (size_t)rand() % size : size - 1 - (size_t)rand() % 2500];
		uint8_t old = *at;

		*at = (uint8_t)rand();
		ask(bytes, size);
		*at = old;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack__calls_are_told_by_the_bytes_before_an_address),
		cmocka_unit_test(test_stack__stubs_jump_through_a_slot),
		cmocka_unit_test(test_stack__functions_are_written_as_a_person_writes_them),
		cmocka_unit_test(test_stack__a_wait_has_its_call_and_its_caller),
		cmocka_unit_test(test_stack__functions_begin_where_the_unwinder_s_index_says),
		cmocka_unit_test(test_stack__a_forged_stack_does_no_harm),
		cmocka_unit_test(test_stack__damaged_programs_do_no_harm),
		cmocka_unit_test(test_stack__only_a_plain_perf_map_of_the_user_is_opened),
		cmocka_unit_test(test_stack__jitted_functions_have_their_map_s_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
