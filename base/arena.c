/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

enum { CHUNK_SIZE = 64 * 1024 };

struct chunk {
    struct chunk *previous;
    size_t size;
    size_t used;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct chunk *last;
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_reset(struct arena *arena)
{
    struct chunk *keep = NULL;
    for (struct chunk *chunk = arena->last, *previous; chunk; chunk = previous) {
        previous = chunk->previous;
        if (!keep && chunk->size == CHUNK_SIZE)
            keep = chunk;
        else
            free(chunk);
    }
    if (keep) {
        keep->previous = NULL;
        keep->used = 0;
    }
    arena->last = keep;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    arena_reset(arena);
    free(arena->last);
    free(arena);
}

static struct chunk *chunk_new(struct arena *arena, size_t size)
{
    if (size < CHUNK_SIZE)
        size = CHUNK_SIZE;
    struct chunk *chunk = malloc(sizeof(*chunk) + size);
    if (!chunk)
        return NULL;
    *chunk = (struct chunk){.previous = arena->last, .size = size};
    return arena->last = chunk;
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct chunk *chunk = arena->last;
    if (!chunk || chunk->size - chunk->used < size)
        chunk = chunk_new(arena, size);
    if (!chunk)
        return NULL;
    void *taken = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(taken, 0, size);
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
    char *copy = arena_take(arena, length + 1);
    if (copy && length)
        memcpy(copy, bytes, length);
    return copy;
}
