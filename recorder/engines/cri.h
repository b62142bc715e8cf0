/* SPDX-License-Identifier: Apache-2.0 */
/* What a container runtime of Kubernetes tells by the Container Runtime Interface, made values of
 * the container that is begun. There are two: containerd, which has the interface as a plugin
 * beside its own (engines/containerd.c), and CRI-O (engines/crio.c). */
#ifndef RECORDER_ENGINES_CRI_H
#define RECORDER_ENGINES_CRI_H

#include "recorder/engines/cri_api.h"
#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

/* The id of the container, or of the sandbox, which is one too. */
const char *cri_id(const struct cri_container *whole);

/* All that a list says of it, as JSON, for engine_digest(). To be released with cJSON_Delete();
 * NULL without memory. */
cJSON *cri_listing(const struct cri_container *whole);

/* Fills in what the list says. */
void cri_set_listed(struct engine_reading *reading, const struct cri_container *whole);

/* Asks for the rest, fills it in, and keeps the runtime's own document as evidence. The errors of
 * engine_call(). */
int cri_set_details(struct engine_reading *reading, const struct cri_container *whole);

/* Fills in what containerd's CRI plugin keeps with a container or a sandbox, its "Metadata", of
 * which `spec` is the specification; and keeps both as evidence, as the plugin gives them itself. 0
 * or -ENOMEM. */
int cri_set_kept(struct engine_reading *reading, const cJSON *metadata, const cJSON *spec);

/* Groups by the annotations of containerd's CRI plugin (its pkg/cri/annotations). */
void cri_add_groups_of_annotations(struct engine_reading *reading, const cJSON *annotations);

#endif
