/* SPDX-License-Identifier: GPL-2.0-only */
/* Reading meta.json: every type and range is checked, the rest of convoy trusts the result. */
#include "stream/meta_json.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/mem.h"
#include "stream/meta_fields.h"

#define PHASES_MAX 1024
#define CPU_STEPS_MAX (1024 * 1024)
#define CPUS_MAX 65536

struct meta_reader {
	const char *name;
	const char *text;
	size_t length;
	struct trace *trace;
	struct trace_error *ret_error;
};

static void json_freep(json_t **json)
{
	json_decref(*json);
}

static int __attribute__((format(printf, 3, 4)))
meta_fail(const struct meta_reader *reader, int line, const char *format, ...)
{
	char what[320];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (line > 0)
		snprintf(reader->ret_error->text, sizeof(reader->ret_error->text), "%.150s:%d: %s",
			 reader->name, line, what);
	else
		snprintf(reader->ret_error->text, sizeof(reader->ret_error->text), "%.150s: %s",
			 reader->name, what);
	return -EINVAL;
}

/* Where the key stands in the text, 0: nowhere. Jansson does not tell. */
static int line_of(const struct meta_reader *reader, const char *key)
{
	char *quoted OWNED(mem_freep) = xasprintf("\"%s\":", key);
	const char *at = memmem(reader->text, reader->length, quoted, strlen(quoted));
	int line = 1;

	if (!at)
		return 0;
	for (const char *before = reader->text; before < at; before++)
		line += *before == '\n';
	return line;
}

static int bad_field(const struct meta_reader *reader, const char *key, const json_t *json)
{
	return meta_fail(reader, json ? line_of(reader, key) : 0,
			 json ? "'%s' has a value it cannot have" : "'%s' is missing", key);
}

/* A raw string of escaped JSON text: 0 or -EINVAL. null is "". */
static int read_string(const json_t *json, char **string)
{
	char *raw OWNED(mem_freep) = NULL;

	if (!json_is_string(json) && !json_is_null(json))
		return -EINVAL;
	raw = xstrdup(json_is_null(json) ? "" : json_string_value(json));
	if (unescape_text(raw))
		return -EINVAL;
	trace_set_string(string, raw);
	return 0;
}

/* Fills an empty list. */
static int read_strings(const json_t *json, char ***list)
{
	size_t count = json_array_size(json);

	if (!json_is_array(json))
		return -EINVAL;
	*list = xrealloc(*list, count + 1, sizeof(**list));
	memset(*list, 0, (count + 1) * sizeof(**list));
	for (size_t i = 0; i < count; i++) {
		if (!json_is_string(json_array_get(json, i)) ||
		    read_string(json_array_get(json, i), &(*list)[i]))
			return -EINVAL;
	}
	return 0;
}

static int read_integer(const json_t *json, int64_t min, int64_t max, int64_t *ret_number)
{
	json_int_t number = json_integer_value(json);

	if (!json_is_integer(json) || number < min || number > max)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* null: TRACE_NOT_MEASURED. */
static int read_u64(const json_t *json, uint64_t *ret_number)
{
	int64_t number;

	if (json_is_null(json)) {
		*ret_number = TRACE_NOT_MEASURED;
		return 0;
	}
	if (read_integer(json, 0, INT64_MAX, &number))
		return -EINVAL;
	*ret_number = (uint64_t)number;
	return 0;
}

/* A number that was always measured. */
static int read_known_u64(const json_t *json, uint64_t *ret_number)
{
	return json_is_null(json) ? -EINVAL : read_u64(json, ret_number);
}

static int read_u32(const json_t *json, uint32_t *ret_number)
{
	int64_t number;

	if (read_integer(json, 0, UINT32_MAX, &number))
		return -EINVAL;
	*ret_number = (uint32_t)number;
	return 0;
}

static int read_s32(const json_t *json, int32_t *ret_number)
{
	int64_t number = -1;

	if (!json_is_null(json) && read_integer(json, INT32_MIN, INT32_MAX, &number))
		return -EINVAL;
	*ret_number = (int32_t)number;
	return 0;
}

static int read_field(const struct meta_field *field, const json_t *json, struct meta *meta)
{
	void *value = (char *)meta + field->offset;

	switch (field->type) {
	case META_STRING:
		return read_string(json, value);
	case META_STRINGS:
		return read_strings(json, value);
	case META_BOOL:
		*(bool *)value = json_is_true(json);
		return json_is_boolean(json) ? 0 : -EINVAL;
	case META_U32:
		return read_u32(json, value);
	case META_S32:
		return read_s32(json, value);
	case META_U64:
		return read_known_u64(json, value);
	case META_MEASURED:
		return read_u64(json, value);
	case META_S64:
		return read_integer(json, INT64_MIN, INT64_MAX, value);
	}
	return -EINVAL;
}

static int read_phases(const struct meta_reader *reader, const json_t *array)
{
	const struct meta *meta = &reader->trace->meta;

	if (!json_is_array(array) || json_array_size(array) > PHASES_MAX)
		return bad_field(reader, "phases", array);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *object = json_array_get(array, i);
		struct phase *phase = trace_add_phase(reader->trace);

		if (read_string(json_object_get(object, "name"), &phase->name) ||
		    read_known_u64(json_object_get(object, "begin_ns"), &phase->begin_ns) ||
		    read_known_u64(json_object_get(object, "end_ns"), &phase->end_ns))
			return bad_field(reader, "phases", array);
		if (phase->begin_ns > phase->end_ns || phase->begin_ns < meta->start_ns ||
		    phase->end_ns > meta->end_ns)
			return meta_fail(reader, line_of(reader, "phases"),
					 "phase %zu is not within the window", i + 1);
	}
	return 0;
}

static int read_cpu_steps(const struct meta_reader *reader, const json_t *array)
{
	uint64_t before_ns = 0;

	if (!json_is_array(array) || json_array_size(array) > CPU_STEPS_MAX)
		return bad_field(reader, "usable_cpus", array);
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *object = json_array_get(array, i);
		struct cpu_step *step = trace_add_cpu_step(reader->trace);

		if (read_known_u64(json_object_get(object, "from_ns"), &step->from_ns) ||
		    read_u32(json_object_get(object, "cpus"), &step->cpus) || step->cpus > CPUS_MAX)
			return bad_field(reader, "usable_cpus", array);
		if (i ? step->from_ns < before_ns : step->from_ns > reader->trace->meta.start_ns)
			return meta_fail(reader, line_of(reader, "usable_cpus"),
					 "'usable_cpus' is not in order of time");
		before_ns = step->from_ns;
	}
	return 0;
}

static int read_quota(const struct meta_reader *reader, const json_t *object)
{
	struct quota *quota = &reader->trace->meta.quota;
	const json_t *cpus = json_object_get(object, "cpus");

	if (json_is_null(object))
		return 0;
	quota->is_known = true;
	quota->cpus = json_number_value(cpus);
	if (!json_is_number(cpus) || !isfinite(quota->cpus) || quota->cpus < 0 ||
	    read_u64(json_object_get(object, "throttled_count"), &quota->throttled_count) ||
	    read_u64(json_object_get(object, "throttled_ns"), &quota->throttled_ns))
		return bad_field(reader, "quota", object);
	return 0;
}

static int read_calibration(const struct meta_reader *reader, const json_t *object)
{
	struct calibration *calibration = &reader->trace->meta.calibration;

	if (read_u64(json_object_get(object, "before_ns"), &calibration->before_ns) ||
	    read_u64(json_object_get(object, "after_ns"), &calibration->after_ns) ||
	    read_u32(json_object_get(object, "cpus"), &calibration->cpus))
		return bad_field(reader, "calibration", object);
	if (calibration->before_ns == TRACE_NOT_MEASURED)
		calibration->before_ns = 0;
	if (calibration->after_ns == TRACE_NOT_MEASURED)
		calibration->after_ns = 0;
	return 0;
}

/* A counter that is not there is younger than the trace. */
static int read_loss(const struct meta_reader *reader, const json_t *object)
{
	if (!json_is_object(object))
		return bad_field(reader, "loss", object);
	for (size_t i = 0; i < LOSS_COUNT; i++) {
		const char *name = meta_loss_name(i);
		const json_t *count = name ? json_object_get(object, name) : NULL;

		if (count && read_known_u64(count, &reader->trace->meta.loss[i]))
			return bad_field(reader, "loss", object);
	}
	return 0;
}

static bool is_one_of(const char *value, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(value, *words))
			return true;
	}
	return false;
}

/* What upper floors rely on without a look. */
static int check_meta(const struct meta_reader *reader)
{
	static const char *const kinds[] = { "run", "attach", "countdown", NULL };
	static const char *const modes[] = { "default", "lean", NULL };
	const struct meta *meta = &reader->trace->meta;

	if (!is_one_of(meta->kind, kinds))
		return meta_fail(reader, line_of(reader, "kind"),
				 "'kind' has a value it cannot have");
	if (!is_one_of(meta->mode, modes))
		return meta_fail(reader, line_of(reader, "mode"),
				 "'mode' has a value it cannot have");
	if (meta->start_ns > meta->end_ns || meta->end_ns == TRACE_NOT_MEASURED)
		return meta_fail(reader, line_of(reader, "end_ns"),
				 "the window ends before it begins");
	if (meta->is_complete && (meta->slices_lost || meta->is_truncated))
		return meta_fail(reader, line_of(reader, "complete"),
				 "'complete' contradicts what was lost");
	return 0;
}

static int check_schema(const struct meta_reader *reader, const json_t *root)
{
	int64_t schema;

	if (read_integer(json_object_get(root, "schema"), 1, INT64_MAX, &schema))
		return bad_field(reader, "schema", json_object_get(root, "schema"));
	if (schema <= TRACE_SCHEMA)
		return 0;
	meta_fail(reader, line_of(reader, "schema"),
		  "the trace is from a newer convoy (schema %lld, this one reads up to %d): "
		  "update convoy",
		  (long long)schema, TRACE_SCHEMA);
	return -ENOTSUP;
}

static json_t *root_new(const struct meta_reader *reader, const char *text, size_t length)
{
	json_error_t error;
	json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (!root) {
		meta_fail(reader, error.line, "not JSON: %s", error.text);
	} else if (!json_is_object(root)) {
		meta_fail(reader, 1, "not a JSON object");
		json_decref(root);
		return NULL;
	}
	return root;
}

int meta_json_read(const char *text, size_t length, const char *name, struct trace *trace,
		   struct trace_error *ret_error)
{
	static const struct {
		const char *key;
		int (*read)(const struct meta_reader *reader, const json_t *json);
	} parts[] = {
		{ "phases", read_phases }, { "usable_cpus", read_cpu_steps },
		{ "quota", read_quota },   { "calibration", read_calibration },
		{ "loss", read_loss },
	};
	const struct meta_reader reader = { name, text, length, trace, ret_error };
	json_t *root OWNED(json_freep) = root_new(&reader, text, length);
	int err = root ? check_schema(&reader, root) : -EINVAL;

	for (const struct meta_field *field = meta_fields; !err && field->key; field++) {
		const json_t *json = json_object_get(root, field->key);

		if (!json || read_field(field, json, &trace->meta))
			err = bad_field(&reader, field->key, json);
	}
	if (!err)
		err = check_meta(&reader);
	for (size_t i = 0; !err && i < sizeof(parts) / sizeof(parts[0]); i++)
		err = parts[i].read(&reader, json_object_get(root, parts[i].key));
	return err;
}

int meta_json_read_threads(const char *text, size_t length, const char *name, struct trace *trace,
			   struct trace_error *ret_error)
{
	const struct meta_reader reader = { name, text, length, trace, ret_error };
	json_t *root OWNED(json_freep) = root_new(&reader, text, length);
	const json_t *runs = json_object_get(root, "own_run_ns");
	const json_t *waits = json_object_get(root, "own_wait_ns");
	/* These two may be missing; the first once had another name. */
	const json_t *ready = json_object_get(root, "charged_ready_ns");
	const json_t *uncharged = json_object_get(root, "uncharged_ns");

	if (!root)
		return -EINVAL;
	if (!ready)
		ready = json_object_get(root, "out_of_idle_ns");
	if (json_array_size(runs) != trace->thread_count ||
	    json_array_size(waits) != trace->thread_count ||
	    (ready && json_array_size(ready) != trace->thread_count) ||
	    (uncharged && json_array_size(uncharged) != trace->thread_count))
		return meta_fail(&reader, line_of(&reader, "own_run_ns"),
				 "'own_run_ns' has not a number for each of the %zu threads of "
				 "threads.csv",
				 trace->thread_count);
	for (size_t i = 0; i < trace->thread_count; i++) {
		struct thread *thread = &trace->threads[i];

		thread->charged_ready_ns = TRACE_NOT_MEASURED;
		thread->uncharged_ns = TRACE_NOT_MEASURED;
		if (read_u64(json_array_get(runs, i), &thread->own_run_ns) ||
		    read_u64(json_array_get(waits, i), &thread->own_wait_ns) ||
		    (ready && read_u64(json_array_get(ready, i), &thread->charged_ready_ns)) ||
		    (uncharged && read_u64(json_array_get(uncharged, i), &thread->uncharged_ns)))
			return bad_field(&reader, "own_run_ns", runs);
	}
	return 0;
}
