/* SPDX-License-Identifier: GPL-2.0-only */
/* Process generations and their remembered address spaces. */
#include "names/process.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

#define SPACE_FRESH_NS 2000000ULL /* what is not in a space just read is not there */
#define SPACE_OLD_NS 100000000ULL /* anonymous mappings come and go */
#define MAPPINGS_TOTAL_MAX 100000 /* kept of all processes */
#define ANCESTORS_MAX 64

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void forget_space(struct process_table *table, struct process *process)
{
	table->mapping_count -= process->space.count;
	addrspace_release(&process->space);
}

void process_table_release(struct process_table *table)
{
	struct process *process;
	struct process *next;

	HASH_ITER(hh, table->by_proc, process, next)
	{
		HASH_DEL(table->by_proc, process);
		addrspace_release(&process->space);
		gils_release(&process->gils);
		free(process->interpreter);
		free(process);
	}
}

struct process *process_find(struct process_table *table, uint32_t proc)
{
	struct process *process;

	HASH_FIND(hh, table->by_proc, &proc, sizeof(proc), process);
	return process;
}

static void inherit(struct process *process, const struct process *parent)
{
	process->parent = parent->proc;
	gils_copy(&process->gils, &parent->gils);
	process->lock_variable = parent->lock_variable;
	process->runtime = parent->runtime;
	process->is_searched = parent->interpreter != NULL;
	if (parent->interpreter)
		process->interpreter = xstrdup(parent->interpreter);
	process->is_free_threaded = parent->is_free_threaded;
	/* Heard of too late: what runs there now has come after its exec. */
	if (image_is_known(&parent->image) && (process->image.code != parent->image.code ||
					       process->image.stack != parent->image.stack))
		process->image = (struct image){ 0 };
}

void process_add(struct process_table *table, uint32_t proc, pid_t pid, uint32_t parent_proc)
{
	const struct process *parent = parent_proc ? process_find(table, parent_proc) : NULL;
	struct process *process = process_find(table, proc);

	if (process)
		return;
	process = xcalloc(1, sizeof(*process));
	process->proc = proc;
	process->pid = pid;
	image_read(pid, &process->image);
	/* The same pid again is an exec: nothing stays. */
	if (parent && parent->pid != pid)
		inherit(process, parent);
	HASH_ADD(hh, table->by_proc, proc, sizeof(proc), process);
}

bool process_is_live(const struct process *process)
{
	struct image now;

	if (!image_is_known(&process->image))
		return false;
	image_read(process->pid, &now);
	return image_is_same(&process->image, &now);
}

/* The oldest first, but not the one in use. */
static void make_room(struct process_table *table, const struct process *in_use)
{
	struct process *process;
	struct process *next;

	HASH_ITER(hh, table->by_proc, process, next)
	{
		if (table->mapping_count <= MAPPINGS_TOTAL_MAX)
			return;
		if (process != in_use)
			forget_space(table, process);
	}
}

static bool read_space(struct process_table *table, struct process *process)
{
	struct addrspace space;

	if (addrspace_init(&space, process->pid) < 0)
		return false;
	/* It may have called exec, or died and been followed, while it was read. */
	if (!process_is_live(process)) {
		addrspace_release(&space);
		return false;
	}
	forget_space(table, process);
	process->space = space;
	process->read_ns = now_ns();
	process->is_searched = process->interpreter != NULL;
	table->mapping_count += space.count;
	make_room(table, process);
	return true;
}

/* Program and library data and the heap stay where they are. */
static bool is_lasting(const struct mapping *mapping)
{
	return !mapping->is_shared && (mapping->inode != 0 || !strcmp(mapping->name, "[heap]"));
}

static bool is_usable(const struct process *process, const struct mapping *mapping)
{
	uint64_t age_ns = now_ns() - process->read_ns;

	if (!mapping)
		return age_ns < SPACE_FRESH_NS;
	return is_lasting(mapping) || age_ns < SPACE_OLD_NS;
}

static bool view_own(struct process_table *table, struct process *process, uint64_t address,
		     struct view *ret_view)
{
	bool is_live = process_is_live(process);

	ret_view->process = process;
	ret_view->mapping = addrspace_find(&process->space, address);
	ret_view->pid = is_live ? process->pid : 0;
	if (is_live && !(process->space.count && is_usable(process, ret_view->mapping)) &&
	    read_space(table, process))
		ret_view->mapping = addrspace_find(&process->space, address);
	return process->space.count > 0 && (is_live || ret_view->mapping);
}

bool process_view(struct process_table *table, struct process *process, uint64_t address,
		  struct view *ret_view)
{
	for (int i = 0; process && i < ANCESTORS_MAX; i++) {
		if (view_own(table, process, address, ret_view))
			return true;
		process = process->parent ? process_find(table, process->parent) : NULL;
	}
	return false;
}
