/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What threads, locks and system calls are called before a person: escaped, and short. Sentences
 * and tables use the same words. Not for files: those keep the raw names.
 */
#ifndef CONVOY_ANALYSIS_LABELS_H
#define CONVOY_ANALYSIS_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "stream/trace.h"

/* "worker", or "worker 1234" where several threads are called so. Free it. */
char *label_thread(const struct trace *trace, uint32_t thread);
/* The name of the first thread of a process, "" if it was not seen. Free it. */
char *label_process(const struct trace *trace, int32_t pid);
/* "GIL (_PyRuntime in python3.11)", "mutex at 0x7f…", …: no article. Free it. */
char *label_lock(const struct trace *trace, uint32_t lock);
/* The same for the middle of a sentence: "the GIL (…)". Free it. */
char *label_the_lock(const struct trace *trace, uint32_t lock);
/* The same for `count` locks that are called as that one: "the 128 mutexes in f() of p". Free it.
 */
char *label_the_locks(const struct trace *trace, uint32_t lock, size_t count);
/* And where a GIL was found: "the GIL (_PyRuntime in python3.11)". Free it. */
char *label_the_lock_found(const struct trace *trace, uint32_t lock);
/* "epoll_wait", "system call 999", "no system call". Free it. */
char *label_syscall(const struct trace *trace, int number);
/* What a thread in this state is doing: "waiting in epoll_wait", "ready, off CPU" … Free it. */
char *label_doing(const struct trace *trace, enum state state, int number);
/* "nobody", "one", "two", "three", "four", then digits. Returns buffer or a constant. */
const char *label_number(size_t number, char buffer[UNITS_BUFFER]);

/* part / whole in thousandths, rounded; 0 of nothing is 0. */
uint32_t permille_of(uint64_t part, uint64_t whole);
/* "97.5 %" */
char *format_permille(uint32_t permille, char buffer[UNITS_BUFFER]);
/* "1.12 ×": numerator / denominator with three digits at most. */
char *format_ratio(uint64_t numerator, uint64_t denominator, char buffer[UNITS_BUFFER]);

#endif
