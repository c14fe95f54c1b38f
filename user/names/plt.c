/* SPDX-License-Identifier: GPL-2.0-only */
/* Call instructions read backwards, PLT stubs read forwards. */
#include "names/plt.h"

#include <string.h>

#if defined(__x86_64__)

#define OPCODE_CALL 0xe8 /* with a distance of 32 bits */
#define OPCODE_GROUP 0xff /* /2: call, /4: jump */
#define CALL_REG 2
#define JUMP_REG 4
#define MOD_RIP 0x05 /* memory at a distance from the next instruction */
#define RM_SIB 4

static uint64_t at_distance(const uint8_t *bytes, uint64_t from)
{
	int32_t distance;

	memcpy(&distance, bytes, sizeof(distance));
	return from + (uint64_t)(int64_t)distance;
}

/* Length of an instruction of the group with this ModRM byte and the one after it. */
static size_t group_length(uint8_t modrm, uint8_t next)
{
	uint8_t mod = modrm >> 6, rm = modrm & 7;
	size_t sib = mod != 3 && rm == RM_SIB;

	if (mod == 1)
		return 3 + sib;
	if (mod == 2 || (mod == 0 && (rm == 5 || (sib && (next & 7) == 5))))
		return 6 + sib;
	return 2 + sib;
}

struct call call_before(const uint8_t code[CALL_BYTES], uint64_t address)
{
	const uint8_t *end = code + CALL_BYTES;

	if (end[-5] == OPCODE_CALL)
		return (struct call){ CALL_DIRECT, at_distance(end - 4, address) };
	if (end[-6] == OPCODE_GROUP && end[-5] == (CALL_REG << 3 | MOD_RIP))
		return (struct call){ CALL_SLOT, at_distance(end - 4, address) };
	for (size_t length = 2; length <= CALL_BYTES; length++) {
		const uint8_t *at = end - length;

		if (at[0] == OPCODE_GROUP && (at[1] >> 3 & 7) == CALL_REG &&
		    group_length(at[1], length > 2 ? at[2] : 0) == length)
			return (struct call){ CALL_INDIRECT, 0 };
	}
	return (struct call){ CALL_NONE, 0 };
}

bool stub_slot(const uint8_t code[STUB_BYTES], uint64_t address, uint64_t *ret_slot)
{
	static const uint8_t landing_pad[] = { 0xf3, 0x0f, 0x1e, 0xfa }; /* endbr64 */
	size_t at = 0;

	if (!memcmp(code, landing_pad, sizeof(landing_pad)))
		at += sizeof(landing_pad);
	if (code[at] == 0xf2) /* bnd */
		at++;
	if (code[at] != OPCODE_GROUP || code[at + 1] != (JUMP_REG << 3 | MOD_RIP))
		return false;
	*ret_slot = at_distance(code + at + 2, address + at + 6);
	return true;
}

#else

struct call call_before(const uint8_t code[CALL_BYTES], uint64_t address)
{
	(void)code;
	(void)address;
	return (struct call){ CALL_NONE, 0 };
}

bool stub_slot(const uint8_t code[STUB_BYTES], uint64_t address, uint64_t *ret_slot)
{
	(void)code;
	(void)address;
	(void)ret_slot;
	return false;
}

#endif
