/* SPDX-License-Identifier: Apache-2.0 */
/* What containerd keeps. Its database (engines/containerd_database.h) has all of its containers;
 * what doesn't outlive a boot tells what runs of them:
 *
 *   BUNDLE/config.json   what the runtime was told
 *   BUNDLE/init.pid      its first process
 *   BUNDLE/work          a link to its folder below ROOT
 *
 * in BUNDLE, which is STATE/io.containerd.runtime.v2.task/NAMESPACE/ID. Beside it there are
 *
 *   /run/containerd/runc/NAMESPACE/ID/state.json         the runtime's own (engines/oci.h)
 *   ROOT/io.containerd.grpc.v1.cri/containers/ID/status  start and end, by the CRI plugin */
#include "recorder/engines/containerd.h"

#include "base/error.h"
#include "recorder/engines/containerd_database.h"
#include "recorder/engines/cri.h"
#include "recorder/engines/docker_plugin.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/reading.h"

#define HASH_NONFATAL_OOM 1
#include <string.h>
#include <uthash.h>

static const char database[] = "/io.containerd.metadata.v1.bolt/meta.db";

/* A container that its database has told of. */
struct told {
    UT_hash_handle hh;
    const char *id;
};

struct files {
    struct engine_reading *reading;
    struct arena *arena;   /* of the database's containers */
    struct buffer bundles; /* folder of the namespaces of bundles; empty where it isn't known */
    struct buffer root;    /* empty where it isn't known */
    bool has_bundles;
    bool has_database;
    struct told *told;
};

struct bundle {
    struct files *files;
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

/* ---- its database ---- */

static bool is_told(const struct files *files, const char *id)
{
    struct told *told;
    HASH_FIND(hh, files->told, id, strlen(id), told);
    return told;
}

static int note_told(struct files *files, const char *id)
{
    struct told *told = arena_take(files->arena, sizeof(*told));
    if (!told || !(told->id = arena_copy(files->arena, id, strlen(id))))
        return error_memory();
    HASH_ADD_KEYPTR(hh, files->told, told->id, strlen(id), told);
    return told->hh.tbl ? 0 : error_memory();
}

/* Of one without a task: it was never started, or its task was deleted. Its database doesn't say
 * which, nor does containerd when it is asked. On a copied disk there are no tasks at all. */
static int set_task_of_files(struct files *files, const struct containerd_stored *stored)
{
    struct engine_reading *reading = files->reading;
    _cleanup_buffer_ struct buffer folder = {0}, path = {0};
    struct bundle bundle = {.files = files, .namespace = stored->namespace};
    buffer_append_format(&folder, "%s/%s", buffer_text(&files->bundles), stored->namespace);
    bundle.folder = buffer_text(&folder);
    append_path(&path, &bundle, stored->container.id, "config.json");
    if (folder.failed || path.failed)
        return error_memory();
    if (files->has_bundles && engine_has_file(reading, buffer_text(&path)))
        set_state(reading, &bundle, stored->container.id);
    else if (files->has_bundles || (files->bundles.length && reading->reader->live))
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "created");
    return 0;
}

/* A whole number of the plugin's file, with all of its digits; 0 where there is none. */
static int64_t number_of(const char *status, const char *member)
{
    const char *at = strstr(status, member);
    int64_t number = 0;
    if (at) {
        at += strlen(member);
        at += strspn(at, " ");
        span_integer((struct span){at, strspn(at, "-0123456789")}, &number);
    }
    return number;
}

static void set_moment(struct engine_reading *reading, unsigned column, int64_t moment)
{
    if (moment > 0)
        record_set_integer(engine_container(reading), column, moment);
}

/* What the plugin has noted of a container when it was last there to see it. That its end was not
 * seen is known only where its task could be. */
static int set_cri_status(struct files *files, const char *id)
{
    enum { MOST = 1 << 20 };
    struct engine_reading *reading = files->reading;
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    buffer_append_format(&path, "%s/io.containerd.grpc.v1.cri/containers/%s/status",
                         buffer_text(&files->root), id);
    if (path.failed)
        return error_memory();
    if (engine_read_file(reading, buffer_text(&path), MOST, &text) < 0)
        return 0;
    const char *status = buffer_text(&text);
    int64_t started = number_of(status, "\"StartedAt\":"),
            finished = number_of(status, "\"FinishedAt\":");
    const char *state = record_text(engine_container(reading), CONTAINER_CONTAINER_STATE);
    bool without_task = state && strcmp(state, "created") == 0;
    set_moment(reading, CONTAINER_CREATED_AT, number_of(status, "\"CreatedAt\":"));
    set_moment(reading, CONTAINER_BEGUN_AT, started);
    set_moment(reading, CONTAINER_FINISHED_AT, finished);
    if (finished > 0)
        record_set_integer(engine_container(reading), CONTAINER_EXIT_CODE,
                           number_of(status, "\"ExitCode\":"));
    if (finished > 0 || (started > 0 && without_task))
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "exited");
    else if (!state)
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, started > 0 ? "running" : "created");
    return 0;
}

/* A sandbox is started when it is made. */
static int set_cri_state(struct files *files, const struct containerd_stored *stored,
                         const cJSON *metadata)
{
    struct engine_reading *reading = files->reading;
    const char *state = record_text(engine_container(reading), CONTAINER_CONTAINER_STATE);
    bool of_container = json_get(metadata, "SandboxID");
    if (!of_container && state && strcmp(state, "created") == 0)
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "exited");
    return of_container ? set_cri_status(files, stored->container.id) : 0;
}

static int set_cri(struct files *files, const struct containerd_stored *stored, const cJSON *spec)
{
    const ProtobufCBinaryData *value = &stored->cri_extension->value;
    _cleanup_json_ cJSON *document = cJSON_ParseWithLength((const char *)value->data, value->len);
    const cJSON *metadata = json_get(document, "Metadata");
    int r = cri_set_kept(files->reading, metadata, spec);
    return r < 0 ? r : set_cri_state(files, stored, metadata);
}

static int set_stored(struct files *files, const struct containerd_stored *stored, cJSON *document)
{
    struct engine_reading *reading = files->reading;
    int r = set_task_of_files(files, stored);
    if (r >= 0)
        r = containerd_set_container(reading, stored->namespace, &stored->container, document);
    if (r < 0)
        return r;
    engine_set_text(reading, CONTAINER_IMAGE_DIGEST, stored->image_digest);
    if (stored->cri_extension)
        return set_cri(files, stored, json_get(document, "spec"));
    return containerd_is_of_docker(stored->namespace) ? 0
                                                      : containerd_keep_document(reading, document);
}

/* Names of containerd have none of what would lead its paths elsewhere. */
static bool is_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static int tell_stored(struct files *files, const struct containerd_stored *stored)
{
    struct engine_reading *reading = files->reading;
    const struct containerd_container whole = {.container = &stored->container};
    _cleanup_buffer_ struct buffer id = {0};
    if (!is_name(stored->namespace) || !is_name(stored->container.id))
        return engine_gap(reading, NULL, EBADMSG, "its database has a container without a name");
    int r = containerd_compose_id(reading, stored->namespace, stored->container.id, &id);
    if (r >= 0)
        r = note_told(files, buffer_text(&id));
    if (r < 0)
        return r;
    _cleanup_json_ cJSON *document = containerd_make_document(&whole);
    if (!document || !engine_container_begin(reading, buffer_text(&id)))
        return error_memory();
    r = set_stored(files, stored, document);
    return r < 0 ? r : engine_container_end(reading);
}

/* -ENOENT if there is none. What is wrong with it is a gap. */
static int read_database(struct files *files)
{
    struct engine_reading *reading = files->reading;
    struct containerd_stored *stored = NULL;
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s%s", buffer_text(&files->root), database);
    int r = buffer_error(&path);
    if (r < 0 || !files->root.length)
        return r < 0 ? r : -ENOENT;
    _cleanup_close_ int fd = engine_open_file(reading, buffer_text(&path));
    r = fd < 0 ? fd : containerd_read_database(fd, files->arena, &stored);
    if (r == -ENOENT || r == -ENOMEM)
        return r;
    files->has_database = true;
    if (r < 0)
        return engine_gap(reading, NULL, -r, "cannot read its database");
    for (; stored && r >= 0; stored = stored->next)
        r = tell_stored(files, stored);
    return r;
}

/* ---- its bundles ---- */

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

/* Where its database cannot be read. The name that only that has stays as it was told. */
static void set_bundle(struct engine_reading *reading, const struct record *known,
                       const cJSON *spec, const char *id)
{
    const cJSON *annotations = json_get(spec, "annotations");
    const char *image = json_get_string(annotations, "io.kubernetes.cri.image-name");
    const char *name = json_get_string(annotations, "io.kubernetes.cri.container-name");
    if (!name)
        name = json_get_string(annotations, "io.kubernetes.cri.sandbox-name");
    containerd_set_spec(reading, spec);
    if (json_get(annotations, "io.kubernetes.cri.container-type"))
        set_pod(reading, annotations);
    if (name)
        engine_set_text(reading, CONTAINER_NAME, name);
    else
        containerd_set_name(reading, annotations, id);
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
    int r = containerd_compose_id(reading, bundle->namespace, name, &id);
    if (r >= 0)
        r = buffer_error(&path);
    if (r >= 0 && is_told(bundle->files, buffer_text(&id)))
        return 0;
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
    struct files *files = userdata;
    _cleanup_buffer_ struct buffer folder = {0};
    struct bundle bundle = {.files = files, .namespace = name};
    buffer_append_format(&folder, "%s/%s", buffer_text(&files->bundles), name);
    int r = buffer_error(&folder);
    if (r < 0)
        return r;
    bundle.folder = buffer_text(&folder);
    r = engine_each_folder(reading, bundle.folder, read_bundle, &bundle);
    return r == -ENOENT ? 0 : r;
}

/* ---- where they are ---- */

/* In a bundle: a link to a folder of its own, three below the root. */
static const char link_below_root[] = "work";

/* From its bundle, which leads to it. -EEXIST when it is found, which ends the search. */
static int find_root_of_bundle(struct engine_reading *reading, const char *name, void *userdata)
{
    const struct bundle *bundle = userdata;
    struct buffer *root = &bundle->files->root;
    _cleanup_buffer_ struct buffer path = {0};
    buffer_clear(root);
    buffer_append_format(root, "%s/%s/%s/../../..", bundle->folder, name, link_below_root);
    buffer_append_format(&path, "%s%s", buffer_text(root), database);
    if (root->failed || path.failed)
        return error_memory();
    return engine_has_file(reading, buffer_text(&path)) ? -EEXIST : 0;
}

static int find_root_of_namespace(struct engine_reading *reading, const char *name, void *userdata)
{
    _cleanup_buffer_ struct buffer folder = {0};
    struct bundle bundle = {.files = userdata, .namespace = name};
    buffer_append_format(&folder, "%s/%s", buffer_text(&bundle.files->bundles), name);
    bundle.folder = buffer_text(&folder);
    int r = buffer_error(&folder);
    return r < 0 ? r : engine_each_folder(reading, bundle.folder, find_root_of_bundle, &bundle);
}

/* As the bundles lead there; or else as it was told, or usually is. */
static int find_folders(struct files *files)
{
    struct engine_reading *reading = files->reading;
    const struct engine_place *place = engine_reading_place(reading);
    int r = -ENOENT;
    if (place->runtime_folder)
        buffer_append_format(&files->bundles, "%s%s", place->runtime_folder, containerd_tasks);
    if (files->bundles.length)
        r = engine_each_folder(reading, buffer_text(&files->bundles), find_root_of_namespace,
                               files);
    files->has_bundles = files->bundles.length && r != -ENOENT;
    if (r == -EEXIST || r == -ENOMEM)
        return r == -EEXIST ? 0 : r;
    buffer_clear(&files->root);
    if (place->stored_folder)
        buffer_append_text(&files->root, place->stored_folder);
    return files->root.failed || files->bundles.failed ? error_memory() : 0;
}

/* That it doesn't answer is a gap already; and where it usually is, it may never have been. */
static bool is_told_of(const struct engine_reading *reading)
{
    const struct engine_place *place = engine_reading_place(reading);
    return (reading->reader->live && place->socket) || place->stored_folder;
}

static int read_all(struct files *files)
{
    struct engine_reading *reading = files->reading;
    int r = find_folders(files);
    if (r >= 0)
        r = read_database(files);
    if (r < 0 && r != -ENOENT)
        return r;
    r = files->has_bundles
            ? engine_each_folder(reading, buffer_text(&files->bundles), read_namespace, files)
            : -ENOENT;
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of containerd in %s: %s",
                         buffer_text(&files->bundles), error_name(r));
    if (files->has_database)
        return 0;
    if (r == -ENOENT && is_told_of(reading))
        return r;
    return engine_gap(reading, NULL, ENODATA,
                      "its database isn't there: what is left tells of the containers that have a "
                      "task, and of no others");
}

int containerd_read_files(struct engine_reading *reading)
{
    struct files files = {.reading = reading, .arena = arena_new()};
    int r = files.arena ? read_all(&files) : error_memory();
    HASH_CLEAR(hh, files.told);
    buffer_free(&files.bundles);
    buffer_free(&files.root);
    arena_free(files.arena);
    return r;
}
