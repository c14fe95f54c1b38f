/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of formats. A new format is a new file and one row here. */
#include "output/output.h"

#include <errno.h>
#include <string.h>

#include "output/formats.h"

static const struct output_format text = {
	.name = "text",
	.summary = "for people: sentences, then tables",
	.render_report = text_report,
	.render_experiments = text_experiments,
	.render_comparison = text_comparison,
};
static const struct output_format json = {
	.name = "json",
	.summary = "for programs: every number, in nanoseconds",
	.render_report = json_report,
	.render_experiments = json_experiments,
	.render_comparison = json_comparison,
};
static const struct output_format html = {
	.name = "html",
	.summary = "a page with pictures, one file for a browser",
	.render_report = html_report,
	.render_experiments = html_experiments,
	.render_comparison = html_comparison,
};
static const struct output_format perfetto = {
	.name = "perfetto",
	.summary = "a timeline for the Perfetto UI",
	.render_report = perfetto_report,
	.render_experiments = perfetto_experiments,
	.is_binary = true,
};
static const struct output_format folded = {
	.name = "folded",
	.summary = "stacks of states for flame graph tools",
	.render_report = folded_report,
	.render_experiments = folded_experiments,
};
static const struct output_format end = { 0 };

const struct output_format *const output_formats[] = {
	&text, &json, &html, &perfetto, &folded, &end
};

const struct output_format *output_find(const char *name)
{
	for (const struct output_format *const *format = output_formats; (*format)->name;
	     format++) {
		if (strcmp((*format)->name, name) == 0)
			return *format;
	}
	return NULL;
}

int output_flush(FILE *file)
{
	errno = 0;
	if (fflush(file) == 0 && !ferror(file))
		return 0;
	return errno ? -errno : -EIO;
}
