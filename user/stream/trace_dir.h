/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace as a directory: meta.json and the CSV files of the schema (stream/schema.h), saved and
 * read back.
 */
#ifndef CONVOY_STREAM_TRACE_DIR_H
#define CONVOY_STREAM_TRACE_DIR_H

#include <stdint.h>
#include <stdio.h>

#include "stream/trace.h"

struct trace_dir;

/* Where and why saving or reading went wrong: "file:line: what, what to try". Names in it are raw:
 * whoever shows it escapes it (base/err.h does). */
struct trace_error {
	char text[512];
};

/* 0 if `path` can be written: absent (its parent exists) or an empty directory; else negative errno
 * and the text. */
int trace_dir_check(const char *path, struct trace_error *ret_error);

/*
 * Starts writing `path`.partial (mode 0700, made with O_EXCL semantics, no symlink followed, given
 * to uid:gid). The caller adds files (trace_save does the raw ones) and commits by renaming;
 * without a commit all is removed.
 */
struct trace_dir *trace_dir_create(const char *path, uint32_t uid, uint32_t gid,
				   struct trace_error *ret_error);
/* A new file in it, mode 0600; NULL and the text on error. Close with trace_dir_close, which checks
 * every write. */
FILE *trace_dir_file(struct trace_dir *dir, const char *name, struct trace_error *ret_error);
int trace_dir_close(struct trace_dir *dir, FILE *file, const char *name,
		    struct trace_error *ret_error);
int trace_dir_commit(struct trace_dir *dir, struct trace_error *ret_error);
void trace_dir_free(struct trace_dir *dir); /* not committed: removes what was written */

/* Reads a directory: all files are checked against the schema and each other. Slices stream from
 * the file when asked. */
int trace_load(const char *path, struct trace **ret_trace, struct trace_error *ret_error);

#endif
