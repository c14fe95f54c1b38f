/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file without a name under $TMPDIR (or /tmp) for what is too large for memory: it is gone with
 * its last descriptor, however convoy ends. Not for anything that is to be kept.
 */
#ifndef CONVOY_STREAM_SPOOL_H
#define CONVOY_STREAM_SPOOL_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that are free there; 0: not known. */
uint64_t spool_room(void);
/* A descriptor, close it; or negative errno. */
int spool_open(void);
/* All the bytes at that offset: 0 or negative errno; -EIO where the file ends too early. */
int spool_write(int file, const void *data, size_t bytes, uint64_t offset);
int spool_read(int file, void *data, size_t bytes, uint64_t offset);

#endif
