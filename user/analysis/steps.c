/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Steps in blocks of one thread each: the first blocks stay in memory, later ones go to a file and
 * come back through a small cache.
 */
#include "analysis/steps.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "stream/spool.h"

#define BLOCK_STEPS 64
#define MEMORY_BLOCKS 4096 /* 10 MiB */
#define CACHE_BLOCKS 1024

struct block {
	struct step steps[BLOCK_STEPS];
};

struct thread_steps {
	struct step *tail; /* what does not fill a block yet */
	size_t tail_room;
	size_t count;
	uint32_t *blocks; /* numbers of the full ones */
	size_t block_count;
};

struct steps {
	struct thread_steps *threads; /* by number − 1 */
	size_t thread_count;
	uint64_t total;
	struct block *memory[MEMORY_BLOCKS];
	uint32_t block_count;
	int file; /* -1: all is in memory */
	struct block *cache; /* block b lies in b % CACHE_BLOCKS */
	uint32_t cached[CACHE_BLOCKS]; /* which; 0: none, as block 0 is always in memory */
};

struct steps *steps_new(size_t thread_count)
{
	struct steps *steps = xcalloc(1, sizeof(*steps));

	steps->threads = xcalloc(thread_count, sizeof(*steps->threads));
	steps->thread_count = thread_count;
	steps->file = -1;
	return steps;
}

void steps_free(struct steps *steps)
{
	if (!steps)
		return;
	for (size_t i = 0; i < steps->thread_count; i++) {
		free(steps->threads[i].tail);
		free(steps->threads[i].blocks);
	}
	for (size_t i = 0; i < MEMORY_BLOCKS; i++)
		free(steps->memory[i]);
	if (steps->file >= 0)
		close(steps->file);
	free(steps->threads);
	free(steps->cache);
	free(steps);
}

/* Keeps the full tail of a thread as a block. */
static int keep_block(struct steps *steps, const struct step *tail)
{
	uint32_t number = steps->block_count;

	if (number < MEMORY_BLOCKS) {
		steps->memory[number] = xcalloc(1, sizeof(struct block));
		for (size_t i = 0; i < BLOCK_STEPS; i++)
			steps->memory[number]->steps[i] = tail[i];
		return 0;
	}
	if (steps->file < 0) {
		int file = spool_open();

		if (file < 0)
			return file;
		steps->file = file;
	}
	return spool_write(steps->file, tail, sizeof(struct block),
			   (uint64_t)(number - MEMORY_BLOCKS) * sizeof(struct block));
}

/* Threads of a few steps are many: their tails start small. */
static void tail_grow(struct thread_steps *thread)
{
	thread->tail_room = thread->tail_room ? thread->tail_room * 2 : 4;
	thread->tail = xrealloc(thread->tail, thread->tail_room, sizeof(*thread->tail));
}

int steps_add(struct steps *steps, uint32_t number, const struct step *step)
{
	struct thread_steps *thread = &steps->threads[number - 1];
	size_t used = thread->count % BLOCK_STEPS;
	uint32_t *block;
	int err;

	if (steps->total == STEPS_MAX)
		return -EFBIG;
	if (used == thread->tail_room)
		tail_grow(thread);
	thread->tail[used] = *step;
	if (used + 1 == BLOCK_STEPS) {
		err = keep_block(steps, thread->tail);
		if (err)
			return err;
		block = array_add(&thread->blocks, &thread->block_count, sizeof(*thread->blocks));
		*block = steps->block_count++;
	}
	thread->count++;
	steps->total++;
	return 0;
}

uint64_t steps_total(const struct steps *steps)
{
	return steps->total;
}

size_t steps_count(const struct steps *steps, uint32_t thread)
{
	return steps->threads[thread - 1].count;
}

static int read_block(struct steps *steps, uint32_t number, const struct block **ret_block)
{
	size_t slot = number % CACHE_BLOCKS;
	int err;

	if (number < MEMORY_BLOCKS) {
		*ret_block = steps->memory[number];
		return 0;
	}
	if (!steps->cache)
		steps->cache = xcalloc(CACHE_BLOCKS, sizeof(*steps->cache));
	if (steps->cached[slot] != number) {
		steps->cached[slot] = 0;
		err = spool_read(steps->file, &steps->cache[slot], sizeof(struct block),
				 (uint64_t)(number - MEMORY_BLOCKS) * sizeof(struct block));
		if (err)
			return err;
		steps->cached[slot] = number;
	}
	*ret_block = &steps->cache[slot];
	return 0;
}

int steps_get(struct steps *steps, uint32_t number, size_t at, struct step *ret_step)
{
	const struct thread_steps *thread = &steps->threads[number - 1];
	const struct block *block;
	int err;

	if (at / BLOCK_STEPS == thread->block_count) {
		*ret_step = thread->tail[at % BLOCK_STEPS];
		return 0;
	}
	err = read_block(steps, thread->blocks[at / BLOCK_STEPS], &block);
	if (err)
		return err;
	*ret_step = block->steps[at % BLOCK_STEPS];
	return 0;
}
