/* SPDX-License-Identifier: GPL-2.0-only */
/* An interpreter asked about itself, unmeasured. Not for running the experiment. */
#include "cli/countdown_python.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/spawn.h"
#include "cli/countdown_embed.h"
#include "cli/countdown_talk.h"

#define DEFAULT_PYTHON "python3"
#define ANSWER_NS (60 * UINT64_C(1000000000)) /* a JVM on a busy machine is slow to start */
#define END_MS 5000
#define INABILITIES_MAX 64 /* an honest interpreter has a line for each variant at most */

/* Two words and the rest. */
static void take_inability(struct python *python, const char *text)
{
	size_t length = strcspn(text, " ");
	struct inability *inability;

	if (text[length] == '\0' || python->inability_count >= INABILITIES_MAX)
		return;
	inability = array_add(&python->inabilities, &python->inability_count, sizeof(*inability));
	inability->variant = xstrndup(text, length);
	inability->why = xstrdup(text + length + 1);
}

static const char *after(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 ? line + length : NULL;
}

static void set(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

/* A line of the answer. Others are not ours: an interpreter may greet. */
static void take_line(struct python *python, const char *line, char **executable)
{
	const char *rest;

	if ((rest = after(line, "name ")))
		set(&python->name, rest);
	else if ((rest = after(line, "path ")))
		set(executable, rest);
	else if ((rest = after(line, "gil ")))
		python->has_gil = strcmp(rest, "0") != 0;
	else if ((rest = after(line, "without ")))
		take_inability(python, rest);
	else if ((rest = after(line, "speed ")) &&
		 sscanf(rest, "%" SCNu64 " %" SCNu64, &python->count, &python->took_ns) != 2)
		python->count = 0;
}

static int wait_end(struct spawn *spawn)
{
	struct pollfd dead = { .fd = spawn->pidfd, .events = POLLIN };

	if (poll(&dead, 1, END_MS) <= 0) {
		kill(spawn->pid, SIGKILL);
		poll(&dead, 1, END_MS);
	}
	return spawn_reap(spawn);
}

/* Reads the answer to its end. 0 or negative errno. */
static int hear(struct talk *talk, struct python *python, char **executable)
{
	static const struct chore nothing = { .fd = -1 };
	uint64_t deadline_ns = session_now_ns() + ANSWER_NS;
	char line[TALK_LINE_MAX];
	int err;

	while ((err = talk_line(talk, &nothing, deadline_ns, line)) == 0)
		take_line(python, line, executable);
	return err == -EPIPE ? 0 : err;
}

int python_exec_failed(int err, const char *path, const struct run_as *as)
{
	const char *user = as->changes ? as->name : "root";

	if (err == -ENOENT || err == -ENOTDIR)
		return fail_plain(
			err, "cannot find the interpreter '%s': name one with --python PATH", path);
	if (err == -EACCES)
		return fail_plain(err,
				  "cannot execute '%s' as user '%s': permission denied; name "
				  "another with --python, or another user with -u or --as-root",
				  path, user);
	return fail(err, "cannot execute the interpreter '%s'", path);
}

static int answer_failed(int err, int status, const struct talk *talk, const char *path)
{
	if (err == -EINTR)
		return err;
	if (err == -ETIME)
		return fail_plain(err, "'%s' did not answer within %d s: is it a Python?", path,
				  (int)(ANSWER_NS / 1000000000));
	if (err == -EMSGSIZE)
		return fail_plain(
			err, "'%s' answers with something else than lines: is it a Python?", path);
	talk_show_errors(talk);
	if (err)
		return fail(err, "cannot hear what '%s' answers", path);
	if (status > 128)
		return fail_plain(-ECHILD,
				  "the interpreter '%s' died of signal %d before it could count",
				  path, status - 128);
	return fail_plain(-ECHILD,
			  "'%s' does not run the workload (status %d): a Python from 2.7 on is "
			  "needed, name one with --python",
			  path, status);
}

static int start(const char *path, const struct run_as *as, bool measures, struct talk *talk,
		 struct spawn *spawn)
{
	char *argv[] = { (char *)path,	       "-c", (char *)workload_script, "probe",
			 measures ? "1" : "0", NULL };
	int err = talk_open(talk);

	if (err)
		return err;
	err = spawn_hold(spawn, argv, as, talk->stdio);
	if (!err) {
		err = spawn_release(spawn);
		if (err)
			(void)!python_exec_failed(err, path, as);
	}
	talk_started(talk);
	return err;
}

static int ask(const char *path, const struct run_as *as, bool measures, struct python *python,
	       char **executable)
{
	struct spawn spawn = { .pidfd = -1, .release_fd = -1, .error_fd = -1 };
	struct talk talk;
	int err = start(path, as, measures, &talk, &spawn);
	int status = 0;

	if (!err) {
		err = hear(&talk, python, executable);
		if (err)
			kill(spawn.pid, SIGKILL);
		status = wait_end(&spawn);
		if (err || status || !python->name || (measures && python->took_ns == 0)) {
			err = answer_failed(err, status, &talk, path);
			err = err ? err : -ECHILD;
		}
	}
	spawn_close(&spawn);
	talk_close(&talk);
	return err;
}

int python_ask(const char *given, const struct run_as *as, bool measures, struct python *ret_python)
{
	const char *path = given ? given : DEFAULT_PYTHON;
	char *executable OWNED(mem_freep) = NULL;
	struct python python = { .has_gil = true };
	int err = ask(path, as, measures, &python, &executable);
	/* A name found by PATH says little in a report; a wrapper would be measured with it. */
	bool takes_own = !strchr(path, '/') && executable && executable[0] == '/';

	if (err) {
		python_release(&python);
		return err;
	}
	python.path = xstrdup(takes_own ? executable : path);
	*ret_python = python;
	return 0;
}

void python_release(struct python *python)
{
	for (size_t i = 0; i < python->inability_count; i++) {
		free(python->inabilities[i].variant);
		free(python->inabilities[i].why);
	}
	free(python->inabilities);
	free(python->path);
	free(python->name);
	*python = (struct python){ 0 };
}

const char *python_inability(const struct python *python, const char *variant)
{
	for (size_t i = 0; i < python->inability_count; i++) {
		if (strcmp(python->inabilities[i].variant, variant) == 0)
			return python->inabilities[i].why;
	}
	return NULL;
}
