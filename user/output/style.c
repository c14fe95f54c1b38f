/* SPDX-License-Identifier: GPL-2.0-only */
/* Colour and weight of text on a terminal, by the basic sequences that every terminal knows. */
#include "output/style.h"

static const struct style plain = { "", "", "", "", "" };
static const struct style colored = { "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m" };

const struct style *style_get(bool has_color)
{
	return has_color ? &colored : &plain;
}
