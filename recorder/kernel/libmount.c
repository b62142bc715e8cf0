/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/libmount.h"

#include "base/error.h"
#include "base/library.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static struct mount_library library;
static char missing[256]; /* why it can't be used, for good */

static const char *const names[] = {"libmount.so.1", NULL};

static const struct library_function functions[] = {
#define MOUNT_FUNCTION(name) {"mnt_" #name, &library.name},
    MOUNT_FUNCTIONS(MOUNT_FUNCTION)
#undef MOUNT_FUNCTION
        {NULL, NULL}};

static void load(void)
{
    if (library_load(names, functions) < 0)
        snprintf(missing, sizeof(missing), "%s", error_message());
}

int mount_library(const struct mount_library **ret_library)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (*missing)
        return error_set(ENOSYS,
                         "cannot parse mountinfo without libmount (%s); install libmount1 (Debian, "
                         "Ubuntu) or libmount (Fedora), or allow more memory if it is there",
                         missing);
    *ret_library = &library;
    return 0;
}
