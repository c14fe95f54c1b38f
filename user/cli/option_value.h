/* SPDX-License-Identifier: GPL-2.0-only */
/* What an option's argument says, by the type in its row. Not for finding the option. */
#ifndef CONVOY_CLI_OPTION_VALUE_H
#define CONVOY_CLI_OPTION_VALUE_H

#include "cli/args.h"

/* Stores an argument (NULL if there is none) at target: 0, -EINVAL or -ERANGE. */
int option_set(const struct option_row *row, const char *text, void *target);
/* What would have been right, in words: owned by the caller. */
char *option_expected(const struct option_row *row);

#endif
