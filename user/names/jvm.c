/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a thread id to the JVM's thread, to its java.lang.Thread, to the blocker, to the name of its
 * class. The target runs on, moves its objects, and may be hostile: every walk is bounded, every
 * number is copied once, and a text that is no class name is none.
 */
#include "names/jvm.h"

#include <ctype.h>
#include <string.h>

#include "names/addrspace.h"

#define ENTRIES_MAX 8192
#define ENTRIES_AT_ONCE (TARGET_READ_MAX / sizeof(struct entry))
#define THREADS_MAX 4096
#define FIELD_TEXT_MAX 48

/* A row of the table. */
struct entry {
	uint64_t type;
	uint64_t field;
	uint64_t type_of_field;
	uint64_t is_static; /* 4 bytes, and 4 of padding */
	uint64_t offset;
	uint64_t address;
};

static const struct {
	const char *type;
	const char *field;
} wanted[JVM_FIELDS] = {
	[JVM_THREAD_LIST] = { "ThreadsSMRSupport", "_java_thread_list" },
	[JVM_CLASS_BASE] = { "CompressedKlassPointers", "_narrow_klass._base" },
	[JVM_CLASS_SHIFT] = { "CompressedKlassPointers", "_narrow_klass._shift" },
	[JVM_OBJECT_BASE] = { "CompressedOops", "_narrow_oop._base" },
	[JVM_OBJECT_SHIFT] = { "CompressedOops", "_narrow_oop._shift" },
	[JVM_LIST_LENGTH] = { "ThreadsList", "_length" },
	[JVM_LIST_THREADS] = { "ThreadsList", "_threads" },
	[JVM_THREAD_OS] = { "JavaThread", "_osthread" },
	[JVM_THREAD_OBJECT] = { "JavaThread", "_threadObj" },
	[JVM_OS_TID] = { "OSThread", "_thread_id" },
	[JVM_OBJECT_CLASS] = { "oopDesc", "_metadata._compressed_klass" },
	[JVM_CLASS_NAME] = { "Klass", "_name" },
	[JVM_SYMBOL_LENGTH] = { "Symbol", "_length" },
	[JVM_SYMBOL_BODY] = { "Symbol", "_body[0]" },
};

static bool read_text(pid_t pid, uint64_t address, char text[FIELD_TEXT_MAX])
{
	memset(text, 0, FIELD_TEXT_MAX);
	return address && target_read(pid, address, text, FIELD_TEXT_MAX - 1);
}

static void take_entry(struct jvm *jvm, const struct entry *entry, const char *type,
		       bool is_known[JVM_FIELDS])
{
	char field[FIELD_TEXT_MAX];

	for (size_t i = 0; i < JVM_FIELDS; i++) {
		if (strcmp(wanted[i].type, type) != 0)
			continue;
		if (!read_text(jvm->pid, entry->field, field))
			return;
		if (strcmp(wanted[i].field, field) != 0)
			continue;
		jvm->fields[i] = (uint32_t)entry->is_static ? entry->address : entry->offset;
		is_known[i] = true;
	}
}

/* Entries of one type share the text of its name, and stand together. */
static bool read_layout(struct jvm *jvm, uint64_t table)
{
	bool is_known[JVM_FIELDS] = { false };
	char type[FIELD_TEXT_MAX] = "";
	uint64_t last_type = 0;
	struct entry entries[ENTRIES_AT_ONCE];

	for (size_t i = 0; i < ENTRIES_MAX; i++) {
		const struct entry *entry = &entries[i % ENTRIES_AT_ONCE];

		if (i % ENTRIES_AT_ONCE == 0 &&
		    !target_read(jvm->pid, table + i * sizeof(*entry), entries, sizeof(entries)))
			return false;
		if (!entry->type)
			break;
		if (entry->type != last_type && !read_text(jvm->pid, entry->type, type))
			return false;
		last_type = entry->type;
		take_entry(jvm, entry, type, is_known);
	}
	for (size_t i = 0; i < JVM_FIELDS; i++)
		if (!is_known[i])
			return false;
	return true;
}

bool jvm_init(struct jvm *jvm, pid_t pid, const struct jvm_symbols *symbols)
{
	uint64_t table;

	*jvm = (struct jvm){ .pid = pid };
	/* The last is set when java.lang.Thread is loaded: before that nobody parks. */
	return target_read(pid, symbols->layout, &table, sizeof(table)) &&
	       target_read(pid, symbols->has_short_objects, &jvm->has_short_objects, 1) &&
	       target_read(pid, symbols->has_short_classes, &jvm->has_short_classes, 1) &&
	       target_read(pid, symbols->blocker_offset, &jvm->blocker_offset,
			   sizeof(jvm->blocker_offset)) &&
	       jvm->blocker_offset && read_layout(jvm, table);
}

static uint64_t read_word(const struct jvm *jvm, uint64_t address)
{
	uint64_t word = 0;

	return address && target_read(jvm->pid, address, &word, sizeof(word)) ? word : 0;
}

static uint32_t read_half(const struct jvm *jvm, uint64_t address)
{
	uint32_t half = 0;

	return address && target_read(jvm->pid, address, &half, sizeof(half)) ? half : 0;
}

/* A pointer that may be kept in 4 bytes, as a distance from a base. */
static uint64_t read_pointer(const struct jvm *jvm, uint64_t address, bool is_short,
			     enum jvm_field base)
{
	uint32_t half;

	if (!is_short)
		return read_word(jvm, address);
	half = read_half(jvm, address);
	/* The shift stands behind the base in the table. */
	return half ? read_word(jvm, jvm->fields[base]) +
			       ((uint64_t)half << (read_half(jvm, jvm->fields[base + 1]) & 31))
		    : 0;
}

static bool is_thread(const struct jvm *jvm, uint64_t thread, pid_t tid)
{
	uint64_t os = thread ? read_word(jvm, thread + jvm->fields[JVM_THREAD_OS]) : 0;

	return os && read_half(jvm, os + jvm->fields[JVM_OS_TID]) == (uint32_t)tid;
}

/* The JVM's own thread, 0: none. */
static uint64_t find_thread(const struct jvm *jvm, pid_t tid)
{
	uint64_t list = read_word(jvm, jvm->fields[JVM_THREAD_LIST]);
	uint32_t count = read_half(jvm, list + jvm->fields[JVM_LIST_LENGTH]);
	uint64_t threads = read_word(jvm, list + jvm->fields[JVM_LIST_THREADS]);

	for (uint32_t i = 0; list && threads && i < count && i < THREADS_MAX; i++) {
		uint64_t thread = read_word(jvm, threads + 8ULL * i);

		if (is_thread(jvm, thread, tid))
			return thread;
	}
	return 0;
}

/* "java/lang/Thread", as the machine has it, becomes what a person writes. */
static bool make_name(char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '/')
			name[i] = '.';
		else if (!isalnum((unsigned char)name[i]) && !strchr("_$", name[i]))
			return false;
	}
	name[length] = '\0';
	return isalpha((unsigned char)name[0]);
}

/* The name of the class of what a thread is parked for, 0: none. */
static uint64_t find_class_name(const struct jvm *jvm, uint64_t thread)
{
	/* A handle: it points to the pointer, which a collection keeps up to date. */
	uint64_t handle = thread ? read_word(jvm, thread + jvm->fields[JVM_THREAD_OBJECT]) : 0;
	uint64_t object = read_word(jvm, handle);
	uint64_t blocker = object ? read_pointer(jvm, object + jvm->blocker_offset,
						 jvm->has_short_objects, JVM_OBJECT_BASE)
				  : 0;
	uint64_t class = blocker ? read_pointer(jvm, blocker + jvm->fields[JVM_OBJECT_CLASS],
						jvm->has_short_classes, JVM_CLASS_BASE)
				 : 0;

	return class ? read_word(jvm, class + jvm->fields[JVM_CLASS_NAME]) : 0;
}

bool jvm_blocker(const struct jvm *jvm, pid_t tid, uint64_t *where, char ret_class[JVM_CLASS_MAX])
{
	uint64_t symbol;
	uint16_t length;

	if (!is_thread(jvm, *where, tid))
		*where = find_thread(jvm, tid);
	symbol = find_class_name(jvm, *where);
	return symbol &&
	       target_read(jvm->pid, symbol + jvm->fields[JVM_SYMBOL_LENGTH], &length,
			   sizeof(length)) &&
	       length > 0 && length < JVM_CLASS_MAX &&
	       target_read(jvm->pid, symbol + jvm->fields[JVM_SYMBOL_BODY], ret_class, length) &&
	       make_name(ret_class, length);
}
