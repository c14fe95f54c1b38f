/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The address space of a process: its mappings as /proc shows them, the files behind them, and
 * small pieces of its memory. Everything is bounded; nothing stops the process. Not for what the
 * files say (names/elf_symbols.h).
 */
#ifndef CONVOY_NAMES_ADDRSPACE_H
#define CONVOY_NAMES_ADDRSPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Told apart by what /proc/PID/stat says: a process number and even an image can be followed by
 * another. All 0: the process is gone. */
struct image {
	uint64_t start_ticks; /* when the process began */
	uint64_t code; /* where its program lies and its stack starts: another after an exec */
	uint64_t stack;
};

void image_read(pid_t pid, struct image *ret_image);
bool image_is_same(const struct image *a, const struct image *b);
/* A thread group whose image can be read; false for the dead and for zombies. */
bool image_is_known(const struct image *image);

struct mapping {
	uint64_t start;
	uint64_t end;
	uint64_t offset; /* in the file */
	uint64_t dev;
	uint64_t inode; /* 0: no file */
	bool is_readable;
	bool is_writable;
	bool is_executable;
	bool is_shared;
	const char *name; /* as /proc shows it: a path, "[heap]", "" */
};

struct addrspace {
	struct mapping *mappings; /* by address */
	size_t count;
	char *names; /* the text all names point into */
	bool is_truncated; /* there were more than are kept */
};

/* Reads /proc/PID/maps. 0, -ESRCH if the process is gone or has no memory, or another errno. */
int addrspace_init(struct addrspace *space, pid_t pid);
void addrspace_release(struct addrspace *space);
/* The mapping that contains the address, or NULL. */
const struct mapping *addrspace_find(const struct addrspace *space, uint64_t address);
/*
 * The mapping of the file that a word belongs to: its own, or, for the anonymous end of a
 * program's data, the file mapping it continues. NULL if no file can be behind it.
 */
const struct mapping *addrspace_file_of(const struct addrspace *space,
					const struct mapping *mapping);

/*
 * Opens the mapped file itself for reading: only a regular file that still is the one mapped, on
 * no file system that the target may be serving. The descriptor, or negative errno.
 */
int mapping_open(const struct mapping *mapping, pid_t pid);

/*
 * Opens the perf-PID.map that a JIT compiler in the process may have left in /tmp of its root:
 * only a regular file of the process's user, without another name, no larger than that, on no file
 * system that the target may be serving. The descriptor, or negative errno (-ENOENT: none).
 */
int perf_map_open(pid_t pid, uint64_t max_bytes);

#define TARGET_READ_MAX 512

/* Copies a piece of the target's memory if all of it is resident (no fault is caused). */
bool target_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size);

/*
 * The thread that waits in a system call with its stack pointer in the mapping and shortly below
 * the address; 0: none found. A mapping may hold a stack and other memory that happens to be next
 * to it, so only what is near counts.
 */
pid_t mapping_stack_of(const struct mapping *mapping, uint64_t address, pid_t pid);

/* Whether the thread is in the futex call on this word just now. */
bool thread_waits_at(pid_t pid, pid_t tid, uint64_t address);
/* Whether the thread sleeps now, and went to sleep for the last time as its voluntary switch of
 * this number (its low bits). */
bool thread_sleeps_since(pid_t pid, pid_t tid, uint32_t switches);

#endif
