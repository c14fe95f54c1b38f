/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of variants of a countdown, one table per baseline. */
#ifndef CONVOY_OUTPUT_TEXT_VARIANTS_H
#define CONVOY_OUTPUT_TEXT_VARIANTS_H

#include "output/text_parts.h"

void text_variants(const struct text *text, const struct experiment *experiment);

#endif
