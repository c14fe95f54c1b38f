/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that does not fail: these end the program when there is none (BPF programs detach with it,
 * so nothing is left behind), and OWNED locals that free themselves. Not for buffers whose size a
 * target decides: bound those first.
 */
#ifndef CONVOY_BASE_MEM_H
#define CONVOY_BASE_MEM_H

#include <stddef.h>

/* Never NULL. xcalloc and xrealloc check count × size for overflow. Free with free(). */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *memory, size_t count, size_t size);
char *xstrdup(const char *string);
char *xstrndup(const char *string, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Appends a zeroed element to an array that grows by doubling. items: address of the array pointer
 * (NULL when count is 0); returns the new element, valid until the next append.
 */
void *array_add(void *items, size_t *count, size_t item_size);

/* OWNED(free_fn): a local pointer passed by address to free_fn when it leaves its scope. */
#define OWNED(free_fn) __attribute__((cleanup(free_fn)))
void mem_freep(void *pointer_address); /* free() for OWNED */

#endif
