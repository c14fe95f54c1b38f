/* SPDX-License-Identifier: GPL-2.0-only */
/* The types of the schema's columns: names, words and bounds; and printing the table. */
#include "stream/schema.h"

#include <string.h>

#include "stream/trace.h"

/* FUTEX_* of <linux/futex.h>, by the names of the manual; futex_waitv and futex_wait are calls of
 * their own. */
static const struct {
	uint8_t op;
	const char *name;
} futex_ops[] = {
	{ 0, "wait" },
	{ 9, "wait_bitset" },
	{ 6, "lock_pi" },
	{ 13, "lock_pi2" },
	{ 11, "wait_requeue_pi" },
	{ FUTEX_OP_WAITV, "futex_waitv" },
	{ FUTEX_OP_WAIT2, "futex_wait" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *futex_op_word(uint64_t value)
{
	for (size_t i = 0; i < COUNT_OF(futex_ops); i++) {
		if (futex_ops[i].op == value)
			return futex_ops[i].name;
	}
	return "";
}

static int futex_op_parse(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(futex_ops); i++) {
		if (!strcmp(futex_ops[i].name, word))
			return futex_ops[i].op;
	}
	return -1;
}

/* The order of enum holder_mark, which upper floors own. */
static const char *const marks[] = { "unknown", "likely", "exact" };

static const char *mark_word(uint64_t value)
{
	return value < COUNT_OF(marks) ? marks[value] : "";
}

static int mark_parse(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (!strcmp(marks[i], word))
			return (int)i;
	}
	return -1;
}

static const char *state_word(uint64_t value)
{
	return state_name((enum state)value);
}

static const char *lock_kind_word(uint64_t value)
{
	return lock_kind_name((enum lock_kind)value);
}

static const char *lock_state_word(uint64_t value)
{
	return lock_state_name((enum lock_state)value);
}

static const char *result_word(uint64_t value)
{
	return wait_result_name((enum wait_result)value);
}

struct type {
	const char *name;
	int64_t min;
	uint64_t max;
	const char *(*word)(uint64_t value);
	int (*parse)(const char *word);
};

static const struct type types[] = {
	[SCHEMA_U64] = { "u64", 0, UINT64_MAX - 1, NULL, NULL },
	[SCHEMA_U32] = { "u32", 0, UINT32_MAX, NULL, NULL },
	[SCHEMA_S32] = { "s32", INT32_MIN, INT32_MAX, NULL, NULL },
	[SCHEMA_CPU] = { "cpu", 0, UINT16_MAX, NULL, NULL },
	[SCHEMA_SYSCALL] = { "syscall", 0, INT16_MAX, NULL, NULL },
	[SCHEMA_ID] = { "id", 1, UINT32_MAX, NULL, NULL },
	[SCHEMA_ADDRESS] = { "address", 0, UINT64_MAX - 1, NULL, NULL },
	[SCHEMA_TEXT] = { "text", 0, 0, NULL, NULL },
	[SCHEMA_STATE] = { "state", 0, 0, state_word, state_parse },
	[SCHEMA_LOCK_KIND] = { "lock kind", 0, 0, lock_kind_word, lock_kind_parse },
	[SCHEMA_LOCK_STATE] = { "lock state", 0, 0, lock_state_word, lock_state_parse },
	[SCHEMA_FUTEX_OP] = { "futex op", 0, 0, futex_op_word, futex_op_parse },
	[SCHEMA_RESULT] = { "wait result", 0, 0, result_word, wait_result_parse },
	[SCHEMA_MARK] = { "mark", 0, 0, mark_word, mark_parse },
};

size_t schema_column_count(const struct schema_file *file)
{
	size_t count = 0;

	while (file->columns[count].name)
		count++;
	return count;
}

const char *schema_type_name(enum schema_type type)
{
	return types[type].name;
}

bool schema_is_word(enum schema_type type)
{
	return types[type].word;
}

const char *schema_word(enum schema_type type, uint64_t value)
{
	return types[type].word(value);
}

int schema_word_parse(enum schema_type type, const char *word)
{
	return types[type].parse(word);
}

void schema_bounds(enum schema_type type, int64_t *ret_min, uint64_t *ret_max)
{
	*ret_min = types[type].min;
	*ret_max = types[type].max;
}

void schema_print(FILE *file)
{
	for (const struct schema_file *const *table = schema_files; *table; table++) {
		fprintf(file, "%s%s: %s\n", table == schema_files ? "" : "\n", (*table)->name,
			(*table)->help);
		for (const struct schema_column *column = (*table)->columns; column->name; column++)
			fprintf(file, "  %-20s  %-11s  %-2s  %-7s  %-12s  %s\n", column->name,
				schema_type_name(column->type), column->unit,
				column->is_derived ? "derived" : "raw",
				column->may_be_empty ? "may be empty" : "", column->help);
	}
}
