/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the countdown experiment runs, and in which order: the variants, their baselines, the
 * rotation, the count. Plain decisions: nothing here starts, measures or prints.
 */
#ifndef CONVOY_CLI_COUNTDOWN_PLAN_H
#define CONVOY_CLI_COUNTDOWN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Variants of a family do the same work for the same count. */
enum family {
	FAMILY_PYTHON, /* the interpreter counts */
	FAMILY_C, /* C counts */
	FAMILY_WAIT, /* nothing is counted: workers sleep */
};
#define FAMILY_COUNT 3

/* How many CPUs its workers can use at once. */
enum width {
	WIDTH_ONE,
	WIDTH_WORKERS,
	WIDTH_GIL, /* one where the interpreter has a GIL, else as many as there are workers */
};

struct variant_row {
	const char *name;
	const char *baseline; /* "": it is one */
	enum family family;
	enum width width;
	bool is_native; /* convoy's own threads: no interpreter */
	bool needs_library; /* the `nogil` object */
};

/* Ends with a row whose name is NULL. What they do is said in the help of the command. */
extern const struct variant_row variant_rows[];

/* NULL if there is no such variant. */
const struct variant_row *variant_find(const char *name);

struct plan {
	const struct variant_row **variants; /* each once, a baseline before what is held
						against it */
	size_t count;
};

/* The variants named (none: serial, threads, processes) and their baselines. 0; or -EINVAL, and
 * *ret_unknown is the first name that is no variant. */
int plan_make(char *const *names, size_t name_count, struct plan *ret_plan,
	      const char **ret_unknown);
void plan_release(struct plan *plan);
void plan_remove(struct plan *plan, const struct variant_row *variant);
bool plan_needs(const struct plan *plan, enum family family);
bool plan_needs_interpreter(const struct plan *plan);

/* The variant that runs as number `turn` (from 0) of round `round` (from 0): every round begins
 * one further, so that no variant always comes first. */
const struct variant_row *plan_variant(const struct plan *plan, size_t round, size_t turn);

/* CPUs in use at once, at most cpus; workers >= 1, cpus >= 1. */
unsigned int variant_cpus(const struct variant_row *variant, uint64_t workers, unsigned int cpus,
			  bool has_gil);

/* Rounds to two significant digits; at least 1. */
uint64_t round_count(uint64_t count);

/* The count of each worker for which `workers` of them in a row take total_ns, if `count` took
 * took_ns (more than 0). */
uint64_t pick_count(uint64_t count, uint64_t took_ns, uint64_t workers, uint64_t total_ns);

#endif
