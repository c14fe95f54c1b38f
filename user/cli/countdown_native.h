/* SPDX-License-Identifier: GPL-2.0-only */
/* The hidden command that does the work of the native variants: its name. Not for calling it. */
#ifndef CONVOY_CLI_COUNTDOWN_NATIVE_H
#define CONVOY_CLI_COUNTDOWN_NATIVE_H

#define NATIVE_COMMAND "__native"

#endif
