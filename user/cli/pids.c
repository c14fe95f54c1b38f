/* SPDX-License-Identifier: GPL-2.0-only */
/* Process numbers checked against /proc before anything is loaded for them. */
#include "cli/pids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"

#define PID_LIMIT (1u << 22) /* the largest pid_max */
#define KERNEL_THREAD 0x00200000u /* PF_KTHREAD of the flags in stat */

/* Reads a small file of /proc/PID as a string; false if there is none. */
static bool read_proc(pid_t pid, const char *name, char *buffer, size_t size)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, buffer, size - 1);
	close(fd);
	buffer[length > 0 ? length : 0] = '\0';
	return length > 0;
}

/* The process a thread number belongs to; the number itself if it is a process. */
static pid_t process_of(pid_t pid)
{
	char text[4096];
	const char *field;

	if (!read_proc(pid, "status", text, sizeof(text)))
		return pid;
	field = strstr(text, "\nTgid:");
	return field ? (pid_t)strtol(field + strlen("\nTgid:"), NULL, 10) : pid;
}

static int check_kind(pid_t pid)
{
	char stat[1024];
	const char *fields;
	char state = '?';
	unsigned int flags = 0;

	if (!read_proc(pid, "stat", stat, sizeof(stat)))
		return fail_plain(-ESRCH, "no process %d: it may have ended", (int)pid);
	/* The name may hold blanks and brackets; what follows the last bracket is numbers. */
	fields = strrchr(stat, ')');
	if (!fields || sscanf(fields, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return fail_plain(-EPROTO, "cannot read /proc/%d/stat", (int)pid);
	if (state == 'Z' || state == 'X')
		return fail_plain(-ESRCH, "process %d has ended and waits for its parent",
				  (int)pid);
	if (flags & KERNEL_THREAD)
		return fail_plain(-EINVAL,
				  "process %d is a kernel thread: convoy observes programs",
				  (int)pid);
	return 0;
}

static int check(pid_t pid)
{
	pid_t process = process_of(pid);

	if (pid == getpid())
		return fail_plain(-EINVAL, "process %d is convoy itself", (int)pid);
	if (process != pid)
		return fail_plain(-EINVAL, "%d is a thread of process %d: use -p %d", (int)pid,
				  (int)process, (int)process);
	return check_kind(pid);
}

static bool has(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

static uid_t user_of(pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d", (int)pid);
	struct stat found;

	return stat(path, &found) == 0 ? found.st_uid : geteuid();
}

static int read_word(const char *word, struct pids *pids)
{
	uint64_t number;
	int err;

	if (parse_count(word, 1, PID_LIMIT, &number))
		return fail_plain(-EINVAL,
				  "'%s' is not a process number: -p takes numbers, like 1234,1240",
				  word);
	err = check((pid_t)number);
	if (err || has(pids, (pid_t)number))
		return err;
	*(pid_t *)array_add(&pids->items, &pids->count, sizeof(*pids->items)) = (pid_t)number;
	return 0;
}

int pids_read(const struct text_list *words, struct pids *ret_pids)
{
	for (size_t i = 0; i < words->count; i++) {
		int err = read_word(words->items[i], ret_pids);

		if (err)
			return err;
	}
	if (ret_pids->count)
		ret_pids->first_uid = user_of(ret_pids->items[0]);
	return 0;
}

void pids_release(struct pids *pids)
{
	free(pids->items);
	*pids = (struct pids){ 0 };
}
