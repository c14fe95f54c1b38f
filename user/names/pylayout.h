/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the fields lie in the structs of a CPython: measured per version up to 3.12, asked of the
 * process itself from 3.13 on, where the order of its answers is known.
 */
#ifndef CONVOY_NAMES_PYLAYOUT_H
#define CONVOY_NAMES_PYLAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PY_STATE_BYTES 256 /* of a thread state, as far as is read */
#define PY_FRAME_BYTES 80
#define PY_NEXT_STATE 8 /* in a thread state: the next of its interpreter, in every version */
#define PY_STATE_INTERPRETER 16
#define PY_TEXT_LENGTH 16 /* in a string, of a build with a GIL */
#define PY_TEXT_STATE 32
#define PY_PLAIN 0x60
#define PY_FREE_PLAIN                                                                              \
	0x1800 /* of a free-threaded build from 3.14 on: before it is a whole byte                 \
		*/
#define PY_FREE_MORE 16 /* an object of a free-threaded build begins with so much more */

/* Offsets in bytes; 0: there is no such field. x86-64. */
struct py_layout {
	uint16_t interpreters; /* in _PyRuntime: the first interpreter */
	uint16_t next_interpreter;
	uint16_t threads; /* in an interpreter: its first thread state */
	uint16_t thread_id; /* in a thread state: its pthread_t */
	uint16_t frame; /* in a thread state: the newest frame, or what points to it */
	int16_t frame_in_cframe; /* there; -1: it is the frame itself */
	uint16_t code; /* in a frame */
	uint16_t back;
	uint16_t owner;
	uint16_t filename; /* in a code object */
	uint16_t name;
	uint16_t qualified_name;
	uint16_t text; /* in a string of ASCII */
	uint16_t object_more; /* before the fields of an object: 0, or PY_FREE_MORE */
	uint16_t plain_text; /* bits of a string's state if it is compact and ASCII */
};

/* Of CPython 3.minor in the process with this _PyRuntime. False: not known, or what the process
 * says of itself does not agree with what is known of the version. */
bool py_layout_find(pid_t pid, uint64_t runtime, unsigned int minor, struct py_layout *ret_layout);

#endif
