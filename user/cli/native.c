/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The work of the countdown's native variants, as a hidden command: C threads that count free, or
 * under one mutex. Speaks like the workload script: ready, a line, the work, done, a line. Not for
 * measuring.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/count_loop.h"
#include "cli/countdown_native.h"

#define WORKERS_MAX 10000
#define LOCKED_COUNT 10000 /* counted each time the mutex is held: some µs */

struct native_work {
	uint64_t count;
	pthread_mutex_t *lock; /* NULL: none */
};

static pthread_mutex_t native_mutex = PTHREAD_MUTEX_INITIALIZER;

static void count_locked(const struct native_work *work)
{
	for (uint64_t left = work->count; left > 0;) {
		uint64_t part = left < LOCKED_COUNT ? left : LOCKED_COUNT;

		pthread_mutex_lock(work->lock);
		count_loop(part);
		pthread_mutex_unlock(work->lock);
		left -= part;
	}
}

static void *native_worker(void *argument)
{
	const struct native_work *work = argument;

	if (work->lock)
		count_locked(work);
	else
		count_loop(work->count);
	return NULL;
}

static int work_in_threads(struct native_work *work, uint64_t workers)
{
	pthread_t *threads OWNED(mem_freep) = xcalloc(workers, sizeof(*threads));

	for (uint64_t i = 0; i < workers; i++) {
		int err = pthread_create(&threads[i], NULL, native_worker, work);

		if (err)
			return fail(-err, "cannot start thread %llu of the workload",
				    (unsigned long long)i + 1);
	}
	for (uint64_t i = 0; i < workers; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

/* As the script does: one byte a read, nothing read ahead. */
static int read_line(void)
{
	char byte = '\0';

	while (byte != '\n') {
		ssize_t got = read(STDIN_FILENO, &byte, 1);

		if (got == 0 || (got < 0 && errno != EINTR))
			return -EPIPE;
	}
	return 0;
}

static int say(const char *line)
{
	size_t length = strlen(line);

	return write(STDOUT_FILENO, line, length) == (ssize_t)length ? 0 : -EPIPE;
}

static int native_run(const char *variant, uint64_t workers, uint64_t count)
{
	struct native_work work = { count, NULL };
	int err = 0;

	if (strcmp(variant, "native-lock") == 0)
		work.lock = &native_mutex;
	/* Started as /proc/self/exe: without this its threads would be called "exe". */
	prctl(PR_SET_NAME, "convoy-native");
	if (say("ready\n") || read_line())
		return -EPIPE;
	if (strcmp(variant, "native-serial") == 0) {
		for (uint64_t i = 0; i < workers; i++)
			count_loop(count);
	} else {
		err = work_in_threads(&work, workers);
	}
	if (!err && (say("done\n") || read_line()))
		err = -EPIPE;
	return err;
}

static int native_main(const struct command *command, int argc, char *argv[])
{
	uint64_t workers;
	uint64_t count;

	(void)command;
	if (argc != 4 || parse_count(argv[2], 1, WORKERS_MAX, &workers) ||
	    parse_count(argv[3], 1, UINT64_MAX, &count))
		return STATUS_USAGE;
	return native_run(argv[1], workers, count) ? STATUS_USAGE : STATUS_DONE;
}

static const struct option_row *const native_options[] = { NULL };

const struct command cmd_native = {
	.name = NATIVE_COMMAND,
	.summary = "the work of the countdown's native variants",
	.usage = "VARIANT WORKERS COUNT",
	.options = native_options,
	.operands_min = 3,
	.operands_max = 3,
	.is_hidden = true,
	.leaves_signals = true,
	.main = native_main,
};
