/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random but legal runs of 1 to 8 threads: the identities hold to the nanosecond, and the sweep
 * says what a slow, simple count of every piece of time says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "array_source.h"
#include "base/mem.h"

#define RUNS 400
#define THREADS_MAX 8
#define LOCKS 4
#define START UINT64_C(5000000000)

static uint64_t seed;

static uint64_t pick(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

/* Long and short times, and many that fall on the same instant. */
static uint64_t pick_length(void)
{
	switch (pick(4)) {
	case 0:
		return 1 + pick(10);
	case 1:
		return 1000 * (1 + pick(5));
	default:
		return 1 + pick(200000);
	}
}

static void add_blocked(struct example *example, uint32_t thread, uint64_t from_ns, uint64_t to_ns)
{
	static const enum state states[] = { STATE_IO, STATE_KERNEL, STATE_SLEEP, STATE_STOPPED };
	struct slice *slice;

	if (pick(3) == 0) {
		slice = example_slice(example, thread, states[pick(4)], from_ns, to_ns);
		slice->syscall = (int16_t)pick(5);
		return;
	}
	slice = example_wait(example, thread, 1 + (uint32_t)pick(LOCKS), from_ns, to_ns);
	slice->result = (uint8_t)pick(4);
	slice->waker = (uint32_t)pick(example->trace->thread_count + 1);
	slice->holder = (uint32_t)pick(example->trace->thread_count + 1);
	slice->flags = (uint8_t)pick(2);
}

/* One turn: off the CPU, queued, running; cut at end_ns. Returns where it ended. */
static uint64_t add_turn(struct example *example, uint32_t thread, uint64_t at_ns, uint64_t end_ns)
{
	uint64_t to_ns[3] = { at_ns + pick_length() };

	to_ns[1] = to_ns[0] + (pick(2) ? pick_length() : 0);
	to_ns[2] = to_ns[1] + pick_length();
	for (int i = 0; i < 3; i++) {
		if (to_ns[i] > end_ns)
			to_ns[i] = end_ns;
	}
	if (pick(3) == 0)
		example_slice(example, thread, STATE_PREEMPTED, at_ns, to_ns[0]);
	else
		add_blocked(example, thread, at_ns, to_ns[0]);
	if (to_ns[1] > to_ns[0])
		example_slice(example, thread, STATE_QUEUED, to_ns[0], to_ns[1]);
	if (to_ns[2] > to_ns[1])
		example_slice(example, thread, STATE_RUNNING, to_ns[1], to_ns[2]);
	return to_ns[2];
}

static struct example *random_example(void)
{
	uint64_t end_ns = START + 1000 + pick(3000000);
	struct example *example = example_new(START, end_ns, 1 + (uint32_t)pick(4));
	size_t threads = 1 + pick(THREADS_MAX);

	for (int i = 0; i < LOCKS; i++)
		example_lock(example, LOCK_MUTEX, (enum lock_state)(i % 3), "lock");
	for (size_t i = 0; i < threads; i++) {
		uint64_t from_ns = pick(2) ? START : START + pick(end_ns - START);
		uint64_t to_ns = pick(2) ? end_ns : from_ns + 1 + pick(end_ns - from_ns);

		example_mortal(example, from_ns, to_ns);
	}
	for (size_t i = 0; i < threads; i++) {
		struct thread *thread = &example->trace->threads[i];
		uint64_t at_ns = thread->start_ns;

		while (at_ns < thread->end_ns)
			at_ns = add_turn(example, thread->id, at_ns, thread->end_ns);
	}
	if (pick(2)) {
		struct cpu_step *step = trace_add_cpu_step(example->trace);

		step->from_ns = START + pick(end_ns - START);
		step->cpus = 1 + (uint32_t)pick(3);
	}
	example_finish(example);
	return example;
}

/* Loses some slices of some threads; the totals stay. */
static void lose_slices(struct example *example)
{
	size_t kept = 0;

	for (size_t i = 0; i < example->count; i++) {
		if (pick(20) == 0)
			example->trace->threads[example->slices[i].thread - 1].slices_lost++;
		else
			example->slices[kept++] = example->slices[i];
	}
	example->count = kept;
}

/* The simple count: all instants at which anything changes, and a look at every slice in between.
 */
struct reference {
	uint64_t parallel_ns[THREADS_MAX + 1];
	uint64_t not_recorded_ns;
	uint64_t alone_ns[THREADS_MAX];
	uint64_t cpu_wait_ns;
	uint64_t locks_ns;
	uint64_t not_asked_ns;
	double lost_ns[LOCKS];
	uint64_t most_running[2]; /* by cpu step */
};

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t *all_instants(const struct example *example, uint64_t begin_ns, uint64_t end_ns,
			      size_t *ret_count)
{
	const struct trace *trace = example->trace;
	uint64_t *list = xcalloc(2 * (example->count + trace->thread_count) + 4, sizeof(*list));
	size_t count = 0, kept = 0;

	list[count++] = begin_ns;
	list[count++] = end_ns;
	for (size_t i = 0; i < trace->meta.cpu_step_count; i++)
		list[count++] = trace->meta.cpu_steps[i].from_ns;
	for (size_t i = 0; i < example->count; i++) {
		list[count++] = example->slices[i].start_ns;
		list[count++] = example->slices[i].start_ns + example->slices[i].duration_ns;
	}
	for (size_t i = 0; i < trace->thread_count; i++) {
		list[count++] = trace->threads[i].start_ns;
		list[count++] = trace->threads[i].end_ns;
	}
	qsort(list, count, sizeof(*list), by_number);
	for (size_t i = 0; i < count; i++) {
		if (list[i] >= begin_ns && list[i] <= end_ns)
			list[kept++] = list[i];
	}
	*ret_count = kept;
	return list;
}

/* What all do at one instant. */
struct look {
	uint32_t running, ready, waiting, seen, alive;
	uint32_t runner;
	uint32_t waiters[LOCKS];
};

static struct look look_at(const struct example *example, uint64_t at_ns)
{
	const struct trace *trace = example->trace;
	struct look look = { 0 };

	for (size_t i = 0; i < example->count; i++) {
		const struct slice *slice = &example->slices[i];

		if (slice->start_ns > at_ns || slice->start_ns + slice->duration_ns <= at_ns)
			continue;
		look.seen++;
		if (slice->state == STATE_RUNNING) {
			look.running++;
			look.runner = slice->thread;
		}
		look.ready += slice->state == STATE_PREEMPTED || slice->state == STATE_QUEUED;
		if (slice->state == STATE_FUTEX && slice->lock &&
		    trace->locks[slice->lock - 1].state == LOCK_STATE_LOCK) {
			look.waiting++;
			look.waiters[slice->lock - 1]++;
		}
	}
	for (size_t i = 0; i < trace->thread_count; i++)
		look.alive +=
			trace->threads[i].start_ns <= at_ns && trace->threads[i].end_ns > at_ns;
	return look;
}

static size_t step_at(const struct trace *trace, uint64_t at_ns)
{
	return trace->meta.cpu_step_count > 1 && trace->meta.cpu_steps[1].from_ns <= at_ns;
}

static uint64_t least(uint64_t x, uint64_t y)
{
	return x < y ? x : y;
}

static void count_piece(struct reference *reference, const struct example *example, uint64_t at_ns,
			uint64_t ns)
{
	struct look look = look_at(example, at_ns);
	size_t step = step_at(example->trace, at_ns);
	uint64_t cpus = example->trace->meta.cpu_steps[step].cpus, could, lost, ready;

	if (look.seen < look.alive) {
		reference->not_recorded_ns += ns;
		return;
	}
	if (cpus < reference->most_running[step])
		cpus = reference->most_running[step];
	could = least(cpus, look.running + look.ready + look.waiting);
	lost = could - look.running;
	ready = least(lost, look.ready);
	reference->parallel_ns[look.running] += ns;
	if (look.running == 1)
		reference->alone_ns[look.runner - 1] += ns;
	reference->cpu_wait_ns += ready * ns;
	reference->locks_ns += (lost - ready) * ns;
	reference->not_asked_ns += (cpus - could) * ns;
	for (int i = 0; i < LOCKS && look.waiting; i++)
		reference->lost_ns[i] +=
			(double)((lost - ready) * ns) * look.waiters[i] / look.waiting;
}

static struct reference simple_count(const struct example *example, uint64_t begin_ns,
				     uint64_t end_ns)
{
	struct reference reference = { 0 };
	size_t count;
	uint64_t *instants = all_instants(example, begin_ns, end_ns, &count);

	for (size_t i = 0; i + 1 < count; i++) {
		struct look look = look_at(example, instants[i]);
		uint64_t *most = &reference.most_running[step_at(example->trace, instants[i])];

		if (instants[i] < instants[i + 1] && look.seen >= look.alive &&
		    look.running > *most)
			*most = look.running;
	}
	for (size_t i = 0; i + 1 < count; i++) {
		if (instants[i] < instants[i + 1])
			count_piece(&reference, example, instants[i],
				    instants[i + 1] - instants[i]);
	}
	free(instants);
	return reference;
}

static void assert_same(const struct report *report, const struct reference *reference)
{
	uint64_t gaps_ns = 0;

	assert_int_equal(report->not_recorded_ns, reference->not_recorded_ns);
	for (size_t k = 0; k <= THREADS_MAX; k++)
		assert_int_equal(k < report->parallel_count ? report->parallel_ns[k] : 0,
				 reference->parallel_ns[k]);
	for (size_t i = 0; i < report->thread_count; i++)
		assert_int_equal(report->threads[i].alone_ns,
				 reference->alone_ns[report->threads[i].thread - 1]);
	assert_int_equal(report->capacity.cpu_wait_ns, reference->cpu_wait_ns);
	assert_int_equal(report->capacity.locks_ns, reference->locks_ns);
	assert_int_equal(report->capacity.not_asked_ns, reference->not_asked_ns);
	for (size_t i = 0; i < report->lock_count; i++) {
		double expected = reference->lost_ns[report->locks[i].lock - 1];
		double off = (double)report->locks[i].lost_ns - expected;

		assert_true(off > -1.01 && off < 1.01);
	}
	for (size_t i = 0; i < report->gap_count; i++)
		gaps_ns += report->gaps[i].ns;
	assert_int_equal(gaps_ns, report->gap_ns);
}

static void check(struct example *example, uint64_t begin_ns, uint64_t end_ns)
{
	struct reference reference = simple_count(example, begin_ns, end_ns);

	report_free(example->report);
	example->report = NULL;
	assert_int_equal(report_make(example->trace, begin_ns, end_ns, &example->report), 0);
	assert_no_residuals(example->report);
	assert_same(example->report, &reference);
}

static void test_report__random_runs_add_up(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;

		seed = 88172645463325252ull + (uint64_t)run * 2654435761u;
		example = random_example();
		check(example, example->trace->meta.start_ns, example->trace->meta.end_ns);
		example_free(example);
	}
}

static void test_report__random_phases_add_up(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;
		uint64_t length_ns, begin_ns;

		seed = 362436069ull + (uint64_t)run * 2654435761u;
		example = random_example();
		length_ns = example->trace->meta.end_ns - START;
		begin_ns = START + 1 + pick(length_ns - 1);
		check(example, begin_ns,
		      begin_ns + pick(example->trace->meta.end_ns - begin_ns) + 1);
		example_free(example);
	}
}

static void test_report__random_losses_leave_covered_time_right(void **state)
{
	(void)state;
	for (int run = 0; run < RUNS; run++) {
		struct example *example;

		seed = 521288629ull + (uint64_t)run * 2654435761u;
		example = random_example();
		lose_slices(example);
		check(example, example->trace->meta.start_ns, example->trace->meta.end_ns);
		example_free(example);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_report__random_runs_add_up),
		cmocka_unit_test(test_report__random_phases_add_up),
		cmocka_unit_test(test_report__random_losses_leave_covered_time_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
