/* SPDX-License-Identifier: GPL-2.0-only */
/* What threads, locks and system calls are called before a person. */
#include "analysis/labels.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/syscalls.h"
#include "model/lock_name.h"

static const char *raw_name(const struct thread *thread)
{
	return *thread->name ? thread->name : thread->comm;
}

static bool is_name_shared(const struct trace *trace, const struct thread *thread)
{
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *other = &trace->threads[i];

		if (other != thread && strcmp(raw_name(other), raw_name(thread)) == 0)
			return true;
	}
	return false;
}

char *label_thread(const struct trace *trace, uint32_t thread)
{
	const struct thread *found;
	char *name OWNED(mem_freep) = NULL;

	if (thread == 0 || thread > trace->thread_count)
		return xstrdup("not known");
	found = &trace->threads[thread - 1];
	if (found->is_rest)
		return xstrdup("other threads");
	name = escape_text(raw_name(found));
	if (!*name)
		return xasprintf("thread %d", found->tid);
	if (is_name_shared(trace, found))
		return xasprintf("%s %d", name, found->tid);
	return xstrdup(name);
}

char *label_process(const struct trace *trace, int32_t pid)
{
	for (size_t i = 0; i < trace->thread_count; i++) {
		const struct thread *thread = &trace->threads[i];

		if (thread->pid == pid && thread->tid == pid && !thread->is_rest)
			return escape_text(thread->comm);
	}
	return xstrdup("");
}

/* How a kind is called in a sentence; those missing are called by their name in the files. */
static const char *const kind_words[] = {
	[LOCK_GIL] = "GIL",	[LOCK_HAND_OVER] = "GIL hand-over",
	[LOCK_PI] = "PI mutex", [LOCK_CONDITION] = "condition",
	[LOCK_JOIN] = "join",	[LOCK_UNCLASSIFIED] = "futex",
};

static const char *kind_word(enum lock_kind kind)
{
	const char *word = NULL;

	if ((size_t)kind < sizeof(kind_words) / sizeof(kind_words[0]))
		word = kind_words[kind];
	return word ? word : lock_kind_name(kind);
}

char *label_lock(const struct trace *trace, uint32_t lock)
{
	const struct lock *found;
	char *name OWNED(mem_freep) = NULL;
	const char *word;

	if (lock == 0 || lock > trace->lock_count)
		return xstrdup("lock not known");
	found = &trace->locks[lock - 1];
	name = escape_text(found->name);
	word = kind_word(found->kind);
	if (!*name)
		return xasprintf("%s at %#" PRIx64, word, found->address);
	if (strncmp(name, word, strlen(word)) == 0 ||
	    strncmp(name, LOCK_INTERNAL_NAME, strlen(LOCK_INTERNAL_NAME)) == 0)
		return xstrdup(name);
	if (found->kind == LOCK_GIL || found->kind == LOCK_HAND_OVER)
		return xasprintf("%s (%s)", word, name);
	return xasprintf("%s %s", word, name);
}

char *label_the_lock(const struct trace *trace, uint32_t lock)
{
	char *label OWNED(mem_freep) = label_lock(trace, lock);

	return xasprintf(lock == 0 || lock > trace->lock_count ? "a %s" : "the %s", label);
}

char *label_the_locks(const struct trace *trace, uint32_t lock, size_t count)
{
	char *label OWNED(mem_freep) = label_lock(trace, lock);
	size_t before = strlen(LOCK_INTERNAL_NAME), length;
	const char *word;

	if (count <= 1 || lock == 0 || lock > trace->lock_count)
		return label_the_lock(trace, lock);
	word = kind_word(trace->locks[lock - 1].kind);
	length = strlen(word);
	if (strncmp(label, LOCK_INTERNAL_NAME, before) != 0)
		before = 0;
	if (strncmp(label + before, word, length) != 0)
		return xasprintf("the %zu × %s", count, label);
	return xasprintf("the %zu %.*s%s%s%s", count, (int)before, label, word,
			 word[length - 1] == 'x' ? "es" : "s", label + before + length);
}

char *label_the_lock_found(const struct trace *trace, uint32_t lock)
{
	char *label OWNED(mem_freep) = label_the_lock(trace, lock);
	char *evidence OWNED(mem_freep) = NULL;
	const char *where;
	char *kept;

	if (lock == 0 || lock > trace->lock_count)
		return xstrdup(label);
	evidence = escape_text(trace->locks[lock - 1].evidence);
	kept = strstr(evidence, EVIDENCE_KEPT_IN);
	if (kept)
		*kept = '\0';
	where = strstr(evidence, ": ");
	if (!where || trace->locks[lock - 1].kind != LOCK_GIL)
		return xstrdup(label);
	return xasprintf("%s (%s)", label, where + 2);
}

char *label_syscall(const struct trace *trace, int number)
{
	bool is_x86 = !*trace->meta.arch || strcmp(trace->meta.arch, "x86_64") == 0;
	const char *name = is_x86 ? syscall_name(number) : NULL;

	if (number == RECORD_SYSCALL_NONE)
		return xstrdup("no system call");
	if (name)
		return xstrdup(name);
	return xasprintf("system call %d", number);
}

char *label_doing(const struct trace *trace, enum state state, int number)
{
	char *call OWNED(mem_freep) = label_syscall(trace, number);
	bool has_call = number != RECORD_SYSCALL_NONE;

	switch (state) {
	case STATE_RUNNING:
		return xstrdup("running");
	case STATE_PREEMPTED:
	case STATE_QUEUED:
		return xstrdup("ready, off CPU");
	case STATE_FUTEX:
		return xstrdup("waiting in futex");
	case STATE_IO:
		return has_call ? xasprintf("waiting for I/O in %s", call)
				: xstrdup("waiting for I/O of a page");
	case STATE_KERNEL:
		return has_call ? xasprintf("blocked in the kernel in %s", call)
				: xstrdup("blocked in the kernel");
	case STATE_SLEEP:
		return has_call ? xasprintf("waiting in %s", call) : xstrdup("asleep");
	case STATE_STOPPED:
		return xstrdup("stopped");
	case STATE_UNKNOWN:
		break;
	}
	return xstrdup("in a state not known");
}

const char *label_number(size_t number, char buffer[UNITS_BUFFER])
{
	static const char *const words[] = { "nobody", "one", "two", "three", "four" };

	if (number < sizeof(words) / sizeof(words[0]))
		return words[number];
	snprintf(buffer, UNITS_BUFFER, "%zu", number);
	return buffer;
}

uint32_t permille_of(uint64_t part, uint64_t whole)
{
	unsigned __int128 scaled = (unsigned __int128)part * 1000;

	return whole ? (uint32_t)((scaled + whole / 2) / whole) : 0;
}

char *format_permille(uint32_t permille, char buffer[UNITS_BUFFER])
{
	snprintf(buffer, UNITS_BUFFER, "%" PRIu32 ".%" PRIu32 " %%", permille / 10, permille % 10);
	return buffer;
}

char *format_ratio(uint64_t numerator, uint64_t denominator, char buffer[UNITS_BUFFER])
{
	double ratio = denominator ? (double)numerator / (double)denominator : 0;

	snprintf(buffer, UNITS_BUFFER, "%.*f ×", ratio < 9.995 ? 2 : 1, ratio);
	return buffer;
}
