/* SPDX-License-Identifier: GPL-2.0-only */
/* Saving the ledger of hand-offs, each when it is known. Not for what they sum to. */
#include "output/save_table.h"

#include <stdbool.h>

#include "analysis/lock_stat.h"
#include "base/mem.h"

/* The release itself leaves no record of its own: the wake-up that follows it does. */
static void save_handoff(void *self, const struct handoff *handoff)
{
	struct csv_writer *writer = self;

	csv_number(writer, handoff->lock);
	csv_number(writer, handoff->from);
	csv_number(writer, handoff->to);
	csv_number(writer, handoff->request_ns);
	csv_number(writer, SCHEMA_EMPTY);
	csv_number(writer, handoff->wake_ns);
	csv_number(writer, handoff->run_ns);
	csv_number(writer, handoff->mark);
}

static int sweep_handoffs(const struct trace *trace, struct csv_writer *writer)
{
	struct lock_sweep sweep OWNED(lock_sweep_release) = { 0 };
	uint64_t covered_ns;
	int err;

	lock_sweep_init(&sweep, trace);
	sweep.handoffs.take = save_handoff;
	sweep.handoffs.self = writer;
	err = sweep_run(trace, trace->meta.start_ns, trace->meta.end_ns,
			(const struct observer[]){ lock_sweep_observer(&sweep), { 0 } },
			&covered_ns);
	if (!err)
		handoffs_finish(&sweep.handoffs);
	return err;
}

int save_handoffs(struct trace_dir *dir, const struct trace *trace, struct trace_error *ret_error)
{
	struct save_table table;
	int err = save_table_open(dir, &schema_handoffs, &table, ret_error), swept;

	if (err)
		return err;
	swept = sweep_handoffs(trace, table.writer);
	err = save_table_close(dir, &table, ret_error);
	return swept && !err ? save_failed(schema_handoffs.name, swept, ret_error) : err;
}
