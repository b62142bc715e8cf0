/* SPDX-License-Identifier: Apache-2.0 */
#include "base/library.h"

#include "base/error.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* dlsym(3) gives a pointer to data; POSIX wants it to hold a function's address all the same. */
static int find_functions(void *handle, const struct library_function *function)
{
    for (; function->name; function++) {
        void *symbol = dlsym(handle, function->name);
        if (!symbol)
            return error_set(ENOSYS, "%s", dlerror());
        memcpy(function->pointer, &symbol, sizeof(symbol));
    }
    return 0;
}

int library_load(const char *const *names, const struct library_function *functions)
{
    void *handle = NULL;
    for (; !handle && *names; names++)
        handle = dlopen(*names, RTLD_NOW | RTLD_LOCAL);
    return handle ? find_functions(handle, functions) : error_set(ENOENT, "%s", dlerror());
}
