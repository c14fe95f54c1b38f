/* SPDX-License-Identifier: GPL-2.0-only */
/* One run of one variant under observation. Not for the order of runs. */
#include "cli/countdown_run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/phase.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/countdown_embed.h"
#include "cli/countdown_native.h"
#include "cli/countdown_speed.h"
#include "cli/countdown_talk.h"
#include "cli/signals.h"

#define NS_PER_MS UINT64_C(1000000)
#define READY_NS (120 * 1000 * NS_PER_MS) /* a JVM with its warm-up on a busy machine */
#define END_NS (30 * 1000 * NS_PER_MS)
#define TERM_MS 300 /* to end its children; then it is killed */
#define KILL_MS 500
#define STEP_MS 5

/* What has been begun for a request and must be ended with it. */
struct attempt {
	const struct run_request *request;
	struct session *session;
	struct talk talk;
	struct library library;
	struct chore chore;
	struct calibration calibration;
	bool is_started;
	bool is_closed; /* the window */
	uint64_t go_ns;
	uint64_t bye_ns;
};

static int step(void *context)
{
	struct attempt *attempt = context;
	int done = session_step(attempt->session);

	attempt->is_closed |= done == 1;
	return done < 0 ? done : 0;
}

static int sleep_ms(void *context)
{
	const struct attempt *attempt = context;

	return session_sleep_ms(attempt->session);
}

static const char *program_of(const struct run_request *request)
{
	return request->variant->is_native ? "convoy" : request->python->path;
}

#define ARGUMENTS 8

/* The words after the program's name; what follows is in `text`, freed by the caller. */
static void fill_arguments(const struct attempt *attempt, char *argv[ARGUMENTS], char *text[2])
{
	const struct run_request *request = attempt->request;
	size_t used = 0;

	text[0] = xasprintf("%" PRIu64, request->workers);
	text[1] = xasprintf("%" PRIu64, request->count);
	if (request->variant->is_native) {
		/* Through the link: found wherever the binary lies and whoever runs it. */
		argv[used++] = "/proc/self/exe";
		argv[used++] = NATIVE_COMMAND;
	} else {
		argv[used++] = request->python->path;
		argv[used++] = "-c";
		argv[used++] = (char *)workload_script;
	}
	argv[used++] = (char *)request->variant->name;
	argv[used++] = text[0];
	argv[used++] = text[1];
	if (attempt->library.path)
		argv[used++] = attempt->library.path;
	argv[used] = NULL;
}

static int spawn_workload(struct attempt *attempt)
{
	const struct run_request *request = attempt->request;
	char *argv[ARGUMENTS];
	char *text[2];
	int err;

	fill_arguments(attempt, argv, text);
	err = session_spawn(attempt->session, argv, request->as, attempt->talk.stdio);
	free(text[0]);
	free(text[1]);
	talk_started(&attempt->talk);
	attempt->is_started = err == 0;
	if (err == -ENOENT || err == -EACCES || err == -ENOTDIR || err == -ENOEXEC)
		return python_exec_failed(err, program_of(request), request->as);
	return err;
}

static int start(struct attempt *attempt)
{
	const struct run_request *request = attempt->request;
	int err;

	attempt->session = session_open(request->session_options);
	if (!attempt->session)
		return -EPERM;
	attempt->chore = (struct chore){ .fd = session_poll_fd(attempt->session),
					 .step = step,
					 .sleep_ms = sleep_ms,
					 .context = attempt };
	err = talk_open(&attempt->talk);
	if (!err && request->variant->needs_library)
		err = library_write(request->as, &attempt->library);
	if (err)
		return err;
	attempt->calibration.cpus = request->cpus;
	attempt->calibration.before_ns = speed_measure(request->cpus, speed_cpus());
	return signals_first() ? -EINTR : spawn_workload(attempt);
}

/* Steps on until the workload is dead, at most this long. Its status, -1: it lives. */
static int await_status(struct attempt *attempt, int patience_ms)
{
	for (int ms = 0; ms < patience_ms && session_exit_status(attempt->session) < 0;
	     ms += STEP_MS) {
		poll(NULL, 0, STEP_MS);
		if (step(attempt))
			break;
	}
	return session_exit_status(attempt->session);
}

/* The workload did not come to its end: says how it ended, after what it said itself. */
static int died(struct attempt *attempt)
{
	const struct run_request *request = attempt->request;
	int status = await_status(attempt, KILL_MS);
	const char *program = program_of(request);
	const char *variant = request->variant->name;

	talk_show_errors(&attempt->talk);
	if (status < 0)
		return fail_plain(-ECHILD,
				  "'%s' closed its standard output in variant '%s', round %u: the "
				  "run cannot be measured",
				  program, variant, request->round);
	if (status > 128)
		return fail_plain(-ECHILD,
				  "'%s' died of signal %d in variant '%s', round %u: try the other "
				  "variants without it (--variant)",
				  program, status - 128, variant, request->round);
	return fail_plain(
		-ECHILD,
		"'%s' ended with status %d before variant '%s' was done, round %u: try the "
		"other variants without it (--variant)",
		program, status, variant, request->round);
}

static int unheard(struct attempt *attempt, int err)
{
	if (err == -EPIPE)
		return died(attempt);
	if (err == -ETIME)
		return fail_plain(err, "'%s' did not answer in time in variant '%s', round %u",
				  program_of(attempt->request), attempt->request->variant->name,
				  attempt->request->round);
	if (err == -EMSGSIZE)
		return fail_plain(err, "'%s' answers with something else than lines",
				  program_of(attempt->request));
	return err; /* a signal, or the session's, which are said elsewhere */
}

/* Hears lines until `word` comes. -ENOTSUP: a "skip" came. Others are not ours. */
static int hear(struct attempt *attempt, const char *word, uint64_t patience_ns, char **ret_why)
{
	uint64_t deadline_ns = patience_ns ? session_now_ns() + patience_ns : 0;
	char line[TALK_LINE_MAX];
	int err;

	do {
		err = talk_line(&attempt->talk, &attempt->chore, deadline_ns, line);
		if (err)
			return unheard(attempt, err);
		if (strncmp(line, "skip ", 5) == 0) {
			*ret_why = xstrdup(line + 5);
			return -ENOTSUP;
		}
	} while (strcmp(line, word) != 0);
	return 0;
}

/* Gives the line the workload is blocked on, and tells when. */
static int send_off(struct attempt *attempt, uint64_t *ret_ns)
{
	int err;

	talk_settle(session_pid(attempt->session));
	*ret_ns = session_now_ns();
	err = talk_go(&attempt->talk);
	return err ? unheard(attempt, -EPIPE) : 0;
}

/* From the second line to the end of the window. */
static int see_off(struct attempt *attempt)
{
	uint64_t deadline_ns = session_now_ns() + END_NS;
	int err = talk_drain(&attempt->talk, &attempt->chore, deadline_ns);

	while (!err && !attempt->is_closed) {
		poll(NULL, 0, STEP_MS);
		err = step(attempt);
		if (!err && signals_first())
			err = -EINTR;
		if (!err && session_now_ns() > deadline_ns)
			err = -ETIME;
	}
	if (err)
		return unheard(attempt, err);
	return session_exit_status(attempt->session) == 0 ? 0 : died(attempt);
}

static int converse(struct attempt *attempt, char **ret_why)
{
	int err = hear(attempt, "ready", READY_NS, ret_why);

	/* Loaded: the file is not needed any more, whatever happens to convoy. */
	library_remove(&attempt->library);
	if (!err)
		err = send_off(attempt, &attempt->go_ns);
	if (!err)
		err = hear(attempt, "done", 0, ret_why);
	if (!err)
		err = send_off(attempt, &attempt->bye_ns);
	return err ? err : see_off(attempt);
}

static void describe_command(const struct run_request *request, struct meta *meta)
{
	char *workers OWNED(mem_freep) = xasprintf("%" PRIu64, request->workers);
	char *count OWNED(mem_freep) = xasprintf("%" PRIu64, request->count);

	trace_add_string(&meta->command, program_of(request));
	if (request->variant->is_native) {
		trace_add_string(&meta->command, NATIVE_COMMAND);
	} else {
		trace_add_string(&meta->command, "-c");
		trace_add_string(&meta->command, "(workload script)");
	}
	trace_add_string(&meta->command, request->variant->name);
	trace_add_string(&meta->command, workers);
	trace_add_string(&meta->command, count);
}

static void describe(const struct attempt *attempt, struct meta *meta)
{
	const struct run_request *request = attempt->request;

	trace_set_string(&meta->kind, "countdown");
	trace_set_string(&meta->variant, request->variant->name);
	trace_set_string(&meta->baseline, request->variant->baseline);
	if (request->python->name && !request->variant->is_native)
		trace_set_string(&meta->interpreter, request->python->name);
	if (meta->command[0] == NULL)
		describe_command(request, meta);
	meta->uid = request->as->changes ? request->as->uid : geteuid();
	meta->round = request->round;
	meta->count = request->count;
	meta->calibration = attempt->calibration;
}

static void add_phase(struct trace *trace, const char *name, uint64_t begin_ns, uint64_t end_ns)
{
	struct phase *phase = trace_add_phase(trace);

	trace_set_string(&phase->name, name);
	phase->begin_ns = begin_ns;
	phase->end_ns = end_ns;
}

static int mark_phases(const struct attempt *attempt, struct trace *trace)
{
	struct phase_bounds bounds;
	int err = phase_find_count(trace, attempt->go_ns, attempt->bye_ns, &bounds);

	if (err)
		return fail_plain(err,
				  "cannot find the count of variant '%s', round %u, in what was "
				  "recorded: try a larger --ring-size or --max-size",
				  attempt->request->variant->name, attempt->request->round);
	add_phase(trace, "start-up", trace->meta.start_ns, bounds.begin_ns);
	add_phase(trace, "count", bounds.begin_ns, bounds.end_ns);
	add_phase(trace, "wind-down", bounds.end_ns, trace->meta.end_ns);
	return 0;
}

static int hand_over(struct attempt *attempt)
{
	const struct run_request *request = attempt->request;
	struct observation taken = { 0 };
	int err;

	attempt->calibration.after_ns = speed_measure(request->cpus, speed_cpus());
	err = observation_take(attempt->session, &taken);
	if (err)
		return err;
	describe(attempt, &taken.trace->meta);
	err = mark_phases(attempt, taken.trace);
	if (!err)
		err = request->keep(request->context, &taken);
	observation_release(&taken);
	return err;
}

/* Ends what was started and lives on. Killed, it takes its forked workers with it if it is asked
 * first. */
static void end_workload(struct attempt *attempt)
{
	if (!attempt->is_started || session_exit_status(attempt->session) >= 0)
		return;
	kill(session_pid(attempt->session), SIGTERM);
	if (await_status(attempt, TERM_MS) >= 0)
		return;
	kill(session_pid(attempt->session), SIGKILL);
	await_status(attempt, KILL_MS);
}

int run_variant(const struct run_request *request, char **ret_why)
{
	struct attempt attempt = { .request = request };
	int err;

	attempt.talk = (struct talk){
		.stdio = { -1, -1, -1 }, .to_fd = -1, .from_fd = -1, .errors_fd = -1
	};
	err = start(&attempt);
	if (!err)
		err = converse(&attempt, ret_why);
	if (!err)
		err = hand_over(&attempt);
	if (err && attempt.session)
		end_workload(&attempt);
	library_remove(&attempt.library);
	talk_close(&attempt.talk);
	session_close(attempt.session);
	return err;
}
