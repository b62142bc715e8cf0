/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of engines. */
#ifndef RECORDER_ENGINES_JSON_H
#define RECORDER_ENGINES_JSON_H

#include "base/cleanup.h"

#include <cjson/cJSON.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)
#define _cleanup_json_ _cleanup_(cJSON_Delete_pointer)

#endif
