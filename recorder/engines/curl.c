/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/curl.h"

#include "base/error.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static struct curl_library library;
static const char *missing; /* why it can't be used, for good */

/* What distributions call it; the interface is the same. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

static void *open_library(void)
{
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof(names) / sizeof(*names); i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

/* dlsym(3) gives a pointer to data; POSIX wants it to hold a function's address all the same. */
static bool find_functions(void *handle)
{
    bool found = true;
    void *symbol;
#define CURL_FIND(name)                                                                            \
    symbol = dlsym(handle, "curl_" #name);                                                         \
    memcpy(&library.name, &symbol, sizeof(symbol));                                                \
    found = found && symbol;
    CURL_FUNCTIONS(CURL_FIND)
#undef CURL_FIND
    return found;
}

static void load(void)
{
    const int needed = CURL_VERSION_UNIX_SOCKETS | CURL_VERSION_HTTP2;
    void *handle = open_library();
    if (!handle)
        missing = "there is no libcurl here (libcurl.so.4); install it";
    else if (!find_functions(handle) || library.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
        missing = "this libcurl cannot be used";
    else if ((library.version_info(CURLVERSION_NOW)->features & needed) != needed)
        missing = "this libcurl was built without unix sockets or without HTTP/2";
}

int curl_library(const struct curl_library **ret_library)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    if (missing)
        return error_set(ENOSYS, "cannot ask container engines: %s", missing);
    *ret_library = &library;
    return 0;
}
