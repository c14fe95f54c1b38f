/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a parked thread of a Java virtual machine waits for: the class of the object that
 * java.util.concurrent notes in the thread before it parks. Found by the table of its own layout
 * that HotSpot exports, so no version is hard-coded. Not for stacks of Java.
 */
#ifndef CONVOY_NAMES_JVM_H
#define CONVOY_NAMES_JVM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define JVM_CLASS_MAX 128

/* Variables of the machine, addresses in the target. */
struct jvm_symbols {
	uint64_t layout; /* gHotSpotVMStructs: points to the table */
	uint64_t blocker_offset; /* int: of parkBlocker in java.lang.Thread */
	uint64_t has_short_objects; /* bool: pointers to objects have 4 bytes */
	uint64_t has_short_classes;
};

/* Statics, of which the address is kept, then members, of which the offset is. */
enum jvm_field {
	JVM_THREAD_LIST,
	JVM_CLASS_BASE,
	JVM_CLASS_SHIFT,
	JVM_OBJECT_BASE,
	JVM_OBJECT_SHIFT,
	JVM_LIST_LENGTH,
	JVM_LIST_THREADS,
	JVM_THREAD_OS,
	JVM_THREAD_OBJECT,
	JVM_OS_TID,
	JVM_OBJECT_CLASS,
	JVM_CLASS_NAME,
	JVM_SYMBOL_LENGTH,
	JVM_SYMBOL_BODY,
	JVM_FIELDS,
};

struct jvm {
	pid_t pid;
	uint64_t fields[JVM_FIELDS];
	uint32_t blocker_offset;
	bool has_short_objects;
	bool has_short_classes;
};

/* False: the process is gone, or its layout is not one that is known here. */
bool jvm_init(struct jvm *jvm, pid_t pid, const struct jvm_symbols *symbols);
/*
 * The class of what a thread is parked for, "java.util.concurrent.locks.ReentrantLock$FairSync".
 * False: it is not parked for anything, or what was read makes no sense (the target runs on).
 * where: 0 at first, then where the machine keeps the thread, which saves a search.
 */
bool jvm_blocker(const struct jvm *jvm, pid_t tid, uint64_t *where, char ret_class[JVM_CLASS_MAX]);

#endif
