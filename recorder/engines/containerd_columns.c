/* SPDX-License-Identifier: Apache-2.0 */
/* Values of a container of containerd, whoever tells of it. */
#include "recorder/engines/containerd.h"

#include "base/error.h"
#include "recorder/engines/docker_plugin.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/oci_privileges.h"

#include <string.h>

const char containerd_usual_socket[] = "/run/containerd/containerd.sock";
const char containerd_tasks[] = "/io.containerd.runtime.v2.task";
static const char of_docker[] = "moby";

bool containerd_is_of_docker(const char *namespace)
{
    return strcmp(namespace, of_docker) == 0;
}

static bool is_random(const char *id)
{
    enum { DIGITS = 64 };
    return strlen(id) == DIGITS && strspn(id, "0123456789abcdef") == DIGITS;
}

int containerd_compose_id(struct engine_reading *reading, const char *namespace, const char *id,
                          struct buffer *into)
{
    const struct engine_place *place = engine_reading_place(reading);
    bool names = !is_random(id);
    if (names && place->uid)
        buffer_append_format(into, "uid-%u:", (unsigned)place->uid);
    if (names && strcmp(place->folder, containerd_usual_socket) != 0)
        buffer_append_format(into, "%s/", place->folder);
    buffer_append_format(into, "%s/%s", namespace, id);
    return buffer_error(into);
}

/* nerdctl's label, or else the id, which people chose. */
void containerd_set_name(struct engine_reading *reading, const cJSON *labels, const char *id)
{
    const char *name = json_get_string(labels, "nerdctl/name");
    engine_set_text(reading, CONTAINER_NAME, name && *name ? name : id);
}

/* What containerd and its CRI plugin bring along themselves is left out. */
static const char *type_of_mount(struct engine_reading *reading, const char *source)
{
    const char *state = engine_reading_place(reading)->runtime_folder;
    size_t length = state ? strlen(state) : 0;
    bool own = (length && strncmp(source, state, length) == 0 && source[length] == '/') ||
               strstr(source, "/io.containerd.");
    return own ? NULL : "bind";
}

void containerd_set_spec(struct engine_reading *reading, const cJSON *spec)
{
    if (!cJSON_IsObject(spec))
        return;
    oci_set_process(reading, spec);
    oci_set_host_namespaces(reading, spec, false);
    oci_set_mounts(reading, spec, type_of_mount);
    oci_set_privileges(reading, spec);
}

static cJSON *labels_of(const Containerd__Container *container)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < container->n_labels; i++)
        cJSON_AddStringToObject(object, container->labels[i]->key, container->labels[i]->value);
    return object;
}

int64_t containerd_moment(const Containerd__Timestamp *timestamp)
{
    enum { YEARS_MOST = 8000 };
    static const int64_t most = YEARS_MOST * (365LL * 24 * 3600);
    if (!timestamp || timestamp->seconds <= 0 || timestamp->seconds > INT64_MAX / 1000000000 - 1 ||
        timestamp->seconds > most)
        return 0;
    return timestamp->seconds * 1000000000 + timestamp->nanos;
}

static void add_moment(cJSON *object, const char *name, const Containerd__Timestamp *timestamp)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)containerd_moment(timestamp));
    if (containerd_moment(timestamp))
        cJSON_AddStringToObject(object, name, text);
}

static void add_container(cJSON *document, const Containerd__Container *container)
{
    const Containerd__Any *spec = container->spec;
    cJSON_AddStringToObject(document, "id", container->id);
    cJSON_AddStringToObject(document, "image", container->image);
    cJSON_AddItemToObject(document, "labels", labels_of(container));
    if (container->runtime)
        cJSON_AddStringToObject(document, "runtime", container->runtime->name);
    add_moment(document, "created_at_ns", container->created_at);
    add_moment(document, "updated_at_ns", container->updated_at);
    if (spec)
        cJSON_AddItemToObject(
            document, "spec",
            cJSON_ParseWithLength((const char *)spec->value.data, spec->value.len));
}

cJSON *containerd_make_document(const struct containerd_container *whole)
{
    cJSON *document = cJSON_CreateObject();
    if (whole->container)
        add_container(document, whole->container);
    if (whole->task) {
        cJSON *task = cJSON_AddObjectToObject(document, "task");
        cJSON_AddNumberToObject(task, "pid", whole->task->pid);
        cJSON_AddNumberToObject(task, "status", whole->task->status);
        cJSON_AddNumberToObject(task, "exit_status", whole->task->exit_status);
        add_moment(task, "exited_at_ns", whole->task->exited_at);
    }
    cJSON_AddBoolToObject(document, "tasks_known", whole->tasks_known);
    return document;
}

int containerd_set_container(struct engine_reading *reading, const char *namespace,
                             const Containerd__Container *container, const cJSON *document)
{
    const cJSON *spec = json_get(document, "spec");
    const cJSON *labels = json_get(document, "labels");
    containerd_set_name(reading, labels, container->id);
    if (container->image[0])
        engine_set_text(reading, CONTAINER_IMAGE, container->image);
    if (container->runtime)
        engine_set_text(reading, CONTAINER_RUNTIME, container->runtime->name);
    if (containerd_moment(container->created_at))
        record_set_integer(engine_container(reading), CONTAINER_CREATED_AT,
                           containerd_moment(container->created_at));
    engine_set_json(reading, CONTAINER_LABELS, labels, "{}");
    engine_add_groups_of_labels(reading, labels);
    containerd_set_spec(reading, spec);
    return docker_plugin_set(reading, namespace, container->id, spec);
}

int containerd_keep_document(struct engine_reading *reading, cJSON *document)
{
    static const char *const environments[] = {"spec.process.env", NULL};
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(reading, &text, document, environments);
    return 0;
}
