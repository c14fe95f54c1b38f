/* SPDX-License-Identifier: GPL-2.0-only */
/* The controller's end of the ready/line/done protocol. Not for what the lines mean. */
#include "cli/countdown_talk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/session.h"
#include "cli/signals.h"

#define NS_PER_MS 1000000ULL
#define POLL_MS 50
#define SETTLE_TRIES 5000 /* of 1 ms: on a busy machine its turn may be long in coming */
#define SETTLE_BLIND_MS 50 /* where /proc does not say what a thread waits in */
#define TALK_LINES_SHOWN 12
#define DRAIN_READS 16 /* of one descriptor, before the others are looked at again */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int make_pipe(int *ret_read, int *ret_write)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = ends[0];
	*ret_write = ends[1];
	return 0;
}

int talk_open(struct talk *talk)
{
	int err;

	*talk = (struct talk){
		.stdio = { -1, -1, -1 }, .to_fd = -1, .from_fd = -1, .errors_fd = -1
	};
	err = make_pipe(&talk->stdio[0], &talk->to_fd);
	if (!err)
		err = make_pipe(&talk->from_fd, &talk->stdio[1]);
	if (!err)
		err = make_pipe(&talk->errors_fd, &talk->stdio[2]);
	if (!err && (fcntl(talk->from_fd, F_SETFL, O_NONBLOCK) < 0 ||
		     fcntl(talk->errors_fd, F_SETFL, O_NONBLOCK) < 0))
		err = -errno;
	if (!err)
		return 0;
	talk_close(talk);
	return fail(err, "cannot make the pipes to the workload");
}

void talk_started(struct talk *talk)
{
	for (int i = 0; i < 3; i++)
		close_fd(&talk->stdio[i]);
}

void talk_close(struct talk *talk)
{
	talk_started(talk);
	close_fd(&talk->to_fd);
	close_fd(&talk->from_fd);
	close_fd(&talk->errors_fd);
}

/* Keeps the end of what comes on stderr: the line that names the error is the last one. */
static void keep_errors(struct talk *talk, const char *text, size_t length)
{
	size_t room = sizeof(talk->errors);

	if (talk->errors_length + length > room) {
		size_t drop = talk->errors_length + length - room;

		talk->errors_length -= drop;
		memmove(talk->errors, talk->errors + drop, talk->errors_length);
	}
	memcpy(talk->errors + talk->errors_length, text, length);
	talk->errors_length += length;
}

static void read_errors(struct talk *talk)
{
	char text[TALK_ERRORS_MAX / 4];

	for (int i = 0; i < DRAIN_READS && talk->errors_fd >= 0; i++) {
		ssize_t got = read(talk->errors_fd, text, sizeof(text));

		if (got < 0)
			return;
		if (got == 0)
			close_fd(&talk->errors_fd);
		keep_errors(talk, text, (size_t)got);
	}
}

/* 0: more may come; -EPIPE: no more; -EMSGSIZE: a line too long. */
static int read_input(struct talk *talk)
{
	size_t room = sizeof(talk->input) - talk->input_length;
	ssize_t got;

	if (room == 0)
		return -EMSGSIZE;
	got = read(talk->from_fd, talk->input + talk->input_length, room);
	if (got == 0)
		return -EPIPE;
	if (got > 0)
		talk->input_length += (size_t)got;
	return 0;
}

static bool take_line(struct talk *talk, char line[TALK_LINE_MAX])
{
	char *end = memchr(talk->input, '\n', talk->input_length);
	size_t length;

	if (!end)
		return false;
	length = (size_t)(end - talk->input);
	memcpy(line, talk->input, length);
	line[length] = '\0';
	talk->input_length -= length + 1;
	memmove(talk->input, end + 1, talk->input_length);
	return true;
}

static int poll_timeout(const struct chore *chore, uint64_t deadline_ns)
{
	int longest_ms = chore->step ? chore->sleep_ms(chore->context) : POLL_MS;
	uint64_t now_ns = session_now_ns();

	if (deadline_ns == 0 || deadline_ns > now_ns + (uint64_t)longest_ms * NS_PER_MS)
		return longest_ms;
	return deadline_ns > now_ns ? (int)((deadline_ns - now_ns) / NS_PER_MS) + 1 : 0;
}

/* One turn of waiting: whatever comes is read. */
static int wait_once(struct talk *talk, const struct chore *chore, uint64_t deadline_ns)
{
	struct pollfd fds[] = {
		{ .fd = talk->from_fd, .events = POLLIN },
		{ .fd = talk->errors_fd, .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = chore->fd, .events = POLLIN },
	};
	int err = 0;

	if (deadline_ns && session_now_ns() >= deadline_ns)
		return -ETIME;
	if (poll(fds, 4, poll_timeout(chore, deadline_ns)) < 0 && errno != EINTR)
		return -errno;
	if (chore->step)
		err = chore->step(chore->context);
	if (!err && signals_first())
		err = -EINTR;
	if (fds[1].revents)
		read_errors(talk);
	if (!err && fds[0].revents)
		err = read_input(talk);
	return err;
}

int talk_line(struct talk *talk, const struct chore *chore, uint64_t deadline_ns,
	      char line[TALK_LINE_MAX])
{
	int err = 0;

	while (!take_line(talk, line)) {
		if (err) {
			read_errors(talk);
			return err;
		}
		err = wait_once(talk, chore, deadline_ns);
	}
	return 0;
}

int talk_drain(struct talk *talk, const struct chore *chore, uint64_t deadline_ns)
{
	int err;

	do {
		talk->input_length = 0;
		err = wait_once(talk, chore, deadline_ns);
	} while (!err);
	read_errors(talk);
	return err == -EPIPE ? 0 : err;
}

int talk_go(struct talk *talk)
{
	return write(talk->to_fd, "\n", 1) == 1 ? 0 : -errno;
}

static bool says_syscalls(pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/syscall", pid);

	return access(path, R_OK) == 0;
}

/* "0 0x0 …": in read(2), of descriptor 0. */
static bool reads_input(pid_t pid, const char *tid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task/%s/syscall", pid, tid);
	char text[64] = "";
	char expected[32];
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (!fgets(text, sizeof(text), file))
		text[0] = '\0';
	fclose(file);
	snprintf(expected, sizeof(expected), "%d 0x0 ", SYS_read);
	return strncmp(text, expected, strlen(expected)) == 0;
}

static bool any_reads_input(pid_t pid)
{
	char *path OWNED(mem_freep) = xasprintf("/proc/%d/task", pid);
	DIR *tasks = opendir(path);
	const struct dirent *entry;
	bool is_found = false;

	if (!tasks)
		return false;
	while (!is_found && (entry = readdir(tasks)) != NULL)
		is_found = entry->d_name[0] != '.' && reads_input(pid, entry->d_name);
	closedir(tasks);
	return is_found;
}

void talk_settle(pid_t pid)
{
	bool can_see = says_syscalls(pid);

	if (!can_see)
		poll(NULL, 0, SETTLE_BLIND_MS);
	for (int i = 0; can_see && i < SETTLE_TRIES && !any_reads_input(pid); i++)
		poll(NULL, 0, 1);
	/* It is there; let what woke with it come to rest too. */
	poll(NULL, 0, 1);
}

/* Where the last lines begin. */
static const char *last_lines(const char *text, size_t length)
{
	const char *begin = text + length;
	int lines = 0;

	while (begin > text && (begin[-1] != '\n' || lines++ <= TALK_LINES_SHOWN))
		begin--;
	return begin;
}

void talk_show_errors(const struct talk *talk)
{
	const char *end = talk->errors + talk->errors_length;
	const char *text = last_lines(talk->errors, talk->errors_length);

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = newline ? (size_t)(newline - text) : (size_t)(end - text);

		(void)!fail_plain(0, "  | %.*s", (int)length, text);
		text += length + (newline != NULL);
	}
}
