/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a call instruction before a return address calls, and which slot a stub of the PLT jumps
 * through: machine code as bytes, of x86-64 only. Not for where those bytes come from.
 */
#ifndef CONVOY_NAMES_PLT_H
#define CONVOY_NAMES_PLT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum call_kind {
	CALL_NONE = 0, /* no call instruction ends there */
	CALL_DIRECT, /* to target */
	CALL_SLOT, /* to the address that lies at target */
	CALL_INDIRECT, /* by a register or other memory */
};

struct call {
	enum call_kind kind;
	uint64_t target;
};

#define CALL_BYTES 7 /* of the longest call instruction */
#define STUB_BYTES 16

/* The call that ends right before an address, by the bytes before it. */
struct call call_before(const uint8_t code[CALL_BYTES], uint64_t address);
/* Whether code at an address does nothing but jump through a slot; where that is. */
bool stub_slot(const uint8_t code[STUB_BYTES], uint64_t address, uint64_t *ret_slot);

#endif
