/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Talking to the user on stderr: errors, warnings, progress. Only wet rooms and cli/ use it; dry
 * rooms return errors and keep silent. Messages: lower case, no full stop; what failed, then why,
 * then what to try; names in single quotes.
 */
#ifndef CONVOY_BASE_ERR_H
#define CONVOY_BASE_ERR_H

#include <stdbool.h>

enum talk_level {
	TALK_SILENT = -2, /* nothing at all: whoever asked says it in other words */
	TALK_QUIET = -1, /* errors only */
	TALK_NORMAL = 0,
	TALK_VERBOSE = 1,
};

void talk_set_level(enum talk_level level);
enum talk_level talk_get_level(void);
void talk_set_ascii(bool is_ascii); /* stderr understands no UTF-8 */

/* Prints "convoy: <message>: <strerror>" and returns err, a negative errno. */
int fail(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));
/* Prints "convoy: <message>" and returns err: for causes that errno does not name. */
int fail_plain(int err, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void notice(const char *format, ...) __attribute__((format(printf, 1, 2))); /* not with -q */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2))); /* with -v */

#endif
