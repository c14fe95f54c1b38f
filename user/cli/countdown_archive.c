/* SPDX-License-Identifier: GPL-2.0-only */
/* The directory of `countdown -o`. Not for what is in a trace. */
#include "cli/countdown_archive.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "output/output.h"
#include "stream/trace_dir.h"

#define REPORT_NAME "report.json"
#define DEPTH_MAX 8 /* deeper than we ever build: somebody else did */

struct archive {
	struct trace_dir *top;
	char *partial; /* path of what is written to */
	struct owner owner;
	bool is_committed;
};

struct archive *archive_open(const char *path)
{
	struct archive *archive = xcalloc(1, sizeof(*archive));
	struct trace_error error = { "" };
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	archive->partial = xasprintf("%.*s.partial", (int)length, path);
	if (owner_find(&archive->owner) == 0) {
		archive->top =
			trace_dir_create(path, archive->owner.uid, archive->owner.gid, &error);
		if (!archive->top)
			(void)!fail_plain(-EIO, "%s", error.text);
	}
	if (archive->top)
		return archive;
	archive_free(archive);
	return NULL;
}

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_tree(int parent, const char *name, int depth);

/* Takes the descriptor. */
static void remove_entries(int fd, int depth)
{
	DIR *list = fdopendir(fd);
	const struct dirent *entry;

	if (!list) {
		close(fd);
		return;
	}
	while ((entry = readdir(list)) != NULL) {
		if (!is_dots(entry->d_name))
			remove_tree(dirfd(list), entry->d_name, depth);
	}
	closedir(list);
}

/* A file, a link (never followed), or a directory with all that is in it. */
static void remove_tree(int parent, const char *name, int depth)
{
	int fd;

	if (unlinkat(parent, name, 0) == 0 || depth <= 0)
		return;
	fd = open_directory(parent, name);
	if (fd >= 0)
		remove_entries(fd, depth - 1);
	unlinkat(parent, name, AT_REMOVEDIR);
}

void archive_free(struct archive *archive)
{
	int fd;

	if (!archive)
		return;
	if (archive->top && !archive->is_committed) {
		fd = open_directory(AT_FDCWD, archive->partial);
		if (fd >= 0)
			remove_entries(fd, DEPTH_MAX);
	}
	trace_dir_free(archive->top);
	free(archive->partial);
	free(archive);
}

/* A directory on the way to a trace, made if it is not there. */
static int make_directory(const struct archive *archive, const char *path)
{
	int fd;
	int err = 0;

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : fail(-errno, "cannot make '%s'", path);
	fd = open_directory(AT_FDCWD, path);
	if (fd < 0 || fchown(fd, archive->owner.uid, archive->owner.gid) < 0)
		err = fail(-errno, "cannot give '%s' to its user", path);
	if (fd >= 0)
		close(fd);
	return err;
}

int archive_save(struct archive *archive, const struct archive_place *place,
		 const struct observation *observation)
{
	char *above OWNED(mem_freep) =
		place->interpreter ? xasprintf("%s/%s", archive->partial, place->interpreter)
				   : xstrdup(archive->partial);
	char *variant OWNED(mem_freep) = xasprintf("%s/%s", above, place->variant);
	char *path OWNED(mem_freep) = xasprintf("%s/%u", variant, place->round);
	int err = place->interpreter ? make_directory(archive, above) : 0;

	if (!err)
		err = make_directory(archive, variant);
	return err ? err : observation_save(observation, path);
}

void archive_remove(struct archive *archive, const struct archive_place *place)
{
	char *above OWNED(mem_freep) =
		place->interpreter ? xasprintf("%s/%s", archive->partial, place->interpreter)
				   : xstrdup(archive->partial);
	char *variant OWNED(mem_freep) = xasprintf("%s/%s", above, place->variant);
	char *round OWNED(mem_freep) = xasprintf("%u", place->round);
	int fd = open_directory(AT_FDCWD, variant);

	if (fd < 0)
		return;
	remove_tree(fd, round, DEPTH_MAX);
	close(fd);
	/* Without a run left, the variant goes too. */
	unlinkat(AT_FDCWD, variant, AT_REMOVEDIR);
}

static int write_report(struct archive *archive, const struct experiment *const *experiments,
			size_t count, struct trace_error *error)
{
	static const struct output_options options = { .has_color = false, .columns = 0 };
	FILE *file = trace_dir_file(archive->top, REPORT_NAME, error);

	if (!file)
		return -EIO;
	/* What goes wrong here shows again when the file is closed. */
	(void)!output_find("json")->render_experiments(experiments, count, &options, file);
	return trace_dir_close(archive->top, file, REPORT_NAME, error);
}

int archive_commit(struct archive *archive, const struct experiment *const *experiments,
		   size_t count)
{
	struct trace_error error = { "" };
	int err = write_report(archive, experiments, count, &error);

	if (!err)
		err = trace_dir_commit(archive->top, &error);
	archive->is_committed = err == 0;
	return err ? fail_plain(err, "cannot save the experiment: %s", error.text) : 0;
}
