/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path and the what-if as JSON. Not for how they are found. */
#include "output/json_parts.h"

static const char *state_word(const struct report *report, const struct path_part *part)
{
	const struct trace *trace = report->trace;

	if (part->state != STATE_FUTEX)
		return state_name(part->state);
	return lock_state_name(part->lock ? trace->locks[part->lock - 1].state : LOCK_STATE_FUTEX);
}

static json_t *json_of_number(uint32_t number)
{
	return number ? json_integer(number) : json_null();
}

static json_t *json_of_part(const struct report *report, const struct path_part *part)
{
	json_t *row = json_object();
	bool has_call = part->syscall != RECORD_SYSCALL_NONE;

	json_object_set_new(row, "thread", json_of_number(part->thread));
	json_object_set_new(row, "state", json_string(state_word(report, part)));
	json_object_set_new(row, "syscall", has_call ? json_integer(part->syscall) : json_null());
	json_object_set_new(row, "lock", json_of_number(part->lock));
	json_object_set_new(row, "held_lock", json_of_number(part->held_lock));
	json_put(row, "ns", part->ns);
	return row;
}

json_t *json_of_path(const struct report *report)
{
	const struct critical_path *path = &report->critical_path;
	json_t *object, *parts;

	if (!path->is_known)
		return json_null();
	object = json_object();
	parts = json_array();
	for (size_t i = 0; i < path->part_count; i++)
		json_array_append_new(parts, json_of_part(report, &path->parts[i]));
	json_object_set_new(object, "end_thread", json_of_number(path->end_thread));
	json_put(object, "moves", path->moves);
	json_object_set_new(object, "parts", parts);
	json_put(object, "other_ns", path->other_ns);
	return object;
}

static const char *const what_if_words[] = {
	[WHAT_IF_MADE] = "good",	   [WHAT_IF_MODEL_OFF] = "off",
	[WHAT_IF_NO_SLICES] = "no slices", [WHAT_IF_LOST] = "slices lost",
	[WHAT_IF_TOO_LONG] = "too long",   [WHAT_IF_FAILED] = "failed",
};

json_t *json_of_what_if(const struct report *report)
{
	const struct what_if *what_if = &report->what_if;
	bool is_replayed = what_if->model_wall_ns != TRACE_NOT_MEASURED;
	json_t *object, *locks;

	if (what_if->state == WHAT_IF_NOT_MADE)
		return json_null();
	object = json_object();
	locks = json_array();
	for (size_t i = 0; i < what_if->count; i++) {
		const struct prediction *prediction = &what_if->predictions[i];
		json_t *row = json_object();

		json_object_set_new(row, "lock", json_of_number(prediction->lock));
		json_put(row, "locks", prediction->lock_count);
		json_put(row, "wall_ns", prediction->wall_ns);
		json_put(row, "cpu_ns", prediction->cpu_ns);
		json_put(row, "ready_ns", prediction->ready_ns);
		json_array_append_new(locks, row);
	}
	json_object_set_new(object, "model", json_string(what_if_words[what_if->state]));
	json_put(object, "model_wall_ns", what_if->model_wall_ns);
	json_put(object, "error_permille",
		 is_replayed ? what_if->error_permille : TRACE_NOT_MEASURED);
	json_object_set_new(object, "without", locks);
	return object;
}
