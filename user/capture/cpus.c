/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Usable CPUs over time. Nearly all threads share one mask, so masks are counted, not threads: a
 * step is looked for only when a mask appears or disappears.
 */
#include "capture/cpus.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/mem.h"

struct mask {
	uint64_t words[RECORD_MASK_WORDS]; /* hash key */
	uint64_t threads;
	UT_hash_handle hh;
};

struct masked_thread {
	uint32_t thread; /* hash key */
	struct mask *mask;
	UT_hash_handle hh;
};

struct cpus {
	struct mask *masks;
	struct masked_thread *threads;
	uint64_t online[RECORD_MASK_WORDS]; /* CPUs a mask may name but the machine has not do not
					       count */
	struct cpu_step *steps;
	size_t step_count;
};

static void read_online(struct cpus *cpus)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	/* Masks of tasks are cut to the possible CPUs by the kernel; those are numbered from 0. */
	for (long i = 0; i < count && i < RECORD_MASK_WORDS * 64; i++)
		cpus->online[i / 64] |= 1ULL << (i % 64);
}

struct cpus *cpus_new(void)
{
	struct cpus *cpus = xcalloc(1, sizeof(*cpus));

	read_online(cpus);
	return cpus;
}

void cpus_free(struct cpus *cpus)
{
	struct masked_thread *thread, *next_thread;
	struct mask *mask, *next_mask;

	if (!cpus)
		return;
	HASH_ITER(hh, cpus->threads, thread, next_thread)
	{
		HASH_DEL(cpus->threads, thread);
		free(thread);
	}
	HASH_ITER(hh, cpus->masks, mask, next_mask)
	{
		HASH_DEL(cpus->masks, mask);
		free(mask);
	}
	free(cpus->steps);
	free(cpus);
}

static uint32_t count_union(const struct cpus *cpus)
{
	uint64_t all[RECORD_MASK_WORDS] = { 0 };
	uint32_t count = 0;

	for (const struct mask *mask = cpus->masks; mask; mask = mask->hh.next) {
		for (int i = 0; i < RECORD_MASK_WORDS; i++)
			all[i] |= mask->words[i];
	}
	for (int i = 0; i < RECORD_MASK_WORDS; i++)
		count += (uint32_t)__builtin_popcountll(all[i] & cpus->online[i]);
	return count;
}

static void add_step(struct cpus *cpus, uint64_t time_ns)
{
	uint32_t count = count_union(cpus);
	struct cpu_step *step;

	/* The last thread's death leaves nothing to use CPUs: that is the end, not a step. */
	if (!count || (cpus->step_count && cpus->steps[cpus->step_count - 1].cpus == count))
		return;
	step = array_add(&cpus->steps, &cpus->step_count, sizeof(*step));
	step->from_ns = time_ns;
	step->cpus = count;
}

/* True if the mask was the last of its kind. */
static int mask_drop(struct cpus *cpus, struct mask *mask)
{
	if (!mask || --mask->threads)
		return 0;
	HASH_DEL(cpus->masks, mask);
	free(mask);
	return 1;
}

/* True if the mask is new. */
static int mask_take(struct cpus *cpus, const uint64_t *words, struct mask **ret_mask)
{
	struct mask *mask;
	int is_new = 0;

	HASH_FIND(hh, cpus->masks, words, sizeof(mask->words), mask);
	if (!mask) {
		mask = xcalloc(1, sizeof(*mask));
		memcpy(mask->words, words, sizeof(mask->words));
		HASH_ADD(hh, cpus->masks, words, sizeof(mask->words), mask);
		is_new = 1;
	}
	mask->threads++;
	*ret_mask = mask;
	return is_new;
}

void cpus_update(struct cpus *cpus, const struct life_record *life, int is_dead)
{
	struct masked_thread *thread;
	struct mask *before, *now = NULL;
	uint64_t words[RECORD_MASK_WORDS];
	int changes = 0;

	memcpy(words, life->allowed, sizeof(words));
	HASH_FIND(hh, cpus->threads, &life->thread, sizeof(life->thread), thread);
	before = thread ? thread->mask : NULL;
	if (!is_dead)
		changes = mask_take(cpus, words, &now);
	changes |= mask_drop(cpus, before);
	if (is_dead && thread) {
		HASH_DEL(cpus->threads, thread);
		free(thread);
	} else if (!is_dead) {
		if (!thread) {
			thread = xcalloc(1, sizeof(*thread));
			thread->thread = life->thread;
			HASH_ADD(hh, cpus->threads, thread, sizeof(thread->thread), thread);
		}
		thread->mask = now;
	}
	if (changes)
		add_step(cpus, life->time_ns);
}

void cpus_hand_over(const struct cpus *cpus, struct trace *trace)
{
	for (size_t i = 0; i < cpus->step_count; i++) {
		uint64_t from_ns = cpus->steps[i].from_ns;
		struct cpu_step *step;

		if (from_ns >= trace->meta.end_ns)
			break;
		/* Of the steps before the window only the last speaks of it. */
		if (from_ns < trace->meta.start_ns)
			from_ns = trace->meta.start_ns;
		if (trace->meta.cpu_step_count &&
		    trace->meta.cpu_steps[trace->meta.cpu_step_count - 1].from_ns == from_ns)
			step = &trace->meta.cpu_steps[trace->meta.cpu_step_count - 1];
		else
			step = trace_add_cpu_step(trace);
		step->from_ns = from_ns;
		step->cpus = cpus->steps[i].cpus;
	}
	if (trace->meta.cpu_step_count)
		trace->meta.cpu_steps[0].from_ns = trace->meta.start_ns;
}
