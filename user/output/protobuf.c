/* SPDX-License-Identifier: GPL-2.0-only */
/* The wire format: every field is a key (number and wire type) and a value; messages and strings
 * have their length before them. */
#include "output/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_FIXED64 = 1,
	WIRE_LENGTH = 2,
};

#define VARINT_MAX 10

void proto_release(struct proto *proto)
{
	free(proto->bytes);
	*proto = (struct proto){ 0 };
}

void proto_clear(struct proto *proto)
{
	proto->length = 0;
}

static uint8_t *make_room(struct proto *proto, size_t count)
{
	if (proto->capacity - proto->length < count) {
		proto->capacity = 2 * proto->capacity + count;
		proto->bytes = xrealloc(proto->bytes, proto->capacity, 1);
	}
	return proto->bytes + proto->length;
}

/* Seven bits a byte, the lowest first; the eighth says that more follow. */
static size_t encode_varint(uint64_t value, uint8_t *ret_bytes)
{
	size_t length = 0;

	while (value >= 0x80) {
		ret_bytes[length++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	ret_bytes[length++] = (uint8_t)value;
	return length;
}

static void add_varint(struct proto *proto, uint64_t value)
{
	proto->length += encode_varint(value, make_room(proto, VARINT_MAX));
}

static void add_key(struct proto *proto, unsigned int field, enum wire_type type)
{
	add_varint(proto, (uint64_t)field << 3 | type);
}

void proto_number(struct proto *proto, unsigned int field, uint64_t value)
{
	add_key(proto, field, WIRE_VARINT);
	add_varint(proto, value);
}

void proto_fixed64(struct proto *proto, unsigned int field, uint64_t value)
{
	uint8_t *bytes;

	add_key(proto, field, WIRE_FIXED64);
	bytes = make_room(proto, sizeof(value));
	for (size_t i = 0; i < sizeof(value); i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	proto->length += sizeof(value);
}

void proto_string(struct proto *proto, unsigned int field, const char *text)
{
	size_t length = strlen(text);

	add_key(proto, field, WIRE_LENGTH);
	add_varint(proto, length);
	memcpy(make_room(proto, length), text, length);
	proto->length += length;
}

size_t proto_open(struct proto *proto, unsigned int field)
{
	add_key(proto, field, WIRE_LENGTH);
	make_room(proto, 1);
	proto->length++; /* of the length: one byte is enough for most */
	return proto->length;
}

void proto_close(struct proto *proto, size_t begin)
{
	uint8_t encoded[VARINT_MAX];
	size_t length = proto->length - begin;
	size_t more = encode_varint(length, encoded) - 1;

	make_room(proto, more);
	memmove(proto->bytes + begin + more, proto->bytes + begin, length);
	memcpy(proto->bytes + begin - 1, encoded, more + 1);
	proto->length += more;
}
