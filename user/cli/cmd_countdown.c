/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `convoy countdown`: the same count in a row, in threads, in processes, measured and explained.
 * Options, interpreters, the report; the rounds are in countdown_study.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/commands.h"
#include "cli/countdown_speed.h"
#include "cli/countdown_study.h"
#include "cli/observe.h"
#include "cli/signals.h"
#include "output/output.h"

#define WORKERS_DEFAULT 2
#define WORKERS_MAX 1000
#define ROUNDS_DEFAULT 5
#define ROUNDS_MAX 1000
#define COUNT_MAX UINT64_C(1000000000000000)

struct countdown_options {
	struct observe_options observe;
	struct text_list pythons;
	struct text_list variants;
	uint64_t count; /* 0: pick one */
	uint64_t workers;
	uint64_t rounds;
	const char *user;
	bool as_root;
};

static const struct option_row countdown_rows[] = {
	{ .name = "python",
	  .argument = "PATH",
	  .help = "the interpreter, python3 without it; several are tried one after the other",
	  .type = OPTION_LIST,
	  .kind = ARGUMENT_PROGRAM,
	  .offset = offsetof(struct countdown_options, pythons) },
	{ .name = "count",
	  .argument = "N",
	  .help = "how far each worker counts; without it, as far as makes serial take about 1 s",
	  .type = OPTION_COUNT,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct countdown_options, count),
	  .min = 1,
	  .max = COUNT_MAX },
	{ .name = "workers",
	  .argument = "N",
	  .help = "how often the count is done in a run: twice without it",
	  .type = OPTION_COUNT,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct countdown_options, workers),
	  .min = 1,
	  .max = WORKERS_MAX },
	{ .name = "rounds",
	  .argument = "N",
	  .help = "runs of each variant, 5 without it; fewer than 5 rarely tell a small difference "
		  "from noise",
	  .type = OPTION_COUNT,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct countdown_options, rounds),
	  .min = 1,
	  .max = ROUNDS_MAX },
	{ .name = "variant",
	  .argument = "LIST",
	  .help = "ways of doing the work, separated by commas; without it, "
		  "serial,threads,processes",
	  .type = OPTION_WORDS,
	  .kind = ARGUMENT_TEXT,
	  .offset = offsetof(struct countdown_options, variants) },
	{ .name = "user",
	  .letter = 'u',
	  .argument = "USER",
	  .help = "run the interpreter as USER; without it, as the user who called sudo",
	  .type = OPTION_TEXT,
	  .kind = ARGUMENT_USER,
	  .offset = offsetof(struct countdown_options, user) },
	{ .name = "as-root",
	  .help = "run the interpreter as root under sudo too",
	  .offset = offsetof(struct countdown_options, as_root) },
	{ 0 },
};

static const struct option_row *const countdown_tables[] = { countdown_rows, observe_rows,
							     common_rows, NULL };

static const struct example countdown_examples[] = {
	{ "sudo convoy countdown", "why do two Python threads not beat a serial run?" },
	{ "sudo convoy countdown --python python3.9 --python pypy3", "a table for each of two" },
	{ "sudo convoy countdown --variant threads,nogil,subinterpreters --workers 4",
	  "what helps, with four workers" },
	{ 0 },
};

/* All of one call. */
struct countdown {
	const struct countdown_options *options;
	struct study_settings settings;
	struct study *studies;
	size_t study_count;
};

static const char *variant_name(const void *of, size_t index)
{
	(void)of;
	/* The last row has no name. */
	return variant_rows[index].name;
}

static int plan_all(const struct command *command, const struct text_list *names,
		    struct plan *ret_plan)
{
	const char *unknown = NULL;
	const char *close;

	if (!plan_make(names->items, names->count, ret_plan, &unknown))
		return 0;
	close = args_closest(unknown, variant_name, NULL);
	if (close)
		return args_usage(command, "unknown variant '%s': did you mean '%s'?", unknown,
				  close);
	return args_usage(command, "unknown variant '%s': 'convoy countdown --help' lists them",
			  unknown);
}

static void tell_user(const struct countdown *countdown)
{
	const struct run_as *as = &countdown->settings.as;

	if (as->changes)
		notice("running the interpreter as user '%s'%s", as->name,
		       countdown->options->user ? "" : " (--as-root keeps root)");
	else if (geteuid() == 0 && !countdown->options->as_root)
		notice("running the interpreter as root (-u USER chooses another)");
}

static struct study *add_study(struct countdown *countdown, const struct plan *plan)
{
	struct study *study =
		array_add(&countdown->studies, &countdown->study_count, sizeof(*study));

	study->settings = &countdown->settings;
	for (size_t i = 0; i < plan->count; i++) {
		const struct variant_row **slot = array_add(
			&study->plan.variants, &study->plan.count, sizeof(*plan->variants));

		*slot = plan->variants[i];
	}
	return study;
}

/* Asks every interpreter before anything is measured: a mistyped one shall not cost a minute. */
static int ask_all(struct countdown *countdown, const struct plan *plan)
{
	const struct text_list *pythons = &countdown->options->pythons;
	bool measures = !countdown->settings.count && plan_needs(plan, FAMILY_PYTHON);
	size_t count = pythons->count ? pythons->count : 1;
	int err = 0;

	if (!plan_needs_interpreter(plan)) {
		struct study *study = add_study(countdown, plan);

		study->python.name = xstrdup("C threads");
		study->python.path = xstrdup("convoy");
		return 0;
	}
	for (size_t i = 0; i < count && !err; i++)
		err = python_ask(pythons->count ? pythons->items[i] : NULL, &countdown->settings.as,
				 measures, &add_study(countdown, plan)->python);
	return err;
}

/* Name of an interpreter's directory: plain characters only, told apart by a number. */
static char *directory_name(const struct countdown *countdown, size_t index)
{
	char *name = xstrdup(countdown->studies[index].python.name);
	size_t same = 1;
	char *numbered;

	for (char *byte = name; *byte; byte++) {
		bool is_plain = (*byte >= '0' && *byte <= '9') || (*byte >= 'a' && *byte <= 'z') ||
				(*byte >= 'A' && *byte <= 'Z') || (*byte == '.' && byte != name);

		if (!is_plain)
			*byte = '-';
	}
	for (size_t i = 0; i < index; i++)
		same += strcmp(countdown->studies[i].python.name,
			       countdown->studies[index].python.name) == 0;
	if (same == 1)
		return name;
	numbered = xasprintf("%s-%zu", name, same);
	free(name);
	return numbered;
}

static void begin_all(struct countdown *countdown, const struct plan *plan)
{
	struct study_settings *settings = &countdown->settings;
	uint64_t runs = 0;

	if (!settings->count && plan_needs(plan, FAMILY_C))
		speed_of_loop(&settings->loop_count, &settings->loop_ns);
	for (size_t i = 0; i < countdown->study_count; i++) {
		struct study *study = &countdown->studies[i];

		if (countdown->study_count > 1)
			study->directory = directory_name(countdown, i);
		study_begin(study);
		runs += study->plan.count * settings->rounds;
	}
	progress_init(&settings->progress, runs);
}

static int run_all(struct countdown *countdown)
{
	int err = 0;

	for (size_t i = 0; i < countdown->study_count && !err; i++)
		err = study_run(&countdown->studies[i]);
	progress_clear(&countdown->settings.progress);
	return err;
}

static int show(const struct countdown_options *options, const struct experiment *const *list,
		size_t count)
{
	const char *format = options->observe.format ? options->observe.format : "text";
	struct winsize size;
	struct output_options output = {
		.has_color = args_color(&options->observe.common, STDOUT_FILENO),
		.columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col,
	};

	/* What goes wrong here shows again when stdout is flushed. */
	(void)!output_find(format)->render_experiments(list, count, &output, stdout);
	return args_flush_stdout();
}

/* Report, archive and status from what the studies found. */
static int conclude(struct countdown *countdown)
{
	const struct experiment **list OWNED(mem_freep) =
		xcalloc(countdown->study_count, sizeof(*list));
	size_t count = 0;
	int status, loss = STATUS_DONE;

	for (size_t i = 0; i < countdown->study_count; i++) {
		struct study *study = &countdown->studies[i];

		if (!study_has_result(study))
			continue;
		experiment_finish(study->experiment);
		list[count++] = study->experiment;
		loss = study->loss_status > loss ? study->loss_status : loss;
	}
	if (signals_first())
		notice("interrupted: %s", count ? "this is the report of the finished rounds"
						: "no round was finished");
	if (count == 0 && signals_first())
		return STATUS_SIGNAL + signals_first();
	if (count == 0)
		return fail_plain(STATUS_USAGE, "none of the variants can be run here: name others "
						"with --variant, or an interpreter with --python");
	if (countdown->settings.archive && archive_commit(countdown->settings.archive, list, count))
		return STATUS_USAGE;
	status = show(countdown->options, list, count);
	if (status)
		return status;
	return signals_first() ? STATUS_SIGNAL + signals_first() : loss;
}

/* Asked before the interpreters are: without root nothing else matters. */
static bool can_observe(const struct session_options *options)
{
	struct session *session = session_open(options);

	session_close(session);
	return session != NULL;
}

static int measure(struct countdown *countdown, const struct plan *plan)
{
	const char *output = countdown->options->observe.output;
	int err;

	if (!can_observe(&countdown->settings.session))
		return STATUS_USAGE;
	tell_user(countdown);
	err = ask_all(countdown, plan);
	if (err == -EINTR)
		return STATUS_SIGNAL + signals_first();
	if (err)
		return STATUS_USAGE;
	if (output) {
		countdown->settings.archive = archive_open(output);
		if (!countdown->settings.archive)
			return STATUS_USAGE;
	}
	begin_all(countdown, plan);
	err = run_all(countdown);
	if (err && err != -EINTR)
		return STATUS_USAGE;
	return conclude(countdown);
}

static void countdown_release(struct countdown *countdown)
{
	for (size_t i = 0; i < countdown->study_count; i++)
		study_release(&countdown->studies[i]);
	free(countdown->studies);
	archive_free(countdown->settings.archive);
	run_as_release(&countdown->settings.as);
}

/* Slices end with their run; only a saved one can be drawn whole. */
static int check_format(const char *format)
{
	if (!format || !output_find(format)->is_binary)
		return 0;
	return fail_plain(-EINVAL,
			  "a countdown must be saved before it can be shown as '%s': use -o DIR, "
			  "then 'convoy report DIR --format %s'",
			  format, format);
}

static int countdown_with(const struct countdown_options *options, const struct plan *plan)
{
	struct countdown countdown OWNED(countdown_release) = {
		.options = options,
		.settings = {
			.workers = options->workers ? options->workers : WORKERS_DEFAULT,
			.rounds = options->rounds ? options->rounds : ROUNDS_DEFAULT,
			.count = options->count,
			.fail_on_loss = &options->observe.fail_on_loss,
		},
	};

	if (observe_check(&options->observe) || check_format(options->observe.format) ||
	    run_as_decide(options->user, options->as_root, &countdown.settings.as))
		return STATUS_USAGE;
	observe_session_options(&options->observe, &countdown.settings.session);
	countdown.settings.session.keeps_privilege = true; /* the next run starts a process, too */
	return measure(&countdown, plan);
}

static int countdown_main(const struct command *command, int argc, char *argv[])
{
	struct countdown_options options = { 0 };
	struct operands operands = { 0 };
	struct plan plan = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && options.user && options.as_root)
		status = args_usage(command, "--user and --as-root exclude each other");
	if (status == ARGS_GO_ON && plan_all(command, &options.variants, &plan))
		status = STATUS_USAGE;
	if (status == ARGS_GO_ON)
		status = countdown_with(&options, &plan);
	plan_release(&plan);
	operands_release(&operands);
	text_list_release(&options.pythons);
	text_list_release(&options.variants);
	return status;
}

const struct command cmd_countdown = {
	.name = "countdown",
	.summary = "do the same work in a row, in threads and in processes, and say why which wins",
	.usage = "[OPTION...]",
	.details =
		"Runs a Python countdown twice in a row, in two threads and in two processes, "
		"several times in turn, records in the kernel what every thread does meanwhile, "
		"and "
		"tells from that why threads are not faster and processes are.\n"
		"\n"
		"Variants, each held against a baseline that runs by itself:\n"
		"serial: one count after the other, in the main thread.\n"
		"threads (against serial): each in a thread.\n"
		"processes (against serial): each in a forked process.\n"
		"subinterpreters (against serial): each in a thread with an interpreter and a GIL "
		"of "
		"its own; CPython 3.12 and later.\n"
		"nogil (against nogil-serial): each in a thread, counting in C with the GIL "
		"released.\n"
		"io (against io-serial): each in a thread, waiting 50 times 10 ms instead of "
		"counting.\n"
		"native, native-lock (against native-serial): no Python at all: C threads, free or "
		"counting under one mutex.\n"
		"\n"
		"Any CPython from 2.7 on, PyPy and Jython will do; what an interpreter cannot do "
		"is "
		"listed with the reason. With -o every run is saved as a trace in "
		"DIR/VARIANT/ROUND, and the report in DIR/report.json.\n"
		"\n"
		"After Ctrl-C the report tells of the rounds that were finished. Needs root. While "
		"convoy runs, every system call of the machine costs a little more; with --lean "
		"only switches and wake-ups do.\n",
	.examples = countdown_examples,
	.options = countdown_tables,
	.main = countdown_main,
};
