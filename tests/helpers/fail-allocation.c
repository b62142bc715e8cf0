/* SPDX-License-Identifier: Apache-2.0 */
/* To be preloaded (LD_PRELOAD): allocation number $FAIL_ALLOCATION of the program and all after it
 * fail, as they do where memory has run out. 0, or nothing, lets all succeed. Into the file
 * $FAIL_ALLOCATION_COUNT goes at the end how many there were. */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* What glibc's own functions are called behind their public names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static atomic_ulong count;
static unsigned long first_to_fail;

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("FAIL_ALLOCATION");
    first_to_fail = number ? strtoul(number, NULL, 10) : 0;
    atomic_store(&count, 0);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("FAIL_ALLOCATION_COUNT");
    unsigned long allocations = atomic_load(&count);
    first_to_fail = 0;
    FILE *file = path ? fopen(path, "we") : NULL;
    if (!file)
        return;
    fprintf(file, "%lu\n", allocations);
    fclose(file);
}

static bool fails(void)
{
    unsigned long number = atomic_fetch_add(&count, 1) + 1;
    if (!first_to_fail || number < first_to_fail)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}
