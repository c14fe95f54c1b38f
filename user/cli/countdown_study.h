/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The experiment of one interpreter: every variant in every round, gathered into numbers. Not for a
 * single run, and not for several interpreters.
 */
#ifndef CONVOY_CLI_COUNTDOWN_STUDY_H
#define CONVOY_CLI_COUNTDOWN_STUDY_H

#include "analysis/experiment.h"
#include "cli/countdown_archive.h"
#include "cli/countdown_plan.h"
#include "cli/countdown_progress.h"
#include "cli/countdown_python.h"

/* The same for every interpreter. */
struct study_settings {
	uint64_t workers;
	uint64_t rounds;
	uint64_t count; /* 0: pick one */
	uint64_t loop_count; /* the C loop counts so far in loop_ns; used without a count */
	uint64_t loop_ns;
	struct run_as as;
	struct session_options session;
	const struct percent *fail_on_loss;
	struct archive *archive; /* NULL: nothing is kept */
	struct progress progress;
};

struct study {
	struct study_settings *settings;
	struct python python;
	struct plan plan; /* what is left of it */
	struct experiment *experiment;
	char *directory; /* its name below the archive's; NULL: none of its own */
	uint64_t counts[FAMILY_COUNT];
	int loss_status; /* the worst of its runs */
	/* While a run goes on. */
	const struct variant_row *variant;
	uint32_t round;
};

/* Takes what cannot be run out of the plan, picks the counts and says what will be done. */
void study_begin(struct study *study);
/* All rounds. 0; -EINTR: convoy was asked to end, the finished rounds are in the experiment; or an
 * error, printed. */
int study_run(struct study *study);
/* Whether there is anything to report. */
bool study_has_result(const struct study *study);
void study_release(struct study *study);

#endif
