/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The process generations that names knows, each with what was last seen of its address space. A
 * generation that is gone is answered for by the one it was forked from.
 */
#ifndef CONVOY_NAMES_PROCESS_H
#define CONVOY_NAMES_PROCESS_H

#include <uthash.h>

#include "names/addrspace.h"
#include "names/cpython.h"

struct process {
	uint32_t proc; /* key */
	pid_t pid;
	uint32_t parent; /* whose map it began with, 0: none */
	struct image image; /* what pid was when it was added; unknown: gone */
	struct addrspace space; /* count 0: not yet read */
	uint64_t read_ns; /* when */
	struct gils gils;
	char *interpreter; /* NULL: not known yet */
	bool is_searched; /* for the lock variable of 2.7, since the space was read */
	uint64_t lock_variable; /* where 2.7 keeps the pointer to its lock, 0: nowhere */
	uint64_t runtime; /* where _PyRuntime is, 0: nowhere */
	bool is_free_threaded; /* and that it was built so that it can do without a GIL */
	uint32_t stack_searches;
	uint32_t perf_map_reads;
	UT_hash_handle hh;
};

struct process_table {
	struct process *by_proc;
	size_t mapping_count; /* of all spaces kept */
};

void process_table_release(struct process_table *table);
/* Adds a generation; the gils and interpreter of a parent it was forked from come with it. */
void process_add(struct process_table *table, uint32_t proc, pid_t pid, uint32_t parent_proc);
struct process *process_find(struct process_table *table, uint32_t proc);
/* True while the process still is the one that was added. */
bool process_is_live(const struct process *process);

/* An address space, and the process whose memory shows it now. */
struct view {
	struct process *process; /* whose space it is: itself or an ancestor */
	const struct mapping *mapping; /* of the address asked for; NULL: none known */
	pid_t pid; /* alive with this space; 0: only remembered */
};

/* Looks an address up, reading /proc where what is remembered may be out of date. False: the
 * process is gone and nobody can answer for it. */
bool process_view(struct process_table *table, struct process *process, uint64_t address,
		  struct view *ret_view);

#endif
