/* SPDX-License-Identifier: Apache-2.0 */
/* What a container runtime of Kubernetes is asked (containerd's CRI plugin, CRI-O): its pod
 * sandboxes and containers, and the details of one. The answers live in the arena that is given.
 * Errors are those of engine_call(), with their messages; -EOPNOTSUPP where nobody speaks CRI. */
#ifndef RECORDER_ENGINES_CRI_API_H
#define RECORDER_ENGINES_CRI_API_H

#include "recorder/engines/unpack.h"

#include <recorder/engines/proto/cri.pb-c.h>

int cri_ask_version(struct engine_client *client, struct arena *arena,
                    const Cri__VersionResponse **ret_version);

/* With what the runtime itself has to say (see cri_find_info()). -ENOENT when it is gone. */
int cri_ask_container(struct engine_client *client, const char *id, struct arena *arena,
                      const Cri__ContainerStatusResponse **ret_status);
int cri_ask_sandbox(struct engine_client *client, const char *id, struct arena *arena,
                    const Cri__PodSandboxStatusResponse **ret_status);

/* A container and the sandbox that it is in; or a sandbox alone, which is a container too. */
struct cri_container {
    const Cri__Container *container; /* NULL for the sandbox itself */
    const Cri__PodSandbox *sandbox;  /* NULL where it names none of those that there are */
};

/* Told of each sandbox, and of each container, which live in the arena; a negative return ends it
 * and is returned. */
typedef int (*cri_take)(void *userdata, const struct cri_container *container);

/* Two calls, whatever there is. */
int cri_each_container(struct engine_client *client, struct arena *arena, cri_take take,
                       void *userdata);

/* The same from the answers. */
int cri_join(const Cri__ListPodSandboxResponse *sandboxes,
             const Cri__ListContainersResponse *containers, cri_take take, void *userdata);

/* The JSON document in a status; NULL where it has none. Borrowed. */
const char *cri_container_document(const Cri__ContainerStatusResponse *status);
const char *cri_sandbox_document(const Cri__PodSandboxStatusResponse *status);

#endif
