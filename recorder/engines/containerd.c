/* SPDX-License-Identifier: Apache-2.0 */
/* containerd: its own API, with that of its CRI plugin for the containers of Kubernetes; and what
 * it leaves below its state folder, one for each container that has a shim:
 *
 *   STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json   what the runtime was told
 *   STATE/io.containerd.runtime.v2.task/NAMESPACE/ID/init.pid      its first process
 *   /run/containerd/runc/NAMESPACE/ID/state.json                   the runtime's own
 * (engines/oci.h)
 *
 * The containers that have none are in its database (meta.db) alone, which isn't read.
 *
 * A containerd is told from others by its socket: the daemon listens there, and each shim is told
 * where that is. Ids are what its clients call their containers, each in a namespace: an id is
 * "NAMESPACE/ID" here, with the socket before it unless that is the usual one, or ids are random.
 * Containers of the namespace "moby" are Docker's, who tells more of them. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/containerd_api.h"
#include "recorder/engines/cri.h"
#include "recorder/engines/docker_plugin.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/oci_privileges.h"
#include "recorder/engines/reading.h"

#define HASH_NONFATAL_OOM 1
#include <string.h>
#include <uthash.h>

static const char usual_socket[] = "/run/containerd/containerd.sock";
static const char usual_state[] = "/run/containerd";
static const char usual_database[] = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
static const char tasks[] = "/io.containerd.runtime.v2.task";
static const char of_kubernetes[] = "k8s.io", of_docker[] = "moby";
static const char shim[] = "containerd-shim"; /* and what the kernel cuts from longer names */

/* ---- where it is ---- */

static int found_by_shim(struct engine_search *search, const struct engine_process *process)
{
    const char *socket = engine_process_option(process, "-address");
    const char *end = strstr(process->directory, tasks); /* it works in its bundle */
    _cleanup_free_ char *state =
        end ? strndup(process->directory, (size_t)(end - process->directory)) : NULL;
    if (end && !state)
        return error_memory();
    struct engine_place place = {.folder = socket, .runtime_folder = state};
    return socket ? engine_search_add(search, process, &place) : 0;
}

static int found_daemon(struct engine_search *search, const struct engine_process *process)
{
    const char *told = engine_process_option(process, "--address");
    if (!told)
        told = engine_process_option(process, "-a");
    if (!told)
        told = usual_socket; /* or where its configuration says */
    const char *socket = engine_search_socket(search, process, told);
    if (!socket) /* whatever it is called, next to it is the one for shims */
        socket = engine_search_socket_beside(search, process, ".ttrpc");
    const char *state = engine_process_option(process, "--state");
    const char *folder = socket ? socket : told;
    if (!state && strcmp(folder, usual_socket) == 0)
        state = usual_state;
    struct engine_place place = {.folder = folder, .runtime_folder = state, .socket = socket};
    return engine_search_add(search, process, &place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    return strcmp(process->command_name, shim) == 0 ? found_by_shim(search, process)
                                                    : found_daemon(search, process);
}

static int usual(struct engine_search *search)
{
    struct engine_place place = {.folder = usual_socket, .runtime_folder = usual_state};
    return engine_search_add(search, NULL, &place);
}

/* ---- what it is called ---- */

static bool is_random(const char *id)
{
    enum { DIGITS = 64 };
    return strlen(id) == DIGITS && strspn(id, "0123456789abcdef") == DIGITS;
}

static int compose_id(struct engine_reading *reading, const char *namespace, const char *id,
                      struct buffer *into)
{
    const struct engine_place *place = engine_reading_place(reading);
    bool names = !is_random(id);
    if (names && place->uid)
        buffer_append_format(into, "uid-%u:", (unsigned)place->uid);
    if (names && strcmp(place->folder, usual_socket) != 0)
        buffer_append_format(into, "%s/", place->folder);
    buffer_append_format(into, "%s/%s", namespace, id);
    return buffer_error(into);
}

/* By nerdctl's label or annotation, or else the id, which people chose. */
static void set_name(struct engine_reading *reading, const cJSON *labels, const char *id)
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

static void set_spec(struct engine_reading *reading, const cJSON *spec)
{
    if (!cJSON_IsObject(spec))
        return;
    oci_set_process(reading, spec);
    oci_set_host_namespaces(reading, spec, false);
    oci_set_mounts(reading, spec, type_of_mount);
    oci_set_privileges(reading, spec);
}

/* ---- asking ---- */

/* What the CRI plugin lists. */
struct listed {
    UT_hash_handle hh;
    struct cri_container whole;
};

struct asking {
    struct engine_reading *reading;
    struct arena *arena; /* of lists */
    const char *version;
    const char *namespace;
    struct listed *of_cri; /* in the namespace; NULL for none */
    bool time_is_over;     /* for details */
};

static bool is_namespace(const struct asking *asking, const char *name)
{
    return strcmp(asking->namespace, name) == 0;
}

static cJSON *labels_of(const Containerd__Container *container)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t i = 0; i < container->n_labels; i++)
        cJSON_AddStringToObject(object, container->labels[i]->key, container->labels[i]->value);
    return object;
}

static int64_t moment_of(const Containerd__Timestamp *timestamp)
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
    snprintf(text, sizeof(text), "%lld", (long long)moment_of(timestamp));
    if (moment_of(timestamp))
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

/* All that the lists say, as one document. */
static cJSON *make_document(const struct containerd_container *whole)
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

static const char *listing_digest(const struct asking *asking, const cJSON *document,
                                  const struct listed *listed)
{
    _cleanup_json_ cJSON *listing = cJSON_Duplicate(document, true);
    if (listing && listed)
        cJSON_AddItemToObject(listing, "cri", cri_listing(&listed->whole));
    return listing ? engine_digest(asking->reading, listing) : NULL;
}

static void set_task(struct engine_reading *reading, const struct containerd_container *whole)
{
    static const char *const states[] = {[CONTAINERD__STATUS__CREATED] = "created",
                                         [CONTAINERD__STATUS__RUNNING] = "running",
                                         [CONTAINERD__STATUS__STOPPED] = "exited",
                                         [CONTAINERD__STATUS__PAUSED] = "paused",
                                         [CONTAINERD__STATUS__PAUSING] = "paused"};
    struct record *record = engine_container(reading);
    const Containerd__Process *task = whole->task;
    bool known = task && task->status < sizeof(states) / sizeof(*states);
    const char *state = known ? states[task->status] : NULL;
    if (!task && whole->tasks_known) /* never started, or its task was deleted: it doesn't say */
        state = "created";
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, state);
    if (!task)
        return;
    if (task->status == CONTAINERD__STATUS__STOPPED) {
        if (moment_of(task->exited_at))
            record_set_integer(record, CONTAINER_FINISHED_AT, moment_of(task->exited_at));
        record_set_integer(record, CONTAINER_EXIT_CODE, task->exit_status);
    } else if (task->pid) {
        record_set_integer(record, CONTAINER_PID, task->pid);
    }
}

static void set_container(const struct asking *asking, const Containerd__Container *container,
                          const cJSON *document)
{
    struct engine_reading *reading = asking->reading;
    const cJSON *labels = json_get(document, "labels");
    set_name(reading, labels, container->id);
    if (container->image[0])
        engine_set_text(reading, CONTAINER_IMAGE, container->image);
    if (container->runtime)
        engine_set_text(reading, CONTAINER_RUNTIME, container->runtime->name);
    if (moment_of(container->created_at))
        record_set_integer(engine_container(reading), CONTAINER_CREATED_AT,
                           moment_of(container->created_at));
    engine_set_json(reading, CONTAINER_LABELS, labels, "{}");
    engine_add_groups_of_labels(reading, labels);
    set_spec(reading, json_get(document, "spec"));
}

/* An image may be gone while containers have it. */
static int set_image_digest(const struct asking *asking, const char *image)
{
    const Containerd__Image *answer;
    _cleanup_arena_ struct arena *arena = arena_new();
    if (!arena)
        return error_memory();
    int r = containerd_ask_image(engine_reading_client(asking->reading), asking->namespace, image,
                                 arena, &answer);
    if (r >= 0 && answer->target)
        engine_set_text(asking->reading, CONTAINER_IMAGE_DIGEST, answer->target->digest);
    return r == -ENOENT ? 0 : r;
}

/* What is asked for one container. */
static int ask_details(struct asking *asking, const struct containerd_container *whole,
                       const struct listed *listed)
{
    const char *image = whole->container ? whole->container->image : "";
    int r = 0;
    if (asking->time_is_over)
        return error_set(ETIMEDOUT, "there was no time to ask for more than it is listed with");
    if (*image)
        r = set_image_digest(asking, image);
    if (r >= 0 && listed)
        r = cri_set_details(asking->reading, &listed->whole);
    asking->time_is_over |= r == -ETIMEDOUT;
    return r;
}

static int set_all(struct asking *asking, const struct containerd_container *whole,
                   const struct listed *listed, cJSON *document)
{
    static const char *const environments[] = {"spec.process.env", NULL};
    struct engine_reading *reading = asking->reading;
    int r = 0;
    set_task(reading, whole);
    if (whole->container)
        set_container(asking, whole->container, document);
    if (whole->container)
        r = docker_plugin_set(reading, asking->namespace, whole->container->id,
                              json_get(document, "spec"));
    if (listed)
        cri_set_listed(reading, &listed->whole);
    if (r < 0 || is_namespace(asking, of_docker))
        return r;
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(reading, &text, document, environments);
    return ask_details(asking, whole, listed);
}

static int take_whole(struct asking *asking, const struct containerd_container *whole,
                      const struct listed *listed, const char *id)
{
    struct engine_reading *reading = asking->reading;
    _cleanup_json_ cJSON *document = make_document(whole);
    const struct record *known = engine_known(reading, id);
    struct record *record = engine_container_begin(reading, id);
    const char *digest = record ? listing_digest(asking, document, listed) : NULL;
    if (!digest)
        return error_memory();
    engine_set_text(reading, CONTAINER_ENGINE_VERSION, asking->version);
    if (engine_is_unchanged(reading, known, digest)) {
        engine_container_as_known(reading, known);
        return engine_container_end(reading);
    }
    int r = set_all(asking, whole, listed, document);
    if (r == -ENOENT) /* it was removed meanwhile */
        return 0;
    if (r >= 0)
        record_set_text(record, CONTAINER_LISTING, digest);
    else
        r = engine_gap(reading, id, r > -ERROR_FIRST ? -r : EPROTO, error_message());
    return r < 0 ? r : engine_container_end(reading);
}

static int take(void *userdata, const struct containerd_container *whole)
{
    struct asking *asking = userdata;
    struct listed *listed = NULL;
    _cleanup_buffer_ struct buffer id = {0};
    const char *own = whole->container ? whole->container->id : whole->task->id;
    if (asking->of_cri)
        HASH_FIND(hh, asking->of_cri, own, strlen(own), listed);
    if (!*own)
        return engine_gap(asking->reading, NULL, EPROTO, "it lists a container without an id");
    int r = compose_id(asking->reading, asking->namespace, own, &id);
    return r < 0 ? r : take_whole(asking, whole, listed, buffer_text(&id));
}

static int take_listed(void *userdata, const struct cri_container *whole)
{
    struct asking *asking = userdata;
    const char *id = cri_id(whole);
    struct listed *listed = NULL;
    HASH_FIND(hh, asking->of_cri, id, strlen(id), listed);
    if (listed)
        return 0;
    listed = arena_take(asking->arena, sizeof(*listed));
    if (!listed)
        return error_memory();
    listed->whole = *whole;
    HASH_ADD_KEYPTR(hh, asking->of_cri, id, strlen(id), listed);
    return listed->hh.tbl ? 0 : error_memory();
}

/* The lists of the CRI plugin, if there is one. Without them the containers are told all the same.
 */
static int list_by_cri(struct asking *asking)
{
    struct engine_reading *reading = asking->reading;
    int r = cri_each_container(engine_reading_client(reading), asking->arena, take_listed, asking);
    if (r == -EOPNOTSUPP || r == -ENOMEM)
        return r == -ENOMEM ? r : 0;
    return r < 0 ? engine_gap(reading, NULL, r > -ERROR_FIRST ? -r : EPROTO, error_message()) : 0;
}

static int take_namespace(struct asking *asking, const char *namespace)
{
    struct engine_reading *reading = asking->reading;
    asking->namespace = namespace;
    int r = is_namespace(asking, of_kubernetes) ? list_by_cri(asking) : 0;
    if (r >= 0)
        r = containerd_each_container(engine_reading_client(reading), namespace, take, asking);
    HASH_CLEAR(hh, asking->of_cri);
    return r;
}

static int ask_all(struct asking *asking)
{
    struct engine_client *client = engine_reading_client(asking->reading);
    const Containerd__VersionResponse *version;
    const Containerd__ListNamespacesResponse *namespaces;
    int r = containerd_ask_version(client, asking->arena, &version);
    if (r < 0 || (r = containerd_ask_namespaces(client, asking->arena, &namespaces)) < 0)
        return r;
    asking->version = version->version[0] ? version->version : NULL;
    for (size_t i = 0; i < namespaces->n_namespaces && r >= 0; i++)
        r = take_namespace(asking, namespaces->namespaces[i]->name);
    return r;
}

static int ask(struct engine_reading *reading)
{
    _cleanup_arena_ struct arena *arena = arena_new();
    struct asking asking = {.reading = reading, .arena = arena};
    return arena ? ask_all(&asking) : error_memory();
}

/* ---- its files ---- */

struct bundle {
    const char *namespace;
    const char *folder; /* of the namespace */
};

static void append_path(struct buffer *path, const struct bundle *bundle, const char *id,
                        const char *name)
{
    buffer_append_format(path, "%s/%s/%s", bundle->folder, id, name);
}

/* Where the runtime keeps its state: as its client told it, or as containerd does. */
static void append_runtime_folder(struct engine_reading *reading, const struct bundle *bundle,
                                  const char *id, struct buffer *into)
{
    _cleanup_json_ cJSON *options = NULL;
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    append_path(&path, bundle, id, "options.json");
    const char *root = NULL;
    if (!path.failed && engine_read_json(reading, buffer_text(&path), &text, &options) >= 0)
        root = json_get_string(options, "root");
    buffer_append_format(into, "%s/%s", root && *root ? root : "/run/containerd/runc",
                         bundle->namespace);
}

static void set_unknown(struct engine_reading *reading, unsigned column)
{
    engine_container(reading)->values[column] = (struct value){.type = VALUE_NULL};
}

/* The number alone, of one whose runtime is another. */
static void set_pid_of_file(struct engine_reading *reading, const struct bundle *bundle,
                            const char *id)
{
    enum { MOST = 64 };
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    append_path(&path, bundle, id, "init.pid");
    if (path.failed || engine_read_file(reading, buffer_text(&path), MOST, &text) < 0)
        return;
    _cleanup_json_ cJSON *number = cJSON_ParseWithLength(buffer_text(&text), text.length);
    engine_set_number(reading, CONTAINER_PID, number);
    if (engine_process_exists(reading))
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "running");
}

static void set_state(struct engine_reading *reading, const struct bundle *bundle, const char *id)
{
    _cleanup_buffer_ struct buffer folder = {0};
    _cleanup_json_ cJSON *state = NULL;
    append_runtime_folder(reading, bundle, id, &folder);
    if (folder.failed || oci_read_state(reading, &oci_runc, buffer_text(&folder), id, &state) < 0) {
        set_pid_of_file(reading, bundle, id);
        return;
    }
    oci_set_state(reading, &oci_runc, buffer_text(&folder), id, state);
    const char *word = record_text(engine_container(reading), CONTAINER_CONTAINER_STATE);
    if (word && strcmp(word, "stopped") == 0)
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "exited");
    /* containerd calls it by the shim's type, which isn't told here. */
    set_unknown(reading, CONTAINER_RUNTIME);
}

/* What Kubernetes has annotated isn't here, but what the plugin has; and the namespaces of a
 * container are those of its sandbox, whosever those are. */
static void set_pod(struct engine_reading *reading, const cJSON *annotations)
{
    const char *type = json_get_string(annotations, "io.kubernetes.cri.container-type");
    set_unknown(reading, CONTAINER_ANNOTATIONS);
    if (!type || strcmp(type, "sandbox") != 0)
        set_unknown(reading, CONTAINER_HOST_NAMESPACES);
    cri_add_groups_of_annotations(reading, annotations);
}

/* The name that only its database has stays as it was told. */
static void set_bundle(struct engine_reading *reading, const struct record *known,
                       const cJSON *spec, const char *id)
{
    const cJSON *annotations = json_get(spec, "annotations");
    const char *image = json_get_string(annotations, "io.kubernetes.cri.image-name");
    const char *name = json_get_string(annotations, "io.kubernetes.cri.container-name");
    if (!name)
        name = json_get_string(annotations, "io.kubernetes.cri.sandbox-name");
    set_spec(reading, spec);
    if (json_get(annotations, "io.kubernetes.cri.container-type"))
        set_pod(reading, annotations);
    if (name)
        engine_set_text(reading, CONTAINER_NAME, name);
    else
        set_name(reading, annotations, id);
    if (known && !json_get_string(annotations, "nerdctl/name") && !name)
        record_set_text(engine_container(reading), CONTAINER_NAME,
                        record_text(known, CONTAINER_NAME));
    if (image)
        engine_set_text(reading, CONTAINER_IMAGE, image);
}

static int tell_bundle(struct engine_reading *reading, const struct bundle *bundle,
                       const char *name, const char *id, const struct buffer *text, cJSON *spec)
{
    static const char *const environments[] = {"process.env", NULL};
    const struct record *known = engine_known(reading, id);
    if (!engine_container_begin(reading, id))
        return error_memory();
    set_state(reading, bundle, name);
    set_bundle(reading, known, spec, name);
    int r = docker_plugin_set(reading, bundle->namespace, name, spec);
    engine_keep_document(reading, text, spec, environments);
    return r < 0 ? r : engine_container_end(reading);
}

static int read_bundle(struct engine_reading *reading, const char *name, void *userdata)
{
    const struct bundle *bundle = userdata;
    _cleanup_buffer_ struct buffer id = {0}, path = {0}, text = {0};
    _cleanup_json_ cJSON *spec = NULL;
    append_path(&path, bundle, name, "config.json");
    int r = compose_id(reading, bundle->namespace, name, &id);
    if (r >= 0)
        r = buffer_error(&path);
    if (r >= 0)
        r = engine_read_json(reading, buffer_text(&path), &text, &spec);
    if (r == -ENOENT) /* being made, or removed */
        return 0;
    if (r < 0)
        return engine_gap(reading, buffer_text(&id), -r, "cannot read its config.json");
    return tell_bundle(reading, bundle, name, buffer_text(&id), &text, spec);
}

static int read_namespace(struct engine_reading *reading, const char *name, void *userdata)
{
    _cleanup_buffer_ struct buffer folder = {0};
    struct bundle bundle = {.namespace = name};
    buffer_append_format(&folder, "%s/%s", (const char *)userdata, name);
    int r = buffer_error(&folder);
    if (r < 0)
        return r;
    bundle.folder = buffer_text(&folder);
    r = engine_each_folder(reading, bundle.folder, read_bundle, &bundle);
    return r == -ENOENT ? 0 : r;
}

/* That it doesn't answer is a gap already; and where it usually is, it may never have been: there
 * is no database. */
static bool is_told_of(struct engine_reading *reading)
{
    const struct engine_place *place = engine_reading_place(reading);
    bool asked = reading->reader->live && place->socket;
    return asked ||
           (strcmp(place->folder, usual_socket) == 0 && !engine_has_file(reading, usual_database));
}

/* Its state is gone after a boot, and isn't on a copied disk: its containers are in the database
 * all the same. */
static int read_files(struct engine_reading *reading)
{
    _cleanup_buffer_ struct buffer folder = {0};
    const char *state = engine_reading_place(reading)->runtime_folder;
    buffer_append_format(&folder, "%s%s", state ? state : "", tasks);
    int r = buffer_error(&folder);
    if (r >= 0)
        r = !state ? -ENOENT
                   : engine_each_folder(reading, buffer_text(&folder), read_namespace,
                                        (void *)buffer_text(&folder));
    if (r == -ENOENT && is_told_of(reading))
        return r;
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of containerd in %s: %s",
                         buffer_text(&folder), error_name(r));
    return engine_gap(reading, NULL, ENODATA,
                      "its files tell of the containers that have a task, and of no others");
}

static const char *const programs[] = {"containerd", shim, NULL};

const struct engine engine_containerd = {
    .name = "containerd",
    .programs = programs,
    .found = found,
    .usual = usual,
    .ask = ask,
    .read = read_files,
};
