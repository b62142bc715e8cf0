/* SPDX-License-Identifier: Apache-2.0 */
/* What containerd is asked (engines/containerd.c) and what it leaves in files
 * (engines/containerd_files.c) say the same things of a container. */
#ifndef RECORDER_ENGINES_CONTAINERD_H
#define RECORDER_ENGINES_CONTAINERD_H

#include "recorder/engines/containerd_api.h"
#include "recorder/engines/engine.h"
#include "recorder/engines/json.h"

extern const char containerd_usual_socket[];

/* Below its state folder, a folder for each container that has a task, its *bundle*. */
extern const char containerd_tasks[];

/* Its namespace of Docker, who tells more of his containers himself. */
bool containerd_is_of_docker(const char *namespace);

/* What a container is called here. 0 or -ENOMEM. */
int containerd_compose_id(struct engine_reading *reading, const char *namespace, const char *id,
                          struct buffer *into);

/* The name by its labels, or annotations, or else the id. */
void containerd_set_name(struct engine_reading *reading, const cJSON *labels, const char *id);

/* What its specification says. */
void containerd_set_spec(struct engine_reading *reading, const cJSON *spec);

/* All that is known of it as one document. To be released with cJSON_Delete(). */
cJSON *containerd_make_document(const struct containerd_container *whole);

/* What the container says, and its document. 0, -ENOMEM, or an error that ends the reading. */
int containerd_set_container(struct engine_reading *reading, const char *namespace,
                             const Containerd__Container *container, const cJSON *document);

/* Keeps the document as evidence. 0 or -ENOMEM. */
int containerd_keep_document(struct engine_reading *reading, cJSON *document);

/* Nanoseconds since 1970; 0 where there is none. */
int64_t containerd_moment(const Containerd__Timestamp *timestamp);

/* engine.h: read(). */
int containerd_read_files(struct engine_reading *reading);

#endif
