/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/cri_api.h"

#include "base/error.h"

#define SERVICE "/runtime.v1.RuntimeService/"

static const struct engine_method ask_version = {SERVICE "Version",
                                                 &cri__version_response__descriptor};
static const struct engine_method list_sandboxes = {SERVICE "ListPodSandbox",
                                                    &cri__list_pod_sandbox_response__descriptor};
static const struct engine_method list_containers = {SERVICE "ListContainers",
                                                     &cri__list_containers_response__descriptor};
static const struct engine_method ask_sandbox = {SERVICE "PodSandboxStatus",
                                                 &cri__pod_sandbox_status_response__descriptor};
static const struct engine_method ask_container = {SERVICE "ContainerStatus",
                                                   &cri__container_status_response__descriptor};

int cri_ask_version(struct engine_client *client, struct arena *arena,
                    const Cri__VersionResponse **ret_version)
{
    const Cri__VersionRequest request = CRI__VERSION_REQUEST__INIT;
    const ProtobufCMessage *response;
    int r = engine_call(client, &ask_version, NULL, &request.base, arena, &response);
    if (r < 0)
        return r;
    *ret_version = (const Cri__VersionResponse *)response;
    return 0;
}

int cri_ask_container(struct engine_client *client, const char *id, struct arena *arena,
                      const Cri__ContainerStatusResponse **ret_status)
{
    Cri__ContainerStatusRequest request = CRI__CONTAINER_STATUS_REQUEST__INIT;
    const ProtobufCMessage *response;
    request.container_id = (char *)(uintptr_t)id; /* it is packed, nothing else */
    request.verbose = true;
    int r = engine_call(client, &ask_container, NULL, &request.base, arena, &response);
    if (r < 0)
        return r;
    *ret_status = (const Cri__ContainerStatusResponse *)response;
    return 0;
}

int cri_ask_sandbox(struct engine_client *client, const char *id, struct arena *arena,
                    const Cri__PodSandboxStatusResponse **ret_status)
{
    Cri__PodSandboxStatusRequest request = CRI__POD_SANDBOX_STATUS_REQUEST__INIT;
    const ProtobufCMessage *response;
    request.pod_sandbox_id = (char *)(uintptr_t)id;
    request.verbose = true;
    int r = engine_call(client, &ask_sandbox, NULL, &request.base, arena, &response);
    if (r < 0)
        return r;
    *ret_status = (const Cri__PodSandboxStatusResponse *)response;
    return 0;
}

/* ---- containers and their sandboxes ---- */

static int compare_sandboxes(const void *a, const void *b)
{
    const Cri__PodSandbox *const *one = a, *const *other = b;
    return strcmp((*one)->id, (*other)->id);
}

static int compare_with_id(const void *id, const void *sandbox)
{
    return strcmp(id, (*(const Cri__PodSandbox *const *)sandbox)->id);
}

static int tell_sandboxes(const Cri__PodSandbox *const *sandboxes, size_t count, cri_take take,
                          void *userdata)
{
    int r = 0;
    for (size_t i = 0; i < count && r >= 0; i++)
        r = take(userdata, &(struct cri_container){.sandbox = sandboxes[i]});
    return r < 0 ? r : 0;
}

int cri_join(const Cri__ListPodSandboxResponse *sandboxes,
             const Cri__ListContainersResponse *containers, cri_take take, void *userdata)
{
    size_t count = sandboxes->n_items;
    _cleanup_free_ const Cri__PodSandbox **sorted = calloc(count + 1, sizeof(const void *));
    if (!sorted)
        return error_memory();
    for (size_t i = 0; i < count; i++)
        sorted[i] = sandboxes->items[i];
    qsort(sorted, count, sizeof(const void *), compare_sandboxes);
    int r = tell_sandboxes(sorted, count, take, userdata);
    for (size_t i = 0; i < containers->n_containers && r >= 0; i++) {
        const Cri__Container *container = containers->containers[i];
        const Cri__PodSandbox *const *sandbox = bsearch(container->pod_sandbox_id, sorted, count,
                                                        sizeof(const void *), compare_with_id);
        r = take(userdata, &(struct cri_container){container, sandbox ? *sandbox : NULL});
    }
    return r < 0 ? r : 0;
}

/* The sandboxes are listed last: a container that was listed has one by then. */
int cri_each_container(struct engine_client *client, struct arena *arena, cri_take take,
                       void *userdata)
{
    const Cri__ListContainersRequest of_containers = CRI__LIST_CONTAINERS_REQUEST__INIT;
    const Cri__ListPodSandboxRequest of_sandboxes = CRI__LIST_POD_SANDBOX_REQUEST__INIT;
    const ProtobufCMessage *containers, *sandboxes;
    int r = engine_call(client, &list_containers, NULL, &of_containers.base, arena, &containers);
    if (r < 0 ||
        (r = engine_call(client, &list_sandboxes, NULL, &of_sandboxes.base, arena, &sandboxes)) < 0)
        return r;
    return cri_join((const Cri__ListPodSandboxResponse *)sandboxes,
                    (const Cri__ListContainersResponse *)containers, take, userdata);
}

/* ---- the runtime's own document ---- */

#define INFO "info"

const char *cri_container_document(const Cri__ContainerStatusResponse *status)
{
    for (size_t i = 0; i < status->n_info; i++)
        if (strcmp(status->info[i]->key, INFO) == 0)
            return status->info[i]->value;
    return NULL;
}

const char *cri_sandbox_document(const Cri__PodSandboxStatusResponse *status)
{
    for (size_t i = 0; i < status->n_info; i++)
        if (strcmp(status->info[i]->key, INFO) == 0)
            return status->info[i]->value;
    return NULL;
}
