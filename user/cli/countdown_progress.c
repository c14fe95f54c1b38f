/* SPDX-License-Identifier: GPL-2.0-only */
/* How far the experiment is, on stderr. Not for errors or results. */
#include "cli/countdown_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"
#include "capture/session.h"

#define NS_PER_S UINT64_C(1000000000)

void progress_init(struct progress *progress, uint64_t total)
{
	const char *term = getenv("TERM");

	*progress = (struct progress){
		.is_silent = talk_get_level() < TALK_NORMAL,
		.is_live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0,
		.begin_ns = session_now_ns(),
		.total = total,
	};
}

void progress_clear(const struct progress *progress)
{
	if (progress->is_live && !progress->is_silent)
		fputs("\r\033[K", stderr);
}

/* Seconds to go, if the rest takes as long as what is done. */
static uint64_t seconds_left(const struct progress *progress)
{
	uint64_t spent_ns = session_now_ns() - progress->begin_ns;

	return (spent_ns / progress->done * (progress->total - progress->done) + NS_PER_S - 1) /
	       NS_PER_S;
}

void progress_begin(struct progress *progress, const char *interpreter, const char *variant,
		    uint32_t round)
{
	char *shown OWNED(mem_freep) = NULL;

	if (!progress->is_live || progress->is_silent)
		return;
	shown = escape_text(interpreter);
	fprintf(stderr, "\r\033[Kconvoy: %" PRIu64 "/%" PRIu64 "  %.40s  round %u  %s",
		progress->done + 1, progress->total, shown, round, variant);
	if (progress->done > 0)
		fprintf(stderr, "  (%" PRIu64 " s left)", seconds_left(progress));
	/* Back at the margin: whatever else is said begins there. */
	fputc('\r', stderr);
	fflush(stderr);
}

void progress_end(struct progress *progress, const char *interpreter, const char *variant,
		  uint32_t round, uint64_t wall_ns)
{
	char wall[UNITS_BUFFER];

	progress->done++;
	if (!progress->is_live)
		notice("%s: round %u: %s took %s", interpreter, round, variant,
		       format_ns(wall_ns, wall));
}
