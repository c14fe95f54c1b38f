/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writes messages in the wire format of Protocol Buffers into a growing buffer. Not for reading
 * them, and it knows no schema: who calls it knows the numbers and types of the fields.
 */
#ifndef CONVOY_OUTPUT_PROTOBUF_H
#define CONVOY_OUTPUT_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct proto {
	uint8_t *bytes; /* owned */
	size_t length;
	size_t capacity;
};

void proto_release(struct proto *proto);
/* Empties it; the memory stays. */
void proto_clear(struct proto *proto);

/* A field of a varint type: uint32, uint64, bool, an enum; signed ones cast to uint64_t. */
void proto_number(struct proto *proto, unsigned int field, uint64_t value);
void proto_fixed64(struct proto *proto, unsigned int field, uint64_t value);
void proto_string(struct proto *proto, unsigned int field, const char *text);

/* A message as a field: what is added before proto_close belongs to it. Returns where it begins,
 * which proto_close must be given; messages nest. */
size_t proto_open(struct proto *proto, unsigned int field);
void proto_close(struct proto *proto, size_t begin);

#endif
