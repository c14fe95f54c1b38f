/* SPDX-License-Identifier: GPL-2.0-only */
/* Files without a name. */
#include "stream/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

static const char *spool_dir(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && dir[0] == '/' ? dir : "/tmp";
}

uint64_t spool_room(void)
{
	struct statvfs status;

	return statvfs(spool_dir(), &status) ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}

int spool_open(void)
{
	const char *dir = spool_dir();
	char *name OWNED(mem_freep) = NULL;
	int file;

	file = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (file >= 0)
		return file;
	name = xasprintf("%s/convoy-XXXXXX", dir); /* file systems without O_TMPFILE */
	file = mkostemp(name, O_CLOEXEC);
	if (file < 0)
		return -errno;
	unlink(name);
	return file;
}

int spool_write(int file, const void *data, size_t bytes, uint64_t offset)
{
	while (bytes) {
		ssize_t written = pwrite(file, data, bytes, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written ? -errno : -EIO;
		data = (const char *)data + written;
		bytes -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

int spool_read(int file, void *data, size_t bytes, uint64_t offset)
{
	while (bytes) {
		ssize_t got = pread(file, data, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		data = (char *)data + got;
		bytes -= (size_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}
