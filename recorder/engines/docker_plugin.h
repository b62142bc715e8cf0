/* SPDX-License-Identifier: Apache-2.0 */
/* Docker's plugins (https://docs.docker.com/engine/extend/), which it has run by its containerd, in
 * a namespace of their own. */
#ifndef RECORDER_ENGINES_DOCKER_PLUGIN_H
#define RECORDER_ENGINES_DOCKER_PLUGIN_H

#include "recorder/engines/engine.h"

/* Gives the container begun, if it is a plugin by its containerd namespace, the name that Docker
 * has for it, and its group. `id` is containerd's, `spec` its OCI specification, which may be NULL.
 * 0, -ENOMEM, or an error that ends the reading. */
int docker_plugin_set(struct engine_reading *reading, const char *namespace, const char *id,
                      const struct cJSON *spec);

#endif
