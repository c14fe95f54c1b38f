/* SPDX-License-Identifier: GPL-2.0-only */
/* The sentence of a comparison. */
#include "analysis/compare_says.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/findings_rules.h"
#include "base/mem.h"

/* A difference below this share of the longer wall needs no reason. */
#define REASON_PERMILLE 20

/* What is compared, and what the sentence is about. */
struct pair {
	const struct variant *before;
	const struct variant *after;
	const struct bill *bill;
	const struct changes *locks;
};

static uint64_t magnitude(int64_t ns)
{
	return ns < 0 ? (uint64_t)-ns : (uint64_t)ns;
}

/* 0 where one of the two is not known. */
static uint64_t distance(uint64_t a, uint64_t b)
{
	if (a == TRACE_NOT_MEASURED || b == TRACE_NOT_MEASURED)
		return 0;
	return a > b ? a - b : b - a;
}

static uint64_t longer_wall(const struct pair *pair)
{
	return pair->before->wall.max_ns > pair->after->wall.max_ns ? pair->before->wall.max_ns
								    : pair->after->wall.max_ns;
}

/* What a line of the bill means where it is positive, and where it is negative. */
struct line_says {
	const char *name;
	const char *more;
	const char *less;
};

static const struct line_says line_says[] = {
	{ "gap", "nobody ran for %s longer", "nobody ran for %s less" },
	{ "CPU", "the threads used %s more CPU time", "the threads used %s less CPU time" },
	{ "overlap", "running at the same time won back %s less",
	  "running at the same time won back %s more" },
};

/* The line that went furthest in the direction of the difference. */
static const struct bill_line *main_line(const struct bill *bill)
{
	const struct bill_line *best = NULL;
	int sign = bill->total_ns < 0 ? -1 : 1;

	for (size_t i = 0; i < BILL_LINES; i++) {
		const struct bill_line *line = &bill->lines[i];

		if (line->name && (!best || sign * line->ns > sign * best->ns))
			best = line;
	}
	return best;
}

/* The cause that explains most of a line with several; NULL: the line says it all. */
static const struct bill_cause *main_cause(const struct bill_line *line)
{
	const struct bill_cause *best = NULL;
	int sign = line->ns < 0 ? -1 : 1;

	for (size_t i = 0; i < line->cause_count; i++) {
		const struct bill_cause *cause = &line->causes[i];

		if (!best || sign * cause->ns > sign * best->ns)
			best = cause;
	}
	return strcmp(line->name, "gap") == 0 ? best : NULL;
}

/* " What changed most: …." or "". Free it. */
static char *describe_line(const struct pair *pair)
{
	uint64_t total_ns = magnitude(pair->bill->total_ns);
	const struct bill_line *line = main_line(pair->bill);
	const struct bill_cause *cause;
	char *says OWNED(mem_freep) = NULL;
	char time[UNITS_BUFFER];

	if (!line || permille_of(total_ns, longer_wall(pair)) < REASON_PERMILLE)
		return xstrdup("");
	for (size_t i = 0; i < sizeof(line_says) / sizeof(line_says[0]) && !says; i++) {
		const char *format = line->ns < 0 ? line_says[i].less : line_says[i].more;
		const char *place = strstr(format, "%s");

		if (strcmp(line_says[i].name, line->name) == 0)
			says = xasprintf("%.*s%s%s", (int)(place - format), format,
					 format_ns(magnitude(line->ns), time), place + 2);
	}
	if (!says)
		return xstrdup(" Too much was not recorded to say what changed most.");
	cause = main_cause(line);
	return xasprintf(" What changed most: %s%s%s%s.", says, cause ? " (" : "",
			 cause ? cause->name : "", cause ? ")" : "");
}

static uint64_t size_of(const struct change *change)
{
	uint64_t lost_ns = distance(change->before.lost_ns, change->after.lost_ns);
	uint64_t wait_ns = distance(change->before.ns, change->after.ns);

	return lost_ns > wait_ns ? lost_ns : wait_ns;
}

/* The lock whose waits changed most, if that is worth a sentence; NULL: none. */
static const struct change *main_lock(const struct pair *pair)
{
	const struct change *best = NULL;

	for (size_t i = 0; i < pair->locks->count; i++) {
		const struct change *change = &pair->locks->items[i];

		if (change->verdict == CHANGE_NOT_JUDGED || change->verdict == CHANGE_NONE ||
		    permille_of(size_of(change), longer_wall(pair)) < LOSS_PERMILLE)
			continue;
		if (!best || size_of(change) > size_of(best))
			best = change;
	}
	return best;
}

static char *describe_wait(const struct change_side *side, const char *in)
{
	char time[UNITS_BUFFER];

	if (!side->ns)
		return xasprintf("not at all in %s", in);
	return xasprintf("for %s in %s", format_ns(side->ns, time), in);
}

/* " Threads waited for …." or ""; its numbers become evidence. Free it. */
static char *describe_lock(const struct pair *pair, struct finding *finding)
{
	const struct change *lock = main_lock(pair);
	char *before OWNED(mem_freep) = NULL, *after OWNED(mem_freep) = NULL;

	if (!lock)
		return xstrdup("");
	before = describe_wait(&lock->before, pair->before->name);
	after = describe_wait(&lock->after, pair->after->name);
	finding_add(finding, "A_wait_ns", EVIDENCE_NS, lock->before.ns);
	finding_add(finding, "B_wait_ns", EVIDENCE_NS, lock->after.ns);
	return xasprintf(" Threads waited for the %s %s and %s.", lock->name, before, after);
}

/* Whether there is anything to give reasons for. Free *ret_says. */
static bool describe_outcome(const struct pair *pair, struct finding *finding, char **ret_says)
{
	uint64_t a_ns = pair->before->wall.median_ns, b_ns = pair->after->wall.median_ns;
	size_t a_runs = pair->before->run_count, b_runs = pair->after->run_count;
	char a[UNITS_BUFFER], b[UNITS_BUFFER], ratio[UNITS_BUFFER];

	format_ns(a_ns, a);
	format_ns(b_ns, b);
	format_ratio(b_ns > a_ns ? b_ns : a_ns, b_ns > a_ns ? a_ns : b_ns, ratio);
	if (a_runs < 2 || b_runs < 2) {
		finding->id = "spread-unknown";
		finding->try = "several rounds: only they tell a difference from noise";
		*ret_says = xasprintf("A took %s, B %s. One run%s: spread unknown.", a, b,
				      a_runs == b_runs ? " each"
				      : a_runs < 2     ? " of A"
						       : " of B");
		return true;
	}
	if (!pair->after->is_measurable) {
		finding->id = "no-difference";
		*ret_says =
			xasprintf("No measurable difference: A took %s, B %s (medians), and the "
				  "runs of each differ as much as the two do.",
				  a, b);
		return false;
	}
	finding->id = pair->after->is_slower ? "slower" : "faster";
	*ret_says = xasprintf("B is %s %s than A: %s against %s (medians).", ratio,
			      pair->after->is_slower ? "slower" : "faster", b, a);
	finding->stake_ns = magnitude(pair->bill->total_ns);
	return true;
}

static void say_other_work(const struct work *work, struct finding *finding)
{
	char a[UNITS_BUFFER], b[UNITS_BUFFER];

	finding->id = "other-work";
	finding->try = "both with the same --count and --workers";
	finding_say(finding, 0,
		    "Not the same work: A counted to %s in all, B to %s. How long they took says "
		    "nothing about which is faster.",
		    format_count(work->before, a), format_count(work->after, b));
	finding_add(finding, "A_count", EVIDENCE_COUNT, work->before);
	finding_add(finding, "B_count", EVIDENCE_COUNT, work->after);
}

void compare_says(const struct experiment *experiment, const struct changes *locks,
		  const struct work *work, struct finding *finding)
{
	const struct bill *bill = &experiment->bills[0];
	const struct pair pair = { &experiment->variants[bill->from],
				   &experiment->variants[bill->to], bill, locks };
	char *outcome OWNED(mem_freep) = NULL, *line OWNED(mem_freep) = NULL;
	char *lock OWNED(mem_freep) = NULL;

	finding->try = "";
	if (work->before != work->after) {
		say_other_work(work, finding);
		return;
	}
	finding_add(finding, "A_wall_ns", EVIDENCE_NS, pair.before->wall.median_ns);
	finding_add(finding, "B_wall_ns", EVIDENCE_NS, pair.after->wall.median_ns);
	if (!describe_outcome(&pair, finding, &outcome)) {
		finding_say(finding, 0, "%s", outcome);
		return;
	}
	line = describe_line(&pair);
	lock = describe_lock(&pair, finding);
	finding_say(finding, finding->stake_ns, "%s%s%s", outcome, line, lock);
}
