/* SPDX-License-Identifier: GPL-2.0-only */
/* Debug files by build id and by debug link, below the system's debug directory. */
#include "names/debug_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/mem.h"

#define DEBUG_DIRECTORY "/usr/lib/debug"
#define CRC_MAX_BYTES (64LL << 20) /* a debug file without a build id: its bytes are summed */
#define CRC_CHUNK (64U << 10)

static int open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	return -1;
}

static bool has_checksum(int fd, uint32_t wanted)
{
	unsigned char *chunk OWNED(mem_freep) = xcalloc(CRC_CHUNK, 1);
	uLong sum = crc32(0, NULL, 0);
	long long done = 0;
	ssize_t got;

	while ((got = pread(fd, chunk, CRC_CHUNK, done)) > 0 && done < CRC_MAX_BYTES) {
		sum = crc32(sum, chunk, (uInt)got);
		done += got;
	}
	return got == 0 && sum == wanted;
}

static bool belongs(int fd, const struct elf_headers *headers, struct elf_table *ret_symtab)
{
	struct elf_headers *other OWNED(mem_freep) = xcalloc(1, sizeof(*other));

	if (!elf_headers_read(fd, other) || other->symtab.count == 0)
		return false;
	if (headers->build_id_size > 0) {
		if (other->build_id_size != headers->build_id_size ||
		    memcmp(other->build_id, headers->build_id, headers->build_id_size) != 0)
			return false;
	} else if (!has_checksum(fd, headers->debug_crc)) {
		return false;
	}
	*ret_symtab = other->symtab;
	return true;
}

static int open_if_belongs(const char *path, const struct elf_headers *headers,
			   struct elf_table *ret_symtab)
{
	int fd = open_regular(path);

	if (fd < 0 || belongs(fd, headers, ret_symtab))
		return fd;
	close(fd);
	return -1;
}

static char *build_id_path(const struct elf_headers *headers)
{
	char hex[2 * ELF_BUILD_ID_MAX + 1] = "";

	for (size_t i = 0; i < headers->build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", headers->build_id[i]);
	return xasprintf(DEBUG_DIRECTORY "/.build-id/%.2s/%s.debug", hex, hex + 2);
}

int debug_file_open(const struct elf_headers *headers, struct elf_table *ret_symtab)
{
	char *path OWNED(mem_freep) = NULL;
	int fd = -1;

	if (headers->build_id_size > 1) {
		path = build_id_path(headers);
		fd = open_if_belongs(path, headers, ret_symtab);
		mem_freep(&path);
	}
	if (fd < 0 && headers->debug_link[0]) {
		path = xasprintf(DEBUG_DIRECTORY "/%s", headers->debug_link);
		fd = open_if_belongs(path, headers, ret_symtab);
	}
	return fd;
}
