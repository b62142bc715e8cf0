/* SPDX-License-Identifier: Apache-2.0 */
/* The document about a container that Docker's API calls "inspect", which Podman's has too, and
 * which dockerd keeps in its files: https://docs.docker.com/reference/api/engine/. */
#ifndef RECORDER_ENGINES_INSPECTED_H
#define RECORDER_ENGINES_INSPECTED_H

#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

/* Members of an object; NULL where there is none, or it is something else. Borrowed. */
const cJSON *json_get(const cJSON *json, const char *name);
const char *json_get_string(const cJSON *json, const char *name);

/* A command of its program and its arguments ("Path" and "Args"). */
void inspected_set_command(struct engine_reading *reading, const char *path,
                           const cJSON *arguments);

/* Fills the container begun with what the document says. `host_config` is its HostConfig, which may
 * stand elsewhere. */
void inspected_set(struct engine_reading *reading, const cJSON *document, const cJSON *host_config);

#endif
