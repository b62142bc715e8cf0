/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of engines. */
#ifndef RECORDER_ENGINES_JSON_H
#define RECORDER_ENGINES_JSON_H

#include "base/cleanup.h"
#include "recorder/kernel/span.h"

#include <cjson/cJSON.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)
#define _cleanup_json_ _cleanup_(cJSON_Delete_pointer)

/* Captured bytes as a string; NULL without memory. cJSON's strings end at a NUL. */
static inline cJSON *json_of_span(struct span text)
{
    _cleanup_free_ char *copy = strndup(text.bytes ? text.bytes : "", text.length);
    return copy ? cJSON_CreateString(copy) : NULL;
}

#endif
