/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The controller's end of the ready/line/done protocol: the pipes of a child, its lines, its
 * complaints. Not for what the lines mean. The other end is not trusted: lines are bounded, what it
 * says on stderr is kept in part.
 */
#ifndef CONVOY_CLI_COUNTDOWN_TALK_H
#define CONVOY_CLI_COUNTDOWN_TALK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TALK_LINE_MAX 1024
#define TALK_ERRORS_MAX 4096

struct talk {
	int stdio[3]; /* the child's ends, -1 once they are its own only */
	int to_fd; /* -1: closed */
	int from_fd;
	int errors_fd;
	char input[TALK_LINE_MAX]; /* read, not yet given out */
	size_t input_length;
	char errors[TALK_ERRORS_MAX]; /* the last of what it said on stderr */
	size_t errors_length;
};

/* What has to go on while the child is waited for: a session's step. Returns 0 to go on. */
struct chore {
	int fd; /* to poll, -1: none */
	int (*step)(void *context); /* NULL: none */
	int (*sleep_ms)(void *context); /* the longest time between two steps; with step */
	void *context;
};

/* Makes the pipes. 0 or negative errno, printed. */
int talk_open(struct talk *talk);
/* Call once the child has its ends: an end of file can be seen from now on. */
void talk_started(struct talk *talk);
void talk_close(struct talk *talk);

/*
 * The next line without its end, at most TALK_LINE_MAX - 1 bytes, in `line`. 0; -EPIPE: it will
 * say no more; -EINTR: convoy was asked to end; -ETIME: nothing before the deadline (0: none);
 * -EMSGSIZE: no line; or what the chore returned.
 */
int talk_line(struct talk *talk, const struct chore *chore, uint64_t deadline_ns,
	      char line[TALK_LINE_MAX]);
/* Waits for the child to close its end, reading what it still says. As talk_line; 0 at the end. */
int talk_drain(struct talk *talk, const struct chore *chore, uint64_t deadline_ns);
/* Gives the child the line it waits for. 0 or negative errno. */
int talk_go(struct talk *talk);

/*
 * Waits until a thread of the process is blocked reading its standard input, so that the line finds
 * it there; gives up after a while.
 */
void talk_settle(pid_t pid);

/* Shows the last lines of what the child said on stderr, marked as its own. */
void talk_show_errors(const struct talk *talk);

#endif
