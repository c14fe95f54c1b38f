/* SPDX-License-Identifier: GPL-2.0-only */
/* Lines "START SIZE NAME", in hex; a later line is the newer one. */
#include "names/perf_map.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "names/stack.h"

#define MAP_MAX_BYTES (16U << 20)
#define READS_MAX 16 /* per process: the map grows while it runs */
#define LINE_MAX_BYTES 1024
#define LINES_MAX 500000 /* of one map */
#define READ_MAX_NS 2000000000ULL /* spent on maps in all */
#define CHUNK_BYTES (64U << 10)

static bool is_made(const struct frame *frame)
{
	return !frame->has_file && frame->mapping->inode == 0;
}

static bool wants_names(const struct frames *frames)
{
	for (size_t i = 0; i < frames->count; i++)
		if (is_made(&frames->list[i]))
			return true;
	return false;
}

/* The next number of the line, or NULL. strtoull would take signs, and is slower. */
static const char *read_hex(const char *at, uint64_t *ret_number)
{
	const char *digits;
	uint64_t number = 0;

	at += strspn(at, " \t");
	if (at[0] == '0' && at[1] == 'x')
		at += 2;
	for (digits = at; isxdigit((unsigned char)*at); at++) {
		if (number >> 60)
			return NULL;
		number =
			number << 4 |
			(uint64_t)(isdigit((unsigned char)*at) ? *at - '0' : (*at | 32) - 'a' + 10);
	}
	*ret_number = number;
	return at == digits ? NULL : at;
}

static void set_function(struct frame *frame, uint64_t start, const char *name)
{
	size_t length = strnlen(name, sizeof(frame->function) - 1);

	frame->function_start = start;
	memcpy(frame->function, name, length);
	frame->function[length] = '\0';
}

/* What the lines of a chunk say: it is copied when the chunk is done, as every line may be of every
 * frame, and the next one's name is what counts. */
struct found {
	uint64_t start;
	const char *name; /* in the chunk, or NULL */
};

static void take_line(struct frames *frames, const char *line, struct found *found)
{
	const char *at;
	uint64_t start;
	uint64_t size;

	at = read_hex(line, &start);
	if (at)
		at = read_hex(at, &size);
	if (!at)
		return;
	at += strspn(at, " \t");
	if (!*at)
		return;
	for (size_t i = 0; i < frames->count; i++) {
		struct frame *frame = &frames->list[i];

		if (!is_made(frame) || frame->address <= start || frame->address - start > size)
			continue;
		found[i] = (struct found){ start, at };
	}
}

/* Whole lines of a chunk, as long as *lines_left lasts; those too long to keep are passed over.
 * Returns the bytes left over. */
static size_t take_lines(struct frames *frames, char *chunk, size_t size, int *lines_left)
{
	struct found found[FRAMES_MAX] = { 0 };
	char *line = chunk;
	char *end;

	while (*lines_left > 0 && (end = memchr(line, '\n', size - (size_t)(line - chunk)))) {
		(*lines_left)--;
		*end = '\0';
		if (end - line < LINE_MAX_BYTES)
			take_line(frames, line, found);
		line = end + 1;
	}
	for (size_t i = 0; i < frames->count; i++)
		if (found[i].name)
			set_function(&frames->list[i], found[i].start, found[i].name);
	size -= (size_t)(line - chunk);
	memmove(chunk, line, size);
	return size < LINE_MAX_BYTES ? size : LINE_MAX_BYTES;
}

static void read_map(struct frames *frames, int fd)
{
	char chunk[CHUNK_BYTES + LINE_MAX_BYTES];
	size_t done = 0;
	int lines_left = LINES_MAX;
	size_t left = 0;
	ssize_t got;

	while (lines_left > 0 && done < MAP_MAX_BYTES &&
	       (got = pread(fd, chunk + left, CHUNK_BYTES, (off_t)done)) > 0) {
		done += (size_t)got;
		left = take_lines(frames, chunk, left + (size_t)got, &lines_left);
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

void perf_map_name(struct frames *frames)
{
	struct process *process = frames->view->process;
	uint64_t begin_ns;
	int fd;

	if (frames->view->pid <= 0 || process->perf_map_reads == READS_MAX || !wants_names(frames))
		return;
	if (*frames->map_ns > READ_MAX_NS)
		return;
	process->perf_map_reads++;
	fd = perf_map_open(frames->view->pid, MAP_MAX_BYTES);
	if (fd == -EPERM || fd == -EFBIG || fd == -ELOOP)
		detail("the perf map of process %d is ignored: not a small file of its user",
		       frames->view->pid);
	if (fd < 0)
		return;
	begin_ns = now_ns();
	read_map(frames, fd);
	*frames->map_ns += now_ns() - begin_ns;
	close(fd);
}
