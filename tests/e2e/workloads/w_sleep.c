/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One thread each sleeps in nanosleep, poll, epoll_wait, select and read from a pipe, a known time:
 * w_sleep [--ms N]. The role is the name of the call.
 */
#include "w.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

static uint64_t ms;
static int pipe_fds[2];

static void do_nanosleep(void)
{
	w_rest(ms * W_MS);
}

static void do_poll(void)
{
	poll(NULL, 0, (int)ms);
}

static void do_epoll(void)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC);

	w_check(fd >= 0, "epoll_create1");
	epoll_wait(fd, &event, 1, (int)ms);
	close(fd);
}

static void do_read(void)
{
	char byte;

	w_check(read(pipe_fds[0], &byte, 1) == 1, "read");
}

static const struct {
	const char *role;
	void (*sleep)(void);
} sleepers[] = {
	{ "nanosleep", do_nanosleep },
	{ "poll", do_poll },
	{ "epoll", do_epoll },
	{ "read", do_read },
};

#define SLEEPERS (sizeof(sleepers) / sizeof(sleepers[0]))
static struct w_truth truths[SLEEPERS];

static void *fall_asleep(void *argument)
{
	size_t number = (size_t)(uintptr_t)argument;

	w_begin(&truths[number], sleepers[number].role, NULL);
	w_wait_begins(&truths[number]);
	sleepers[number].sleep();
	w_wait_ends(&truths[number]);
	w_end(&truths[number]);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[SLEEPERS];

	ms = w_number(argc, argv, "--ms", 200);
	w_check(!pipe(pipe_fds), "pipe");
	for (size_t i = 0; i < SLEEPERS; i++)
		threads[i] = w_start(fall_asleep, (void *)(uintptr_t)i);
	w_rest(ms * W_MS);
	w_check(write(pipe_fds[1], "", 1) == 1, "write");
	for (size_t i = 0; i < SLEEPERS; i++)
		w_join(threads[i]);
	for (size_t i = 0; i < SLEEPERS; i++)
		w_say(&truths[i]);
	return 0;
}
