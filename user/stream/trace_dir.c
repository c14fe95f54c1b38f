/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Writing a trace directory safely: root may write into a place that somebody else owns, so nothing
 * is followed, nothing is overwritten, and an unfinished trace never has the final name. Reading is
 * in trace_load.c.
 */
#include "stream/trace_dir.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

struct trace_dir {
	char *path; /* as asked for: for messages */
	char *name; /* last part of the path */
	char *partial; /* name.partial */
	int parent; /* -1: not open, like the next */
	int dir;
	uint32_t uid;
	uint32_t gid;
	char **files; /* made so far */
	size_t file_count;
	bool is_made; /* the directory is there */
};

static int __attribute__((format(printf, 3, 4)))
dir_fail(struct trace_error *ret_error, int err, const char *format, ...)
{
	size_t size = sizeof(ret_error->text), used;
	va_list args;

	va_start(args, format);
	vsnprintf(ret_error->text, size, format, args);
	va_end(args);
	used = strlen(ret_error->text);
	snprintf(ret_error->text + used, size - used, ": %s", strerror(-err));
	return err;
}

/* Splits a path into its parent (opened) and its last part. */
static int open_parent(const char *path, char **ret_name, struct trace_error *ret_error)
{
	char *trimmed OWNED(mem_freep) = xstrdup(path);
	size_t length = strlen(trimmed);
	const char *name;
	char *slash;
	int parent;

	while (length > 1 && trimmed[length - 1] == '/')
		trimmed[--length] = '\0';
	slash = strrchr(trimmed, '/');
	name = slash ? slash + 1 : trimmed;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return dir_fail(ret_error, -EINVAL, "cannot write a trace to '%.200s'", path);
	*ret_name = xstrdup(name);
	if (slash)
		slash[slash == trimmed] = '\0';
	parent = open(slash ? trimmed : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0) {
		int err = -errno;

		mem_freep(ret_name);
		return dir_fail(ret_error, err, "cannot open the directory of '%.200s'", path);
	}
	return parent;
}

/* 0 if the directory is empty, -ENOTEMPTY or the error. Closes fd. */
static int check_empty(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = -ENOTEMPTY;
	}
	closedir(dir);
	return err;
}

/* Whether `name` may become a trace: absent or an empty directory. */
static int check_name(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		return check_empty(fd);
	if (errno == ENOENT)
		return 0;
	/* Also what a symbolic link answers here. */
	return errno == ENOTDIR || errno == ELOOP ? -EEXIST : -errno;
}

static int check_failed(struct trace_error *ret_error, int err, const char *path)
{
	if (err != -ENOTEMPTY && err != -EEXIST)
		return dir_fail(ret_error, err, "cannot write a trace to '%.200s'", path);
	snprintf(ret_error->text, sizeof(ret_error->text),
		 "'%.200s' exists and is not an empty directory: choose another name", path);
	return err;
}

int trace_dir_check(const char *path, struct trace_error *ret_error)
{
	char *name OWNED(mem_freep) = NULL;
	int parent = open_parent(path, &name, ret_error);
	int err;

	if (parent < 0)
		return parent;
	err = check_name(parent, name);
	close(parent);
	return err ? check_failed(ret_error, err, path) : 0;
}

/* Makes and opens the directory; what is opened must be what was made, not put in its place. */
static int make_partial(struct trace_dir *dir, struct trace_error *ret_error)
{
	struct stat status;

	if (mkdirat(dir->parent, dir->partial, 0700)) {
		if (errno != EEXIST)
			return dir_fail(ret_error, -errno, "cannot make '%.200s.partial'",
					dir->path);
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'%.200s.partial' exists, perhaps from a run that was cut off: remove it",
			 dir->path);
		return -EEXIST;
	}
	dir->is_made = true;
	dir->dir =
		openat(dir->parent, dir->partial, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->dir < 0 || fstat(dir->dir, &status))
		return dir_fail(ret_error, -errno, "cannot open '%.200s.partial'", dir->path);
	if (status.st_uid != geteuid() || (status.st_mode & 077))
		return dir_fail(ret_error, -EPERM, "'%.200s.partial' was replaced", dir->path);
	if (fchown(dir->dir, dir->uid, dir->gid))
		return dir_fail(ret_error, -errno, "cannot give '%.200s.partial' to its user",
				dir->path);
	return 0;
}

struct trace_dir *trace_dir_create(const char *path, uint32_t uid, uint32_t gid,
				   struct trace_error *ret_error)
{
	struct trace_dir *dir = xcalloc(1, sizeof(*dir));
	int err;

	dir->path = xstrdup(path);
	dir->uid = uid;
	dir->gid = gid;
	dir->dir = -1;
	dir->parent = open_parent(path, &dir->name, ret_error);
	if (dir->parent >= 0) {
		dir->partial = xasprintf("%s.partial", dir->name);
		err = check_name(dir->parent, dir->name);
		if (err)
			check_failed(ret_error, err, path);
		else
			err = make_partial(dir, ret_error);
		if (!err)
			return dir;
	}
	trace_dir_free(dir);
	return NULL;
}

FILE *trace_dir_file(struct trace_dir *dir, const char *name, struct trace_error *ret_error)
{
	char **slot;
	FILE *file = NULL;
	int fd;

	assert(*name && !strchr(name, '/'));
	fd = openat(dir->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		dir_fail(ret_error, -errno, "cannot make '%.200s/%s'", dir->path, name);
		return NULL;
	}
	slot = array_add(&dir->files, &dir->file_count, sizeof(*slot));
	*slot = xstrdup(name);
	if (!fchown(fd, dir->uid, dir->gid))
		file = fdopen(fd, "w");
	if (!file) {
		dir_fail(ret_error, -errno, "cannot set up '%.200s/%s'", dir->path, name);
		close(fd);
	}
	return file;
}

/* Not every file system can do it, and then there is nothing to wait for. */
static int sync_fd(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != EROFS ? -errno : 0;
}

/* A write failed some time ago and its errno is gone: one more tells why. */
static int write_error(FILE *file)
{
	clearerr(file);
	return fputc('\n', file) == EOF || fflush(file) ? -errno : -EIO;
}

int trace_dir_close(struct trace_dir *dir, FILE *file, const char *name,
		    struct trace_error *ret_error)
{
	int err = 0;

	if (fflush(file))
		err = -errno;
	else if (ferror(file))
		err = write_error(file);
	else
		err = sync_fd(fileno(file));
	if (fclose(file) && !err)
		err = -errno;
	return err ? dir_fail(ret_error, err, "cannot write '%.200s/%s'", dir->path, name) : 0;
}

int trace_dir_commit(struct trace_dir *dir, struct trace_error *ret_error)
{
	int err = sync_fd(dir->dir);

	/* Replaces an empty directory and nothing else. */
	if (!err && renameat(dir->parent, dir->partial, dir->parent, dir->name))
		err = -errno;
	if (err)
		return dir_fail(ret_error, err, "cannot rename '%.200s.partial'", dir->path);
	dir->is_made = false;
	sync_fd(dir->parent); /* the trace is complete, whatever this says */
	return 0;
}

void trace_dir_free(struct trace_dir *dir)
{
	if (!dir)
		return;
	for (size_t i = 0; i < dir->file_count; i++) {
		if (dir->is_made)
			unlinkat(dir->dir, dir->files[i], 0);
		free(dir->files[i]);
	}
	if (dir->is_made)
		unlinkat(dir->parent, dir->partial, AT_REMOVEDIR);
	if (dir->dir >= 0)
		close(dir->dir);
	if (dir->parent >= 0)
		close(dir->parent);
	free(dir->files);
	free(dir->path);
	free(dir->name);
	free(dir->partial);
	free(dir);
}
