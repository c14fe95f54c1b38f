/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cache of ELF files. An entry holds its file open, so its inode cannot become another file;
 * a file changed in place shows by its modification time.
 */
#include "names/elf_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define FILES_MAX 64
#define CACHE_MAX_BYTES (24U << 20)
#define LOAD_MAX_NS 5000000000ULL /* spent on reading files in all */

struct entry {
	uint64_t dev;
	uint64_t inode;
	char *name;
	int fd; /* a second descriptor, to ask the file: -1 if it is no ELF file */
	struct timespec changed;
	struct elf_file *file; /* NULL: no ELF file */
	uint64_t last_use;
};

struct elf_cache {
	struct entry entries[FILES_MAX];
	size_t count;
	uint64_t uses;
	uint64_t load_ns;
};

struct elf_cache *elf_cache_new(void)
{
	return xcalloc(1, sizeof(struct elf_cache));
}

static void entry_release(struct entry *entry)
{
	elf_file_close(entry->file);
	if (entry->fd >= 0)
		close(entry->fd);
	free(entry->name);
}

static void remove_at(struct elf_cache *cache, size_t index)
{
	entry_release(&cache->entries[index]);
	cache->entries[index] = cache->entries[--cache->count];
}

void elf_cache_free(struct elf_cache *cache)
{
	if (!cache)
		return;
	while (cache->count > 0)
		remove_at(cache, 0);
	free(cache);
}

static bool is_current(const struct entry *entry)
{
	struct stat status;

	if (entry->fd < 0)
		return true;
	return fstat(entry->fd, &status) == 0 && status.st_mtim.tv_sec == entry->changed.tv_sec &&
	       status.st_mtim.tv_nsec == entry->changed.tv_nsec;
}

static struct entry *find(struct elf_cache *cache, const struct mapping *mapping)
{
	for (size_t i = 0; i < cache->count; i++) {
		struct entry *entry = &cache->entries[i];

		/* Volumes of one file system may share dev and inode numbers: the name differs. */
		if (entry->dev != mapping->dev || entry->inode != mapping->inode ||
		    strcmp(entry->name, mapping->name) != 0)
			continue;
		if (is_current(entry))
			return entry;
		remove_at(cache, i);
		return NULL;
	}
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void remove_oldest(struct elf_cache *cache)
{
	size_t oldest = 0;

	for (size_t i = 1; i < cache->count; i++)
		if (cache->entries[i].last_use < cache->entries[oldest].last_use)
			oldest = i;
	remove_at(cache, oldest);
}

static size_t cache_bytes(const struct elf_cache *cache)
{
	size_t bytes = 0;

	for (size_t i = 0; i < cache->count; i++)
		if (cache->entries[i].file)
			bytes += elf_file_bytes(cache->entries[i].file);
	return bytes;
}

static struct entry *add(struct elf_cache *cache, const struct mapping *mapping, int fd)
{
	uint64_t begin_ns = now_ns();
	struct entry entry = { .dev = mapping->dev, .inode = mapping->inode };
	struct stat status;

	if (fstat(fd, &status) == 0)
		entry.changed = status.st_mtim;
	entry.fd = dup(fd);
	entry.file = elf_file_open(fd);
	entry.name = xstrdup(mapping->name);
	while (cache->count > 0 &&
	       (cache->count == FILES_MAX ||
		(entry.file && cache_bytes(cache) + elf_file_bytes(entry.file) > CACHE_MAX_BYTES)))
		remove_oldest(cache);
	cache->load_ns += now_ns() - begin_ns;
	cache->entries[cache->count] = entry;
	return &cache->entries[cache->count++];
}

struct elf_file *elf_cache_get(struct elf_cache *cache, const struct mapping *mapping, pid_t pid)
{
	struct entry *entry = find(cache, mapping);

	if (!entry && pid > 0 && cache->load_ns < LOAD_MAX_NS) {
		int fd = mapping_open(mapping, pid);

		if (fd >= 0)
			entry = add(cache, mapping, fd);
	}
	if (!entry)
		return NULL;
	entry->last_use = ++cache->uses;
	return entry->file;
}
