/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands there are; main.c lists them in the order of the help. */
#ifndef CONVOY_CLI_COMMANDS_H
#define CONVOY_CLI_COMMANDS_H

#include "cli/command.h"

extern const struct command cmd_attach;
extern const struct command cmd_compare;
extern const struct command cmd_countdown;
extern const struct command cmd_docs;
extern const struct command cmd_doctor;
extern const struct command cmd_native;
extern const struct command cmd_report;
extern const struct command cmd_run;
extern const struct command cmd_top;

#endif
