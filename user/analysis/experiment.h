/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The countdown experiment as numbers: several runs of several variants, compared with their
 * baselines. Bills are those of I4; which difference is measurable, and which run represents a
 * variant, is decided here.
 */
#ifndef CONVOY_ANALYSIS_EXPERIMENT_H
#define CONVOY_ANALYSIS_EXPERIMENT_H

#include "analysis/report.h"

/* One run of one variant: its trace and the report of its count phase. */
struct run {
	struct trace
		*trace; /* owned by the experiment; slices may be gone once the report is made */
	struct report *report; /* of the phase "count", owned */
};

struct spread {
	uint64_t median_ns; /* lower median */
	uint64_t min_ns;
	uint64_t max_ns;
};

struct variant {
	char *name;
	char *baseline; /* "" : it is one */
	struct run *runs; /* by round */
	size_t run_count;
	size_t representative; /* index: the lower-median wall, ties the earliest */
	struct spread wall;
	bool is_measurable; /* its wall differs from the baseline's */
	bool is_slower; /* meaningful if measurable */
};

/* A part of a line. Signed: what this variant has more than its baseline. */
struct bill_cause {
	char *name; /* "hand-offs of the GIL", "machine speed" …; escaped */
	int64_t ns;
};

struct bill_line {
	const char *name; /* "gap", "CPU", "overlap" */
	int64_t ns; /* of the representatives; the overlap line carries −Δoverlap */
	int64_t min_ns; /* over the rounds; they do not add up */
	int64_t max_ns;
	struct bill_cause *causes; /* sum to ns */
	size_t cause_count;
};

#define BILL_LINES 4 /* gap, CPU, overlap, not recorded (0 when complete) */

struct bill {
	size_t from; /* variant index: the baseline */
	size_t to;
	int64_t total_ns; /* = Σ lines = wall(to) − wall(from) of the representatives */
	struct bill_line lines[BILL_LINES];
};

/* What could not be run, and why. */
struct skipped_variant {
	char *name;
	char *why;
};

struct experiment {
	char *interpreter; /* "CPython 3.11.2" */
	char *python; /* path as given */
	uint64_t count;
	uint32_t workers;
	uint32_t rounds;
	struct variant *variants;
	size_t variant_count;
	struct bill *bills; /* one per variant with a baseline that ran */
	size_t bill_count;
	struct skipped_variant *skipped;
	size_t skipped_count;
	struct finding *findings; /* of the whole experiment: the headline first */
	size_t finding_count;
	uint64_t residual_ns; /* I4: |Δwall − Σ lines|, worst of the bills */
};

struct experiment *experiment_new(void);
void experiment_free(struct experiment *experiment);

/* Adds a run; takes ownership of trace, makes the report of its phase "count". Variants appear in
 * order of first use. */
int experiment_add_run(struct experiment *experiment, struct trace *trace);
/* The same for a trace without phases: the report is of its whole window. */
int experiment_add_whole(struct experiment *experiment, struct trace *trace);
void experiment_add_skipped(struct experiment *experiment, const char *variant, const char *why);

/* Computes representatives, spreads, bills and findings. Call once, after the last run. */
void experiment_finish(struct experiment *experiment);

#endif
