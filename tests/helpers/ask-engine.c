/* SPDX-License-Identifier: Apache-2.0 */
/* ask-engine get|containerd|cri SOCKET PATH [MILLISECONDS [BYTES]]: PATH is for get alone.
 *
 * Asks an engine as the recorder does, and prints what came, or why nothing did, as one line of
 * JSON. The only helper that is made of the program's parts: it shows what an engine was asked and
 * said, before anything is made of it. */
#include "base/error.h"
#include "recorder/engines/containerd_api.h"
#include "recorder/engines/cri_api.h"

#include <cjson/cJSON.h>
#include <err.h>

static cJSON *object_of(const Containerd__Container__LabelsEntry *const *labels, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < count; i++)
        cJSON_AddStringToObject(object, labels[i]->key, labels[i]->value);
    return object;
}

static void add_task(cJSON *object, const Containerd__Process *task)
{
    cJSON_AddStringToObject(object, "task", task->id);
    cJSON_AddNumberToObject(object, "pid", task->pid);
    cJSON_AddNumberToObject(object, "status", task->status);
}

static void add_container(cJSON *object, const Containerd__Container *container)
{
    cJSON_AddStringToObject(object, "id", container->id);
    cJSON_AddStringToObject(object, "image", container->image);
    cJSON_AddItemToObject(
        object, "labels",
        object_of((const Containerd__Container__LabelsEntry *const *)container->labels,
                  container->n_labels));
    if (container->runtime)
        cJSON_AddStringToObject(object, "runtime", container->runtime->name);
    if (container->created_at)
        cJSON_AddNumberToObject(object, "created_at", (double)container->created_at->seconds);
    if (container->spec)
        cJSON_AddItemToObject(object, "spec",
                              cJSON_ParseWithLength((const char *)container->spec->value.data,
                                                    container->spec->value.len));
}

static int take_containerd(void *list, const struct containerd_container *whole)
{
    cJSON *object = cJSON_CreateObject();
    if (whole->container)
        add_container(object, whole->container);
    if (whole->task)
        add_task(object, whole->task);
    cJSON_AddBoolToObject(object, "tasks_known", whole->tasks_known);
    cJSON_AddItemToArray(list, object);
    return 0;
}

static void add_image(struct engine_client *client, const char *namespace, struct arena *arena,
                      cJSON *container)
{
    const Containerd__Image *image;
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(container, "image"));
    if (name && *name && containerd_ask_image(client, namespace, name, arena, &image) == 0 &&
        image->target)
        cJSON_AddStringToObject(container, "image_digest", image->target->digest);
}

static int ask_containerd(struct engine_client *client, struct arena *arena, cJSON *answer)
{
    const Containerd__VersionResponse *version;
    const Containerd__ListNamespacesResponse *namespaces;
    int r = containerd_ask_version(client, arena, &version);
    if (r < 0 || (r = containerd_ask_namespaces(client, arena, &namespaces)) < 0)
        return r;
    cJSON_AddStringToObject(answer, "version", version->version);
    for (size_t i = 0; i < namespaces->n_namespaces && r == 0; i++) {
        const char *name = namespaces->namespaces[i]->name;
        cJSON *list = cJSON_AddArrayToObject(answer, name), *container;
        r = containerd_each_container(client, name, take_containerd, list);
        cJSON_ArrayForEach (container, list)
            add_image(client, name, arena, container);
    }
    return r;
}

static int take_cri(void *list, const struct cri_container *whole)
{
    cJSON *object = cJSON_CreateObject();
    if (whole->container) {
        cJSON_AddStringToObject(object, "id", whole->container->id);
        cJSON_AddNumberToObject(object, "state", whole->container->state);
        if (whole->container->metadata)
            cJSON_AddStringToObject(object, "name", whole->container->metadata->name);
    }
    if (whole->sandbox) {
        cJSON_AddStringToObject(object, "sandbox", whole->sandbox->id);
        if (whole->sandbox->metadata)
            cJSON_AddStringToObject(object, "pod", whole->sandbox->metadata->name);
    }
    cJSON_AddItemToArray(list, object);
    return 0;
}

static int add_document(struct engine_client *client, struct arena *arena, cJSON *container)
{
    const Cri__ContainerStatusResponse *of_container;
    const Cri__PodSandboxStatusResponse *of_sandbox;
    const char *id = cJSON_GetStringValue(cJSON_GetObjectItem(container, "id"));
    const char *sandbox = cJSON_GetStringValue(cJSON_GetObjectItem(container, "sandbox"));
    int r = id ? cri_ask_container(client, id, arena, &of_container)
               : cri_ask_sandbox(client, sandbox, arena, &of_sandbox);
    if (r < 0)
        return r;
    const char *document =
        id ? cri_container_document(of_container) : cri_sandbox_document(of_sandbox);
    cJSON_AddItemToObject(container, "document", document ? cJSON_Parse(document) : NULL);
    return 0;
}

static int ask_cri(struct engine_client *client, struct arena *arena, cJSON *answer)
{
    const Cri__VersionResponse *version;
    cJSON *list = cJSON_AddArrayToObject(answer, "containers"), *container;
    int r = cri_ask_version(client, arena, &version);
    if (r < 0 || (r = cri_each_container(client, arena, take_cri, list)) < 0)
        return r;
    cJSON_AddStringToObject(answer, "runtime", version->runtime_name);
    cJSON_AddStringToObject(answer, "version", version->runtime_version);
    cJSON_ArrayForEach (container, list)
        if ((r = add_document(client, arena, container)) < 0)
            return r;
    return 0;
}

static int ask_get(struct engine_client *client, const char *path, cJSON *answer)
{
    _cleanup_buffer_ struct buffer body = {0};
    int r = engine_client_get(client, path, &body);
    if (r == 0)
        cJSON_AddItemToObject(answer, "body", cJSON_ParseWithLength(body.bytes, body.length));
    return r;
}

static int ask(struct engine_client *client, const char *what, const char *path, cJSON *answer)
{
    _cleanup_arena_ struct arena *arena = arena_new();
    if (strcmp(what, "get") == 0)
        return ask_get(client, path, answer);
    return strcmp(what, "cri") == 0 ? ask_cri(client, arena, answer)
                                    : ask_containerd(client, arena, answer);
}

/* The most memory that this process has had, as proc(5) says; getrusage(2) counts whoever started
 * it. */
static double memory_had(void)
{
    char line[256];
    unsigned long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    if (!status)
        err(1, "/proc/self/status");
    while (fgets(line, sizeof(line), status) && sscanf(line, "VmHWM: %lu kB", &kilobytes) != 1)
        ;
    fclose(status);
    return (double)kilobytes;
}

int main(int count, char **words)
{
    struct engine_client *client;
    struct engine_client_limits limits = {0};
    if (count < 4)
        errx(2, "usage: ask-engine get|containerd|cri SOCKET PATH [MILLISECONDS [BYTES]]");
    if (count > 4)
        limits.milliseconds = (uint32_t)strtoul(words[4], NULL, 10);
    if (count > 5)
        limits.answer_bytes = strtoul(words[5], NULL, 10);
    if (engine_client_open(words[2], &limits, &client) < 0)
        errx(1, "%s", error_message());
    cJSON *answer = cJSON_CreateObject();
    int r = ask(client, words[1], words[3], answer);
    cJSON_AddNumberToObject(answer, "code", r);
    cJSON_AddStringToObject(answer, "error", r < 0 ? error_message() : "");
    cJSON_AddNumberToObject(answer, "kilobytes", memory_had());
    char *text = cJSON_PrintUnformatted(answer);
    puts(text ? text : "{}");
    free(text);
    cJSON_Delete(answer);
    engine_client_close(client);
    return 0;
}
