/* SPDX-License-Identifier: GPL-2.0-only */
/* The JSON Schema of reports: whatever a report prints is in it, and it asks for no more. A key
 * that is new belongs into a table of output/json_schema_fields.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/mem.h"
#include "output/json_schema.h"
#include "sample.h"

static void json_freep(json_t **json)
{
	json_decref(*json);
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(json);
	return json;
}

static json_t *schema_load(void)
{
	char *text OWNED(mem_freep) = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	assert_non_null(file);
	assert_int_equal(json_schema_print(file), 0);
	fclose(file);
	return parse(text);
}

static bool has_type(const json_t *value, const char *name)
{
	if (strcmp(name, "null") == 0)
		return json_is_null(value);
	if (strcmp(name, "integer") == 0)
		return json_is_integer(value);
	if (strcmp(name, "number") == 0)
		return json_is_number(value);
	if (strcmp(name, "string") == 0)
		return json_is_string(value);
	if (strcmp(name, "boolean") == 0)
		return json_is_boolean(value);
	if (strcmp(name, "array") == 0)
		return json_is_array(value);
	return strcmp(name, "object") == 0 && json_is_object(value);
}

static bool has_one_type(const json_t *value, const json_t *types)
{
	bool has_it = json_is_string(types) && has_type(value, json_string_value(types));

	for (size_t i = 0; i < json_array_size(types); i++)
		has_it |= has_type(value, json_string_value(json_array_get(types, i)));
	return has_it;
}

static const json_t *definition(const json_t *root, const json_t *schema)
{
	const char *reference = json_string_value(json_object_get(schema, "$ref"));

	if (!reference)
		return schema;
	return json_object_get(json_object_get(root, "$defs"), strrchr(reference, '/') + 1);
}

/* Where a value is not as its schema says; "" if it is nowhere. Free it. */
static char *first_fault(const json_t *root, const json_t *schema, const json_t *value,
			 const char *path);

static char *fault_of_object(const json_t *root, const json_t *schema, const json_t *value,
			     const char *path)
{
	json_t *object = (json_t *)(uintptr_t)value;
	const json_t *properties = json_object_get(schema, "properties");
	const json_t *required = json_object_get(schema, "required"), *part;
	const json_t *others = json_object_get(schema, "additionalProperties");
	const char *key;

	for (size_t i = 0; i < json_array_size(required); i++) {
		key = json_string_value(json_array_get(required, i));
		if (!json_object_get(value, key))
			return xasprintf("%s.%s is missing", path, key);
	}
	json_object_foreach(object, key, part)
	{
		const json_t *of = json_object_get(properties, key);
		char *name OWNED(mem_freep) = xasprintf("%s.%s", path, key);
		char *fault;

		if (!of && !json_is_object(others))
			return xasprintf("%s is not in the schema", name);
		fault = first_fault(root, of ? of : others, part, name);
		if (*fault)
			return fault;
		free(fault);
	}
	return xstrdup("");
}

static char *first_fault(const json_t *root, const json_t *schema, const json_t *value,
			 const char *path)
{
	schema = definition(root, schema);
	if (!has_one_type(value, json_object_get(schema, "type")))
		return xasprintf("%s has another type", path);
	if (json_is_object(value))
		return fault_of_object(root, schema, value, path);
	for (size_t i = 0; i < json_array_size(value); i++) {
		char *name OWNED(mem_freep) = xasprintf("%s[%zu]", path, i);
		char *fault = first_fault(root, json_object_get(schema, "items"),
					  json_array_get(value, i), name);

		if (*fault)
			return fault;
		free(fault);
	}
	return xstrdup("");
}

static char *fault_as(const char *kind, const json_t *document)
{
	json_t *root OWNED(json_freep) = schema_load();
	const json_t *schema = json_object_get(json_object_get(root, "$defs"), kind);

	return first_fault(root, schema, document, kind);
}

static void assert_valid(const char *kind, const char *text)
{
	json_t *document OWNED(json_freep) = parse(text);
	char *fault OWNED(mem_freep) = fault_as(kind, document);

	assert_string_equal(fault, "");
}

static void test_json_schema__a_report_is_as_it_says(void **state)
{
	struct report *report = sample_report_new();
	char *text OWNED(mem_freep) = sample_print_report("json", report);

	(void)state;
	assert_valid("report", text);
	sample_report_free(report);
}

static void test_json_schema__countdowns_are_as_it_says(void **state)
{
	struct experiment *experiment = sample_experiment_new();
	const struct experiment *list[] = { experiment, experiment };
	char *one OWNED(mem_freep) = sample_print_experiments("json", list, 1);
	char *two OWNED(mem_freep) = sample_print_experiments("json", list, 2);

	(void)state;
	assert_valid("countdown", one);
	assert_valid("countdowns", two);
	experiment_free(experiment);
}

static void test_json_schema__faults_are_found(void **state)
{
	static const char *const faults[][3] = {
		{ "wall_ns", NULL, "report.wall_ns is missing" },
		{ "unheard_of", "1", "report.unheard_of is not in the schema" },
		{ "threads", "[{}]", "report.threads[0].thread is missing" },
		{ "complete", "0", "report.complete has another type" },
		{ "loss", "{\"x\":\"y\"}", "report.loss.x has another type" },
	};
	struct report *report = sample_report_new();
	char *text OWNED(mem_freep) = sample_print_report("json", report);

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		json_t *document OWNED(json_freep) = parse(text);
		char *fault OWNED(mem_freep) = NULL;

		json_object_del(document, faults[i][0]);
		if (faults[i][1])
			json_object_set_new(document, faults[i][0],
					    json_loads(faults[i][1], JSON_DECODE_ANY, NULL));
		fault = fault_as("report", document);
		assert_string_equal(fault, faults[i][2]);
	}
	sample_report_free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_schema__a_report_is_as_it_says),
		cmocka_unit_test(test_json_schema__countdowns_are_as_it_says),
		cmocka_unit_test(test_json_schema__faults_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
