/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a trace directory: opens its files and puts the parts together. The tables are read in
 * trace_tables.c, the slices in saved_slices.c. Nothing in a directory is trusted.
 */
#include "stream/trace_load.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "stream/meta_json.h"
#include "stream/trace_dir.h"

struct loader {
	const char *path;
	int dir;
	struct trace *trace;
	struct trace_error *ret_error;
	char *meta; /* text of meta.json */
	size_t meta_bytes;
};

static int load_fail(const struct loader *loader, int err, const char *name, const char *what)
{
	snprintf(loader->ret_error->text, sizeof(loader->ret_error->text), "'%.200s%s%s': %s",
		 loader->path, *name ? "/" : "", name, what);
	return err;
}

/* Why a file could not be opened. */
static int open_failed(const struct loader *loader, int err, const char *name)
{
	const char *what = strerror(-err);

	if (err == -ELOOP)
		what = "a symbolic link, which is not followed: put the file itself there";
	else if (err == -EINVAL)
		what = "not a regular file";
	return load_fail(loader, err, name, what);
}

/* A regular file of the directory: a pipe or device put there would hang or worse. */
static int open_file(const struct loader *loader, const char *name)
{
	int fd = openat(loader->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

/* Opens NAME or NAME.gz; *ret_reader stays NULL if there is neither. */
static int open_table(const struct loader *loader, const struct schema_file *schema,
		      struct csv_reader **ret_reader)
{
	char *packed OWNED(mem_freep) = xasprintf("%s.gz", schema->name);
	const char *name = schema->name;
	char *shown OWNED(mem_freep) = NULL;
	int fd = open_file(loader, name);

	if (fd == -ENOENT) {
		name = packed;
		fd = open_file(loader, name);
	}
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return open_failed(loader, fd, name);
	shown = xasprintf("%s/%s", loader->path, name);
	*ret_reader = csv_reader_new(fd, shown, schema, loader->ret_error);
	return *ret_reader ? 0 : -EINVAL;
}

static void csv_reader_freep(struct csv_reader **reader)
{
	csv_reader_free(*reader);
}

static int load_table(const struct loader *loader, const struct schema_file *schema,
		      int (*load)(struct csv_reader *reader, struct trace *trace,
				  struct trace_error *ret_error))
{
	struct csv_reader *reader OWNED(csv_reader_freep) = NULL;
	int err = open_table(loader, schema, &reader);

	if (err)
		return err;
	if (!reader)
		return load_fail(loader, -EINVAL, schema->name, "missing");
	return load(reader, loader->trace, loader->ret_error);
}

static int read_fd(int fd, char *buffer, size_t bytes)
{
	while (bytes) {
		ssize_t got = read(fd, buffer, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		buffer += got;
		bytes -= (size_t)got;
	}
	return 0;
}

static int load_meta(struct loader *loader)
{
	char *shown OWNED(mem_freep) = xasprintf("%s/meta.json", loader->path);
	int fd = open_file(loader, "meta.json"), err;
	struct stat status;

	if (fd == -ENOENT)
		return load_fail(
			loader, fd, "",
			"not a trace of convoy: there is no meta.json, nor the report.json of a "
			"countdown; name the DIR of -o DIR");
	if (fd < 0)
		return open_failed(loader, fd, "meta.json");
	if (fstat(fd, &status) || status.st_size > META_JSON_MAX) {
		close(fd);
		return load_fail(loader, -EINVAL, "meta.json", "too large");
	}
	loader->meta_bytes = (size_t)status.st_size;
	loader->meta = xcalloc(1, loader->meta_bytes + 1);
	err = read_fd(fd, loader->meta, loader->meta_bytes);
	close(fd);
	if (err)
		return load_fail(loader, err, "meta.json", strerror(-err));
	return meta_json_read(loader->meta, loader->meta_bytes, shown, loader->trace,
			      loader->ret_error);
}

static int load_thread_checks(const struct loader *loader)
{
	char *shown OWNED(mem_freep) = xasprintf("%s/meta.json", loader->path);

	return meta_json_read_threads(loader->meta, loader->meta_bytes, shown, loader->trace,
				      loader->ret_error);
}

static int load_slices(const struct loader *loader)
{
	struct csv_reader *slices OWNED(csv_reader_freep) = NULL;
	struct csv_reader *waits OWNED(csv_reader_freep) = NULL;
	struct trace *trace = loader->trace;
	int err = open_table(loader, &schema_slices, &slices);

	if (!err)
		err = open_table(loader, &schema_waits, &waits);
	if (err || (!slices && !waits))
		return err;
	if (!slices || !waits)
		return load_fail(loader, -EINVAL, slices ? "waits.csv" : "slices.csv", "missing");
	trace->slices = saved_slices_new(slices, waits, trace);
	slices = waits = NULL;
	return saved_slices_check(trace->slices, trace, loader->ret_error);
}

static int edges_fail(const struct loader *loader, const char *whose, size_t row, uint64_t sum_ns,
		      uint64_t wait_ns)
{
	char *what OWNED(mem_freep) =
		xasprintf("the edges of %s %zu sum to %" PRIu64 " ns, row %zu of %ss.csv says "
			  "%" PRIu64 " ns",
			  whose, row, sum_ns, row, whose, wait_ns);

	return load_fail(loader, -EINVAL, "edges.csv", what);
}

/* Σ edges against the waits of locks and threads (I6, I7): exact if nothing was lost. */
static int check_edges(const struct loader *loader)
{
	const struct trace *trace = loader->trace;
	uint64_t *of_lock OWNED(mem_freep) = xcalloc(trace->lock_count, sizeof(*of_lock));
	uint64_t *of_thread OWNED(mem_freep) = xcalloc(trace->thread_count, sizeof(*of_thread));
	bool is_exact = trace->meta.is_complete;

	for (size_t i = 0; i < trace->wait_total_count; i++) {
		const struct wait_total *total = &trace->wait_totals[i];
		uint64_t *lock_ns = &of_lock[total->lock - 1];
		uint64_t *thread_ns = &of_thread[total->thread - 1];

		*lock_ns = sum_add(*lock_ns, total->wait_ns);
		*thread_ns = sum_add(*thread_ns, total->wait_ns);
	}
	for (size_t i = 0; i < trace->lock_count; i++) {
		uint64_t wait_ns = trace->locks[i].wait_ns;

		if (is_exact ? of_lock[i] != wait_ns : of_lock[i] > wait_ns)
			return edges_fail(loader, "lock", i + 1, of_lock[i], wait_ns);
	}
	for (size_t i = 0; i < trace->thread_count; i++) {
		uint64_t wait_ns = trace->threads[i].state_ns[STATE_FUTEX];

		if (!thread_is_counted(trace, &trace->threads[i]))
			continue;
		if (is_exact ? of_thread[i] != wait_ns : of_thread[i] > wait_ns)
			return edges_fail(loader, "thread", i + 1, of_thread[i], wait_ns);
	}
	return 0;
}

static int load_all(struct loader *loader)
{
	int err = load_meta(loader);

	if (!err)
		err = load_table(loader, &schema_threads, load_threads);
	if (!err)
		err = load_thread_checks(loader);
	if (!err)
		err = load_table(loader, &schema_locks, load_locks);
	if (!err)
		err = load_table(loader, &schema_edges, load_edges);
	if (!err)
		err = check_edges(loader);
	return err ? err : load_slices(loader);
}

/* What is wrong inside of a trace was not written so: an own sentence says what to do about it. */
static void add_advice(struct trace_error *error)
{
	size_t used = strlen(error->text);

	snprintf(error->text + used, sizeof(error->text) - used,
		 "; the trace is not as convoy wrote it: copy it again, or record it anew");
}

/* Why the directory itself could not be opened. */
static int directory_failed(const struct loader *loader, int err)
{
	char *what OWNED(mem_freep) = xasprintf("%s; name the DIR of -o DIR", strerror(-err));

	return load_fail(loader, err, "",
			 err == -ENOENT || err == -ENOTDIR ? what : strerror(-err));
}

int trace_load(const char *path, struct trace **ret_trace, struct trace_error *ret_error)
{
	struct loader loader = { .path = path, .ret_error = ret_error };
	int err;

	loader.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (loader.dir < 0)
		return directory_failed(&loader, -errno);
	loader.trace = trace_new();
	err = load_all(&loader);
	close(loader.dir);
	free(loader.meta);
	if (err) {
		if (err == -EINVAL)
			add_advice(ret_error);
		trace_free(loader.trace);
		return err;
	}
	*ret_trace = loader.trace;
	return 0;
}
