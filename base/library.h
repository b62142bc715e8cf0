/* SPDX-License-Identifier: Apache-2.0 */
/* Shared libraries that are loaded when they are needed first: what takes long to link, and most
 * commands do without. They stay until the end. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

struct library_function {
    const char *name;
    void *pointer; /* to the pointer to it, which is filled in */
};

/* Loads the first of `names` that is there, and finds all of `functions`; both end with NULL. 0;
 * -ENOENT, with why in its message, where none can be loaded; -ENOSYS, with its message, where a
 * function is missing: then none may be called. */
int library_load(const char *const *names, const struct library_function *functions);

#endif
