/* SPDX-License-Identifier: GPL-2.0-only */
/* A frame of the live view as lines of text. */
#include "output/top_lines.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/syscalls.h"
#include "base/units.h"
#include "output/grid.h"
#include "stream/trace.h"

#define NAME_COLUMNS 17
#define LOCKS_MAX 5
#define ROWS_WITH_QUIET 30 /* with more rows, those of quiet threads are only counted */
#define QUIET_SHARE 200 /* busy for less than 1 / this of the time */

static const char symbols[LIVE_PARTS] = { '#', '+', '!', '-', 'o', '.' };
static const char *const part_names[LIVE_PARTS] = {
	"run", "ready", "lock", "idle", "block", "sleep"
};

char top_symbol(enum live_part part)
{
	return symbols[part];
}

static struct top_line *add_line(struct top_lines *lines, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static struct top_line *add_line(struct top_lines *lines, const char *format, ...)
{
	struct top_line *line = array_add(&lines->items, &lines->count, sizeof(*lines->items));
	va_list args;

	va_start(args, format);
	if (vasprintf(&line->text, format, args) < 0)
		line->text = xstrdup("");
	va_end(args);
	return line;
}

/* Parts as characters, by largest remainder, so that the bar is always full. */
static void draw_bar(const struct live_row *row, char *bar)
{
	int64_t parts[LIVE_PARTS], columns[LIVE_PARTS];
	size_t used = 0;

	for (int i = 0; i < LIVE_PARTS; i++)
		parts[i] = (int64_t)(row->total_ns ? row->part_ns[i] * TOP_BAR_COLUMNS * 1000 /
							     row->total_ns
						   : 0);
	/* Divisions lose less than a column altogether: sleep takes it. */
	for (int i = 0; i < LIVE_PARTS - 1; i++)
		used += (size_t)parts[i];
	parts[LIVE_SLEEP] = row->total_ns ? (int64_t)(TOP_BAR_COLUMNS * 1000 - used) : 0;
	round_parts(parts, LIVE_PARTS, 1000, columns);
	used = 0;
	for (int i = 0; i < LIVE_PARTS; i++) {
		for (int64_t j = 0; j < columns[i] && used < TOP_BAR_COLUMNS; j++)
			bar[used++] = symbols[i];
	}
	while (used < TOP_BAR_COLUMNS)
		bar[used++] = ' ';
	bar[used] = '\0';
}

/* Nothing that anybody would wait for: it did not run, and did not want to. */
static bool is_quiet(const struct live_row *row)
{
	uint64_t wanted =
		row->part_ns[LIVE_RUNNING] + row->part_ns[LIVE_READY] + row->part_ns[LIVE_LOCK];

	return wanted * QUIET_SHARE < row->total_ns;
}

static void add_row(struct top_lines *lines, const struct live_row *row)
{
	uint32_t permille[LIVE_PARTS];
	char bar[TOP_BAR_COLUMNS + 1];
	char *escaped OWNED(mem_freep) = escape_text(row->sample->comm);
	char *name OWNED(mem_freep) = text_cut(escaped, NAME_COLUMNS - (row->is_process ? 0 : 2));
	struct top_line *line;
	int pad = NAME_COLUMNS - (row->is_process ? 0 : 2) - (int)text_columns(name);

	share_permille(row->part_ns, LIVE_PARTS, permille);
	draw_bar(row, bar);
	line = add_line(lines, "%7d %s%s%*s %4u %5u %4u %4u %5u ",
			row->is_process ? row->sample->pid : row->sample->tid,
			row->is_process ? "" : "  ", name, pad > 0 ? pad : 0, "",
			(permille[LIVE_RUNNING] + 5) / 10, (permille[LIVE_READY] + 5) / 10,
			(permille[LIVE_LOCK] + 5) / 10, (permille[LIVE_IDLE] + 5) / 10,
			(permille[LIVE_BLOCKED] + permille[LIVE_SLEEP] + 5) / 10);
	line->bar_begin = strlen(line->text);
	line->bar_length = TOP_BAR_COLUMNS;
	/* A process with one thread stands for it. */
	line->thread = row->thread_count == 1 ? row->sample->thread : 0;
	line->text = xrealloc(line->text, line->bar_begin + sizeof(bar), 1);
	memcpy(line->text + line->bar_begin, bar, sizeof(bar));
}

static void add_head(struct top_lines *lines, const struct live_frame *frame,
		     const struct top_facts *facts)
{
	uint64_t centi = frame->interval_ns ? frame->running_ns * 100 / frame->interval_ns : 0;

	add_line(lines,
		 "convoy top  %zu %s, %zu threads  %" PRIu64 ".%02" PRIu64
		 " of %u CPUs used  convoy %u.%u %%%s",
		 frame->process_count, frame->process_count == 1 ? "process" : "processes",
		 frame->thread_count, centi / 100, centi % 100, facts->cpus,
		 facts->own_permille / 10, facts->own_permille % 10,
		 facts->is_frozen ? "  FROZEN" : "");
	add_line(lines,
		 "# running  + ready, no CPU  ! lock  - futex otherwise  o blocked  . sleep");
	add_line(lines, "    PID NAME              RUN READY LOCK IDLE OTHER  by %s", facts->order)
		->is_heading = true;
}

static void add_rows(struct top_lines *lines, const struct live_frame *frame)
{
	bool hides_quiet = frame->row_count > ROWS_WITH_QUIET;
	bool is_alone = false;
	size_t quiet = 0;

	for (size_t i = 0; i < frame->row_count; i++) {
		const struct live_row *row = &frame->rows[i];

		if (row->is_process)
			is_alone = row->thread_count == 1;
		else if (is_alone)
			continue; /* its process has said it all */
		if (hides_quiet && is_quiet(row))
			quiet += !row->is_process || is_alone;
		else
			add_row(lines, row);
	}
	if (quiet)
		add_line(lines, "        %zu quiet threads", quiet);
}

static void add_locks(struct top_lines *lines, const struct live_frame *frame)
{
	size_t shown = 0;

	for (size_t i = 0; i < frame->lock_count && shown < LOCKS_MAX; i++) {
		const struct live_lock *lock = &frame->locks[i];
		char *escaped OWNED(mem_freep) =
			escape_text(lock->wait->name ? lock->wait->name : "");
		char *name OWNED(mem_freep) = text_cut(escaped, 38);
		char time[UNITS_BUFFER];

		if (!lock->wait->is_lock)
			continue;
		if (shown++ == 0)
			add_line(lines, "    PID WAITED     WAITS  NOW  LOCK")->is_heading = true;
		add_line(lines, "%7d %9s %6" PRIu64 " %4u  %s", lock->wait->pid,
			 format_ns(lock->wait_ns, time), lock->waits, lock->wait->waiters, name);
	}
}

/* " in epoll_wait" where that is known. */
static char *label_call(const struct live_sample *sample)
{
	const char *name = sample->state > STATE_FUTEX && sample->syscall >= 0
				   ? syscall_name(sample->syscall)
				   : NULL;

	return name ? xasprintf(" in %s", name) : xstrdup("");
}

static void add_detail(struct top_lines *lines, const struct live_frame *frame, uint32_t thread)
{
	for (size_t i = 0; thread && i < frame->row_count; i++) {
		const struct live_row *row = &frame->rows[i];
		char *call OWNED(mem_freep) = label_call(row->sample);
		char time[UNITS_BUFFER];

		if (row->is_process || row->sample->thread != thread)
			continue;
		add_line(lines, "thread %d of process %d: now %s%s", row->sample->tid,
			 row->sample->pid, state_name(row->sample->state), call)
			->is_heading = true;
		for (int j = 0; j < LIVE_PARTS; j++)
			add_line(lines, "  %-6s %s", part_names[j],
				 format_ns(row->part_ns[j], time));
	}
}

void top_lines_make(struct top_lines *lines, const struct live_frame *frame,
		    const struct top_facts *facts, size_t columns)
{
	memset(lines, 0, sizeof(*lines));
	add_head(lines, frame, facts);
	add_rows(lines, frame);
	add_locks(lines, frame);
	add_detail(lines, frame, facts->detail);
	for (size_t i = 0; i < lines->count; i++) {
		struct top_line *line = &lines->items[i];
		char *cut;

		if (line->bar_length || text_columns(line->text) <= columns)
			continue;
		cut = text_cut(line->text, columns);
		free(line->text);
		line->text = cut;
	}
}

void top_lines_release(struct top_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i].text);
	free(lines->items);
	memset(lines, 0, sizeof(*lines));
}
