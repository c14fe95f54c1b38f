/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The held child: what happens in it between fork and exec, and what convoy hears of it. The two
 * talk over a socket (a byte releases, its end means convoy is gone) and a pipe (reports).
 */
#include "capture/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"
#include "capture/run_as.h"

#define FIRST_FREE_FD 3
#define EXIT_NOT_STARTED 127

enum stage {
	STAGE_STDIO,
	STAGE_SIGNALS,
	STAGE_USER,
	STAGE_DESCRIPTORS,
	STAGE_READY, /* held: waits for its release */
	STAGE_EXEC,
};

static const char *const stage_text[] = {
	[STAGE_STDIO] = "cannot set up standard input and output of '%s'",
	[STAGE_SIGNALS] = "cannot restore signals and limits for '%s'",
	[STAGE_USER] = "cannot change the user that '%s' runs as",
	[STAGE_DESCRIPTORS] = "cannot close convoy's descriptors in '%s'",
};

/* Comes through the error pipe in one piece. */
struct report {
	int32_t stage;
	int32_t err;
};

/* As convoy found it; filled by spawn_remember_signals, read-only after. */
static struct {
	bool is_known;
	sigset_t mask;
	bool is_ignored[_NSIG];
	bool has_limit[RLIM_NLIMITS];
	struct rlimit limits[RLIM_NLIMITS];
} found;

void spawn_remember_signals(void)
{
	struct sigaction action;

	sigprocmask(SIG_SETMASK, NULL, &found.mask);
	for (int number = 1; number < _NSIG; number++)
		found.is_ignored[number] =
			sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
	for (unsigned int limit = 0; limit < RLIM_NLIMITS; limit++)
		found.has_limit[limit] = getrlimit(limit, &found.limits[limit]) == 0;
	found.is_known = true;
	/* Ignored, it would have the kernel reap the command and its status be lost. */
	if (found.is_ignored[SIGCHLD])
		signal(SIGCHLD, SIG_DFL);
}

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void report(int fd, enum stage stage, int err)
{
	struct report message = { .stage = stage, .err = err };

	if (write(fd, &message, sizeof(message)) != sizeof(message))
		_exit(EXIT_NOT_STARTED);
}

/* Whole message, 0 at end of file. */
static ssize_t report_read(int fd, struct report *ret_report)
{
	ssize_t got;

	do {
		got = read(fd, ret_report, sizeof(*ret_report));
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return got == 0 || got == sizeof(*ret_report) ? got : -EPROTO;
}

/* First out of the way of 0, 1, 2: the three may be given in any order. */
static int child_stdio(const int stdio[3])
{
	int moved[3];

	for (int i = 0; i < 3; i++) {
		moved[i] = stdio[i] < 0 ? -1 : fcntl(stdio[i], F_DUPFD_CLOEXEC, FIRST_FREE_FD);
		if (stdio[i] >= 0 && moved[i] < 0)
			return -errno;
	}
	for (int i = 0; i < 3; i++)
		if (moved[i] >= 0 && dup2(moved[i], i) < 0)
			return -errno;
	return 0;
}

/* Handlers become defaults at exec anyway, but not before: none of convoy's may run here. */
static int child_signals(void)
{
	struct sigaction action = { 0 };

	for (int number = 1; number < _NSIG; number++) {
		if (number == SIGKILL || number == SIGSTOP)
			continue;
		action.sa_handler = found.is_ignored[number] ? SIG_IGN : SIG_DFL;
		/* The two that the C library keeps for itself cannot be set. */
		if (sigaction(number, &action, NULL) < 0 && errno != EINVAL)
			return -errno;
	}
	for (unsigned int limit = 0; limit < RLIM_NLIMITS; limit++)
		if (found.has_limit[limit] && setrlimit(limit, &found.limits[limit]) < 0)
			return -errno;
	return sigprocmask(SIG_SETMASK, &found.mask, NULL) < 0 ? -errno : 0;
}

static int close_range_of(int first, int last)
{
	if (first > last)
		return 0;
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/* Where close_range is missing or forbidden. */
static int close_listed(int keep_low, int keep_high)
{
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry;

	if (!list)
		return -errno;
	while ((entry = readdir(list)) != NULL) {
		uint64_t fd;

		if (parse_count(entry->d_name, FIRST_FREE_FD, INT32_MAX, &fd) < 0)
			continue;
		if ((int)fd != dirfd(list) && (int)fd != keep_low && (int)fd != keep_high)
			close((int)fd);
	}
	closedir(list);
	return 0;
}

static int child_close(int keep_a, int keep_b)
{
	int low = keep_a < keep_b ? keep_a : keep_b;
	int high = keep_a < keep_b ? keep_b : keep_a;

	if (close_range_of(FIRST_FREE_FD, low - 1) == 0 && close_range_of(low + 1, high - 1) == 0 &&
	    close_range_of(high + 1, INT32_MAX) == 0)
		return 0;
	return close_listed(low, high);
}

/* The ends of one held child. */
struct ends {
	int release_here;
	int release_there;
	int error_here;
	int error_there;
};

static int child_prepare(const struct ends *ends, const struct run_as *as, const int stdio[3],
			 enum stage *ret_stage)
{
	int err;

	*ret_stage = STAGE_STDIO;
	err = child_stdio(stdio);
	if (err < 0)
		return err;
	*ret_stage = STAGE_SIGNALS;
	err = child_signals();
	if (err < 0)
		return err;
	/* Before the descriptors: looking up groups may leave one open. */
	*ret_stage = STAGE_USER;
	err = run_as_become(as);
	if (err < 0)
		return err;
	*ret_stage = STAGE_DESCRIPTORS;
	return child_close(ends->release_there, ends->error_there);
}

static _Noreturn void child_run(const struct ends *ends, char *const argv[],
				const struct run_as *as, const int stdio[3])
{
	enum stage stage;
	int err = child_prepare(ends, as, stdio, &stage);
	ssize_t got;
	char byte;

	if (err < 0) {
		report(ends->error_there, stage, -err);
		_exit(EXIT_NOT_STARTED);
	}
	report(ends->error_there, STAGE_READY, 0);
	do {
		got = recv(ends->release_there, &byte, 1, 0);
	} while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(EXIT_NOT_STARTED);
	execvp(argv[0], argv);
	report(ends->error_there, STAGE_EXEC, errno);
	_exit(EXIT_NOT_STARTED);
}

/* Out of the way of 0, 1, 2, should convoy have been started without them. */
static int fd_raise(int fd)
{
	int raised;

	if (fd >= FIRST_FREE_FD)
		return fd;
	raised = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
	close(fd);
	return raised;
}

static void ends_release(struct ends *ends)
{
	fd_closep(&ends->release_here);
	fd_closep(&ends->release_there);
	fd_closep(&ends->error_here);
	fd_closep(&ends->error_there);
}

static int ends_init(struct ends *ends)
{
	int pair[2];

	*ends = (struct ends){ -1, -1, -1, -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ends->release_here = fd_raise(pair[0]);
	ends->release_there = fd_raise(pair[1]);
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	ends->error_here = fd_raise(pair[0]);
	ends->error_there = fd_raise(pair[1]);
	if (ends->release_here < 0 || ends->release_there < 0 || ends->error_here < 0 ||
	    ends->error_there < 0)
		return -EMFILE;
	return 0;
}

/* All signals wait until the child has put its own dispositions in place. */
static pid_t fork_blocked(const struct ends *ends, char *const argv[], const struct run_as *as,
			  const int stdio[3])
{
	sigset_t all;
	sigset_t before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child_run(ends, argv, as, stdio);
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static int wait_dead(pid_t pid, int *ret_status)
{
	pid_t dead;

	do {
		dead = waitpid(pid, ret_status, 0);
	} while (dead < 0 && errno == EINTR);
	return dead < 0 ? -errno : 0;
}

/* Hears whether the child stands ready. */
static int wait_ready(const struct spawn *spawn, const char *command)
{
	struct report message = { 0 };
	ssize_t got = report_read(spawn->error_fd, &message);

	if (got < 0)
		return fail((int)got, "cannot hear from the child for '%s'", command);
	if (got == 0)
		return fail_plain(-ECHILD, "'%s' was killed before it started", command);
	if (message.stage == STAGE_READY)
		return 0;
	if (message.stage < 0 || message.stage > STAGE_READY)
		return fail_plain(-EPROTO, "cannot start '%s': unknown report", command);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return fail(-message.err, stage_text[message.stage], command);
#pragma GCC diagnostic pop
}

int spawn_hold(struct spawn *spawn, char *const argv[], const struct run_as *as, const int stdio[3])
{
	struct ends ends OWNED(ends_release);
	int err = ends_init(&ends);

	*spawn = (struct spawn){ .pidfd = -1, .release_fd = -1, .error_fd = -1 };
	if (err < 0)
		return fail(err, "cannot make the pipes for '%s'", argv[0]);
	if (!found.is_known)
		spawn_remember_signals();
	spawn->pid = fork_blocked(&ends, argv, as, stdio);
	if (spawn->pid < 0) {
		err = spawn->pid;
		spawn->pid = 0;
		return fail(err, "cannot fork for '%s'", argv[0]);
	}
	spawn->release_fd = ends.release_here;
	spawn->error_fd = ends.error_here;
	ends.release_here = -1;
	ends.error_here = -1;
	fd_closep(&ends.error_there); /* or its end of file would never come */
	fd_closep(&ends.release_there);
	spawn->pidfd = pidfd_open(spawn->pid, 0);
	err = spawn->pidfd < 0 ? fail(-errno, "cannot open a pidfd of '%s'", argv[0])
			       : wait_ready(spawn, argv[0]);
	if (err < 0)
		spawn_close(spawn);
	return err;
}

int spawn_release(struct spawn *spawn)
{
	struct report message = { 0 };
	ssize_t got;
	int status;

	/* A child killed meanwhile cannot take it: the end of file below says so. */
	if (send(spawn->release_fd, "r", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		return -errno;
	got = report_read(spawn->error_fd, &message);
	fd_closep(&spawn->release_fd);
	fd_closep(&spawn->error_fd);
	if (got <= 0)
		return (int)got;
	wait_dead(spawn->pid, &status);
	spawn->pid = 0;
	return message.err > 0 ? -message.err : -EPROTO;
}

int spawn_reap(struct spawn *spawn)
{
	int status;

	if (spawn->pid <= 0 || waitpid(spawn->pid, &status, WNOHANG) != spawn->pid)
		return -1;
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

void spawn_close(struct spawn *spawn)
{
	int status;

	if (spawn->pid > 0 && spawn->release_fd >= 0) {
		kill(spawn->pid, SIGKILL); /* not reaped yet: the number is still its own */
		wait_dead(spawn->pid, &status);
	}
	fd_closep(&spawn->release_fd);
	fd_closep(&spawn->error_fd);
	fd_closep(&spawn->pidfd);
	spawn->pid = 0;
}
