/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of json_schema_fields.c as a JSON Schema. */
#include "output/json_schema.h"

#include <stdarg.h>

#include "output/json_parts.h"

#define SCHEMA_DRAFT "https://json-schema.org/draft/2020-12/schema"
#define WORDS_MAX 128 /* values of a column of words */

/* "type": one name or several, NULL-terminated. */
static json_t *typed(const char *help, const char *type, ...)
{
	json_t *object = json_object(), *types = json_array();
	va_list list;

	va_start(list, type);
	for (; type; type = va_arg(list, const char *))
		json_array_append_new(types, json_string(type));
	va_end(list);
	if (json_array_size(types) == 1)
		json_object_set(object, "type", json_array_get(types, 0));
	else
		json_object_set(object, "type", types);
	json_decref(types);
	if (help && *help)
		json_object_set_new(object, "description", json_string(help));
	return object;
}

static json_t *not_negative(json_t *schema)
{
	json_object_set_new(schema, "minimum", json_integer(0));
	return schema;
}

/* What every element of a list, or every value of an object, looks like. */
static json_t *with_items(json_t *schema, const char *key, json_t *items)
{
	json_object_set_new(schema, key, items);
	return schema;
}

static json_t *object_of(const char *help, const struct schema_file *columns,
			 const struct json_field *fields, bool may_be_null);

/* A document within a document is told once. NULL: these are the fields of no document. */
static json_t *reference_to(const struct json_field *fields)
{
	for (const struct json_kind *kind = json_kinds; kind->name; kind++) {
		if (kind->fields == fields)
			return json_pack("{s:o}", "$ref", json_sprintf("#/$defs/%s", kind->name));
	}
	return NULL;
}

static json_t *schema_of(const struct json_field *field)
{
	const char *null = field->may_be_null ? "null" : NULL;
	const char *help = field->help;
	json_t *reference = reference_to(field->fields);

	if (reference)
		return reference;
	switch (field->shape) {
	case JSON_SHAPE_TEXT:
		return typed(help, "string", null, NULL);
	case JSON_SHAPE_COUNT:
		return not_negative(typed(help, "integer", NULL));
	case JSON_SHAPE_MEASURED:
		return not_negative(typed(help, "integer", "null", NULL));
	case JSON_SHAPE_SIGNED:
		return typed(help, "integer", NULL);
	case JSON_SHAPE_REAL:
		return typed(help, "number", "null", NULL);
	case JSON_SHAPE_BOOL:
		return typed(help, "boolean", null, NULL);
	case JSON_SHAPE_TEXTS:
		return with_items(typed(help, "array", NULL), "items", typed(NULL, "string", NULL));
	case JSON_SHAPE_NAMED:
		return with_items(typed(help, "object", NULL), "additionalProperties",
				  typed(NULL, "integer", "null", NULL));
	case JSON_SHAPE_OBJECT:
		return object_of(help, NULL, field->fields, field->may_be_null);
	case JSON_SHAPE_LIST:
	case JSON_SHAPE_ROWS:
		return with_items(typed(help, "array", null, NULL), "items",
				  object_of(NULL, field->columns, field->fields, false));
	}
	return json_true();
}

static json_t *words_of(enum schema_type type)
{
	json_t *words = json_array();

	for (int value = 0; value < WORDS_MAX; value++) {
		const char *word = schema_word(type, (uint64_t)value);

		if (*word && schema_word_parse(type, word) == value)
			json_array_append_new(words, json_string(word));
	}
	return words;
}

/* A cell of a row: ids that are never empty are the only numbers that are always known, as a part
 * of a window has no totals of the kernel. */
static json_t *schema_of_column(const struct schema_column *column)
{
	bool is_known = column->type == SCHEMA_ID && !column->may_be_empty;

	if (schema_is_word(column->type))
		return with_items(typed(column->help, "string", NULL), "enum",
				  words_of(column->type));
	if (column->type == SCHEMA_TEXT || column->type == SCHEMA_ADDRESS)
		return typed(column->help, "string", NULL);
	return typed(column->help, "integer", is_known ? NULL : "null", NULL);
}

static void add_property(json_t *object, const char *name, json_t *schema, bool is_required)
{
	json_object_set_new(json_object_get(object, "properties"), name, schema);
	if (is_required)
		json_array_append_new(json_object_get(object, "required"), json_string(name));
}

static json_t *object_of(const char *help, const struct schema_file *columns,
			 const struct json_field *fields, bool may_be_null)
{
	json_t *object = typed(help, "object", may_be_null ? "null" : NULL, NULL);

	json_object_set_new(object, "properties", json_object());
	json_object_set_new(object, "required", json_array());
	json_object_set_new(object, "additionalProperties", json_false());
	for (const struct schema_column *column = columns ? columns->columns : NULL;
	     column && column->name; column++)
		add_property(object, column->name, schema_of_column(column), true);
	for (; fields && fields->name; fields++)
		add_property(object, fields->name, schema_of(fields), !fields->may_be_missing);
	return object;
}

int json_schema_print(FILE *file)
{
	json_t *schema = json_object(), *kinds = json_array(), *definitions = json_object();

	json_object_set_new(schema, "$schema", json_string(SCHEMA_DRAFT));
	json_object_set_new(schema, "title", json_string("convoy report"));
	json_object_set_new(schema, "description",
			    json_string("Times are integers, in nanoseconds; null is what was "
					"not measured."));
	json_object_set_new(schema, "anyOf", kinds);
	for (const struct json_kind *kind = json_kinds; kind->name; kind++) {
		json_array_append_new(kinds, reference_to(kind->fields));
		json_object_set_new(definitions, kind->name,
				    object_of(kind->help, NULL, kind->fields, false));
	}
	json_object_set_new(schema, "$defs", definitions);
	return json_print(schema, file);
}
