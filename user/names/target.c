/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reaching for what a mapping holds: its file and its memory. The target may be hostile: a file
 * may be a device or served by the target itself, a page may fault for ever.
 */
#include "names/addrspace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"

#define PAGE_PRESENT (1ULL << 63)
#define PAGE_FILLED (1ULL << 62) /* swapped out: reading it would wait for the disk */
#define MOUNTS_MAX 16384
#define MOUNT_POINT_MAX 255
#define TASKS_MAX 256
#define STACK_NEAR_BYTES (16U << 10)

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Whether the path leads to the mount point or below it. */
static bool leads_to(const char *path, const char *mount_point)
{
	size_t length = strlen(mount_point);

	if (length == 1)
		return true;
	return !strncmp(path, mount_point, length) && (path[length] == '/' || path[length] == '\0');
}

/*
 * Reading a file of a FUSE file system waits for whoever serves it, which may be the target.
 * Asking the file itself would wait too: the list of mounts does not. The file is told by its
 * device, or, where path is not NULL, by its path in the target's root.
 */
static bool is_served_by_user(pid_t pid, uint64_t dev, const char *file_path)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/mountinfo", pid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char *line OWNED(mem_freep) = NULL;
	size_t size = 0;

	for (int i = 0; file && i < MOUNTS_MAX && getline(&line, &size, file) > 0; i++) {
		const char *type = strstr(line, " - ");
		unsigned int major_number;
		unsigned int minor_number;
		char point[MOUNT_POINT_MAX + 1];

		if (!type || strncmp(type, " - fuse", 7) != 0 ||
		    sscanf(line, "%*d %*d %u:%u %*s %255s", &major_number, &minor_number, point) !=
			    3)
			continue;
		if (file_path ? leads_to(file_path, point)
			      : makedev(major_number, minor_number) == dev)
			return true;
	}
	return !file;
}

/* O_PATH touches neither a device nor a FIFO. */
static int open_mapped(const struct mapping *mapping, pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid,
						mapping->start, mapping->end);
	int fd = open(path, O_PATH | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_in_root(pid_t pid, const char *name)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/root", pid);
	int root OWNED(fd_closep) = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (root < 0)
		return -errno;
	fd = syscall(SYS_openat2, root, name, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int reopen(int fd)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/self/fd/%d", fd);
	int opened = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return opened < 0 ? -errno : opened;
}

static int reopen_regular(int fd, uint64_t inode)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_ino != inode)
		return -EINVAL;
	return reopen(fd);
}

int mapping_open(const struct mapping *mapping, pid_t pid)
{
	int fd OWNED(fd_closep) = -1;

	if (mapping->inode == 0 || mapping->name[0] != '/')
		return -EINVAL;
	if (is_served_by_user(pid, mapping->dev, NULL))
		return -EPERM;
	fd = open_mapped(mapping, pid);
	if (fd < 0)
		fd = open_in_root(pid, mapping->name); /* map_files may not be followed */
	if (fd < 0)
		return fd;
	return reopen_regular(fd, mapping->inode);
}

/* The user a process acts as, and its number in its own PID namespace. */
static bool read_status(pid_t pid, uid_t *ret_uid, pid_t *ret_own_pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/status", pid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char *line OWNED(mem_freep) = NULL;
	bool has_uid = false;
	size_t size = 0;

	*ret_own_pid = 0;
	while (file && getline(&line, &size, file) > 0) {
		const char *last = strrchr(line, '\t');

		has_uid |= sscanf(line, "Uid: %*u %u", ret_uid) == 1;
		if (!strncmp(line, "NSpid:", 6) && last)
			*ret_own_pid = (pid_t)strtol(last, NULL, 10);
	}
	return has_uid && *ret_own_pid > 0;
}

int perf_map_open(pid_t pid, uint64_t max_bytes)
{
	int fd OWNED(fd_closep) = -1;
	char *name OWNED(mem_freep) = NULL;
	struct stat status;
	pid_t own_pid;
	uid_t uid;

	if (!read_status(pid, &uid, &own_pid))
		return -ESRCH;
	name = xasprintf("/tmp/perf-%d.map", own_pid);
	if (is_served_by_user(pid, 0, name))
		return -EPERM;
	fd = open_in_root(pid, name);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != uid)
		return -EPERM;
	if ((uint64_t)status.st_size > max_bytes)
		return -EFBIG;
	return reopen(fd);
}

/* A page that is not there would fault, and the target may have arranged that this never ends. */
static bool is_resident(pid_t pid, uint64_t address, size_t size)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/pagemap", pid);
	int fd OWNED(fd_closep) = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t first = address / page_bytes;
	uint64_t last = (address + size - 1) / page_bytes;

	if (fd < 0)
		return false;
	for (uint64_t page = first; page <= last; page++) {
		uint64_t entry;

		if (pread(fd, &entry, sizeof(entry), (off_t)(page * sizeof(entry))) !=
		    sizeof(entry))
			return false;
		if (!(entry & PAGE_PRESENT) || (entry & PAGE_FILLED))
			return false;
	}
	return true;
}

bool target_read(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	struct iovec local = { .iov_base = ret_bytes, .iov_len = size };
	struct iovec remote = { .iov_base = (void *)(uintptr_t)address, .iov_len = size };

	if (size == 0 || size > TARGET_READ_MAX || address > INT64_MAX - size)
		return false;
	if (!is_resident(pid, address, size))
		return false;
	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* "NUMBER ARG0 … ARG5 SP PC" of a thread in a system call, "running" of any other. */
static bool thread_stack_pointer(pid_t pid, pid_t tid, uint64_t *ret_pointer)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%d/syscall", pid, tid);
	FILE *file OWNED(file_closep) = fopen(path, "re");

	return file && fscanf(file, "%*d %*s %*s %*s %*s %*s %*s %" SCNx64, ret_pointer) == 1;
}

bool thread_waits_at(pid_t pid, pid_t tid, uint64_t address)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%d/syscall", pid, tid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	uint64_t first;
	int number;

	return file && fscanf(file, "%d %" SCNx64, &number, &first) == 2 && number == SYS_futex &&
	       first == address;
}

bool thread_sleeps_since(pid_t pid, pid_t tid, uint32_t switches)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%d/status", pid, tid);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char line[256], state = '?';
	uint64_t voluntary;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "State: %c", &state) == 1 && state != 'S')
			return false;
		if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &voluntary) == 1)
			return state == 'S' && (uint32_t)voluntary == switches;
	}
	return false;
}

pid_t mapping_stack_of(const struct mapping *mapping, uint64_t address, pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task", pid);
	DIR *tasks OWNED(dir_closep) = opendir(path);
	const struct dirent *entry;
	int seen = 0;

	while (tasks && seen < TASKS_MAX && (entry = readdir(tasks)) != NULL) {
		uint64_t stack;
		uint64_t tid;

		if (parse_count(entry->d_name, 1, INT32_MAX, &tid) < 0)
			continue;
		seen++;
		if (thread_stack_pointer(pid, (pid_t)tid, &stack) && stack >= mapping->start &&
		    stack <= address && address - stack < STACK_NEAR_BYTES)
			return (pid_t)tid;
	}
	return 0;
}
