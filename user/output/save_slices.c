/* SPDX-License-Identifier: GPL-2.0-only */
/* Saving the slices of a trace, and beside them the waits, in one pass. */
#include "output/save_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/episode.h"
#include "analysis/report.h"
#include "base/mem.h"

int save_failed(const char *name, int err, struct trace_error *ret_error)
{
	snprintf(ret_error->text, sizeof(ret_error->text), "cannot write '%s': %s", name,
		 strerror(-err));
	return err;
}

int save_table_open(struct trace_dir *dir, const struct schema_file *schema,
		    struct save_table *ret_table, struct trace_error *ret_error)
{
	FILE *file = trace_dir_file(dir, schema->name, ret_error);

	if (!file)
		return -EIO;
	ret_table->file = file;
	ret_table->schema = schema;
	ret_table->writer = csv_writer_new(file, schema);
	return 0;
}

int save_table_close(struct trace_dir *dir, struct save_table *table, struct trace_error *ret_error)
{
	const char *name = table->schema->name;
	int err = csv_writer_finish(table->writer);
	int close_err = trace_dir_close(dir, table->file, name, ret_error);

	return err && !close_err ? save_failed(name, err, ret_error) : close_err;
}

/* The two tables that are written in one pass over the slices. */
struct pass {
	const struct trace *trace;
	struct save_table slices;
	struct save_table waits;
	struct episode *episodes; /* by thread number − 1 */
};

static void save_wait(struct csv_writer *writer, const struct slice *slice, uint64_t episode)
{
	bool is_released = slice->flags & SLICE_WAKER_RELEASED;

	csv_number(writer, slice->start_ns);
	csv_number(writer, slice->duration_ns);
	csv_number(writer, slice->thread);
	csv_number(writer, slice->lock);
	csv_number(writer, slice->op);
	csv_number(writer, slice->result);
	csv_number(writer, episode);
	csv_number(writer, slice->holder);
	csv_number(writer, slice->holder ? HOLDER_EXACT : SCHEMA_EMPTY);
	csv_number(writer, is_released ? slice->waker : SCHEMA_EMPTY);
}

static void save_slice(struct csv_writer *writer, const struct slice *slice,
		       const struct thread *thread)
{
	csv_number(writer, slice->start_ns);
	csv_number(writer, slice->duration_ns);
	csv_number(writer, slice->thread);
	csv_number(writer, thread->is_rest ? SCHEMA_EMPTY : (uint64_t)thread->pid);
	csv_number(writer, thread->is_rest ? SCHEMA_EMPTY : (uint64_t)thread->tid);
	csv_number(writer, slice->state);
	csv_number(writer, slice->state == STATE_RUNNING ? slice->cpu : SCHEMA_EMPTY);
	csv_number(writer, slice->syscall < 0 ? SCHEMA_EMPTY : (uint64_t)slice->syscall);
	csv_number(writer, slice->state == STATE_FUTEX ? slice->lock : SCHEMA_EMPTY);
	csv_number(writer, slice->waker);
}

static void save_rows_of(struct pass *pass, const struct slice *slice)
{
	struct episode *episode = &pass->episodes[slice->thread - 1];
	struct episode ended;

	episode_take(episode, slice, &ended);
	if (slice->state == STATE_FUTEX && !slice->lock)
		episode->number++; /* on its own: who knows what it belongs to */
	save_slice(pass->slices.writer, slice, &pass->trace->threads[slice->thread - 1]);
	if (slice->state == STATE_FUTEX)
		save_wait(pass->waits.writer, slice, episode->number);
}

static int save_rows(struct pass *pass)
{
	struct slice_source *source = pass->trace->slices;
	struct slice slice;
	int has_slice = source->rewind(source);

	if (has_slice < 0)
		return has_slice;
	while ((has_slice = source->next(source, &slice)) > 0) {
		if (!slice.thread || slice.thread > pass->trace->thread_count ||
		    slice.lock > pass->trace->lock_count)
			return -ERANGE;
		save_rows_of(pass, &slice);
	}
	return has_slice;
}

/* Opens the tables, all or none; ends with those that are open closed again. */
static int save_tables(struct trace_dir *dir, struct pass *pass, struct trace_error *ret_error)
{
	static const struct schema_file *const schemas[] = { &schema_slices, &schema_waits };
	struct save_table *tables[] = { &pass->slices, &pass->waits };
	size_t open = 0;
	int err = 0, read_err = 0;

	while (!err && open < sizeof(tables) / sizeof(tables[0])) {
		err = save_table_open(dir, schemas[open], tables[open], ret_error);
		open += !err;
	}
	if (!err)
		read_err = save_rows(pass);
	while (open-- > 0) {
		struct trace_error ignored;
		int close_err = save_table_close(dir, tables[open], err ? &ignored : ret_error);

		err = err ? err : close_err;
	}
	if (!err && read_err) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "cannot read the slices back: %s", strerror(-read_err));
		err = read_err;
	}
	return err;
}

int save_slices(struct trace_dir *dir, const struct trace *trace, struct trace_error *ret_error)
{
	struct pass pass = { .trace = trace };
	int err;

	pass.episodes = xcalloc(trace->thread_count, sizeof(*pass.episodes));
	err = save_tables(dir, &pass, ret_error);
	free(pass.episodes);
	return err;
}
