/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy run`: a command from its first instruction to its last. */
#include "cli/commands.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "capture/session.h"
#include "cli/observe.h"
#include "cli/report_file.h"
#include "cli/signals.h"

#define PATIENCE_NS (2 * 1000000000ull) /* after Ctrl-C, for the command to end */
#define ENDING_MS 50 /* meanwhile it is looked for so often */

struct run_options {
	struct observe_options observe;
	const char *user;
	bool as_root;
	bool waits;
	const char *report;
};

static const struct option_row run_rows[] = {
	{ .name = "user",
	  .letter = 'u',
	  .argument = "USER",
	  .help = "run the command as USER; without it, as the user who called sudo",
	  .type = OPTION_TEXT,
	  .kind = ARGUMENT_USER,
	  .offset = offsetof(struct run_options, user) },
	{ .name = "as-root",
	  .help = "run the command as root under sudo too",
	  .offset = offsetof(struct run_options, as_root) },
	{ .name = "wait",
	  .help = "wait for all descendants of the command, not only for itself",
	  .offset = offsetof(struct run_options, waits) },
	{ .name = "report",
	  .argument = "FILE",
	  .help = "write the report to FILE, or to standard output if it is -; without it, to "
		  "standard error",
	  .type = OPTION_TEXT,
	  .kind = ARGUMENT_FILE,
	  .offset = offsetof(struct run_options, report) },
	{ 0 },
};

static const struct option_row *const run_tables[] = { run_rows, observe_rows, common_rows, NULL };

static const struct example run_examples[] = {
	{ "sudo convoy run -- ./server --threads 8", "why do eight threads not do more?" },
	{ "sudo convoy run -o trace --report report.txt -- make -j4",
	  "keep the trace for later and the report in a file" },
	{ 0 },
};

/* One command under observation. */
struct running {
	struct session *session;
	const struct run_options *options;
	char *const *argv;
	const struct run_as *as;
	uint64_t deadline_ns; /* 0: no signal yet */
	bool is_stopped; /* we asked for the end */
};

static void tell_user(const struct running *running)
{
	const struct run_options *options = running->options;
	const struct run_as *as = running->as;

	if (as->changes)
		notice("running the command as user '%s'%s", as->name,
		       options->user ? "" : " (--as-root keeps root)");
	else if (geteuid() == 0 && !options->as_root)
		notice("running the command as root (-u USER chooses another)");
}

/*
 * A terminal gives its signals to the whole foreground group, so the command has that one already;
 * any other signal was meant for convoy alone and is passed on.
 */
static void pass_signal_on(const struct running *running)
{
	if (session_exit_status(running->session) >= 0 || signals_first_is_from_terminal())
		return;
	kill(session_pid(running->session), signals_first());
}

static void heed_signals(struct running *running)
{
	if (!signals_first() || running->is_stopped)
		return;
	if (!running->deadline_ns) {
		running->deadline_ns = session_now_ns() + PATIENCE_NS;
		pass_signal_on(running);
	} else if (session_now_ns() >= running->deadline_ns) {
		session_stop(running->session, true);
		running->is_stopped = true;
	}
}

/* A command that was asked to end does so soon, and is reported at once. */
static int sleep_ms(const struct running *running)
{
	int ms = session_sleep_ms(running->session);

	return running->deadline_ns && ms > ENDING_MS ? ENDING_MS : ms;
}

/* Until the window is closed. 0 or an error, printed. */
static int watch(struct running *running)
{
	struct pollfd fds[] = {
		{ .fd = session_poll_fd(running->session), .events = POLLIN },
		{ .fd = signals_fd(), .events = POLLIN },
	};
	int step;

	do {
		/* Once read, the signal's descriptor would only wake the poll for nothing. */
		poll(fds, running->deadline_ns ? 1 : 2, sleep_ms(running));
		heed_signals(running);
		step = session_step(running->session);
	} while (step == 0);
	return step < 0 ? step : 0;
}

/* What keeps a file from being executed, as a shell sees it: status 126. Else nothing came so far.
 */
static bool is_exec_error(int err)
{
	static const int errors[] = { EACCES, ENOEXEC,	    EPERM,   EISDIR,  ELOOP,
				      E2BIG,  ENAMETOOLONG, ETXTBSY, ELIBBAD, EIO };

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] == -err)
			return true;
	return false;
}

/* The command did not start. What failed before its exec was said already. */
static int not_started_status(int err, const char *command)
{
	if (err == -ENOENT && strchr(command, '/') && access(command, F_OK) == 0) {
		(void)!fail_plain(err, "cannot execute '%s': its interpreter is missing", command);
		return STATUS_NOT_EXECUTABLE;
	}
	if (err == -ENOENT || err == -ENOTDIR) {
		(void)!fail_plain(err, "command not found: '%s'", command);
		return STATUS_NOT_FOUND;
	}
	if (is_exec_error(err)) {
		(void)!fail(err, "cannot execute '%s'", command);
		return STATUS_NOT_EXECUTABLE;
	}
	(void)!fail_plain(err, "'%s' was not started", command);
	return STATUS_USAGE;
}

static int command_status(const struct running *running)
{
	int status = session_exit_status(running->session);

	return status >= 0 ? status : STATUS_SIGNAL + signals_first();
}

/* What the session does not know of its command. */
static void describe(const struct running *running, struct meta *meta)
{
	for (size_t i = 0; running->argv[i]; i++)
		trace_add_string(&meta->command, running->argv[i]);
	meta->uid = running->as->changes ? running->as->uid : geteuid();
}

static int show(const struct observation *taken, const struct observe_options *options,
		struct report_file *file)
{
	FILE *stream = report_file_stream(file);
	int err = report_show(taken->report, options->format, &options->common, stream);

	return report_file_commit(file, err);
}

/* Saves, shows, and finds the status. The command's own comes first: nothing of ours hides it. */
static int conclude(const struct running *running, struct report_file *file)
{
	const struct observe_options *options = &running->options->observe;
	int status = command_status(running);
	struct observation taken = { 0 };
	int save_err = 0, show_err, loss;

	if (session_exit_status(running->session) < 0)
		warning("the command is still running, as process %d: this is the report so far",
			(int)session_pid(running->session));
	if (observation_take(running->session, &taken))
		return status ? status : STATUS_USAGE;
	describe(running, &taken.trace->meta);
	if (options->output)
		save_err = observation_save(&taken, options->output);
	show_err = show(&taken, options, file);
	loss = observe_loss_status(&options->fail_on_loss, &taken.trace->meta);
	observation_release(&taken);
	if (status)
		return status;
	if (show_err == -EPIPE)
		return STATUS_SIGNAL + SIGPIPE;
	return save_err || show_err ? STATUS_USAGE : loss;
}

static int start(struct running *running)
{
	static const int stdio[3] = { -1, -1, -1 };
	int err;

	tell_user(running);
	err = session_spawn(running->session, running->argv, running->as, stdio);
	return err ? not_started_status(err, running->argv[0]) : 0;
}

static int observe_command(const struct run_options *options, char *const argv[],
			   const struct run_as *as, struct report_file *file)
{
	struct running running = { .options = options, .argv = argv, .as = as };
	struct session_options session_options;
	int status;

	observe_session_options(&options->observe, &session_options);
	session_options.waits_for_descendants = options->waits;
	running.session = session_open(&session_options);
	if (!running.session)
		return STATUS_USAGE;
	if (signals_first())
		status = STATUS_SIGNAL + signals_first();
	else
		status = start(&running);
	if (!status)
		status = watch(&running) ? STATUS_USAGE : conclude(&running, file);
	session_close(running.session);
	return status;
}

/* Everything that can be wrong before the command starts. */
static int prepare_and_observe(const struct run_options *options, char *const argv[])
{
	struct report_file *file OWNED(report_file_freep) = NULL;
	struct run_as as = { 0 };
	struct owner owner;
	int status;

	if (owner_find(&owner) || observe_check(&options->observe))
		return STATUS_USAGE;
	file = report_file_open(options->report, &owner);
	if (!file ||
	    observe_check_format(options->observe.format, fileno(report_file_stream(file))) ||
	    run_as_decide(options->user, options->as_root, &as))
		return STATUS_USAGE;
	status = observe_command(options, argv, &as, file);
	run_as_release(&as);
	return status;
}

static int run_main(const struct command *command, int argc, char *argv[])
{
	struct run_options options = { 0 };
	struct operands operands = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && options.user && options.as_root)
		status = args_usage(command, "--user and --as-root exclude each other");
	if (status == ARGS_GO_ON)
		status = prepare_and_observe(&options, operands.items);
	operands_release(&operands);
	return status;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "run a command and say why it is not faster",
	.usage = "[OPTION...] [--] COMMAND [ARG...]",
	.details =
		"Runs COMMAND and records in the kernel what each of its threads, and those of its "
		"descendants, does at every moment: running, waiting for a CPU, for a lock and "
		"which, or for something else. The report follows when it ends.\n"
		"\n"
		"Standard input and output are the command's. The status is the command's own: 128 "
		"+ n "
		"after signal n, 126 if it cannot be executed, 127 if it is not found; 2 for wrong "
		"use "
		"or a fault of convoy's surroundings, 3 as --fail-on-loss says. After Ctrl-C the "
		"report comes when the command ends, or after 2 s; a second Ctrl-C ends convoy at "
		"once.\n"
		"\n"
		"Needs root. While convoy runs, every system call of the machine costs a little "
		"more; "
		"with --lean only switches and wake-ups do.\n",
	.examples = run_examples,
	.options = run_tables,
	.operand_kind = ARGUMENT_PROGRAM,
	.operands_min = 1,
	.operands_max = OPERANDS_MANY,
	.stops_at_operand = true,
	.main = run_main,
};
