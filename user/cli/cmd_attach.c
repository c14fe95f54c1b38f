/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy attach`: processes that already live, until told to stop. */
#include "cli/commands.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/err.h"
#include "capture/session.h"
#include "cli/observe.h"
#include "cli/pids.h"
#include "cli/signals.h"

struct attach_options {
	struct observe_options observe;
	struct text_list pids;
	uint64_t duration_ns; /* 0: until Ctrl-C or the death of all */
};

static const struct option_row attach_rows[] = {
	{ .name = "pid",
	  .letter = 'p',
	  .argument = "PID[,PID...]",
	  .help = "observe these processes with all their threads and descendants; may be given "
		  "several times",
	  .type = OPTION_WORDS,
	  .kind = ARGUMENT_PID,
	  .offset = offsetof(struct attach_options, pids) },
	{ .name = "duration",
	  .letter = 'd',
	  .argument = "SECONDS",
	  .help = "stop after SECONDS; without it, at Ctrl-C or when all have ended",
	  .type = OPTION_SECONDS,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct attach_options, duration_ns) },
	{ 0 },
};

static const struct option_row *const attach_tables[] = { attach_rows, observe_rows, common_rows,
							  NULL };

static const struct example attach_examples[] = {
	{ "sudo convoy attach -p 1234 -d 10", "what do the threads of 1234 wait for?" },
	{ "sudo convoy attach -p 1234,1240 -o trace",
	  "two processes until Ctrl-C, kept in the directory trace" },
	{ 0 },
};

/* Until the window is closed: by time, by a signal, or because nobody is left. */
static int watch(struct session *session, uint64_t duration_ns)
{
	uint64_t end_ns = duration_ns ? session_now_ns() + duration_ns : UINT64_MAX;
	struct pollfd fds[] = {
		{ .fd = session_poll_fd(session), .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
	};
	bool is_stopped = false;
	int step;

	if (!duration_ns)
		notice("observing; press Ctrl-C to end and see the report");
	do {
		uint64_t now_ns = session_now_ns();
		uint64_t left_ms = end_ns > now_ns ? (end_ns - now_ns) / 1000000 + 1 : 0;
		int sleep_ms = session_sleep_ms(session);

		poll(fds, is_stopped ? 1 : 2,
		     left_ms < (uint64_t)sleep_ms ? (int)left_ms : sleep_ms);
		if (!is_stopped && (signals_first() || session_now_ns() >= end_ns)) {
			session_stop(session, false);
			is_stopped = true;
			end_ns = UINT64_MAX;
		}
		step = session_step(session);
	} while (step == 0);
	return step < 0 ? step : 0;
}

static int conclude(struct session *session, const struct observe_options *options, uid_t uid)
{
	struct observation taken = { 0 };
	int save_err = 0, show_err, status;

	if (observation_take(session, &taken))
		return STATUS_USAGE;
	taken.trace->meta.uid = uid;
	if (options->output)
		save_err = observation_save(&taken, options->output);
	show_err = report_show(taken.report, options->format, &options->common, stdout);
	status = show_err ? args_write_failed(show_err) : args_flush_stdout();
	if (!status)
		status = observe_loss_status(&options->fail_on_loss, &taken.trace->meta);
	observation_release(&taken);
	return save_err ? STATUS_USAGE : status;
}

static int observe_pids(const struct attach_options *options, const struct pids *pids)
{
	struct session_options session_options;
	struct session *session;
	int status = STATUS_USAGE;

	observe_session_options(&options->observe, &session_options);
	session = session_open(&session_options);
	if (!session)
		return STATUS_USAGE;
	if (signals_first())
		status = STATUS_SIGNAL + signals_first();
	else if (!session_attach(session, pids->items, pids->count) &&
		 !watch(session, options->duration_ns))
		status = conclude(session, &options->observe, pids->first_uid);
	session_close(session);
	return status;
}

static int attach_main(const struct command *command, int argc, char *argv[])
{
	struct attach_options options = { 0 };
	struct operands operands = { 0 };
	struct pids pids = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && options.pids.count == 0)
		status = args_usage(command, "say which process: convoy attach -p PID");
	if (status == ARGS_GO_ON &&
	    (pids_read(&options.pids, &pids) || observe_check(&options.observe) ||
	     observe_check_format(options.observe.format, STDOUT_FILENO)))
		status = STATUS_USAGE;
	if (status == ARGS_GO_ON)
		status = observe_pids(&options, &pids);
	pids_release(&pids);
	text_list_release(&options.pids);
	operands_release(&operands);
	return status;
}

const struct command cmd_attach = {
	.name = "attach",
	.summary = "observe live processes and say why they are not faster",
	.usage = "-p PID[,PID...] [-d SECONDS] [OPTION...]",
	.details = "Records in the kernel what each thread of the processes, and of their "
		   "descendants, "
		   "does at every moment: running, waiting for a CPU, for a lock and which, or for "
		   "something else. The processes are not stopped or changed. The report goes to "
		   "standard output.\n"
		   "\n"
		   "Needs root. While convoy runs, every system call of the machine costs a little "
		   "more; "
		   "with --lean only switches and wake-ups do.\n",
	.examples = attach_examples,
	.options = attach_tables,
	.main = attach_main,
};
