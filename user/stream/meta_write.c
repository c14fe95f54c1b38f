/* SPDX-License-Identifier: GPL-2.0-only */
/* Writing meta.json. */
#include "stream/meta_json.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/escape.h"
#include "base/mem.h"
#include "stream/meta_fields.h"

static void json_freep(json_t **json)
{
	json_decref(*json);
}

static json_t *string_json(const char *raw)
{
	char *escaped OWNED(mem_freep) = escape_text(raw);

	return *raw ? json_string(escaped) : json_null();
}

static json_t *strings_json(char *const *strings)
{
	json_t *array = json_array();

	for (; *strings; strings++) {
		char *escaped OWNED(mem_freep) = escape_text(*strings);

		json_array_append_new(array, json_string(escaped));
	}
	return array;
}

/* JSON integers are signed here: nothing measured comes near the limit. */
static json_t *u64_json(uint64_t number)
{
	if (number == TRACE_NOT_MEASURED)
		return json_null();
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

static json_t *field_json(const struct meta_field *field, const struct meta *meta)
{
	const void *value = (const char *)meta + field->offset;

	switch (field->type) {
	case META_STRING:
		return string_json(*(char *const *)value);
	case META_STRINGS:
		return strings_json(*(char **const *)value);
	case META_BOOL:
		return json_boolean(*(const bool *)value);
	case META_U32:
		return json_integer(*(const uint32_t *)value);
	case META_S32:
		return *(const int32_t *)value == -1 ? json_null()
						     : json_integer(*(const int32_t *)value);
	case META_U64:
	case META_MEASURED:
		return u64_json(*(const uint64_t *)value);
	case META_S64:
		return json_integer(*(const int64_t *)value);
	}
	return NULL;
}

static json_t *phases_json(const struct meta *meta)
{
	json_t *array = json_array();

	for (size_t i = 0; i < meta->phase_count; i++) {
		const struct phase *phase = &meta->phases[i];
		json_t *object = json_object();

		json_object_set_new(object, "name", string_json(phase->name));
		json_object_set_new(object, "begin_ns", u64_json(phase->begin_ns));
		json_object_set_new(object, "end_ns", u64_json(phase->end_ns));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *cpu_steps_json(const struct meta *meta)
{
	json_t *array = json_array();

	for (size_t i = 0; i < meta->cpu_step_count; i++) {
		json_t *object = json_object();

		json_object_set_new(object, "from_ns", u64_json(meta->cpu_steps[i].from_ns));
		json_object_set_new(object, "cpus", json_integer(meta->cpu_steps[i].cpus));
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *quota_json(const struct quota *quota)
{
	json_t *object;

	if (!quota->is_known)
		return json_null();
	object = json_object();
	json_object_set_new(object, "cpus", json_real(quota->cpus));
	json_object_set_new(object, "throttled_count", u64_json(quota->throttled_count));
	json_object_set_new(object, "throttled_ns", u64_json(quota->throttled_ns));
	return object;
}

static json_t *calibration_json(const struct calibration *calibration)
{
	json_t *object = json_object();
	uint64_t before_ns = calibration->before_ns, after_ns = calibration->after_ns;

	json_object_set_new(object, "before_ns", before_ns ? u64_json(before_ns) : json_null());
	json_object_set_new(object, "after_ns", after_ns ? u64_json(after_ns) : json_null());
	json_object_set_new(object, "cpus", json_integer(calibration->cpus));
	return object;
}

static json_t *loss_json(const struct meta *meta)
{
	json_t *object = json_object();

	for (size_t i = 0; i < LOSS_COUNT; i++) {
		if (meta_loss_name(i))
			json_object_set_new(object, meta_loss_name(i), u64_json(meta->loss[i]));
	}
	return object;
}

static json_t *residuals_json(const uint64_t *residual_ns, size_t count)
{
	json_t *object = json_object();

	for (size_t i = 0; i < count; i++) {
		char *name OWNED(mem_freep) = xasprintf("I%zu", i);

		json_object_set_new(object, name, u64_json(residual_ns[i]));
	}
	return object;
}

static json_t *constants_json(void)
{
	json_t *object = json_object();

	json_object_set_new(object, "episode_gap_ns", json_integer(TRACE_EPISODE_GAP_NS));
	return object;
}

static void put_threads(json_t *root, const struct trace *trace)
{
	json_t *runs = json_array(), *waits = json_array(), *idle = json_array(),
	       *uncharged = json_array();

	for (size_t i = 0; i < trace->thread_count; i++) {
		json_array_append_new(runs, u64_json(trace->threads[i].own_run_ns));
		json_array_append_new(waits, u64_json(trace->threads[i].own_wait_ns));
		json_array_append_new(idle, u64_json(trace->threads[i].charged_ready_ns));
		json_array_append_new(uncharged, u64_json(trace->threads[i].uncharged_ns));
	}
	json_object_set_new(root, "own_run_ns", runs);
	json_object_set_new(root, "own_wait_ns", waits);
	json_object_set_new(root, "charged_ready_ns", idle);
	json_object_set_new(root, "uncharged_ns", uncharged);
}

int meta_json_write(FILE *file, const struct trace *trace, const uint64_t *residual_ns,
		    size_t residual_count)
{
	const struct meta *meta = &trace->meta;
	json_t *root OWNED(json_freep) = json_object();

	json_object_set_new(root, "schema", json_integer(TRACE_SCHEMA));
	for (const struct meta_field *field = meta_fields; field->key; field++)
		json_object_set_new(root, field->key, field_json(field, meta));
	json_object_set_new(root, "phases", phases_json(meta));
	json_object_set_new(root, "usable_cpus", cpu_steps_json(meta));
	json_object_set_new(root, "quota", quota_json(&meta->quota));
	json_object_set_new(root, "calibration", calibration_json(&meta->calibration));
	json_object_set_new(root, "loss", loss_json(meta));
	json_object_set_new(root, "residuals_ns", residuals_json(residual_ns, residual_count));
	json_object_set_new(root, "constants", constants_json());
	put_threads(root, trace);
	errno = 0;
	if (json_dumpf(root, file, JSON_INDENT(2)) || fputc('\n', file) == EOF)
		return errno ? -errno : -EIO;
	return 0;
}
