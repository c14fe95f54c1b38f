/* SPDX-License-Identifier: GPL-2.0-only */
/* From a finished session to a report, a saved trace and a status. */
#include "cli/observe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analysis/findings.h"
#include "base/ascii.h"
#include "base/err.h"
#include "base/mem.h"
#include "model/classify.h"
#include "output/save.h"
#include "stream/trace_dir.h"

#define RING_MIN_BYTES 4096
#define RING_MAX_BYTES (1ull << 30)

const struct option_row observe_rows[] = {
	{ .name = "output",
	  .letter = 'o',
	  .argument = "DIR",
	  .help = "save the trace (CSV files and meta.json) in DIR, which must be absent or empty",
	  .type = OPTION_TEXT,
	  .kind = ARGUMENT_DIR,
	  .offset = offsetof(struct observe_options, output) },
	{ .name = "format",
	  .argument = "FORMAT",
	  .help = "form of the report",
	  .type = OPTION_CHOICE,
	  .kind = ARGUMENT_CHOICE,
	  .offset = offsetof(struct observe_options, format),
	  .choice = format_choice },
	{ .name = "lean",
	  .help = "leave out what slows futex calls and other system calls; the columns that need "
		  "it stay empty",
	  .offset = offsetof(struct observe_options, is_lean) },
	{ .name = "fail-on-loss",
	  .argument = "PCT",
	  .help = "leave with status 3 if anything was lost, or with PCT: if more than PCT percent "
		  "of the slices were",
	  .type = OPTION_PERCENT,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct observe_options, fail_on_loss) },
	{ .name = "ring-size",
	  .argument = "BYTES",
	  .help = "size of the buffer between the kernel and convoy; more loses less (K, M and G "
		  "are understood)",
	  .type = OPTION_BYTES,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct observe_options, ring_bytes),
	  .min = RING_MIN_BYTES,
	  .max = RING_MAX_BYTES },
	{ .name = "max-size",
	  .argument = "BYTES",
	  .help = "keep at most BYTES of slices; beyond that totals go on and the report says so",
	  .type = OPTION_BYTES,
	  .kind = ARGUMENT_NUMBER,
	  .offset = offsetof(struct observe_options, max_bytes),
	  .min = 1 },
	{ 0 },
};

const char *format_choice(size_t index)
{
	return output_formats[index] ? output_formats[index]->name : NULL;
}

int owner_find(struct owner *ret_owner)
{
	struct run_as as = { 0 };
	int err = run_as_decide(NULL, false, &as);

	if (err)
		return err;
	ret_owner->uid = as.changes ? as.uid : geteuid();
	ret_owner->gid = as.changes ? as.gid : getegid();
	run_as_release(&as);
	return 0;
}

void observe_session_options(const struct observe_options *options,
			     struct session_options *ret_options)
{
	*ret_options = (struct session_options){
		.is_lean = options->is_lean,
		.ring_bytes = options->ring_bytes,
		.max_bytes = options->max_bytes,
	};
}

/* What a run that was cut off left behind would otherwise be found only when this one is over. */
static int check_no_leftover(const char *path)
{
	size_t length = strlen(path);
	char *partial OWNED(mem_freep) = NULL;

	while (length > 1 && path[length - 1] == '/')
		length--;
	partial = xasprintf("%.*s.partial", (int)length, path);
	if (access(partial, F_OK))
		return 0;
	return fail_plain(-EEXIST, "'%s' exists, perhaps from a run that was cut off: remove it",
			  partial);
}

int observe_check(const struct observe_options *options)
{
	struct trace_error error = { "" };
	int err;

	if (!options->output)
		return 0;
	err = trace_dir_check(options->output, &error);
	return err ? fail_plain(err, "%s", error.text) : check_no_leftover(options->output);
}

int observe_check_format(const char *format, int fd)
{
	const struct output_format *output = output_find(format ? format : "text");

	if (!output->is_binary || !isatty(fd))
		return 0;
	return fail_plain(-EINVAL,
			  "a report in the format '%s' is binary, not for a terminal: send it to a "
			  "file",
			  output->name);
}

int observation_take(struct session *session, struct observation *ret_observation)
{
	struct observation taken = { 0 };
	int err = session_finish(session, &taken.trace);

	if (err)
		return err;
	err = classify(taken.trace);
	if (!err) {
		session_use_locks(session, taken.trace);
		err = report_make_deep(taken.trace, 0, 0, &taken.report);
	}
	if (err) {
		observation_release(&taken);
		return fail(err, "cannot read back the slices of this observation");
	}
	findings_make(taken.report, NULL);
	*ret_observation = taken;
	return 0;
}

void observation_release(struct observation *observation)
{
	report_free(observation->report);
	trace_free(observation->trace);
	*observation = (struct observation){ 0 };
}

static int save_in(struct trace_dir *dir, const struct observation *observation,
		   struct trace_error *error)
{
	int err = trace_save(dir, observation->report, error);

	return err ? err : trace_dir_commit(dir, error);
}

int observation_save(const struct observation *observation, const char *path)
{
	struct trace_error error = { "" };
	struct trace_dir *dir;
	struct owner owner;
	int err = owner_find(&owner);

	if (err)
		return err;
	dir = trace_dir_create(path, owner.uid, owner.gid, &error);
	err = dir ? save_in(dir, observation, &error) : -EIO;
	if (dir)
		trace_dir_free(dir);
	return err ? fail_plain(err, "cannot save the trace: %s", error.text) : 0;
}

static unsigned int terminal_columns(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

void observe_output_options(const struct common_options *common, FILE *file,
			    struct output_options *ret_options)
{
	*ret_options = (struct output_options){
		.has_color = args_color(common, fileno(file)),
		.is_ascii = !locale_is_utf8(),
		.columns = terminal_columns(fileno(file)),
	};
}

int report_show(const struct report *report, const char *format,
		const struct common_options *common, FILE *file)
{
	const struct output_format *output = output_find(format ? format : "text");
	struct output_options options;
	int err;

	observe_output_options(common, file, &options);
	err = output->render_report(report, &options, file);
	if (err)
		return err;
	return ferror(file) ? -EIO : 0;
}

int observe_loss_status(const struct percent *limit, const struct meta *meta)
{
	double lost_pct = meta->slices_produced ? 100.0 * (double)meta->slices_lost /
							  (double)meta->slices_produced
						: 0;
	bool is_over = limit->has_value ? lost_pct > limit->value : !meta->is_complete;

	if (meta->slices_lost)
		warning("%llu of %llu slices lost (%.3g %%): totals are exact, the rest holds "
			"where "
			"nothing is missing; try a larger --ring-size",
			(unsigned long long)meta->slices_lost,
			(unsigned long long)meta->slices_produced, lost_pct);
	return limit->is_given && is_over ? STATUS_LOSS : STATUS_DONE;
}
