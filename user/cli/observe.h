/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every measuring command does with what was measured: options in common, from a finished
 * session to a report, a saved trace, a status. Not for starting or ending an observation.
 */
#ifndef CONVOY_CLI_OBSERVE_H
#define CONVOY_CLI_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analysis/report.h"
#include "capture/session.h"
#include "cli/args.h"
#include "output/output.h"
#include "stream/trace.h"

/* The first member of the options of a command that measures. */
struct observe_options {
	struct common_options common;
	const char *output; /* a directory to save to; NULL: none */
	const char *format; /* a name of output_formats; NULL: text */
	bool is_lean;
	struct percent fail_on_loss;
	uint64_t ring_bytes; /* 0: default */
	uint64_t max_bytes; /* 0: none */
};

extern const struct option_row observe_rows[];

/* The names of output_formats, for OPTION_CHOICE. */
const char *format_choice(size_t index);

/* Who gets the files: the user behind sudo, else the one who runs convoy. 0 or an error, printed.
 */
struct owner {
	uint32_t uid;
	uint32_t gid;
};
int owner_find(struct owner *ret_owner);

void observe_session_options(const struct observe_options *options,
			     struct session_options *ret_options);

/* Before anything is started: is there a place for `output`? 0 or an error, printed. */
int observe_check(const struct observe_options *options);

/* Before anything is started: may a report in this format (NULL: text) go to the descriptor? A
 * binary one not to a terminal. 0 or an error, printed. */
int observe_check_format(const char *format, int fd);

/* A trace and the report of its whole window. */
struct observation {
	struct trace *trace;
	struct report *report;
};

/* The observation of a session whose window is closed; its slices live as long as the session. 0
 * or an error, printed. */
int observation_take(struct session *session, struct observation *ret_observation);
void observation_release(struct observation *observation);

/* Saves it as directory `path` in one go: whole, or not at all. 0 or an error, printed. */
int observation_save(const struct observation *observation, const char *path);

/* The colours and width that fit what a file goes to. */
void observe_output_options(const struct common_options *common, FILE *file,
			    struct output_options *ret_options);

/* Shows a report in a format (NULL: text) with the colours and width that fit the file's
 * descriptor. 0 or the negative errno of a write, not printed: flush and close are the caller's. */
int report_show(const struct report *report, const char *format,
		const struct common_options *common, FILE *file);

/* STATUS_LOSS if the trace lost more than --fail-on-loss allows, else STATUS_DONE; warns of any
 * loss. */
int observe_loss_status(const struct percent *limit, const struct meta *meta);

#endif
