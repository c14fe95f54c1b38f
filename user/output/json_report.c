/* SPDX-License-Identifier: GPL-2.0-only */
/* A report as JSON: rows are named as the columns of the CSV files, times are integers in
 * nanoseconds relative to start_ns, what was not measured is null. */
#include <inttypes.h>

#include "output/formats.h"
#include "output/json_parts.h"
#include "stream/meta_fields.h"

static json_t *json_of_residuals(const struct report *report)
{
	json_t *object = json_object();
	char name[] = "I0";

	for (size_t i = 0; i < RESIDUAL_COUNT; i++) {
		bool is_measured = report->is_whole || i < 6; /* I6 and I7 speak of the window */

		name[1] = (char)('0' + i);
		json_put(object, name, is_measured ? report->residual_ns[i] : TRACE_NOT_MEASURED);
	}
	return object;
}

static json_t *json_of_loss(const struct meta *meta)
{
	json_t *object = json_object();

	for (size_t i = 0; i < LOSS_COUNT; i++) {
		if (meta_loss_name(i))
			json_put(object, meta_loss_name(i), meta->loss[i]);
	}
	json_put(object, "recursion_misses", meta->recursion_misses);
	json_put(object, "slices_produced", meta->slices_produced);
	json_put(object, "slices_lost", meta->slices_lost);
	return object;
}

static json_t *json_of_parallel(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->parallel_count; i++) {
		json_t *row = json_object();

		json_put(row, "running", i);
		json_put(row, "wall_ns", report->parallel_ns[i]);
		json_array_append_new(list, row);
	}
	return list;
}

static const char *const gap_words[] = {
	[GAP_HAND_OFF] = "hand-off",
	[GAP_CPU] = "cpu",
	[GAP_STATE] = "state",
	[GAP_END] = "end",
};

static json_t *json_of_gaps(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->gap_count; i++) {
		const struct gap_cause *gap = &report->gaps[i];
		bool has_state = gap->kind == GAP_STATE;
		bool has_call = has_state && gap->state != STATE_FUTEX &&
				gap->syscall != RECORD_SYSCALL_NONE;
		json_t *row = json_object();

		json_object_set_new(row, "cause", json_string(gap_words[gap->kind]));
		json_object_set_new(row, "state",
				    has_state ? json_string(state_name(gap->state)) : json_null());
		json_object_set_new(row, "syscall",
				    has_call ? json_integer(gap->syscall) : json_null());
		json_object_set_new(row, "lock", gap->lock ? json_integer(gap->lock) : json_null());
		json_put(row, "ns", gap->ns);
		json_put(row, "count", gap->count);
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *json_of_capacity(const struct report *report)
{
	const struct capacity *capacity = &report->capacity;
	json_t *object = json_object(), *locks = json_array();

	for (size_t i = 0; i < report->lock_count; i++) {
		json_t *row;

		if (report->locks[i].lost_ns == 0 || report->locks[i].lost_ns == TRACE_NOT_MEASURED)
			continue;
		row = json_object();
		json_put(row, "lock", report->locks[i].lock);
		json_put(row, "lost_ns", report->locks[i].lost_ns);
		json_array_append_new(locks, row);
	}
	json_put(object, "cpus", capacity->cpus);
	json_put(object, "total_ns", capacity->total_ns);
	json_put(object, "running_ns", capacity->running_ns);
	json_put(object, "cpu_wait_ns", capacity->cpu_wait_ns);
	json_object_set_new(object, "locks", locks);
	json_put(object, "not_asked_ns", capacity->not_asked_ns);
	json_put(object, "not_recorded_ns", report->not_recorded_ns);
	return object;
}

static json_t *json_of_handoffs(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_stat *stat = &report->locks[i];
		json_t *row;

		if (stat->handoffs == 0 || stat->handoffs == TRACE_NOT_MEASURED)
			continue;
		row = json_object();
		json_put(row, "lock", stat->lock);
		json_put(row, "count", stat->handoffs);
		json_put(row, "sum_ns", stat->handoff_ns);
		json_put(row, "p50_ns", stat->handoff.p50_ns);
		json_put(row, "p99_ns", stat->handoff.p99_ns);
		json_put(row, "same_cpu", stat->handoff.same_cpu);
		json_put(row, "other_cpu", stat->handoff.other_cpu);
		json_put(row, "dead_ns", stat->dead_ns);
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *json_of_edges(const struct report *report)
{
	static const char *const marks[] = {
		[HOLDER_UNKNOWN] = "unknown",
		[HOLDER_LIKELY] = "likely",
		[HOLDER_EXACT] = "exact",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < report->edge_count; i++) {
		const struct edge *edge = &report->edges[i];
		json_t *row = json_object();

		json_put(row, "waiter", edge->waiter);
		json_put(row, "holder", edge->holder ? edge->holder : TRACE_NOT_MEASURED);
		json_put(row, "lock", edge->lock);
		json_object_set_new(row, "mark", json_string(marks[edge->mark]));
		json_put(row, "episodes", edge->episodes);
		json_put(row, "wait_ns", edge->wait_ns);
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *json_of_trust(const struct report *report)
{
	const struct meta *meta = &report->trace->meta;
	bool is_compared = report->worst_run_thread != 0;
	json_t *object = json_object();

	json_put(object, "own_run_ns", is_compared ? report->own_run_ns : TRACE_NOT_MEASURED);
	json_put(object, "kernel_run_ns", is_compared ? report->kernel_run_ns : TRACE_NOT_MEASURED);
	json_put(object, "charged_ready_ns",
		 is_compared ? report->charged_ready_ns : TRACE_NOT_MEASURED);
	json_put(object, "uncharged_ns", is_compared ? report->uncharged_ns : TRACE_NOT_MEASURED);
	json_put(object, "worst_run_error_ns",
		 is_compared ? report->worst_run_error_ns : TRACE_NOT_MEASURED);
	json_put(object, "worst_run_thread",
		 is_compared ? report->worst_run_thread : TRACE_NOT_MEASURED);
	json_put(object, "own_cpu_ns", meta->own_cpu_ns);
	json_put(object, "bpf_run_ns", meta->bpf_run_ns);
	json_put(object, "bpf_memory_bytes", meta->bpf_memory_bytes);
	json_put(object, "steal_ns", meta->steal_ns);
	json_put(object, "others_run_ns", meta->others_run_ns);
	json_put(object, "switches", report->switches);
	json_put_bool(object, "truncated", meta->is_truncated);
	json_put_bool(object, "interrupted", meta->is_interrupted);
	json_object_set_new(object, "missing", json_of_strings(meta->missing));
	json_object_set_new(object, "left_behind", json_of_strings(meta->left_behind));
	return object;
}

static void put_sums(json_t *object, const struct report *report)
{
	const struct meta *meta = &report->trace->meta;

	json_object_set_new(object, "start_ns", json_number_text(meta->start_ns));
	json_put(object, "begin_ns", report->begin_ns - meta->start_ns);
	json_put(object, "end_ns", report->end_ns - meta->start_ns);
	json_put(object, "wall_ns", report->wall_ns);
	json_put(object, "covered_ns", report->covered_ns);
	json_put(object, "run_ns", report_run_ns(report));
	json_put(object, "cpu_ns", report->cpu_ns);
	json_put(object, "gap_ns", report->gap_ns);
	json_put(object, "overlap_ns", report->overlap_ns);
}

json_t *json_of_report(const struct report *report)
{
	const struct meta *meta = &report->trace->meta;
	json_t *object = json_object();

	json_put_text(object, "convoy", meta->version);
	json_put(object, "schema", TRACE_SCHEMA);
	json_put_text(object, "kind", meta->kind);
	json_put_text(object, "mode", meta->mode);
	json_object_set_new(object, "command", json_of_strings(meta->command));
	json_put(object, "uid", meta->uid);
	json_put(object, "exit_status",
		 meta->exit_status < 0 ? TRACE_NOT_MEASURED : (uint64_t)meta->exit_status);
	json_put_bool(object, "complete", meta->is_complete);
	json_object_set_new(object, "residuals_ns", json_of_residuals(report));
	json_object_set_new(object, "loss", json_of_loss(meta));
	put_sums(object, report);
	json_object_set_new(object, "parallel", json_of_parallel(report));
	json_object_set_new(object, "gaps", json_of_gaps(report));
	json_object_set_new(object, "capacity", json_of_capacity(report));
	json_object_set_new(object, "threads", json_of_threads(report));
	json_object_set_new(object, "locks", json_of_locks(report));
	json_object_set_new(object, "edges", json_of_edges(report));
	json_object_set_new(object, "handoffs", json_of_handoffs(report));
	json_object_set_new(object, "critical_path", json_of_path(report));
	json_object_set_new(object, "what_if", json_of_what_if(report));
	json_object_set_new(object, "findings",
			    json_of_findings(report->findings, report->finding_count));
	json_object_set_new(object, "trust", json_of_trust(report));
	return object;
}

int json_report(const struct report *report, const struct output_options *options, FILE *file)
{
	(void)options;
	return json_print(json_of_report(report), file);
}
