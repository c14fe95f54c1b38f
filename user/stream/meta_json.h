/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * meta.json: what a trace says of itself as a whole. Strings are escaped (base/escape.h) before
 * JSON escapes them; null stands for what was not measured. Not for the tables.
 */
#ifndef CONVOY_STREAM_META_JSON_H
#define CONVOY_STREAM_META_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "stream/trace.h"
#include "stream/trace_dir.h"

/* Not read beyond this. */
#define META_JSON_MAX (64 * 1024 * 1024)

/*
 * Writes trace->meta, and of the threads own_run_ns, own_wait_ns, charged_ready_ns and
 * uncharged_ns, which no table has. residual_ns: I0 … I(count − 1), shown and not read back. 0 or
 * the negative errno of the write.
 */
int meta_json_write(FILE *file, const struct trace *trace, const uint64_t *residual_ns,
		    size_t residual_count);

/* Fills trace->meta. name: the path for messages. 0, or the text and -EINVAL, or -ENOTSUP for a
 * trace of a newer convoy. */
int meta_json_read(const char *text, size_t length, const char *name, struct trace *trace,
		   struct trace_error *ret_error);
/* Fills own_run_ns, own_wait_ns, charged_ready_ns and uncharged_ns of the threads, which are there
 * by now. As above.
 */
int meta_json_read_threads(const char *text, size_t length, const char *name, struct trace *trace,
			   struct trace_error *ret_error);

#endif
