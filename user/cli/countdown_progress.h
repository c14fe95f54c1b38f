/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far the experiment is, on stderr: one line that changes on a terminal, plain lines elsewhere,
 * nothing with -q. Not for errors or results.
 */
#ifndef CONVOY_CLI_COUNTDOWN_PROGRESS_H
#define CONVOY_CLI_COUNTDOWN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_live; /* a terminal */
	bool is_silent;
	uint64_t begin_ns;
	uint64_t done;
	uint64_t total; /* runs */
};

void progress_init(struct progress *progress, uint64_t total);
/* About to run this. */
void progress_begin(struct progress *progress, const char *interpreter, const char *variant,
		    uint32_t round);
/* Has run it: the count took wall_ns. */
void progress_end(struct progress *progress, const char *interpreter, const char *variant,
		  uint32_t round, uint64_t wall_ns);
/* Takes the changing line away. */
void progress_clear(const struct progress *progress);

#endif
