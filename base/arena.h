/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator: what is taken from it lives until arena_reset() or arena_free(). For the many
 * small pieces of one record, or of one collector's tables. Not safe for several threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/cleanup.h"

#include <stddef.h>

struct arena;

/* Returns NULL without memory. Owned by the caller. */
struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* Forgets everything taken, keeps one chunk for the next use. */
void arena_reset(struct arena *arena);

/* `size` bytes, zeroed, aligned for any type; NULL without memory. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of `length` bytes with a NUL after them; NULL without memory. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length);

DEFINE_CLEANUP(struct arena *, arena_free)
#define _cleanup_arena_ _cleanup_(arena_free_pointer)

#endif
