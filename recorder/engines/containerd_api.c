/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/containerd_api.h"

#include "base/error.h"

/* Methods of the version that has been there since containerd 1.0. */
static const struct engine_method ask_version = {"/containerd.services.version.v1.Version/Version",
                                                 &containerd__version_response__descriptor};
static const struct engine_method list_namespaces = {
    "/containerd.services.namespaces.v1.Namespaces/List",
    &containerd__list_namespaces_response__descriptor};
static const struct engine_method list_containers = {
    "/containerd.services.containers.v1.Containers/List",
    &containerd__list_containers_response__descriptor};
static const struct engine_method list_tasks = {"/containerd.services.tasks.v1.Tasks/List",
                                                &containerd__list_tasks_response__descriptor};
static const struct engine_method get_image = {"/containerd.services.images.v1.Images/Get",
                                               &containerd__get_image_response__descriptor};

static struct engine_metadata in_namespace(const char *namespace)
{
    return (struct engine_metadata){"containerd-namespace", namespace};
}

int containerd_ask_version(struct engine_client *client, struct arena *arena,
                           const Containerd__VersionResponse **ret_version)
{
    const Containerd__Empty request = CONTAINERD__EMPTY__INIT;
    const ProtobufCMessage *response;
    int r = engine_call(client, &ask_version, NULL, &request.base, arena, &response);
    if (r < 0)
        return r;
    *ret_version = (const Containerd__VersionResponse *)response;
    return 0;
}

int containerd_ask_namespaces(struct engine_client *client, struct arena *arena,
                              const Containerd__ListNamespacesResponse **ret_namespaces)
{
    const Containerd__ListNamespacesRequest request = CONTAINERD__LIST_NAMESPACES_REQUEST__INIT;
    const ProtobufCMessage *response;
    int r = engine_call(client, &list_namespaces, NULL, &request.base, arena, &response);
    if (r < 0)
        return r;
    *ret_namespaces = (const Containerd__ListNamespacesResponse *)response;
    return 0;
}

int containerd_ask_image(struct engine_client *client, const char *namespace, const char *name,
                         struct arena *arena, const Containerd__Image **ret_image)
{
    const struct engine_metadata metadata = in_namespace(namespace);
    Containerd__GetImageRequest request = CONTAINERD__GET_IMAGE_REQUEST__INIT;
    const ProtobufCMessage *response;
    request.name = (char *)(uintptr_t)name; /* it is packed, nothing else */
    int r = engine_call(client, &get_image, &metadata, &request.base, arena, &response);
    if (r < 0)
        return r;
    const Containerd__Image *image = ((const Containerd__GetImageResponse *)response)->image;
    if (!image)
        return error_set(EPROTO, "the answer to %s has no image", get_image.path);
    *ret_image = image;
    return 0;
}

/* ---- containers and their tasks ---- */

/* Of both, what there is: container or task. */
struct half {
    const char *id;
    const Containerd__Container *container;
    const Containerd__Process *task;
};

/* By id, a container before its task. */
static int compare_halves(const void *a, const void *b)
{
    const struct half *one = a, *other = b;
    int order = strcmp(one->id, other->id);
    return order ? order : (one->task != NULL) - (other->task != NULL);
}

static size_t fill_halves(struct half *halves, const Containerd__ListContainersResponse *containers,
                          const Containerd__ListTasksResponse *tasks)
{
    size_t count = 0;
    for (size_t i = 0; i < containers->n_containers; i++)
        halves[count++] = (struct half){.id = containers->containers[i]->id,
                                        .container = containers->containers[i]};
    for (size_t i = 0; tasks && i < tasks->n_tasks; i++)
        halves[count++] = (struct half){.id = tasks->tasks[i]->id, .task = tasks->tasks[i]};
    qsort(halves, count, sizeof(*halves), compare_halves);
    return count;
}

int containerd_join(const Containerd__ListContainersResponse *containers,
                    const Containerd__ListTasksResponse *tasks, containerd_take take,
                    void *userdata)
{
    size_t most = containers->n_containers + (tasks ? tasks->n_tasks : 0);
    _cleanup_free_ struct half *halves = calloc(most + 1, sizeof(*halves));
    if (!halves)
        return error_memory();
    size_t count = fill_halves(halves, containers, tasks);
    for (size_t i = 0; i < count; i++) {
        struct containerd_container whole = {halves[i].container, halves[i].task, tasks};
        const struct half *next = i + 1 < count ? &halves[i + 1] : NULL;
        if (whole.container && next && next->task && strcmp(halves[i].id, next->id) == 0) {
            whole.task = next->task;
            i++;
        }
        int r = take(userdata, &whole);
        if (r < 0)
            return r;
    }
    return 0;
}

int containerd_each_container(struct engine_client *client, const char *namespace,
                              containerd_take take, void *userdata)
{
    const struct engine_metadata metadata = in_namespace(namespace);
    const Containerd__ListContainersRequest of_containers =
        CONTAINERD__LIST_CONTAINERS_REQUEST__INIT;
    const Containerd__ListTasksRequest of_tasks = CONTAINERD__LIST_TASKS_REQUEST__INIT;
    const ProtobufCMessage *containers, *tasks = NULL;
    _cleanup_arena_ struct arena *arena = arena_new();
    if (!arena)
        return error_memory();
    int r =
        engine_call(client, &list_containers, &metadata, &of_containers.base, arena, &containers);
    if (r < 0)
        return r;
    int of_tasks_code = engine_call(client, &list_tasks, &metadata, &of_tasks.base, arena, &tasks);
    if (of_tasks_code < 0)
        tasks = NULL;
    r = containerd_join((const Containerd__ListContainersResponse *)containers,
                        (const Containerd__ListTasksResponse *)tasks, take, userdata);
    return r < 0 ? r : of_tasks_code;
}
