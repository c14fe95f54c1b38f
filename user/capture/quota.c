/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPU quota of a process: its cgroup, where the hierarchy is mounted, and the way up to the
 * root. Knows cgroup v2, v1 and the mixture of both, in which the cpu controller is in one of them.
 */
#include "capture/host.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

#define LEVELS_MAX 128
#define LINES_MAX 65536

struct host_cgroup {
	bool is_v1;
	char *dir;
	size_t top; /* length of the mount point, which is the last level */
};

static void file_closep(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Where a process stands in the hierarchy that has its cpu controller. */
struct group {
	bool is_v1;
	char *path; /* in the hierarchy, as /proc/PID/cgroup says */
};

/* True if `list` (a,b,c) has the word. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, length) && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

/* "ID:controllers:path"; the line of v2 has no controllers. A cpu controller in v1 is not in v2. */
static void take_line(char *line, struct group *group)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return;
	*controllers++ = '\0';
	*path++ = '\0';
	if (has_word(controllers, "cpu"))
		group->is_v1 = true;
	else if (*controllers || group->is_v1)
		return;
	free(group->path);
	group->path = xstrdup(path);
}

static bool group_read(pid_t pid, struct group *ret_group)
{
	char *name OWNED(mem_freep) = xasprintf("/proc/%d/cgroup", pid);
	FILE *file OWNED(file_closep) = fopen(name, "re");
	char *line OWNED(mem_freep) = NULL;
	size_t size = 0;

	*ret_group = (struct group){ 0 };
	for (int i = 0; file && i < LINES_MAX && getline(&line, &size, file) > 0; i++) {
		line[strcspn(line, "\n")] = '\0';
		take_line(line, ret_group);
	}
	return ret_group->path != NULL;
}

/* A line of mountinfo: "id parent dev ROOT POINT options … - TYPE source SUPER". */
struct mount_line {
	char *root;
	char *point;
	char *type;
	char *super;
};

static bool mount_split(char *line, struct mount_line *ret_line)
{
	char *tail = strstr(line, " - ");

	if (!tail)
		return false;
	*tail = '\0';
	tail += 3;
	for (int i = 0; i < 3; i++)
		strsep(&line, " ");
	ret_line->root = strsep(&line, " ");
	ret_line->point = strsep(&line, " ");
	ret_line->type = strsep(&tail, " ");
	strsep(&tail, " ");
	ret_line->super = strsep(&tail, "\n");
	return ret_line->point && ret_line->super;
}

/* Where the group's hierarchy is mounted here, or NULL; and the part of it that is mounted there.
 */
static char *mount_find(const struct group *group, char **ret_root)
{
	FILE *file OWNED(file_closep) = fopen("/proc/self/mountinfo", "re");
	char *line OWNED(mem_freep) = NULL;
	size_t size = 0;

	for (int i = 0; file && i < LINES_MAX && getline(&line, &size, file) > 0; i++) {
		struct mount_line mount;

		if (!mount_split(line, &mount))
			continue;
		if (strcmp(mount.type, group->is_v1 ? "cgroup" : "cgroup2") != 0)
			continue;
		if (group->is_v1 && !has_word(mount.super, "cpu"))
			continue;
		*ret_root = xstrdup(mount.root);
		return xstrdup(mount.point);
	}
	return NULL;
}

/* Two numbers of a small file; the word "max" reads as -1. */
static int numbers_read(const char *dir, const char *name, int64_t ret_numbers[2])
{
	char *path OWNED(mem_freep) = xasprintf("%s/%s", dir, name);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	int count = 0;
	char word[24];

	while (file && count < 2 && fscanf(file, "%23s", word) == 1)
		ret_numbers[count++] = strcmp(word, "max") ? strtoll(word, NULL, 10) : -1;
	return count;
}

/* The quota of one level, in CPUs; 0: none. *ret_is_read: the level could be asked. */
static double level_quota(const char *dir, bool is_v1, bool *ret_is_read)
{
	int64_t limit[2] = { -1, 0 };
	int64_t period[2];
	int count = numbers_read(dir, is_v1 ? "cpu.cfs_quota_us" : "cpu.max", limit);

	if (is_v1 && count > 0) {
		count = 1 + numbers_read(dir, "cpu.cfs_period_us", period);
		limit[1] = period[0];
	}
	if (count < 2)
		return 0;
	*ret_is_read = true;
	return limit[0] > 0 && limit[1] > 0 ? (double)limit[0] / (double)limit[1] : 0;
}

static void level_throttled(const char *dir, bool is_v1, struct quota *quota)
{
	char *path OWNED(mem_freep) = xasprintf("%s/cpu.stat", dir);
	FILE *file OWNED(file_closep) = fopen(path, "re");
	char word[32];
	uint64_t value;

	for (int i = 0; file && i < 64 && fscanf(file, "%31s %" SCNu64, word, &value) == 2; i++) {
		if (!strcmp(word, "nr_throttled"))
			quota->throttled_count = value;
		else if (!strcmp(word, is_v1 ? "throttled_time" : "throttled_usec"))
			quota->throttled_ns = is_v1 ? value : value * 1000;
	}
}

/* From the leaf up to and with the mount point; the tightest level gives the quota. */
static void walk_up(const struct host_cgroup *cgroup, struct quota *quota)
{
	char *dir OWNED(mem_freep) = xstrdup(cgroup->dir);

	for (int i = 0; i < LEVELS_MAX; i++) {
		double cpus = level_quota(dir, cgroup->is_v1, &quota->is_known);
		char *slash = strrchr(dir, '/');

		if (cpus > 0 && (quota->cpus == 0 || cpus < quota->cpus)) {
			quota->cpus = cpus;
			level_throttled(dir, cgroup->is_v1, quota);
		}
		if (strlen(dir) <= cgroup->top || !slash)
			return;
		*slash = '\0';
	}
}

/* The directory of the group, as it is mounted here; NULL if it lies outside of that. */
static char *group_directory(const struct group *group, size_t *ret_top)
{
	char *root OWNED(mem_freep) = NULL;
	char *point OWNED(mem_freep) = NULL;
	const char *below = group->path;

	/* Outside of what this cgroup namespace shows. */
	if (strstr(group->path, "/.."))
		return NULL;
	point = mount_find(group, &root);
	if (!point)
		return NULL;
	if (strcmp(root, "/") && !strncmp(below, root, strlen(root)))
		below += strlen(root);
	*ret_top = strlen(point);
	return xasprintf("%s%s", point, strcmp(below, "/") ? below : "");
}

struct host_cgroup *host_cgroup_open(pid_t pid)
{
	struct host_cgroup *cgroup;
	struct group group;
	size_t top = 0;
	char *dir;

	if (!group_read(pid, &group))
		return NULL;
	dir = group_directory(&group, &top);
	free(group.path);
	if (!dir)
		return NULL;
	cgroup = xcalloc(1, sizeof(*cgroup));
	cgroup->is_v1 = group.is_v1;
	cgroup->dir = dir;
	cgroup->top = top;
	return cgroup;
}

void host_cgroup_close(struct host_cgroup *cgroup)
{
	if (!cgroup)
		return;
	free(cgroup->dir);
	free(cgroup);
}

void host_quota_read(const struct host_cgroup *cgroup, struct quota *ret_quota)
{
	*ret_quota = (struct quota){ 0 };
	/* A group removed since then cannot say what it counted. */
	if (cgroup && access(cgroup->dir, F_OK) == 0)
		walk_up(cgroup, ret_quota);
}

struct quota host_quota_since(const struct quota *first, const struct quota *last)
{
	struct quota quota = *last;

	if (!first->is_known || !last->is_known || last->throttled_count < first->throttled_count ||
	    last->throttled_ns < first->throttled_ns)
		return (struct quota){ 0 };
	quota.throttled_count -= first->throttled_count;
	quota.throttled_ns -= first->throttled_ns;
	return quota;
}
