/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound ownership. A variable marked `_cleanup_(f)` is released when it leaves its scope;
 * `steal_pointer` and `steal_fd` give the thing away instead. Every release function accepts
 * "nothing" (NULL, -1). */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

/* Defines `function##_pointer`, which releases the variable that it is given the address of. */
#define DEFINE_CLEANUP(type, function)                                                             \
    static inline void function##_pointer(type *pointer)                                           \
    {                                                                                              \
        if (*pointer)                                                                              \
            function(*pointer);                                                                    \
    }

#define steal_pointer(pointer)                                                                     \
    ({                                                                                             \
        __typeof__(&(pointer)) steal_from_ = &(pointer);                                           \
        __typeof__(pointer) stolen_ = *steal_from_;                                                \
        *steal_from_ = NULL;                                                                       \
        stolen_;                                                                                   \
    })

static inline int steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

/* Closes `fd` unless it is negative; keeps errno. Returns -1, so that `fd = fd_close(fd)` works. */
static inline int fd_close(int fd)
{
    if (fd >= 0) {
        int saved = errno;
        close(fd);
        errno = saved;
    }
    return -1;
}

static inline void fd_close_pointer(int *fd)
{
    fd_close(*fd);
}

static inline void free_pointer(void *pointer)
{
    free(*(void **)pointer);
}

DEFINE_CLEANUP(FILE *, fclose)
DEFINE_CLEANUP(DIR *, closedir)

#define _cleanup_free_     _cleanup_(free_pointer)
#define _cleanup_close_    _cleanup_(fd_close_pointer)
#define _cleanup_fclose_   _cleanup_(fclose_pointer)
#define _cleanup_closedir_ _cleanup_(closedir_pointer)

#endif
