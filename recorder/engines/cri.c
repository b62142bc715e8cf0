/* SPDX-License-Identifier: Apache-2.0 */
/* https://github.com/kubernetes/cri-api, and the documents that containerd and CRI-O add to it when
 * they are asked for more: {"pid", "config", "runtimeSpec", ..}. */
#include "recorder/engines/cri.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/oci_privileges.h"

#include <inttypes.h>
#include <string.h>

static const char *const environments[] = {"config.envs", "runtimeSpec.process.env", NULL};

const char *cri_id(const struct cri_container *whole)
{
    return whole->container ? whole->container->id : whole->sandbox->id;
}

/* protobuf-c makes a type of its own of each map: all of them are this. */
static cJSON *object_of(ProtobufCMessage *const *entries, size_t count)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < count; i++) {
        const Cri__Container__LabelsEntry *entry = (const void *)entries[i];
        cJSON_AddStringToObject(object, entry->key, entry->value);
    }
    return object;
}

static cJSON *labels_of(const struct cri_container *whole)
{
    return whole->container
               ? object_of((void *)whole->container->labels, whole->container->n_labels)
               : object_of((void *)whole->sandbox->labels, whole->sandbox->n_labels);
}

static cJSON *annotations_of(const struct cri_container *whole)
{
    return whole->container
               ? object_of((void *)whole->container->annotations, whole->container->n_annotations)
               : object_of((void *)whole->sandbox->annotations, whole->sandbox->n_annotations);
}

static const char *name_of(const struct cri_container *whole)
{
    const Cri__ContainerMetadata *of_container =
        whole->container ? whole->container->metadata : NULL;
    const Cri__PodSandboxMetadata *of_sandbox = whole->sandbox ? whole->sandbox->metadata : NULL;
    if (whole->container)
        return of_container ? of_container->name : NULL;
    return of_sandbox ? of_sandbox->name : NULL;
}

static int64_t attempt_of(const struct cri_container *whole)
{
    if (whole->container)
        return whole->container->metadata ? whole->container->metadata->attempt : 0;
    return whole->sandbox->metadata ? whole->sandbox->metadata->attempt : 0;
}

static int64_t creation_of(const struct cri_container *whole)
{
    return whole->container ? whole->container->created_at : whole->sandbox->created_at;
}

static const char *state_of(const struct cri_container *whole)
{
    static const char *const of_container[] = {"created", "running", "exited"};
    static const char *const of_sandbox[] = {"running", "exited"};
    if (whole->container) {
        unsigned state = whole->container->state;
        return state < sizeof(of_container) / sizeof(*of_container) ? of_container[state] : NULL;
    }
    unsigned state = whole->sandbox->state;
    return state < sizeof(of_sandbox) / sizeof(*of_sandbox) ? of_sandbox[state] : NULL;
}

cJSON *cri_listing(const struct cri_container *whole)
{
    char creation[24];
    cJSON *listing = cJSON_CreateObject();
    const char *state = state_of(whole), *name = name_of(whole);
    snprintf(creation, sizeof(creation), "%" PRId64, creation_of(whole));
    cJSON_AddItemToObject(listing, "labels", labels_of(whole));
    cJSON_AddItemToObject(listing, "annotations", annotations_of(whole));
    cJSON_AddStringToObject(listing, "name", name ? name : "");
    cJSON_AddStringToObject(listing, "state", state ? state : "");
    cJSON_AddStringToObject(listing, "created_at", creation);
    cJSON_AddNumberToObject(listing, "attempt", (double)attempt_of(whole));
    cJSON_AddStringToObject(listing, "sandbox", whole->sandbox ? whole->sandbox->id : "");
    return listing;
}

/* A pod is what its sandbox says that it is, whatever labels say. */
static void add_groups(struct engine_reading *reading, const struct cri_container *whole,
                       cJSON *labels)
{
    const Cri__PodSandboxMetadata *pod = whole->sandbox ? whole->sandbox->metadata : NULL;
    const char *const members[][2] = {{"io.kubernetes.pod.name", pod ? pod->name : NULL},
                                      {"io.kubernetes.pod.namespace", pod ? pod->namespace_ : NULL},
                                      {"io.kubernetes.pod.uid", pod ? pod->uid : NULL}};
    for (size_t i = 0; pod && i < sizeof(members) / sizeof(*members); i++) {
        cJSON_DeleteItemFromObjectCaseSensitive(labels, members[i][0]);
        cJSON_AddStringToObject(labels, members[i][0], members[i][1]);
    }
    engine_add_groups_of_labels(reading, labels);
}

static void set_image(struct engine_reading *reading, const Cri__Container *container)
{
    const struct record *record = engine_container(reading);
    const Cri__ImageSpec *image = container->image;
    const char *name = image && image->user_specified_image[0] ? image->user_specified_image
                       : image                                 ? image->image
                                                               : "";
    const char *digest = container->image_id[0] ? container->image_id : container->image_ref;
    if (!record_has(record, CONTAINER_IMAGE) && *name)
        engine_set_text(reading, CONTAINER_IMAGE, name);
    if (!record_has(record, CONTAINER_IMAGE_DIGEST) && *digest)
        engine_set_text(reading, CONTAINER_IMAGE_DIGEST, digest);
}

void cri_set_listed(struct engine_reading *reading, const struct cri_container *whole)
{
    struct record *record = engine_container(reading);
    const char *paused =
        record_text(record, CONTAINER_CONTAINER_STATE); /* it knows no such state */
    _cleanup_json_ cJSON *labels = labels_of(whole), *annotations = annotations_of(whole);
    engine_set_text(reading, CONTAINER_NAME, name_of(whole));
    if (!paused || strcmp(paused, "paused") != 0)
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, state_of(whole));
    if (creation_of(whole))
        record_set_integer(record, CONTAINER_CREATED_AT, creation_of(whole));
    record_set_integer(record, CONTAINER_RESTARTS, attempt_of(whole));
    engine_set_json(reading, CONTAINER_LABELS, labels, "{}");
    engine_set_annotations(reading, annotations);
    if (whole->container)
        set_image(reading, whole->container);
    add_groups(reading, whole, labels);
}

/* ---- details ---- */

static void add_mount(cJSON *list, const char *source, const char *target, bool read_only)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "type", "bind");
    cJSON_AddStringToObject(object, "source", source);
    cJSON_AddStringToObject(object, "target", target);
    cJSON_AddBoolToObject(object, "read_only", read_only);
    cJSON_AddItemToArray(list, object);
}

static void set_mounts(struct engine_reading *reading, const Cri__ContainerStatus *status)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < status->n_mounts; i++)
        add_mount(list, status->mounts[i]->host_path, status->mounts[i]->container_path,
                  status->mounts[i]->readonly);
    engine_set_sorted(reading, CONTAINER_MOUNTS, list);
}

static void set_status(struct engine_reading *reading, const Cri__ContainerStatus *status)
{
    struct record *record = engine_container(reading);
    if (status->started_at)
        record_set_integer(record, CONTAINER_BEGUN_AT, status->started_at);
    if (status->finished_at) {
        record_set_integer(record, CONTAINER_FINISHED_AT, status->finished_at);
        record_set_integer(record, CONTAINER_EXIT_CODE, status->exit_code);
    }
    set_mounts(reading, status);
}

/* A container is put into the namespaces of its sandbox by their paths: that those are the host's
 * its specification doesn't say, but what it was made by does. The uts namespace goes with that of
 * the network. */
static void leave_out_node_namespaces(cJSON *spec, const cJSON *options)
{
    static const char *const types[][2] = {
        {"network", "network"}, {"uts", "network"}, {"pid", "pid"}, {"ipc", "ipc"}};
    cJSON *namespaces = cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(spec, "linux"), "namespaces");
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        const cJSON *mode = json_get(options, types[i][1]);
        if (!cJSON_IsNumber(mode) || mode->valuedouble != CRI__NAMESPACE_MODE__NODE)
            continue;
        for (int n = cJSON_GetArraySize(namespaces); n-- > 0;) {
            const char *type = json_get_string(cJSON_GetArrayItem(namespaces, n), "type");
            if (type && strcmp(type, types[i][0]) == 0)
                cJSON_DeleteItemFromArray(namespaces, n);
        }
    }
}

static void set_spec(struct engine_reading *reading, const cJSON *spec, const cJSON *options)
{
    struct record *record = engine_container(reading);
    const struct value annotations = record->values[CONTAINER_ANNOTATIONS];
    _cleanup_json_ cJSON *copy = cJSON_Duplicate(spec, true);
    leave_out_node_namespaces(copy, options);
    oci_set_process(reading, spec);
    record->values[CONTAINER_ANNOTATIONS] =
        annotations; /* those that it was given, not the runtime's */
    oci_set_host_namespaces(reading, copy, false);
    oci_set_privileges(reading, spec);
}

static void set_document(struct engine_reading *reading, const cJSON *document)
{
    const cJSON *security =
        json_get(json_get(json_get(document, "config"), "linux"), "security_context");
    const cJSON *spec = json_get(document, "runtimeSpec");
    const cJSON *pid = json_get(document, "pid");
    if (cJSON_IsNumber(pid) && pid->valuedouble > 0)
        engine_set_number(reading, CONTAINER_PID, pid);
    if (cJSON_IsObject(spec))
        set_spec(reading, spec, json_get(security, "namespace_options"));
    if (cJSON_IsObject(security)) /* false is left out */
        record_set_integer(engine_container(reading), CONTAINER_PRIVILEGED,
                           cJSON_IsTrue(json_get(security, "privileged")));
    engine_set_number(reading, CONTAINER_PRIVILEGED, json_get(document, "privileged"));
}

static int take_document(struct engine_reading *reading, const char *text)
{
    struct buffer whole = {.bytes = (char *)(uintptr_t)text, .length = text ? strlen(text) : 0};
    _cleanup_json_ cJSON *document = cJSON_ParseWithLength(text ? text : "", whole.length);
    if (!cJSON_IsObject(document))
        return text ? error_set(EPROTO, "the runtime's document about it is no JSON") : 0;
    set_document(reading, document);
    engine_keep_document(reading, &whole, document, environments);
    return 0;
}

static int ask_container(struct engine_reading *reading, const char *id, struct arena *arena)
{
    const Cri__ContainerStatusResponse *answer;
    int r = cri_ask_container(engine_reading_client(reading), id, arena, &answer);
    if (r < 0)
        return r;
    if (answer->status)
        set_status(reading, answer->status);
    return take_document(reading, cri_container_document(answer));
}

static int ask_sandbox(struct engine_reading *reading, const char *id, struct arena *arena)
{
    const Cri__PodSandboxStatusResponse *answer;
    int r = cri_ask_sandbox(engine_reading_client(reading), id, arena, &answer);
    return r < 0 ? r : take_document(reading, cri_sandbox_document(answer));
}

int cri_set_details(struct engine_reading *reading, const struct cri_container *whole)
{
    _cleanup_arena_ struct arena *arena = arena_new();
    if (!arena)
        return error_memory();
    return whole->container ? ask_container(reading, whole->container->id, arena)
                            : ask_sandbox(reading, whole->sandbox->id, arena);
}

void cri_add_groups_of_annotations(struct engine_reading *reading, const cJSON *annotations)
{
    static const char *const names[][2] = {
        {"io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"},
        {"io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"},
        {"io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"}};
    _cleanup_json_ cJSON *labels = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (json_get_string(annotations, names[i][0]))
            cJSON_AddStringToObject(labels, names[i][1], json_get_string(annotations, names[i][0]));
    engine_add_groups_of_labels(reading, labels);
}

/* ---- what is kept ---- */

static void set_kept_mounts(struct engine_reading *reading, const cJSON *config)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *mount;
    cJSON_ArrayForEach (mount, json_get(config, "mounts")) {
        const char *source = json_get_string(mount, "host_path");
        const char *target = json_get_string(mount, "container_path");
        if (source && target)
            add_mount(list, source, target, cJSON_IsTrue(json_get(mount, "readonly")));
    }
    engine_set_sorted(reading, CONTAINER_MOUNTS, list);
}

static void set_config(struct engine_reading *reading, const cJSON *config, bool of_container)
{
    const cJSON *metadata = json_get(config, "metadata");
    const cJSON *attempt = json_get(metadata, "attempt"); /* 0 is left out */
    engine_set_string(reading, CONTAINER_NAME, json_get(metadata, "name"));
    record_set_integer(engine_container(reading), CONTAINER_RESTARTS, 0);
    if (attempt)
        engine_set_number(reading, CONTAINER_RESTARTS, attempt);
    engine_set_json(reading, CONTAINER_LABELS, json_get(config, "labels"), "{}");
    engine_set_annotations(reading, json_get(config, "annotations"));
    if (of_container)
        set_kept_mounts(reading, config);
}

int cri_set_kept(struct engine_reading *reading, const cJSON *metadata, const cJSON *spec)
{
    const cJSON *config = json_get(metadata, "Config");
    _cleanup_json_ cJSON *document = cJSON_CreateObject();
    if (cJSON_IsObject(config)) {
        cri_add_groups_of_annotations(reading, json_get(spec, "annotations"));
        set_config(reading, config, json_get(metadata, "SandboxID"));
        cJSON_AddItemToObject(document, "config", cJSON_Duplicate(config, true));
    }
    cJSON_AddItemToObject(document, "runtimeSpec", cJSON_Duplicate(spec, true));
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    set_document(reading, document);
    engine_keep_document(reading, &text, document, environments);
    return 0;
}
