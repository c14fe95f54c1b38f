/* SPDX-License-Identifier: GPL-2.0-only */
/* `convoy doctor`: what works here, what does not, and the cure. */
#include "cli/commands.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "capture/doctor.h"
#include "cli/args.h"
#include "output/grid.h"

struct doctor_options {
	struct common_options common;
	const char *format;
};

static const char *doctor_format(size_t index)
{
	static const char *const names[] = { "text", "json", NULL };

	return names[index];
}

static const struct option_row doctor_rows[] = {
	{ .name = "format",
	  .argument = "FORMAT",
	  .help = "form of the answer",
	  .type = OPTION_CHOICE,
	  .kind = ARGUMENT_CHOICE,
	  .offset = offsetof(struct doctor_options, format),
	  .choice = doctor_format },
	{ 0 },
};

static const struct option_row *const doctor_tables[] = { doctor_rows, common_rows, NULL };

static const char *const health_names[] = {
	[HEALTH_GOOD] = "ok",
	[HEALTH_LIMITED] = "limited",
	[HEALTH_BAD] = "missing",
};

static void show_cures(const struct diagnosis *diagnoses)
{
	for (size_t i = 0; doctor_questions[i].name; i++) {
		const struct question *question = &doctor_questions[i];

		if (diagnoses[i].health == HEALTH_GOOD)
			continue;
		printf("\n%s: %s\n", question->name, diagnoses[i].found);
		printf("    lost: %s\n    try:  %s\n", question->lost, question->cure);
	}
}

static void show_text(const struct diagnosis *diagnoses, bool can_run)
{
	struct grid *grid OWNED(grid_freep) = grid_new();

	grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_LEFT, 0);
	grid_column(grid, GRID_LEFT, 50);
	for (size_t i = 0; doctor_questions[i].name; i++) {
		grid_add(grid, "%s", health_names[diagnoses[i].health]);
		grid_add(grid, "%s", doctor_questions[i].name);
		grid_add(grid, "%s", diagnoses[i].found);
	}
	grid_print(grid, 0, stdout);
	show_cures(diagnoses);
	printf("\n%s\n", can_run ? "convoy can do its work here."
				 : "convoy cannot do its work here: mend what is missing first.");
}

static int show_json(const struct diagnosis *diagnoses, bool can_run)
{
	json_t *rows = json_array();
	json_t *all;
	int err;

	for (size_t i = 0; doctor_questions[i].name; i++) {
		const struct question *question = &doctor_questions[i];

		json_array_append_new(rows, json_pack("{s:s, s:b, s:s, s:s, s:s, s:s}", "name",
						      question->name, "needed", question->is_needed,
						      "health", health_names[diagnoses[i].health],
						      "found", diagnoses[i].found, "lost",
						      question->lost, "try", question->cure));
	}
	all = json_pack("{s:s, s:i, s:s, s:b, s:o}", "convoy", CONVOY_VERSION, "schema", 1, "kind",
			"doctor", "can_run", can_run, "checks", rows);
	err = json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	return err;
}

static int doctor_main(const struct command *command, int argc, char *argv[])
{
	struct diagnosis diagnoses[16] = { 0 };
	struct doctor_options options = { .format = "text" };
	struct operands operands = { 0 };
	int status = args_parse(command, argc, argv, &options, &operands);
	bool can_run = true;

	if (status != ARGS_GO_ON)
		return status;
	for (size_t i = 0; doctor_questions[i].name; i++) {
		doctor_questions[i].ask(&diagnoses[i]);
		if (doctor_questions[i].is_needed && diagnoses[i].health == HEALTH_BAD)
			can_run = false;
	}
	if (strcmp(options.format, "json") == 0)
		show_json(diagnoses, can_run);
	else
		show_text(diagnoses, can_run);
	status = args_flush_stdout();
	operands_release(&operands);
	return status ? status : can_run ? STATUS_DONE : STATUS_USAGE;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "say what convoy can do on this machine, and what to mend",
	.usage = "[OPTION...]",
	.details =
		"Asks the kernel, without changing anything, for all that convoy needs: what "
		"works, what does not, what is lost by it, and the cure. The status is 0 only if "
		"the main job can run.\n",
	.options = doctor_tables,
	.main = doctor_main,
};
