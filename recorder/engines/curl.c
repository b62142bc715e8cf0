/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/curl.h"

#include "base/error.h"
#include "base/library.h"

#include <errno.h>
#include <pthread.h>

static struct curl_library library;
static const char *missing; /* why it can't be used, for good */

/* What distributions call it; the interface is the same. */
static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", NULL};

static const struct library_function functions[] = {
#define CURL_FUNCTION(name) {"curl_" #name, &library.name},
    CURL_FUNCTIONS(CURL_FUNCTION)
#undef CURL_FUNCTION
        {NULL, NULL}};

static void load(void)
{
    const int needed = CURL_VERSION_UNIX_SOCKETS | CURL_VERSION_HTTP2;
    int r = library_load(names, functions);
    if (r == -ENOENT)
        missing = "there is no libcurl here (libcurl.so.4); install it";
    else if (r < 0 || library.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK)
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
