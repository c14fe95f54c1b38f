/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that reach for the outside, answered from the input (the linker's --wrap leads them here).
 * The fuzzer's own calls, between inputs, go where they always went.
 */
#include "world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "names/addrspace.h"

static const uint8_t *world;
static size_t world_size;
static struct part memory; /* the part of it */
static bool is_world;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
int __wrap_mapping_open(const struct mapping *mapping, pid_t pid);
int __wrap_perf_map_open(pid_t pid, uint64_t max_bytes);
bool __wrap_target_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size);

#define MARK "=== "

static const uint8_t *find_mark(const uint8_t *from, const uint8_t *end)
{
	return memmem(from, (size_t)(end - from), "\n" MARK, strlen("\n" MARK));
}

/* The part whose mark is at `at`, if it has the name. *ret_next: the next mark, NULL: none. */
static struct part part_at(const uint8_t *at, const uint8_t *end, const char *name,
			   const uint8_t **ret_next)
{
	const uint8_t *title = at + strlen(MARK);
	const uint8_t *line_end = memchr(title, '\n', (size_t)(end - title));
	const uint8_t *next = line_end ? find_mark(line_end, end) : NULL;
	size_t length = strlen(name);

	*ret_next = next ? next + 1 : NULL;
	if (!line_end || (size_t)(line_end - title) != length || memcmp(title, name, length) != 0)
		return (struct part){ 0 };
	return (struct part){ line_end + 1, (size_t)((next ? next + 1 : end) - line_end - 1) };
}

struct part part_find(const uint8_t *input, size_t size, const char *name)
{
	const uint8_t *end = input + size, *at = NULL;

	if (size >= strlen(MARK) && !memcmp(input, MARK, strlen(MARK)))
		at = input;
	while (at) {
		struct part part = part_at(at, end, name, &at);

		if (part.bytes)
			return part;
	}
	return (struct part){ 0 };
}

void world_begin(const uint8_t *input, size_t size)
{
	world = input;
	world_size = size;
	memory = part_find(input, size, "memory");
	is_world = true;
}

void world_end(void)
{
	is_world = false;
}

int world_file(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || pwrite(fd, bytes, size, 0) != (ssize_t)size)
		abort();
	return fd;
}

static ssize_t swallow(void *cookie, const char *bytes, size_t size)
{
	(void)cookie;
	(void)bytes;
	return (ssize_t)size;
}

FILE *world_sink(void)
{
	return fopencookie(NULL, "w", (cookie_io_functions_t){ .write = swallow });
}

static struct part part_of_path(const char *path)
{
	const char *slash = strrchr(path, '/');

	return part_find(world, world_size, slash ? slash + 1 : path);
}

static int open_part(const char *path)
{
	struct part part = part_of_path(path);

	errno = ENOENT;
	return part.bytes ? world_file(part.bytes, part.size) : -1;
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
	int fd;

	if (!is_world)
		return __real_fopen(path, mode);
	fd = open_part(path);
	return fd < 0 ? NULL : fdopen(fd, "r");
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (is_world && !(flags & O_DIRECTORY))
		return open_part(path);
	return __real_open(is_world ? "/" : path, flags, mode);
}

/* Only trace directories are read so. */
int __wrap_openat(int dir, const char *name, int flags, ...)
{
	(void)dir;
	(void)flags;
	return open_part(name);
}

/* Of directories only those of threads are listed. */
DIR *__wrap_opendir(const char *path)
{
	return __real_opendir(is_world ? "/proc/self/task" : path);
}

int __wrap_access(const char *path, int mode)
{
	return is_world ? 0 : __real_access(path, mode);
}

int __wrap_mapping_open(const struct mapping *mapping, pid_t pid)
{
	int fd = open_part("elf");

	(void)mapping;
	(void)pid;
	return fd < 0 ? -ENOENT : fd;
}

int __wrap_perf_map_open(pid_t pid, uint64_t max_bytes)
{
	int fd = open_part("perf.map");

	(void)pid;
	(void)max_bytes;
	return fd < 0 ? -ENOENT : fd;
}

bool __wrap_target_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	uint64_t at = address - WORLD_MEMORY;

	(void)pid;
	if (size == 0 || size > TARGET_READ_MAX || address < WORLD_MEMORY || at > memory.size ||
	    size > memory.size - at)
		return false;
	memcpy(ret_bytes, memory.bytes + at, size);
	return true;
}
