/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON values with the project's meaning. */
#include "output/json_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/escape.h"
#include "base/mem.h"

json_t *json_measured(uint64_t value)
{
	if (value == TRACE_NOT_MEASURED)
		return json_null();
	return json_integer((json_int_t)value);
}

json_t *json_text(const char *raw)
{
	char *safe OWNED(mem_freep) = escape_text(raw);

	return json_string(safe);
}

json_t *json_number_text(uint64_t value)
{
	return json_sprintf("%" PRIu64, value);
}

json_t *json_of_strings(char *const *strings)
{
	json_t *list = json_array();

	for (; *strings; strings++)
		json_array_append_new(list, json_text(*strings));
	return list;
}

void json_put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_measured(value));
}

void json_put_signed(json_t *object, const char *key, int64_t value)
{
	json_object_set_new(object, key, json_integer(value));
}

void json_put_text(json_t *object, const char *key, const char *raw)
{
	json_object_set_new(object, key, json_text(raw));
}

void json_put_bool(json_t *object, const char *key, bool value)
{
	json_object_set_new(object, key, json_boolean(value));
}

json_t *json_of_findings(const struct finding *findings, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const struct finding *finding = &findings[i];
		json_t *object = json_object(), *evidence = json_object();

		for (size_t j = 0; j < finding->evidence_count; j++)
			json_put(evidence, finding->evidence[j].name, finding->evidence[j].value);
		json_object_set_new(object, "id", json_string(finding->id));
		/* Names in it are escaped already. */
		json_object_set_new(object, "says", json_string(finding->says));
		if (finding->variant)
			json_put_text(object, "variant", finding->variant);
		json_put(object, "stake_ns", finding->stake_ns);
		json_object_set_new(object, "evidence", evidence);
		json_object_set_new(object, "try", json_string(finding->try));
		json_array_append_new(list, object);
	}
	return list;
}

int json_print(json_t *value, FILE *file)
{
	int err;

	errno = 0;
	err = json_dumpf(value, file, JSON_INDENT(1));
	json_decref(value);
	if (err == 0 && putc('\n', file) != EOF && fflush(file) == 0)
		return 0;
	return errno ? -errno : -EIO;
}
