/* SPDX-License-Identifier: GPL-2.0-only */
/* From a futex word to its place: mapping, then file and symbol, then whether it is a GIL. */
#include "names/names.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "names/addrspace.h"
#include "names/caller.h"
#include "names/cpython.h"
#include "names/demangle.h"
#include "names/elf_cache.h"
#include "names/jvm.h"
#include "names/process.h"
#include "names/pyframe.h"

#define INTERPRETER_FILES_MAX 16 /* looked into, of a process */
#define STACK_SEARCHES_MAX 64 /* per process: each looks at every thread */
#define DELETED " (deleted)"

struct names {
	struct process_table processes;
	struct elf_cache *files;
	uint64_t map_ns; /* spent on perf maps */
};

/* What is found out about one word on the way to its place. */
struct lookup {
	const struct futex_use *use;
	struct view view;
	const struct mapping *origin; /* mapping of the file the word belongs to, NULL: none */
	struct elf_file *file; /* borrowed from the cache; NULL: none or unreadable */
	uint64_t bias;
	bool has_symbol;
	struct elf_symbol symbol;
};

struct names *names_new(void)
{
	struct names *names = xcalloc(1, sizeof(*names));

	names->files = elf_cache_new();
	return names;
}

void names_free(struct names *names)
{
	if (!names)
		return;
	process_table_release(&names->processes);
	elf_cache_free(names->files);
	free(names);
}

void names_add_process(struct names *names, uint32_t proc, pid_t pid, uint32_t parent_proc)
{
	process_add(&names->processes, proc, pid, parent_proc);
}

/* Without directories, and without what /proc says of a file replaced since. Free it. */
static char *base_name_of(const struct mapping *mapping)
{
	const char *slash = strrchr(mapping->name, '/');
	const char *base = slash ? slash + 1 : mapping->name;
	size_t length = strlen(base);
	size_t suffix = strlen(DELETED);

	if (length > suffix && !strcmp(base + length - suffix, DELETED))
		length -= suffix;
	return xstrndup(base, length);
}

static void look_into_file(struct names *names, struct lookup *lookup)
{
	const struct mapping *origin =
		addrspace_file_of(&lookup->view.process->space, lookup->view.mapping);
	bool is_tail = origin != lookup->view.mapping;

	if (!origin || origin->is_shared)
		return;
	lookup->file = elf_cache_get(names->files, origin, lookup->view.pid);
	if (lookup->file && !elf_file_bias(lookup->file, origin->start, origin->offset,
					   lookup->use->address, &lookup->bias))
		lookup->file = NULL;
	/* Anonymous memory right behind a file is only its own if a segment says so. */
	if (is_tail && !lookup->file)
		return;
	lookup->origin = origin;
	if (lookup->file)
		lookup->has_symbol = elf_file_symbol_at(
			lookup->file, lookup->use->address - lookup->bias, &lookup->symbol);
}

static void place_in_file(const struct lookup *lookup, struct place *place)
{
	char *base OWNED(mem_freep) = base_name_of(lookup->origin);
	char name[SYMBOL_NAME_MAX];

	trace_set_string(&place->object, base);
	if (lookup->has_symbol) {
		place->kind = PLACE_SYMBOL;
		demangle(lookup->symbol.name, name, sizeof(name));
		trace_set_string(&place->symbol, name);
		place->offset = lookup->use->address - lookup->bias - lookup->symbol.value;
		return;
	}
	place->kind = PLACE_FILE;
	place->offset = lookup->use->address - lookup->origin->start + lookup->origin->offset;
}

/* Private futexes in it are of this process alone, whoever else has the memory. */
static bool is_shared_word(const struct lookup *lookup)
{
	return lookup->view.mapping->is_shared && !(lookup->use->flags & USE_PRIVATE);
}

static void place_shared(const struct lookup *lookup, struct place *place)
{
	const struct mapping *mapping = lookup->view.mapping;

	place->kind = PLACE_SHARED;
	place->shared_dev = mapping->dev;
	place->shared_inode = mapping->inode;
	place->shared_offset = lookup->use->address - mapping->start + mapping->offset;
	place->offset = place->shared_offset;
	trace_set_string(&place->object, mapping->name);
}

static void place_in_memory(const struct lookup *lookup, struct place *place)
{
	const struct mapping *mapping = lookup->view.mapping;
	struct process *process = lookup->view.process;

	place->kind = PLACE_ANONYMOUS;
	if (!strcmp(mapping->name, "[heap]")) {
		place->kind = PLACE_HEAP;
	} else if (!strcmp(mapping->name, "[stack]")) {
		place->kind = PLACE_STACK;
		place->tid = process->pid;
	} else if (mapping->is_writable && !mapping->is_shared && lookup->view.pid > 0 &&
		   process->stack_searches < STACK_SEARCHES_MAX) {
		process->stack_searches++;
		place->tid = mapping_stack_of(mapping, lookup->use->address, lookup->view.pid);
		if (place->tid > 0)
			place->kind = PLACE_STACK;
	}
}

/* A shared mapping used privately. */
static void place_mapped(const struct lookup *lookup, struct place *place)
{
	const struct mapping *mapping = lookup->view.mapping;
	char *base OWNED(mem_freep) = base_name_of(mapping);

	place->kind = PLACE_FILE;
	place->offset = lookup->use->address - mapping->start + mapping->offset;
	trace_set_string(&place->object, base);
}

/* The longest text says most: a program named "python", its library "libpython3.8". */
static void take_interpreter(struct process *process, struct elf_file *file, const char *base_name)
{
	char *version = cpython_version(file, base_name);
	size_t known = process->interpreter ? strlen(process->interpreter) : 0;

	if (!version || strlen(version) <= known) {
		free(version);
		return;
	}
	free(process->interpreter);
	process->interpreter = version;
}

/* Of an interpreter, or of a program that has one inside; the text is made of its file before. */
static void take_runtime(const struct view *view, uint64_t runtime)
{
	struct process *process = view->process;
	struct debug_offsets offsets;
	char *longer;

	process->runtime = runtime;
	if (process->is_free_threaded || !process->interpreter || view->pid <= 0 ||
	    !cpython_debug_offsets(view->pid, runtime, &offsets) || !offsets.is_free_threaded)
		return;
	process->is_free_threaded = true;
	longer = xasprintf("%s (free-threaded)", process->interpreter);
	free(process->interpreter);
	process->interpreter = longer;
}

/*
 * CPython 3.6 keeps the parts of its GIL in variables of their own. Where their names are stripped
 * away, its data still holds no other condition, and no mutex that is waited for so.
 */
static void find_gil36(const struct lookup *lookup, struct place *place)
{
	struct elf_symbol symbol;
	enum gil_part part = GIL_NOT;

	if (lookup->file && is_cpython36_name(place->object) &&
	    !elf_file_symbol_named(lookup->file, "gil_cond", &symbol)) {
		place->gil = gil_part_of_call(lookup->use);
		place->group = place->gil ? lookup->bias : place->address;
		return;
	}
	if (lookup->has_symbol)
		part = cpython36_part(lookup->symbol.name);
	if (part == GIL_NOT ||
	    !elf_file_symbol_named(lookup->file, "_PyThreadState_Current", &symbol) ||
	    !elf_file_symbol_named(lookup->file, "gil_cond", &symbol))
		return;
	place->gil = part;
	place->group = symbol.value + lookup->bias;
}

static void search_in_file(struct names *names, const struct view *view,
			   const struct mapping *mapping, const char *base_name)
{
	struct elf_file *file = elf_cache_get(names->files, mapping, view->pid);
	struct elf_symbol symbol;
	uint64_t bias;

	take_interpreter(view->process, file, base_name);
	if (!file || !elf_file_bias(file, mapping->start, mapping->offset, mapping->start, &bias))
		return;
	if (elf_file_symbol_named(file, "interpreter_lock", &symbol))
		view->process->lock_variable = symbol.value + bias;
	if (elf_file_symbol_named(file, "_PyRuntime", &symbol))
		take_runtime(view, symbol.value + bias);
}

/* Which interpreter it is, where its runtime lies, and the variable in which 2.7 keeps the pointer
 * to its lock: all from the files that carry an interpreter's name. */
static void search_interpreter(struct names *names, const struct view *view)
{
	const struct addrspace *space = &view->process->space;
	uint64_t last_inode = 0;
	int found = 0;

	view->process->is_searched = true;
	for (size_t i = 0; i < space->count && found < INTERPRETER_FILES_MAX; i++) {
		const struct mapping *mapping = &space->mappings[i];
		char *base OWNED(mem_freep) = NULL;

		if (mapping->inode == 0 || mapping->inode == last_inode)
			continue;
		last_inode = mapping->inode;
		base = base_name_of(mapping);
		if (!is_interpreter_name(base))
			continue;
		search_in_file(names, view, mapping, base);
		found++;
	}
}

/* 2.7: one semaphore on the heap. */
static void find_gil27(struct lookup *lookup, struct place *place)
{
	struct process *process = lookup->view.process;
	uint64_t lock;

	if (process->lock_variable == 0 || lookup->use->op != FUTEX_WAIT_BITSET ||
	    !target_read(lookup->view.pid, process->lock_variable, &lock, sizeof(lock)) ||
	    lock != lookup->use->address)
		return;
	place->gil = GIL_WAIT;
	gils_add(&process->gils, (struct gil){ .start = lock, .layout = GIL_LAYOUT_SEMAPHORE });
}

static bool is_runtime(const struct lookup *lookup)
{
	return lookup->has_symbol && !strcmp(lookup->symbol.name, "_PyRuntime");
}

/* A word in it is of the GIL whatever it looks like, where there must be one. */
static bool is_runtime_with_gil(const struct lookup *lookup)
{
	return is_runtime(lookup) && !lookup->view.process->is_free_threaded;
}

static void find_gil(struct lookup *lookup, struct gils *gils, struct place *place)
{
	const struct gil_query query = {
		.pid = lookup->view.pid,
		.use = lookup->use,
		.is_in_runtime = is_runtime_with_gil(lookup),
		.is_in_file = lookup->origin != NULL,
		.is_in_pypy = lookup->origin && lookup->view.mapping->is_writable &&
			      is_pypy_name(place->object),
	};
	enum gil_part part = GIL_NOT;
	const struct gil *gil = gils_find(gils, &query, &part);

	if (gil) {
		place->gil = part;
		place->group = gil->start;
		place->interpreter = gil->interpreter;
	} else if (query.is_in_runtime) {
		place->gil = gil_part_of_call(lookup->use);
		place->group = place->gil ? lookup->symbol.value + lookup->bias : place->address;
	} else if (lookup->origin) {
		find_gil36(lookup, place);
	} else if (lookup->view.pid > 0) {
		find_gil27(lookup, place);
	}
}

static void set_place(struct lookup *lookup, struct place *place)
{
	const struct mapping *mapping = lookup->view.mapping;

	if (is_shared_word(lookup))
		place_shared(lookup, place);
	else if (lookup->origin)
		place_in_file(lookup, place);
	else if (mapping->inode != 0 && strncmp(mapping->name, "/dev/zero", 9) != 0)
		place_mapped(lookup, place);
	else
		place_in_memory(lookup, place);
}

void names_resolve(struct names *names, uint32_t proc, const struct futex_use *use,
		   struct place *ret_place)
{
	struct process *process = process_find(&names->processes, proc);
	struct lookup lookup = { .use = use };

	ret_place->proc = proc;
	ret_place->address = use->address;
	ret_place->group = use->address;
	ret_place->kind = PLACE_GONE;
	if (!process || !process_view(&names->processes, process, use->address, &lookup.view))
		return;
	ret_place->kind = PLACE_ANONYMOUS;
	if (!lookup.view.mapping) /* unmapped meanwhile */
		return;
	if (!lookup.view.process->is_searched)
		search_interpreter(names, &lookup.view);
	look_into_file(names, &lookup);
	set_place(&lookup, ret_place);
	if (is_runtime(&lookup)) {
		take_interpreter(lookup.view.process, lookup.file, ret_place->object);
		take_runtime(&lookup.view, lookup.symbol.value + lookup.bias);
	}
	if (ret_place->kind != PLACE_SHARED && !(use->flags & USE_PARKED))
		find_gil(&lookup, &process->gils, ret_place);
}

/* The frames of a stack, view: where it ran, filled. NULL: not in a mapped file. Free it. */
static struct frames *scan(struct names *names, uint32_t proc, const struct wait_stack *stack,
			   struct view *view)
{
	struct process *process = process_find(&names->processes, proc);
	struct frames *frames;

	if (!process || stack->instruction == 0 ||
	    !process_view(&names->processes, process, stack->instruction, view) || !view->mapping)
		return NULL;
	frames = xcalloc(1, sizeof(*frames));
	frames->files = names->files;
	frames->view = view;
	frames->map_ns = &names->map_ns;
	frames_scan(frames, stack);
	return frames;
}

void names_resolve_caller(struct names *names, uint32_t proc, const struct wait_stack *stack,
			  struct place *place)
{
	struct view view;
	struct frames *frames OWNED(mem_freep) = scan(names, proc, stack, &view);

	if (frames)
		caller_find(frames, place);
}

char *names_native(struct names *names, uint32_t proc, const struct wait_stack *stack)
{
	struct view view;
	struct frames *frames OWNED(mem_freep) = scan(names, proc, stack, &view);

	return frames ? native_find(frames) : NULL;
}

const char *names_interpreter(struct names *names, uint32_t proc)
{
	struct process *process = process_find(&names->processes, proc);
	struct view view;

	if (process && !process->interpreter &&
	    process_view(&names->processes, process, 0, &view)) {
		process = view.process;
		if (view.pid > 0 && !process->is_searched)
			search_interpreter(names, &view);
	}
	return process && process->interpreter ? process->interpreter : "";
}

bool names_python(struct names *names, uint32_t proc, struct py_process *ret_python)
{
	const struct process *process = process_find(&names->processes, proc);

	/* Both are found with the first word that the process waits on. */
	return process && process->runtime && process->interpreter && process_is_live(process) &&
	       py_process_init(ret_python, process->pid, process->runtime, process->interpreter);
}

static uint64_t variable_of(struct elf_file *file, uint64_t bias, const char *name)
{
	struct elf_symbol symbol;

	return elf_file_symbol_named(file, name, &symbol) ? symbol.value + bias : 0;
}

static bool find_jvm(struct names *names, const struct view *view, const struct mapping *mapping,
		     struct jvm *ret_jvm)
{
	struct elf_file *file = elf_cache_get(names->files, mapping, view->pid);
	struct jvm_symbols symbols;
	uint64_t bias;

	if (!file || !elf_file_bias(file, mapping->start, mapping->offset, mapping->start, &bias))
		return false;
	symbols = (struct jvm_symbols){
		.layout = variable_of(file, bias, "gHotSpotVMStructs"),
		.blocker_offset =
			variable_of(file, bias, "_ZN16java_lang_Thread20_park_blocker_offsetE"),
		.has_short_objects = variable_of(file, bias, "UseCompressedOops"),
		.has_short_classes = variable_of(file, bias, "UseCompressedClassPointers"),
	};
	return symbols.layout && symbols.blocker_offset && symbols.has_short_objects &&
	       symbols.has_short_classes && jvm_init(ret_jvm, view->pid, &symbols);
}

bool names_jvm(struct names *names, uint32_t proc, struct jvm *ret_jvm)
{
	struct process *process = process_find(&names->processes, proc);
	struct view view;

	if (!process || !process_view(&names->processes, process, 0, &view) || view.pid <= 0)
		return false;
	for (size_t i = 0; i < view.process->space.count; i++) {
		const struct mapping *mapping = &view.process->space.mappings[i];
		char *base OWNED(mem_freep) = base_name_of(mapping);

		if (mapping->inode != 0 && !strcmp(base, "libjvm.so"))
			return find_jvm(names, &view, mapping, ret_jvm);
	}
	return false;
}

bool names_has_gil_struct(struct names *names, uint32_t proc, uint64_t gil_start)
{
	const struct process *process = process_find(&names->processes, proc);

	for (size_t i = 0; process && i < process->gils.count; i++)
		if (process->gils.list[i].start == gil_start)
			return process->gils.list[i].layout == GIL_LAYOUT_CPYTHON;
	return false;
}

bool names_gil(struct names *names, uint32_t proc, uint64_t *ret_gil_start)
{
	const struct process *process = process_find(&names->processes, proc);

	for (size_t i = 0; process && i < process->gils.count; i++) {
		if (process->gils.list[i].interpreter != 0)
			continue;
		*ret_gil_start = process->gils.list[i].start;
		return true;
	}
	return false;
}
