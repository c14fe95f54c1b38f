/* SPDX-License-Identifier: GPL-2.0-only */
/* One bill of a countdown: why a variant beat its baseline or did not, line by line. */
#ifndef CONVOY_OUTPUT_TEXT_BILL_H
#define CONVOY_OUTPUT_TEXT_BILL_H

#include "output/text_parts.h"

/* Heading, the outcome's paragraph, the lines of the bill, where the CPUs went. */
void text_bill(const struct text *text, const struct experiment *experiment,
	       const struct bill *bill);
/* Only the lines, with spread where both sides have rounds. */
void text_bill_lines(const struct text *text, const struct experiment *experiment,
		     const struct bill *bill);
/* The sentence that stands where there is no bill. */
void text_bill_none(const struct text *text, const struct experiment *experiment);

#endif
