/* SPDX-License-Identifier: GPL-2.0-only */
/* Which processes to watch where none is named: the busy ones that have threads. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/top_look.h"

#define LOOK_MS 200

struct candidate {
	pid_t pid;
	uint64_t ticks; /* CPU time since it began */
	uint64_t grown;
};

struct candidates {
	struct candidate *items;
	size_t count;
};

/* CPU time in ticks of a process with two threads or more; 0: it is not one. */
static uint64_t read_ticks(pid_t pid)
{
	OWNED(mem_freep) char *path = xasprintf("/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	unsigned long long user = 0, system = 0;
	long threads = 0;
	char line[1024], *fields = NULL;

	if (file && fgets(line, sizeof(line), file))
		fields = strrchr(line,
				 ')'); /* the name may hold anything, blanks and brackets too */
	if (file)
		fclose(file);
	if (!fields || sscanf(fields,
			      ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d "
			      "%*d %ld",
			      &user, &system, &threads) != 3)
		return 0;
	return threads >= 2 && pid != getpid() ? user + system + 1 : 0;
}

static void list(struct candidates *candidates)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		uint64_t ticks = isdigit((unsigned char)entry->d_name[0]) ? read_ticks(pid) : 0;
		struct candidate *candidate;

		if (!ticks)
			continue;
		candidate = array_add(&candidates->items, &candidates->count,
				      sizeof(*candidates->items));
		candidate->pid = pid;
		candidate->ticks = ticks;
	}
	if (dir)
		closedir(dir);
}

static int by_growth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->grown != y->grown)
		return x->grown > y->grown ? -1 : 1;
	if (x->ticks != y->ticks)
		return x->ticks > y->ticks ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

int top_choose(size_t max, struct pids *ret_pids)
{
	struct candidates candidates = { 0 };

	list(&candidates);
	poll(NULL, 0, LOOK_MS);
	for (size_t i = 0; i < candidates.count; i++) {
		uint64_t ticks = read_ticks(candidates.items[i].pid);

		if (ticks > candidates.items[i].ticks)
			candidates.items[i].grown = ticks - candidates.items[i].ticks;
	}
	if (candidates.count)
		qsort(candidates.items, candidates.count, sizeof(*candidates.items), by_growth);
	for (size_t i = 0; i < candidates.count && i < max; i++)
		*(pid_t *)array_add(&ret_pids->items, &ret_pids->count, sizeof(*ret_pids->items)) =
			candidates.items[i].pid;
	free(candidates.items);
	if (!ret_pids->count)
		return fail_plain(-ESRCH, "no process here has two threads or more; name one: "
					  "convoy top -p PID");
	return 0;
}
