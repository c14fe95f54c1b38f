/* SPDX-License-Identifier: GPL-2.0-only */
/* Slices from a growing array, and short ways to write traces by hand: for the tests of what is
 * computed from slices. Times in hand examples are small round numbers. */
#ifndef CONVOY_TESTS_ARRAY_SOURCE_H
#define CONVOY_TESTS_ARRAY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/report.h"
#include "stream/trace.h"

/* A trace and its slices, freed together. */
struct example {
	struct slice_source source; /* first: next() casts back */
	struct slice *slices;
	size_t count;
	size_t next;
	struct trace *trace;
	struct report *report;
};

/* A trace of the window [start_ns, end_ns) with so many usable CPUs, no threads, no slices. */
struct example *example_new(uint64_t start_ns, uint64_t end_ns, uint32_t cpus);
void example_free(struct example *example);

/* A thread that lives all the window; its number. */
uint32_t example_thread(struct example *example);
/* One that lives from start_ns to end_ns. */
uint32_t example_mortal(struct example *example, uint64_t start_ns, uint64_t end_ns);
/* A lock; its number. */
uint32_t example_lock(struct example *example, enum lock_kind kind, enum lock_state state,
		      const char *name);
/* Appends a slice in any order; the next ones change what was appended last. */
struct slice *example_slice(struct example *example, uint32_t thread, enum state state,
			    uint64_t from_ns, uint64_t to_ns);
struct slice *example_wait(struct example *example, uint32_t thread, uint32_t lock,
			   uint64_t from_ns, uint64_t to_ns);
void example_sort(struct example *example);
/* Sorts the slices and makes the kernel's totals what the slices say: threads, waits, locks. */
void example_finish(struct example *example);
/* example_finish, then the report of [begin_ns, end_ns); it must succeed. */
const struct report *example_report(struct example *example, uint64_t begin_ns, uint64_t end_ns);

/* Of a report: NULL if absent. */
const struct lock_stat *find_lock_stat(const struct report *report, uint32_t lock);
const struct thread_stat *find_thread_stat(const struct report *report, uint32_t thread);
void assert_no_residuals(const struct report *report);

#endif
