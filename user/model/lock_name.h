/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The name of a lock by the best evidence there is: GIL, symbol, file, mapping, heap, stack, and
 * else its address. Never a guess.
 */
#ifndef CONVOY_MODEL_LOCK_NAME_H
#define CONVOY_MODEL_LOCK_NAME_H

#include "model/rules.h"

/* Raw bytes (a symbol may hold anything); free with free(). */
char *lock_name(const struct words *words, const struct use_facts *facts, const struct rule *rule,
		const struct sight callers[PLACE_SIGHTS]);
/* The rule's name and what it saw: the object of a GIL, the calls by which the lock is waited for.
 */
char *lock_evidence(const struct words *words, const struct use_facts *facts,
		    const struct rule *rule, const struct sight callers[PLACE_SIGHTS]);
/* Whether the word is in what the rule saw: names of callers do not count. */
bool lock_evidence_has(const char *evidence, const char *word);

/* How a lock of a runtime itself is called, and not of the program that it runs; then its name. */
#define LOCK_INTERNAL_NAME "JVM-internal "

/* By its evidence: such a lock is nothing a program can mend, unless it costs a lot. */
bool lock_is_internal(const char *evidence);

#endif
