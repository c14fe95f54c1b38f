/* SPDX-License-Identifier: GPL-2.0-only */
/* The scan. Code is read from the mapped file where there is one, else from the target. */
#include "names/stack.h"

#include <string.h>

#include "names/demangle.h"
#include "names/perf_map.h"

/* Where code comes from: a file and the bias of its mapping, or the target's memory. */
struct code {
	struct elf_file *file; /* borrowed until the next file is asked for; NULL: memory */
	uint64_t bias;
	pid_t pid;
};

static struct code code_of(const struct frames *frames, const struct mapping *mapping,
			   uint64_t address)
{
	struct code code = { .pid = frames->view->pid };

	if (mapping->inode == 0)
		return code;
	code.file = elf_cache_get(frames->files, mapping, code.pid);
	if (code.file &&
	    !elf_file_code_bias(code.file, mapping->start, mapping->offset, address, &code.bias))
		code.file = NULL;
	return code;
}

static bool code_read(const struct code *code, uint64_t address, uint8_t *ret_bytes, size_t size)
{
	if (code->file)
		return elf_file_read(code->file, address - code->bias, ret_bytes, size);
	return code->pid > 0 && target_read(code->pid, address, ret_bytes, size);
}

static const struct mapping *find_code(const struct frames *frames, uint64_t address)
{
	const struct mapping *mapping = addrspace_find(&frames->view->process->space, address);

	return mapping && mapping->is_executable ? mapping : NULL;
}

static void read_call(const struct frames *frames, const struct code *code, struct frame *frame)
{
	uint8_t bytes[CALL_BYTES];

	if (code_read(code, frame->address - CALL_BYTES, bytes, sizeof(bytes)))
		frame->call = call_before(bytes, frame->address);
	if (frame->call.kind == CALL_DIRECT && !find_code(frames, frame->call.target))
		frame->call.kind = CALL_NONE;
}

/* The name of the library function behind a slot or the stub that uses it. */
static void name_callee(const struct code *code, struct frame *frame)
{
	uint64_t slot = frame->call.target;
	struct elf_symbol symbol;
	uint8_t stub[STUB_BYTES];

	if (!code->file || (frame->call.kind != CALL_DIRECT && frame->call.kind != CALL_SLOT))
		return;
	if (frame->call.kind == CALL_DIRECT &&
	    (!code_read(code, frame->call.target, stub, sizeof(stub)) ||
	     !stub_slot(stub, frame->call.target, &slot))) {
		if (elf_file_function_at(code->file, frame->call.target - code->bias, &symbol))
			memcpy(frame->called, symbol.name, sizeof(frame->called));
		return;
	}
	if (elf_file_slot_name(code->file, slot - code->bias, frame->callee))
		frame->call.kind = CALL_SLOT;
}

static void name_function(const struct code *code, struct frame *frame, bool is_return)
{
	/* A call that does not return may be the last instruction of its function. */
	uint64_t at = frame->address - (is_return ? 1 : 0);
	struct elf_symbol symbol;

	if (!code->file || !elf_file_function_at(code->file, at - code->bias, &symbol))
		return;
	frame->function_start = symbol.value + code->bias;
	demangle(symbol.name, frame->function, sizeof(frame->function));
}

/* depth: 0 where the address is no return address. */
static void add_frame(struct frames *frames, uint64_t address, size_t depth)
{
	bool is_return = depth > 0;
	const struct mapping *mapping = find_code(frames, address);
	struct frame *frame = &frames->list[frames->count];
	struct code code;

	if (!mapping || address < CALL_BYTES || frames->count == FRAMES_MAX)
		return;
	memset(frame, 0, sizeof(*frame));
	code = code_of(frames, mapping, address);
	frame->address = address;
	frame->depth = depth;
	frame->mapping = mapping;
	frame->has_file = code.file != NULL;
	frame->value = address - code.bias;
	if (is_return)
		read_call(frames, &code, frame);
	if (is_return && frame->call.kind == CALL_NONE)
		return;
	name_callee(&code, frame);
	name_function(&code, frame, is_return);
	frames->count++;
}

void frames_scan(struct frames *frames, const struct wait_stack *stack)
{
	frames->count = 0;
	add_frame(frames, stack->instruction, 0);
	for (size_t at = 0; at + sizeof(uint64_t) <= stack->size; at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, stack->bytes + at, sizeof(word));
		add_frame(frames, word, at + sizeof(word));
	}
	perf_map_name(frames);
}

bool frame_is_beside(const struct frame *a, const struct frame *b)
{
	return a->mapping->inode == b->mapping->inode && a->mapping->dev == b->mapping->dev;
}

uint64_t frame_slot_target(const struct frames *frames, const struct frame *frame)
{
	uint64_t target;

	if (frame->call.kind != CALL_SLOT || frames->view->pid <= 0 ||
	    !target_read(frames->view->pid, frame->call.target, &target, sizeof(target)))
		return 0;
	return target;
}

uint64_t frame_code_start(const struct frames *frames, const struct frame *frame)
{
	struct code code;
	uint64_t start;

	if (!frame->has_file)
		return 0;
	code = code_of(frames, frame->mapping, frame->address);
	if (!code.file || !elf_file_function_start(code.file, frame->value - 1, &start))
		return 0;
	return start + code.bias;
}

bool frame_is_in(const struct frames *frames, const struct frame *frame, const char *function)
{
	struct code code;

	if (!frame->has_file)
		return false;
	code = code_of(frames, frame->mapping, frame->address);
	return code.file && elf_file_function_is(code.file, frame->value - 1, function);
}
