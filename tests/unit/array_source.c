/* SPDX-License-Identifier: GPL-2.0-only */
/* Traces by hand, in memory. */
#include "array_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static int array_rewind(struct slice_source *source)
{
	((struct example *)source)->next = 0;
	return 0;
}

static int array_next(struct slice_source *source, struct slice *ret_slice)
{
	struct example *example = (struct example *)source;

	if (example->next == example->count)
		return 0;
	*ret_slice = example->slices[example->next++];
	return 1;
}

struct example *example_new(uint64_t start_ns, uint64_t end_ns, uint32_t cpus)
{
	struct example *example = xcalloc(1, sizeof(*example));

	example->source.rewind = array_rewind;
	example->source.next = array_next;
	example->trace = trace_new();
	example->trace->slices = &example->source;
	example->trace->meta.start_ns = start_ns;
	example->trace->meta.end_ns = end_ns;
	trace_add_cpu_step(example->trace)->cpus = cpus;
	trace_set_string(&example->trace->meta.mode, "default");
	return example;
}

void example_free(struct example *example)
{
	report_free(example->report);
	trace_free(example->trace);
	free(example->slices);
	free(example);
}

uint32_t example_mortal(struct example *example, uint64_t start_ns, uint64_t end_ns)
{
	struct thread *thread = trace_add_thread(example->trace);

	thread->pid = 100;
	thread->tid = (int32_t)(100 + thread->id);
	thread->start_ns = start_ns;
	thread->end_ns = end_ns;
	thread->kernel_run_ns = thread->kernel_wait_ns = TRACE_NOT_MEASURED;
	thread->own_run_ns = thread->own_wait_ns = thread->charged_ready_ns = TRACE_NOT_MEASURED;
	thread->uncharged_ns = TRACE_NOT_MEASURED;
	return thread->id;
}

uint32_t example_thread(struct example *example)
{
	return example_mortal(example, example->trace->meta.start_ns, example->trace->meta.end_ns);
}

uint32_t example_lock(struct example *example, enum lock_kind kind, enum lock_state state,
		      const char *name)
{
	struct lock *lock = trace_add_lock(example->trace);

	lock->kind = kind;
	lock->state = state;
	trace_set_string(&lock->name, name);
	return lock->id;
}

struct slice *example_slice(struct example *example, uint32_t thread, enum state state,
			    uint64_t from_ns, uint64_t to_ns)
{
	struct slice *slice =
		array_add(&example->slices, &example->count, sizeof(*example->slices));

	slice->thread = thread;
	slice->state = state;
	slice->start_ns = from_ns;
	slice->duration_ns = to_ns - from_ns;
	slice->syscall = RECORD_SYSCALL_NONE;
	return slice;
}

struct slice *example_wait(struct example *example, uint32_t thread, uint32_t lock,
			   uint64_t from_ns, uint64_t to_ns)
{
	struct slice *slice = example_slice(example, thread, STATE_FUTEX, from_ns, to_ns);

	slice->lock = lock;
	slice->syscall = 202;
	return slice;
}

static int by_start(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

static void add_wait(struct wait_total *total, uint64_t ns, bool is_timeout)
{
	if (!total->waits || ns < total->min_ns)
		total->min_ns = ns;
	if (ns > total->max_ns)
		total->max_ns = ns;
	total->waits++;
	total->timeouts += is_timeout;
	total->wait_ns += ns;
}

/* The kernel's totals of (lock, thread), if it waited at all. */
static void total_waits(struct example *example, uint32_t lock_number, uint32_t thread)
{
	struct lock *lock = &example->trace->locks[lock_number - 1];
	struct wait_total total = { .thread = thread, .lock = lock_number };

	for (size_t i = 0; i < example->count; i++) {
		const struct slice *slice = &example->slices[i];

		if (slice->lock == lock_number && slice->thread == thread)
			add_wait(&total, slice->duration_ns,
				 slice->result == WAIT_RESULT_TIMED_OUT);
	}
	if (!total.waits)
		return;
	*trace_add_wait_total(example->trace) = total;
	if (!lock->waits || total.min_ns < lock->min_ns)
		lock->min_ns = total.min_ns;
	if (total.max_ns > lock->max_ns)
		lock->max_ns = total.max_ns;
	lock->waits += total.waits;
	lock->timeouts += total.timeouts;
	lock->wait_ns += total.wait_ns;
}

void example_sort(struct example *example)
{
	if (example->count)
		qsort(example->slices, example->count, sizeof(*example->slices), by_start);
}

void example_finish(struct example *example)
{
	struct trace *trace = example->trace;

	example_sort(example);
	for (size_t i = 0; i < example->count; i++) {
		const struct slice *slice = &example->slices[i];
		struct thread *thread = &trace->threads[slice->thread - 1];

		thread->state_ns[slice->state] += slice->duration_ns;
		if (slice->state != STATE_FUTEX)
			continue;
		thread->futex_class_ns[slice->lock ? trace->locks[slice->lock - 1].state
						   : LOCK_STATE_FUTEX] += slice->duration_ns;
	}
	for (uint32_t lock = 1; lock <= trace->lock_count; lock++) {
		for (uint32_t thread = 1; thread <= trace->thread_count; thread++)
			total_waits(example, lock, thread);
	}
}

const struct report *example_report(struct example *example, uint64_t begin_ns, uint64_t end_ns)
{
	example_finish(example);
	assert_int_equal(report_make(example->trace, begin_ns, end_ns, &example->report), 0);
	return example->report;
}

const struct lock_stat *find_lock_stat(const struct report *report, uint32_t lock)
{
	for (size_t i = 0; i < report->lock_count; i++) {
		if (report->locks[i].lock == lock)
			return &report->locks[i];
	}
	return NULL;
}

const struct thread_stat *find_thread_stat(const struct report *report, uint32_t thread)
{
	for (size_t i = 0; i < report->thread_count; i++) {
		if (report->threads[i].thread == thread)
			return &report->threads[i];
	}
	return NULL;
}

void assert_no_residuals(const struct report *report)
{
	for (int i = 0; i < RESIDUAL_COUNT; i++) {
		if (report->residual_ns[i])
			fail_msg("I%d is off by %llu ns", i,
				 (unsigned long long)report->residual_ns[i]);
	}
}
