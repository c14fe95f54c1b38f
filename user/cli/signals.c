/* SPDX-License-Identifier: GPL-2.0-only */
/* Signals as two facts set by a handler and a descriptor that wakes a poll. */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cli/command.h"

static volatile sig_atomic_t first_signal;
static volatile sig_atomic_t is_from_terminal;
static int event_fd = -1;

static void handle(int number, siginfo_t *info, void *context)
{
	static const uint64_t one = 1;
	int saved_errno = errno;

	(void)context;
	if (first_signal)
		_exit(STATUS_SIGNAL + number);
	first_signal = number;
	is_from_terminal = info->si_code == SI_KERNEL;
	if (write(event_fd, &one, sizeof(one)) < 0) {
		/* Nothing to be done here: poll also returns on the signal itself. */
	}
	errno = saved_errno;
}

int signals_install(void)
{
	struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction found;

	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event_fd < 0)
		return -errno;
	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaddset(&action.sa_mask, SIGTERM);
	sigaddset(&action.sa_mask, SIGHUP);
	/* SIGINT is caught even if it was ignored: a script's "convoy attach … & kill -INT $!"
	 * finds it ignored and means it. A nohup is respected. */
	if (sigaction(SIGINT, &action, NULL) || sigaction(SIGTERM, &action, NULL) ||
	    sigaction(SIGHUP, NULL, &found) || sigaction(SIGPIPE, &ignore, NULL))
		return -errno;
	if (found.sa_handler != SIG_IGN && sigaction(SIGHUP, &action, NULL))
		return -errno;
	return 0;
}

int signals_fd(void)
{
	return event_fd;
}

int signals_first(void)
{
	return first_signal;
}

bool signals_first_is_from_terminal(void)
{
	return is_from_terminal;
}
