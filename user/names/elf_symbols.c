/* SPDX-License-Identifier: GPL-2.0-only */
/* Symbols: kept sorted by address, their names read from the file when asked for. */
#include "names/elf_symbols.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "names/debug_file.h"
#include "names/elf_frames.h"
#include "names/elf_read.h"
#include "names/elf_slots.h"
#include "names/elf_strings.h"

#define CHUNK_SYMBOLS 2048
#define BACK_MAX 4096 /* symbols looked at for one that began earlier */
#define DIGIT_BITS 11
#define DIGITS (1U << DIGIT_BITS)
#define AROUND_MAX 16 /* names and blocks within each other */
#define NAMED_MAX 65536 /* symbols whose names are read to find one: it takes 1 us each */
#define PAGE_MASK_BYTES 4095ULL

/* A symbol. */
struct object {
	uint64_t value;
	uint64_t size;
	uint64_t reach; /* largest end of this and all before it */
	uint32_t name; /* offset among the strings of its table */
	uint32_t table; /* index into file->tables */
};

/* Sorted by address. */
struct objects {
	struct object *list;
	size_t count;
};

#define ASKED_MAX 8

/* A symbol asked for by its name, and the answer: finding it reads every name. */
struct asked {
	char name[32];
	bool is_there;
	struct elf_symbol symbol;
};

struct elf_file {
	int fds[ELF_TABLES]; /* the file itself; the one its .symtab is in, often the same */
	struct elf_table tables[ELF_TABLES]; /* .dynsym, .symtab */
	struct elf_headers headers;
	struct objects data;
	struct objects code;
	struct elf_slots slots;
	bool has_slots; /* they have been read */
	struct asked asked[ASKED_MAX];
	size_t asked_count;
};

static bool is_defined(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_size > 0 &&
	       symbol->st_value + symbol->st_size > symbol->st_value;
}

/* Where symbols of this type are kept, NULL: nowhere. */
static struct objects *objects_of(struct elf_file *file, unsigned char type)
{
	switch (type) {
	case STT_OBJECT:
		return &file->data;
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return &file->code;
	default:
		return NULL;
	}
}

static void take_symbol(struct elf_file *file, uint32_t table, const Elf64_Sym *symbol)
{
	struct objects *objects = objects_of(file, ELF64_ST_TYPE(symbol->st_info));
	struct object *object;

	if (!objects || !is_defined(symbol) || objects->count >= ELF_SYMBOLS_MAX)
		return;
	object = &objects->list[objects->count++];
	object->value = symbol->st_value;
	object->size = symbol->st_size;
	object->name = symbol->st_name;
	object->table = table;
}

/* Room for all of a table at once: what is not used of it is never touched. */
static void reserve(struct objects *objects, uint64_t count)
{
	size_t most = count < ELF_SYMBOLS_MAX ? count : ELF_SYMBOLS_MAX;

	objects->list = xrealloc(objects->list, objects->count + most, sizeof(*objects->list));
}

static void load_table(struct elf_file *file, uint32_t index)
{
	Elf64_Sym *chunk OWNED(mem_freep) = xcalloc(CHUNK_SYMBOLS, sizeof(*chunk));
	const struct elf_table *table = &file->tables[index];

	reserve(&file->data, table->count);
	reserve(&file->code, table->count);
	for (uint64_t done = 0; done < table->count;) {
		uint64_t left = table->count - done;
		size_t count = left < CHUNK_SYMBOLS ? left : CHUNK_SYMBOLS;

		if (!elf_read_at(file->fds[index], table->offset + done * sizeof(*chunk), chunk,
				 count * sizeof(*chunk)))
			return;
		for (size_t i = 0; i < count; i++)
			take_symbol(file, index, &chunk[i]);
		done += count;
	}
}

/* By address; the smaller after the larger, so the inner one is met first from behind. */
static int compare_objects(const void *left, const void *right)
{
	const struct object *a = left;
	const struct object *b = right;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

/* By one digit of the address, the rest left in its order. */
static void sort_by_digit(const struct object *list, size_t count, unsigned int shift,
			  struct object *ret_list)
{
	size_t at[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++)
		at[list[i].value >> shift & (DIGITS - 1)]++;
	for (size_t i = 0; i < DIGITS; i++) {
		size_t here = at[i];

		at[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < count; i++)
		ret_list[at[list[i].value >> shift & (DIGITS - 1)]++] = list[i];
}

/* Digit by digit: a C library has ten thousand symbols, and this happens while a program runs that
 * is not to be disturbed. */
static void sort_by_address(struct objects *objects)
{
	struct object *other = xcalloc(objects->count, sizeof(*other));
	uint64_t highest = 0;

	for (size_t i = 0; i < objects->count; i++)
		highest = objects->list[i].value > highest ? objects->list[i].value : highest;
	for (unsigned int shift = 0; shift < 64 && highest >> shift; shift += DIGIT_BITS) {
		struct object *sorted = other;

		sort_by_digit(objects->list, objects->count, shift, sorted);
		other = objects->list;
		objects->list = sorted;
	}
	free(other);
}

/* Aliases begin at one address. */
static void sort_aliases(struct object *list, size_t count)
{
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && list[next].value == list[i].value;)
			next++;
		if (next - i > 1)
			qsort(&list[i], next - i, sizeof(*list), compare_objects);
	}
}

static void sort_objects(struct objects *objects)
{
	uint64_t reach = 0;

	sort_by_address(objects);
	sort_aliases(objects->list, objects->count);
	for (size_t i = 0; i < objects->count; i++) {
		struct object *object = &objects->list[i];

		if (object->value + object->size > reach)
			reach = object->value + object->size;
		object->reach = reach;
	}
}

/* A .symtab holds all that .dynsym holds: one of them is enough. */
static void load_symbols(struct elf_file *file)
{
	file->tables[1] = file->headers.symtab;
	file->fds[1] = file->fds[0];
	if (file->tables[1].count == 0)
		file->fds[1] = debug_file_open(&file->headers, &file->tables[1]);
	if (file->fds[1] >= 0)
		load_table(file, 1);
	file->tables[0] = file->headers.dynsym;
	if (file->data.count + file->code.count == 0 || file->fds[1] != file->fds[0])
		load_table(file, 0);
	sort_objects(&file->data);
	sort_objects(&file->code);
}

struct elf_file *elf_file_open(int fd)
{
	struct elf_file *file = xcalloc(1, sizeof(*file));

	file->fds[0] = fd;
	file->fds[1] = -1;
	if (!elf_headers_read(fd, &file->headers)) {
		elf_file_close(file);
		return NULL;
	}
	load_symbols(file);
	return file;
}

void elf_file_close(struct elf_file *file)
{
	if (!file)
		return;
	if (file->fds[1] >= 0 && file->fds[1] != file->fds[0])
		close(file->fds[1]);
	close(file->fds[0]);
	free(file->data.list);
	free(file->code.list);
	elf_slots_release(&file->slots);
	free(file);
}

size_t elf_file_bytes(const struct elf_file *file)
{
	return sizeof(*file) + (file->data.count + file->code.count) * sizeof(struct object) +
	       file->slots.count * sizeof(*file->slots.list);
}

/* Where offset `offset` of the file is mapped at `start`, and an address in that mapping. */
struct piece {
	uint64_t start;
	uint64_t offset;
	uint64_t address;
};

/*
 * A segment is mapped in whole pages, and what is written of it may be split off anywhere. Behind
 * its last byte other memory may follow in the same mapping.
 */
static bool segment_bias(const Elf64_Phdr *segment, const struct piece *piece, uint64_t *ret_bias)
{
	uint64_t first_page = segment->p_vaddr & ~PAGE_MASK_BYTES;
	uint64_t bias = piece->start - piece->offset - (segment->p_vaddr - segment->p_offset);
	uint64_t at = piece->address - bias;

	if (piece->offset < (segment->p_offset & ~PAGE_MASK_BYTES) ||
	    piece->offset > segment->p_offset + segment->p_filesz)
		return false;
	if (at < first_page ||
	    at - first_page >= segment->p_memsz + (segment->p_vaddr & PAGE_MASK_BYTES))
		return false;
	*ret_bias = bias;
	return true;
}

/* Where a page of the file belongs to two segments, the one with the flag is meant; of two with it
 * the later: what a linker adds to the first, up to the next page, is not of the file. */
static bool find_bias(const struct elf_file *file, uint32_t flag, const struct piece *piece,
		      uint64_t *ret_bias)
{
	for (int has_flag = 1; has_flag >= 0; has_flag--) {
		for (size_t i = file->headers.segment_count; i-- > 0;) {
			const Elf64_Phdr *segment = &file->headers.segments[i];

			if (!!(segment->p_flags & flag) == has_flag &&
			    segment_bias(segment, piece, ret_bias))
				return true;
		}
	}
	return false;
}

/* Futex words are written. */
bool elf_file_bias(const struct elf_file *file, uint64_t start, uint64_t offset, uint64_t address,
		   uint64_t *ret_bias)
{
	return find_bias(file, PF_W, &(struct piece){ start, offset, address }, ret_bias);
}

bool elf_file_code_bias(const struct elf_file *file, uint64_t start, uint64_t offset,
			uint64_t address, uint64_t *ret_bias)
{
	return find_bias(file, PF_X, &(struct piece){ start, offset, address }, ret_bias);
}

static bool read_string(const struct elf_file *file, uint32_t index, uint32_t name, char *ret_name)
{
	const struct elf_table *table = &file->tables[index];
	uint64_t left;
	size_t size;

	ret_name[0] = '\0';
	if (name >= table->names_size)
		return false;
	left = table->names_size - name;
	size = left < SYMBOL_NAME_MAX - 1 ? left : SYMBOL_NAME_MAX - 1;
	if (!elf_read_at(file->fds[index], table->names + name, ret_name, size))
		return false;
	ret_name[size] = '\0';
	/* Symbols in .symtab may carry the version of a library after an @. */
	ret_name[strcspn(ret_name, "@")] = '\0';
	return ret_name[0] != '\0';
}

/* The number of symbols that begin at or before the value. */
static size_t count_before(const struct objects *objects, uint64_t value)
{
	size_t low = 0;
	size_t high = objects->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (objects->list[middle].value <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool fill_symbol(const struct elf_file *file, const struct object *object,
			struct elf_symbol *ret_symbol)
{
	ret_symbol->value = object->value;
	ret_symbol->size = object->size;
	return read_string(file, object->table, object->name, ret_symbol->name);
}

/* The next symbol that contains the value, the last to begin first. *at: where to go on. */
static const struct object *next_around(const struct objects *objects, uint64_t value, size_t *at)
{
	for (int i = 0; *at > 0 && i < BACK_MAX; i++) {
		const struct object *object = &objects->list[--*at];

		if (object->reach <= value)
			break;
		if (value - object->value < object->size)
			return object;
	}
	return NULL;
}

static bool symbol_at(const struct elf_file *file, const struct objects *objects, uint64_t value,
		      struct elf_symbol *ret_symbol)
{
	size_t at = count_before(objects, value);
	const struct object *object = next_around(objects, value, &at);
	const struct object *best = object;

	for (int i = 0; object && i < AROUND_MAX; i++) {
		if (object->size < best->size)
			best = object;
		object = next_around(objects, value, &at);
	}
	return best && fill_symbol(file, best, ret_symbol);
}

bool elf_file_symbol_at(struct elf_file *file, uint64_t value, struct elf_symbol *ret_symbol)
{
	return symbol_at(file, &file->data, value, ret_symbol);
}

bool elf_file_function_at(struct elf_file *file, uint64_t value, struct elf_symbol *ret_symbol)
{
	return symbol_at(file, &file->code, value, ret_symbol);
}

bool elf_file_function_start(struct elf_file *file, uint64_t value, uint64_t *ret_start)
{
	struct elf_symbol symbol;

	if (!elf_file_function_at(file, value, &symbol))
		return elf_frames_start(file->fds[0], &file->headers.frames, value, ret_start);
	*ret_start = symbol.value;
	return true;
}

bool elf_file_function_is(struct elf_file *file, uint64_t value, const char *name)
{
	size_t at = count_before(&file->code, value);
	const struct object *object = next_around(&file->code, value, &at);
	struct elf_symbol symbol;

	for (int i = 0; object && i < AROUND_MAX; i++) {
		if (fill_symbol(file, object, &symbol) && !strcmp(symbol.name, name))
			return true;
		object = next_around(&file->code, value, &at);
	}
	return false;
}

bool elf_file_slot_name(struct elf_file *file, uint64_t slot, char ret_name[SYMBOL_NAME_MAX])
{
	uint32_t name;

	if (!file->has_slots) {
		file->has_slots = true;
		elf_slots_load(&file->slots, file->fds[0], &file->headers);
	}
	return elf_slots_find(&file->slots, file->fds[0], &file->tables[0], slot, &name) &&
	       read_string(file, 0, name, ret_name);
}

static bool find_named(const struct elf_file *file, const char *name, struct elf_symbol *ret_symbol)
{
	struct elf_strings strings OWNED(elf_strings_release) = { { NULL } };
	size_t left = NAMED_MAX;

	elf_strings_read(file->fds, file->tables, &strings);
	ret_symbol->name[0] = '\0';
	for (size_t i = 0; i < file->data.count && left; i++) {
		const struct object *object = &file->data.list[i];

		if (!elf_strings_may_be(&strings, file->tables, object->table, object->name, name))
			continue;
		left--;
		if (fill_symbol(file, object, ret_symbol) && !strcmp(ret_symbol->name, name))
			return true;
	}
	return false;
}

bool elf_file_symbol_named(struct elf_file *file, const char *name, struct elf_symbol *ret_symbol)
{
	struct asked *asked;

	for (size_t i = 0; i < file->asked_count; i++) {
		if (strcmp(file->asked[i].name, name) != 0)
			continue;
		*ret_symbol = file->asked[i].symbol;
		return file->asked[i].is_there;
	}
	if (file->asked_count == ASKED_MAX || strlen(name) >= sizeof(asked->name))
		return find_named(file, name, ret_symbol);
	asked = &file->asked[file->asked_count++];
	memcpy(asked->name, name, strlen(name) + 1);
	asked->is_there = find_named(file, name, &asked->symbol);
	*ret_symbol = asked->symbol;
	return asked->is_there;
}

bool elf_file_read(const struct elf_file *file, uint64_t value, void *ret_bytes, size_t size)
{
	for (size_t i = 0; i < file->headers.segment_count; i++) {
		const Elf64_Phdr *segment = &file->headers.segments[i];

		if (value >= segment->p_vaddr && value - segment->p_vaddr < segment->p_filesz &&
		    size <= segment->p_filesz - (value - segment->p_vaddr))
			return elf_read_at(file->fds[0],
					   segment->p_offset + (value - segment->p_vaddr),
					   ret_bytes, size);
	}
	return false;
}
