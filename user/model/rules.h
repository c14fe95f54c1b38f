/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "Which lock is it?": the ordered table of rules from the facts of a use to a kind and a state.
 * The first that holds decides; the last always does and says that nothing is known.
 */
#ifndef CONVOY_MODEL_RULES_H
#define CONVOY_MODEL_RULES_H

#include "model/words.h"

struct rule {
	const char *evidence; /* its name */
	enum lock_kind kind;
	enum lock_state state;
	bool (*holds)(const struct words *words, const struct use_facts *facts); /* NULL: always */
	enum wait_call call; /* and in this call; CALL_NOT_KNOWN: in any */
};

const struct rule *rules_decide(const struct words *words, const struct use_facts *facts);

#endif
