/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl, loaded when the first engine is asked: it brings some thirty libraries with it, and
 * takes longer to link than everything else that nslapse does at its start. Most commands, and
 * recording a host without engines, do without. */
#ifndef RECORDER_ENGINES_CURL_H
#define RECORDER_ENGINES_CURL_H

#define CURL_DISABLE_TYPECHECK /* its macros know the functions only by their own names */
#include <curl/curl.h>

/* The functions of curl.h that we use; each is a member of the struct without "curl_". */
#define CURL_FUNCTIONS(FUNCTION)                                                                   \
    FUNCTION(global_init)                                                                          \
    FUNCTION(version_info)                                                                         \
    FUNCTION(easy_init)                                                                            \
    FUNCTION(easy_reset)                                                                           \
    FUNCTION(easy_setopt)                                                                          \
    FUNCTION(easy_perform)                                                                         \
    FUNCTION(easy_getinfo)                                                                         \
    FUNCTION(easy_strerror)                                                                        \
    FUNCTION(easy_cleanup)                                                                         \
    FUNCTION(slist_append)                                                                         \
    FUNCTION(slist_free_all)

struct curl_library {
#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
    CURL_FUNCTIONS(CURL_MEMBER)
#undef CURL_MEMBER
};

/* Loads it, or gives what was loaded; it stays until the end. Any thread. -ENOSYS, with its
 * message, where there is no libcurl, or one without unix sockets or HTTP/2. */
int curl_library(const struct curl_library **ret_library);

#endif
