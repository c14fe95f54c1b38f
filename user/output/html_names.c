/* SPDX-License-Identifier: GPL-2.0-only */
/* The names a page needs. */
#include <inttypes.h>
#include <stdlib.h>

#include "analysis/labels.h"
#include "base/mem.h"
#include "output/html_parts.h"

void names_wanted_init(struct names_wanted *wanted, const struct trace *trace)
{
	*wanted = (struct names_wanted){
		.trace = trace,
		.threads = xcalloc(trace->thread_count, sizeof(bool)),
		.locks = xcalloc(trace->lock_count, sizeof(bool)),
		.calls = xcalloc(CALLS_MAX, sizeof(bool)),
	};
}

void names_wanted_release(struct names_wanted *wanted)
{
	free(wanted->threads);
	free(wanted->locks);
	free(wanted->calls);
}

void names_want_thread(struct names_wanted *wanted, uint64_t thread)
{
	if (thread > 0 && thread <= wanted->trace->thread_count)
		wanted->threads[thread - 1] = true;
}

void names_want_lock(struct names_wanted *wanted, uint64_t lock)
{
	if (lock > 0 && lock <= wanted->trace->lock_count)
		wanted->locks[lock - 1] = true;
}

void names_want_call(struct names_wanted *wanted, int64_t number)
{
	if (number >= 0 && number < CALLS_MAX)
		wanted->calls[number] = true;
}

/* Labels are escaped: valid UTF-8, no control characters. */
static void put_label(json_t *object, uint64_t number, char *label)
{
	char key[UNITS_BUFFER];

	snprintf(key, sizeof(key), "%" PRIu64, number);
	json_object_set_new(object, key, json_string(label));
	free(label);
}

void names_put(const struct names_wanted *wanted, json_t *object)
{
	const struct trace *trace = wanted->trace;
	json_t *threads = json_object(), *locks = json_object(), *calls = json_object();

	for (uint32_t i = 0; i < trace->thread_count; i++) {
		if (wanted->threads[i])
			put_label(threads, i + 1, label_thread(trace, i + 1));
	}
	for (uint32_t i = 0; i < trace->lock_count; i++) {
		if (wanted->locks[i])
			put_label(locks, i + 1, label_lock(trace, i + 1));
	}
	for (int i = 0; i < CALLS_MAX; i++) {
		if (wanted->calls[i])
			put_label(calls, (uint64_t)i, label_syscall(trace, i));
	}
	json_object_set_new(object, "threads", threads);
	json_object_set_new(object, "locks", locks);
	json_object_set_new(object, "calls", calls);
}
