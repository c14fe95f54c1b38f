/* SPDX-License-Identifier: GPL-2.0-only */
/* The workload script and the `nogil` object, embedded. Not for running them. */
#include "cli/countdown_embed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

/* The assembler finds both by its -I: the Makefile rule of this object. */
__asm__(".section .rodata\n"
	".global workload_script\n"
	".type workload_script, %object\n"
	"workload_script:\n"
	".incbin \"tools/workload.py\"\n"
	".byte 0\n"
	".size workload_script, . - workload_script\n"
	".balign 16\n"
	"nogil_object:\n"
	".incbin \"nogil.so\"\n"
	"nogil_object_end:\n"
	".previous\n");

extern const unsigned char nogil_object[] __attribute__((visibility("hidden")));
extern const unsigned char nogil_object_end[] __attribute__((visibility("hidden")));

#define LIBRARY_NAME "nogil.so"

static int write_all(int fd, const unsigned char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

static int fill_file(int directory_fd, const struct run_as *as)
{
	int fd = openat(directory_fd, LIBRARY_NAME,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);
	int err;

	if (fd < 0)
		return -errno;
	err = write_all(fd, nogil_object, (size_t)(nogil_object_end - nogil_object));
	if (!err && as->changes && fchown(fd, as->uid, as->gid) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* The directory is given away last: until then nobody else can reach into it. */
static int fill_directory(const char *path, const struct run_as *as)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = fill_file(fd, as);
	if (!err && as->changes && fchown(fd, as->uid, as->gid) < 0)
		err = -errno;
	close(fd);
	return err;
}

int library_write(const struct run_as *as, struct library *ret_library)
{
	const char *parent = getenv("TMPDIR");
	struct library library;
	int err;

	if (!parent || parent[0] != '/')
		parent = "/tmp";
	library.directory = xasprintf("%s/convoy-XXXXXX", parent);
	if (!mkdtemp(library.directory)) {
		err = fail(-errno, "cannot make a directory under '%s' for the variant's C code",
			   parent);
		free(library.directory);
		return err;
	}
	library.path = xasprintf("%s/" LIBRARY_NAME, library.directory);
	err = fill_directory(library.directory, as);
	if (err) {
		err = fail(err, "cannot write '%s'", library.path);
		library_remove(&library);
		return err;
	}
	*ret_library = library;
	return 0;
}

void library_remove(struct library *library)
{
	int fd;

	if (!library->directory)
		return;
	fd = open(library->directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		unlinkat(fd, LIBRARY_NAME, 0);
		close(fd);
	}
	rmdir(library->directory);
	free(library->directory);
	free(library->path);
	*library = (struct library){ NULL, NULL };
}
