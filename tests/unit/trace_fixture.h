/* SPDX-License-Identifier: GPL-2.0-only */
/* A small trace by hand, and saving, changing and loading it in a temporary directory: for the
 * tests of trace directories. */
#ifndef CONVOY_TESTS_TRACE_FIXTURE_H
#define CONVOY_TESTS_TRACE_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/report.h"

#define FIXTURE_START UINT64_C(1000000000)
#define FIXTURE_END (FIXTURE_START + 10000)
#define FIXTURE_SLICES 8
#define FIXTURE_FILES 8

/* The last two are not read back. */
extern const char *const fixture_files[FIXTURE_FILES];
extern const struct slice fixture_slices[FIXTURE_SLICES];

/* Slices from an array. */
struct array_source {
	struct slice_source source;
	const struct slice *slices;
	size_t count;
	size_t next;
};

struct fixture {
	char dir[64]; /* temporary, holds the traces */
	char path[96]; /* of a trace in it */
	struct array_source source;
	struct trace *trace;
	struct report report;
	uint64_t parallel_ns[3];
	struct lock_stat lock_stat;
	struct edge edge;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_save(const struct report *report, const char *path);
struct trace *fixture_load(const char *path);
/* Loading the fixture's path fails, and the message has this part. */
void fixture_assert_refused(const struct fixture *fixture, const char *part);
/* Free the results with free(). */
char *fixture_file_path(const struct fixture *fixture, const char *name);
char *fixture_read_text(const char *path, size_t *ret_length);
void fixture_write_text(const char *path, const char *text, size_t length);
/* Replaces a text that must be in the file. */
void fixture_replace(const struct fixture *fixture, const char *name, const char *old,
		     const char *changed);
void fixture_remove_tree(const char *path);

#endif
