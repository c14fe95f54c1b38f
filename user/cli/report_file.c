/* SPDX-License-Identifier: GPL-2.0-only */
/* A report file: an unnamed-until-finished file in the directory of its final place. */
#include "cli/report_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/units.h"

struct report_file {
	FILE *stream;
	char *path; /* as given; "standard error" … for the streams */
	char *name; /* last part of the path */
	char *temporary; /* name in the same directory; NULL: nothing to rename */
	int dir_fd; /* -1: no file of ours */
	bool is_borrowed; /* stdout or stderr: not closed */
};

static struct report_file *file_new(const char *path)
{
	struct report_file *file = xcalloc(1, sizeof(*file));

	file->path = xstrdup(path);
	file->dir_fd = -1;
	return file;
}

static struct report_file *borrow(FILE *stream, const char *name)
{
	struct report_file *file = file_new(name);

	file->stream = stream;
	file->is_borrowed = true;
	return file;
}

/* Opens the directory of the path and keeps the last part as name. */
static int open_place(struct report_file *file)
{
	const char *slash = strrchr(file->path, '/');
	char *dir OWNED(mem_freep) = NULL;

	if (!slash)
		dir = xstrdup(".");
	else
		dir = xstrndup(file->path, slash == file->path ? 1 : (size_t)(slash - file->path));
	file->name = xstrdup(slash ? slash + 1 : file->path);
	if (!*file->name)
		return fail_plain(-EISDIR, "--report '%s' names a directory, not a file",
				  file->path);
	file->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->dir_fd < 0)
		return fail(-errno, "cannot write --report '%s': directory '%s'", file->path, dir);
	return 0;
}

/* Devices (/dev/null, a terminal) are written as they are: renaming over them would replace them.
 */
static int open_device(struct report_file *file)
{
	int fd = openat(file->dir_fd, file->name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return fail(-errno, "cannot write --report '%s'", file->path);
	file->stream = fdopen(fd, "w");
	return 0;
}

static int open_temporary(struct report_file *file, const struct owner *owner)
{
	uint64_t random = 0;
	int fd;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return fail(-errno, "cannot get random bytes");
	file->temporary =
		xasprintf(".%.200s.%016llx.partial", file->name, (unsigned long long)random);
	fd = openat(file->dir_fd, file->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		free(file->temporary);
		file->temporary = NULL;
		return fail(-errno, "cannot write --report '%s'", file->path);
	}
	file->stream = fdopen(fd, "w");
	if (geteuid() == 0 && fchown(fd, owner->uid, owner->gid))
		return fail(-errno, "cannot give --report '%s' to uid %u", file->path, owner->uid);
	return 0;
}

static int open_named(struct report_file *file, const struct owner *owner)
{
	struct stat found;
	int err = open_place(file);

	if (err)
		return err;
	if (fstatat(file->dir_fd, file->name, &found, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			return fail(-errno, "cannot write --report '%s'", file->path);
		return open_temporary(file, owner);
	}
	if (S_ISCHR(found.st_mode))
		return open_device(file);
	if (!S_ISREG(found.st_mode))
		return fail_plain(-EINVAL,
				  "--report '%s' exists and is not a regular file: name another",
				  file->path);
	return open_temporary(file, owner);
}

/*
 * A descriptor that convoy was given, by one of its names ("/dev/fd/63" of a shell's >(...)); -1 if
 * the path is none. Looked at as words: the links behind them lead to pipes and deleted files.
 */
static int named_fd(const char *path)
{
	static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
	uint64_t number;

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], length) == 0 &&
		    parse_count(path + length, 0, INT32_MAX, &number) == 0)
			return (int)number;
	}
	return -1;
}

static int open_fd(struct report_file *file, int number)
{
	int fd = fcntl(number, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return fail(-errno, "cannot write --report '%s'", file->path);
	file->stream = fdopen(fd, "w");
	return file->stream ? 0 : fail(-errno, "cannot write --report '%s'", file->path);
}

struct report_file *report_file_open(const char *path, const struct owner *owner)
{
	struct report_file *file;
	int number;

	if (!path)
		return borrow(stderr, "standard error");
	if (strcmp(path, "-") == 0)
		return borrow(stdout, "standard output");
	file = file_new(path);
	number = named_fd(path);
	if (number >= 0 ? open_fd(file, number) : open_named(file, owner)) {
		report_file_free(file);
		return NULL;
	}
	return file;
}

FILE *report_file_stream(struct report_file *file)
{
	return file->stream;
}

static int finish_stream(struct report_file *file)
{
	FILE *stream = file->stream;
	int err = 0;

	errno = 0;
	if (fflush(stream) || ferror(stream))
		err = errno ? -errno : -EIO;
	if (file->is_borrowed)
		return err;
	if (!err && file->temporary && fsync(fileno(stream)))
		err = -errno;
	file->stream = NULL;
	if (fclose(stream) && !err)
		err = -errno;
	return err;
}

int report_file_commit(struct report_file *file, int write_err)
{
	int err = finish_stream(file);

	if (write_err)
		err = write_err;
	if (err == -EPIPE)
		return err;
	if (err)
		return fail(err, "cannot write the report to '%s'", file->path);
	if (!file->temporary)
		return 0;
	if (renameat(file->dir_fd, file->temporary, file->dir_fd, file->name))
		return fail(-errno, "cannot put the report in its place '%s'", file->path);
	free(file->temporary);
	file->temporary = NULL;
	return 0;
}

void report_file_free(struct report_file *file)
{
	if (!file)
		return;
	if (file->stream && !file->is_borrowed)
		fclose(file->stream);
	if (file->temporary)
		unlinkat(file->dir_fd, file->temporary, 0);
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	free(file->temporary);
	free(file->name);
	free(file->path);
	free(file);
}

void report_file_freep(struct report_file **file)
{
	report_file_free(*file);
}
