/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy top`: a live view of the states of threads, once a second. */
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/observe.h"
#include "cli/signals.h"
#include "cli/top_look.h"
#include "cli/top_screen.h"
#include "output/top_lines.h"

#define INTERVAL_NS 1000000000ULL
#define KEY_WAIT_MS 250 /* a key comes at once, a signal between two of these */
#define CHOSEN_MAX 8
#define FILTER_BYTES 32
#define PLAIN_COLUMNS 80

struct top_options {
	struct common_options common;
	struct text_list pids;
	bool is_once;
};

static const struct option_row top_rows[] = {
	{ .name = "pid",
	  .letter = 'p',
	  .argument = "PID[,PID...]",
	  .help = "watch these processes with all their threads and descendants; without it, the "
		  "busiest ones that have threads",
	  .type = OPTION_WORDS,
	  .kind = ARGUMENT_PID,
	  .offset = offsetof(struct top_options, pids) },
	{ .name = "once",
	  .help = "print one second as plain text and leave: for scripts",
	  .offset = offsetof(struct top_options, is_once) },
	{ 0 },
};

static const struct option_row *const top_tables[] = { top_rows, common_rows, NULL };

static const struct example top_examples[] = {
	{ "sudo convoy top -p 1234", "what the threads of 1234 do, second by second" },
	{ "sudo convoy top --once", "one second of the busiest processes" },
	{ 0 },
};

static const char *const order_names[LIVE_ORDERS] = { "RUN", "READY", "LOCK", "NAME" };

struct top {
	struct session *session;
	struct top_look *look;
	struct live_snapshot before, now;
	struct top_facts facts;
	enum live_order order;
	char filter[FILTER_BYTES];
	uint64_t own_ns; /* convoy's CPU time at the last look */
};

static uint64_t own_cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000ULL + (uint64_t)used.tv_nsec;
}

/* Takes the next look; the one before becomes what it is compared with. */
static int look_again(struct top *top)
{
	struct live_snapshot next;
	uint64_t own_ns = own_cpu_ns(), passed_ns;
	int err = top_look_take(top->look, top->session, &next);

	if (err)
		return err;
	live_snapshot_release(&top->before);
	top->before = top->now;
	top->now = next;
	passed_ns = top->now.time_ns - top->before.time_ns;
	if (top->before.time_ns && passed_ns)
		top->facts.own_permille = (uint32_t)((own_ns - top->own_ns) * 1000 / passed_ns);
	top->own_ns = own_ns;
	return 0;
}

static void make_lines(struct top *top, struct live_frame *frame, struct top_lines *lines,
		       size_t columns)
{
	live_frame_make(frame, &top->before, &top->now, top->order, top->filter);
	top->facts.order = order_names[top->order];
	top_lines_make(lines, frame, &top->facts, columns);
}

static void print_frame(struct top *top)
{
	struct live_frame frame;
	struct top_lines lines;

	make_lines(top, &frame, &lines, PLAIN_COLUMNS);
	for (size_t i = 0; i < lines.count; i++)
		puts(lines.items[i].text);
	top_lines_release(&lines);
	live_frame_release(&frame);
}

/* What a key asks for. False: quit. */
static bool obey(struct top *top, struct top_screen *screen, enum top_key key)
{
	uint32_t selected = top_screen_selected(screen);

	switch (key) {
	case TOP_KEY_QUIT:
		return false;
	case TOP_KEY_ORDER:
		top->order = (enum live_order)((top->order + 1) % LIVE_ORDERS);
		break;
	case TOP_KEY_FREEZE:
		top->facts.is_frozen = !top->facts.is_frozen;
		break;
	case TOP_KEY_FILTER:
		if (!top_screen_ask(screen, "names that hold: ", top->filter, FILTER_BYTES))
			top->filter[0] = '\0';
		break;
	case TOP_KEY_DETAIL:
		top->facts.detail = top->facts.detail == selected ? 0 : selected;
		break;
	default:
		break;
	}
	return true;
}

/* Draws the frame and serves keys until the next look is due. False: quit. */
static bool show_until(struct top *top, struct top_screen *screen, uint64_t due_ns)
{
	bool goes_on = true;

	do {
		struct live_frame frame;
		struct top_lines lines;
		enum top_key key;

		make_lines(top, &frame, &lines, top_screen_columns(screen));
		top_screen_draw(screen, &lines);
		do {
			key = top_screen_key(screen, KEY_WAIT_MS);
		} while (key == TOP_KEY_NONE && session_now_ns() < due_ns && !signals_first());
		goes_on = obey(top, screen, key);
		top_lines_release(&lines);
		live_frame_release(&frame);
	} while (goes_on && !signals_first() && session_now_ns() < due_ns);
	return goes_on && !signals_first();
}

static int watch(struct top *top, bool has_color)
{
	struct top_screen *screen = top_screen_open(has_color);
	uint64_t due_ns = session_now_ns() + INTERVAL_NS;
	int status = STATUS_DONE;

	if (!screen)
		return STATUS_USAGE;
	while (show_until(top, screen, due_ns)) {
		due_ns += INTERVAL_NS;
		if (!top->facts.is_frozen && look_again(top)) {
			status = STATUS_USAGE;
			break;
		}
		if (!top->now.sample_count)
			break;
	}
	top_screen_close(screen);
	if (!top->now.sample_count)
		notice("all watched processes have ended");
	return status;
}

/* The first second must pass before there is anything to compare. */
static int first_second(struct top *top)
{
	struct timespec second = { .tv_sec = 1 };

	if (look_again(top))
		return STATUS_USAGE;
	nanosleep(&second, NULL);
	return look_again(top) ? STATUS_USAGE : STATUS_DONE;
}

static int top_pids(const struct top_options *options, const struct pids *pids)
{
	struct session_options session_options = { .is_lean = true, .is_live = true };
	struct output_options output;
	struct top top = { .look = top_look_new() };
	int status = STATUS_USAGE;

	observe_output_options(&options->common, stdout, &output);
	top.facts.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	top.own_ns = own_cpu_ns();
	top.session = session_open(&session_options);
	if (top.session && !session_attach(top.session, pids->items, pids->count))
		status = first_second(&top);
	if (status == STATUS_DONE && options->is_once)
		print_frame(&top);
	else if (status == STATUS_DONE)
		status = watch(&top, output.has_color);
	if (status == STATUS_DONE)
		status = args_flush_stdout();
	live_snapshot_release(&top.before);
	live_snapshot_release(&top.now);
	top_look_free(top.look);
	session_close(top.session);
	return status;
}

static int top_main(const struct command *command, int argc, char *argv[])
{
	struct top_options options = { 0 };
	struct operands operands = { 0 };
	struct pids pids = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);

	if (status == ARGS_GO_ON && !options.is_once &&
	    (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)))
		status = args_usage(command, "standard input or output is no terminal: use --once");
	if (status == ARGS_GO_ON &&
	    (options.pids.count ? pids_read(&options.pids, &pids) : top_choose(CHOSEN_MAX, &pids)))
		status = STATUS_USAGE;
	if (status == ARGS_GO_ON)
		status = top_pids(&options, &pids);
	pids_release(&pids);
	text_list_release(&options.pids);
	operands_release(&operands);
	return status;
}

const struct command cmd_top = {
	.name = "top",
	.summary = "watch threads run, wait for CPUs and wait for locks, once a second",
	.usage = "[OPTION...]",
	.details = "Shows for each process and thread which share of the last second it was "
		   "running, ready without a CPU, waiting for a lock, waiting in a futex "
		   "otherwise, or blocked; and the locks that were waited for. h shows the keys. "
		   "Only totals are kept: the scheduler's events are not recorded.\n",
	.examples = top_examples,
	.options = top_tables,
	.main = top_main,
};
