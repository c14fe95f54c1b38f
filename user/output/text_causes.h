/* SPDX-License-Identifier: GPL-2.0-only */
/* The critical path and the what-if in text. */
#ifndef CONVOY_OUTPUT_TEXT_CAUSES_H
#define CONVOY_OUTPUT_TEXT_CAUSES_H

#include "analysis/experiment.h"
#include "output/text_parts.h"

void text_path(const struct text *text, const struct report *report);
void text_what_if(const struct text *text, const struct report *report);
/* Of the variant a bill is about: beside what was measured without such a lock, where it was. */
void text_what_if_bill(const struct text *text, const struct experiment *experiment,
		       const struct bill *bill);

#endif
