/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Examines whether convoy can work here: kernel, privileges, what it may read. One row a question;
 * asking changes nothing.
 */
#ifndef CONVOY_CAPTURE_DOCTOR_H
#define CONVOY_CAPTURE_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

enum health {
	HEALTH_GOOD,
	HEALTH_LIMITED, /* the main job runs, something is lost */
	HEALTH_BAD, /* in a needed row: the main job cannot run */
};

#define DIAGNOSIS_BYTES 160

struct diagnosis {
	enum health health;
	char found[DIAGNOSIS_BYTES]; /* what was seen here */
};

struct question {
	const char *name;
	bool is_needed; /* by the main job */
	void (*ask)(struct diagnosis *ret_diagnosis);
	const char *lost; /* what does not work when the answer is not good */
	const char *cure;
};

/* In the order in which to mend them; the list ends with a row without a name. */
extern const struct question doctor_questions[];

#endif
