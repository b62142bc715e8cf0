/* SPDX-License-Identifier: Apache-2.0 */
/* What containerd is asked: its namespaces, and the containers and tasks of each. The answers live
 * in the arena that is given. Errors are those of engine_call(), with their messages. */
#ifndef RECORDER_ENGINES_CONTAINERD_API_H
#define RECORDER_ENGINES_CONTAINERD_API_H

#include "recorder/engines/unpack.h"

#include <recorder/engines/proto/containerd.pb-c.h>

int containerd_ask_version(struct engine_client *client, struct arena *arena,
                           const Containerd__VersionResponse **ret_version);

int containerd_ask_namespaces(struct engine_client *client, struct arena *arena,
                              const Containerd__ListNamespacesResponse **ret_namespaces);

/* The image that a container names: a name in the container's namespace. -ENOENT when it was
 * removed since. */
int containerd_ask_image(struct engine_client *client, const char *namespace, const char *name,
                         struct arena *arena, const Containerd__Image **ret_image);

struct containerd_container {
    const Containerd__Container *container; /* NULL for a task whose container was removed */
    const Containerd__Process *task;        /* NULL where nothing runs of it, or it isn't known */
    bool tasks_known;
};

/* Told of each container of a namespace, by its id; a negative return ends it and is returned. */
typedef int (*containerd_take)(void *userdata, const struct containerd_container *container);

/* Two calls, whatever there is. When the containers are there and the tasks aren't, which
 * containerd has to ask of every shim, then all containers are told without, and after that the
 * error is returned. */
int containerd_each_container(struct engine_client *client, const char *namespace,
                              containerd_take take, void *userdata);

/* The same from the answers; tasks may be NULL, for not known. */
int containerd_join(const Containerd__ListContainersResponse *containers,
                    const Containerd__ListTasksResponse *tasks, containerd_take take,
                    void *userdata);

#endif
