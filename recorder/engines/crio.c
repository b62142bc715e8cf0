/* SPDX-License-Identifier: Apache-2.0 */
/* CRI-O: asked as Kubernetes asks it, or by what it keeps of each container, and of each sandbox,
 * which is one too (its internal/oci/container.go and pkg/annotations):
 *
 *   STORAGE/overlay-containers/ID/userdata/config.json   what the runtime was told
 *   STORAGE/overlay-containers/ID/userdata/state.json    its state, as it last saw it
 *   RUN/overlay-containers/ID/userdata/config.json       the first again, of this boot
 *
 * Podman may use the same storage: annotations tell whose a container is. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/cri.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/oci_privileges.h"

#include <stdlib.h>
#include <string.h>

static const char usual_folder[] = "/var/lib/containers/storage";
static const char usual_runtime_folder[] = "/run/containers/storage";
static const char usual_socket[] = "/var/run/crio/crio.sock";
static const char containers[] = "/overlay-containers";

/* ---- where it is ---- */

static int add_place(struct engine_search *search, const struct engine_process *process,
                     const char *folder, const char *runtime_folder, const char *socket)
{
    struct engine_place place = {.folder = folder ? folder : usual_folder,
                                 .runtime_folder =
                                     runtime_folder ? runtime_folder : usual_runtime_folder,
                                 .socket = socket};
    return engine_search_add(search, process, &place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    const char *socket = engine_process_option(process, "--listen");
    return add_place(search, process, engine_process_option(process, "--root"),
                     engine_process_option(process, "--runroot"),
                     engine_search_socket(search, process, socket ? socket : usual_socket));
}

static int usual(struct engine_search *search)
{
    return add_place(search, NULL, NULL, NULL, NULL);
}

/* ---- asking ---- */

struct asking {
    struct engine_reading *reading;
    const char *version;
    bool time_is_over; /* for details */
};

static int ask_details(struct asking *asking, const struct cri_container *whole)
{
    if (asking->time_is_over)
        return error_set(ETIMEDOUT, "there was no time to ask for more than it is listed with");
    int r = cri_set_details(asking->reading, whole);
    asking->time_is_over |= r == -ETIMEDOUT;
    return r;
}

static int take(void *userdata, const struct cri_container *whole)
{
    struct asking *asking = userdata;
    struct engine_reading *reading = asking->reading;
    const char *id = cri_id(whole);
    if (!*id)
        return engine_gap(reading, NULL, EPROTO, "it lists a container without an id");
    const struct record *known = engine_known(reading, id);
    struct record *record = engine_container_begin(reading, id);
    _cleanup_json_ cJSON *listing = cri_listing(whole);
    const char *digest = record && listing ? engine_digest(reading, listing) : NULL;
    if (!digest)
        return error_memory();
    engine_set_text(reading, CONTAINER_ENGINE_VERSION, asking->version);
    if (engine_is_unchanged(reading, known, digest))
        return engine_container_end_as_known(reading, known);
    cri_set_listed(reading, whole);
    int r = ask_details(asking, whole);
    return engine_container_end_asked(reading, id, digest, r);
}

static int ask(struct engine_reading *reading)
{
    struct engine_client *client = engine_reading_client(reading);
    const Cri__VersionResponse *version;
    _cleanup_arena_ struct arena *arena = arena_new();
    struct asking asking = {.reading = reading};
    int r = arena ? cri_ask_version(client, arena, &version) : error_memory();
    if (r < 0)
        return r;
    asking.version = version->runtime_version[0] ? version->runtime_version : NULL;
    return cri_each_container(client, arena, take, &asking);
}

/* ---- its files ---- */

static int read_json_of(struct engine_reading *reading, const char *folder, const char *id,
                        const char *name, struct buffer *text, cJSON **ret_json)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s%s/%s/userdata/%s", folder, containers, id, name);
    int r = buffer_error(&path);
    return r < 0 ? r : engine_read_json(reading, buffer_text(&path), text, ret_json);
}

static const char *annotation(const cJSON *spec, const char *name)
{
    return json_get_string(json_get(spec, "annotations"), name);
}

/* An annotation that holds JSON, NULL if it is none. To be released. */
static cJSON *parse_annotation(const cJSON *spec, const char *name)
{
    const char *text = annotation(spec, name);
    return text ? cJSON_Parse(text) : NULL;
}

/* "io.kubernetes.cri-o.Metadata" is {"name": .., "attempt": ..}. */
static void set_metadata(struct engine_reading *reading, const cJSON *spec)
{
    _cleanup_json_ cJSON *metadata = parse_annotation(spec, "io.kubernetes.cri-o.Metadata");
    const cJSON *attempt = json_get(metadata, "attempt");
    engine_set_string(reading, CONTAINER_NAME, json_get(metadata, "name"));
    if (cJSON_IsObject(metadata) && !attempt)
        record_set_integer(engine_container(reading), CONTAINER_RESTARTS, 0);
    engine_set_number(reading, CONTAINER_RESTARTS, attempt);
}

static void set_spec(struct engine_reading *reading, const cJSON *spec)
{
    _cleanup_json_ cJSON *labels = parse_annotation(spec, "io.kubernetes.cri-o.Labels"),
                         *annotations = parse_annotation(spec, "io.kubernetes.cri-o.Annotations");
    const cJSON *of_spec = json_get(spec, "annotations");
    const char *privileged = annotation(spec, "io.kubernetes.cri-o.PrivilegedRuntime");
    oci_set_process(reading, spec);
    engine_set_annotations(reading, annotations ? annotations : of_spec);
    set_metadata(reading, spec);
    if (labels)
        engine_set_json(reading, CONTAINER_LABELS, labels, "{}");
    engine_add_groups_of_labels(reading, labels);
    engine_set_string(reading, CONTAINER_IMAGE, json_get(of_spec, "io.kubernetes.cri-o.ImageName"));
    engine_set_time(reading, CONTAINER_CREATED_AT,
                    json_get(of_spec, "io.kubernetes.cri-o.Created"));
    if (privileged)
        record_set_integer(engine_container(reading), CONTAINER_PRIVILEGED,
                           strcmp(privileged, "true") == 0);
    oci_set_host_namespaces(reading, spec, false);
    oci_set_privileges(reading, spec);
}

/* "Volumes" is what was asked for: the specification has what CRI-O adds, too. */
static void set_volumes(struct engine_reading *reading, const cJSON *spec)
{
    _cleanup_json_ cJSON *volumes = parse_annotation(spec, "io.kubernetes.cri-o.Volumes"),
                         *list = cJSON_CreateArray();
    const cJSON *volume;
    cJSON_ArrayForEach (volume, volumes) {
        const char *source = json_get_string(volume, "host_path");
        const char *target = json_get_string(volume, "container_path");
        cJSON *object = source && target ? cJSON_CreateObject() : NULL;
        if (!object)
            continue;
        cJSON_AddStringToObject(object, "type", "bind");
        cJSON_AddStringToObject(object, "source", source);
        cJSON_AddStringToObject(object, "target", target);
        cJSON_AddBoolToObject(object, "read_only", cJSON_IsTrue(json_get(volume, "readonly")));
        cJSON_AddItemToArray(list, object);
    }
    if (volumes)
        engine_set_sorted(reading, CONTAINER_MOUNTS, list);
}

/* Its first process counts with its start alone, which is a number in text. */
static void set_first_process(struct engine_reading *reading, const cJSON *state)
{
    const char *start = json_get_string(state, "initStartTime");
    char *end = NULL;
    long long ticks = start ? strtoll(start, &end, 10) : 0;
    const cJSON *pid = json_get(state, "initPid");
    engine_set_number(reading, CONTAINER_PID, pid ? pid : json_get(state, "pid"));
    if (start && *start && !*end && ticks > 0)
        record_set_integer(engine_container(reading), CONTAINER_START_TICKS, ticks);
}

/* Its state as CRI-O last saw it; that one has ended since it may not have seen. */
static void set_state(struct engine_reading *reading, const cJSON *state)
{
    struct record *record = engine_container(reading);
    const char *status = json_get_string(state, "status");
    engine_set_time(reading, CONTAINER_BEGUN_AT, json_get(state, "started"));
    engine_set_time(reading, CONTAINER_FINISHED_AT, json_get(state, "finished"));
    if (record_has(record, CONTAINER_FINISHED_AT))
        engine_set_number(reading, CONTAINER_EXIT_CODE, json_get(state, "exitCode"));
    if (status && strcmp(status, "stopped") == 0) {
        status = "exited";
    } else {
        set_first_process(reading, state);
        if (status && strcmp(status, "running") == 0 && engine_process_has_gone(reading))
            status = "exited";
    }
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, status);
}

static int tell(struct engine_reading *reading, const char *id, const struct buffer *text,
                cJSON *spec)
{
    static const char *const environments[] = {"process.env", NULL};
    _cleanup_buffer_ struct buffer of_state = {0};
    _cleanup_json_ cJSON *state = NULL;
    int r = read_json_of(reading, engine_reading_place(reading)->folder, id, "state.json",
                         &of_state, &state);
    if (r < 0 && r != -ENOENT)
        r = engine_gap(reading, id, -r, "cannot read its state.json");
    if ((r < 0 && r != -ENOENT) || !engine_container_begin(reading, id))
        return r < 0 && r != -ENOENT ? r : error_memory();
    set_spec(reading, spec);
    set_volumes(reading, spec);
    set_state(reading, state);
    engine_keep_document(reading, text, spec, environments);
    return engine_container_end(reading);
}

/* In both folders; from the first one that has it. */
static int read_container(struct engine_reading *reading, const char *id, void *userdata)
{
    static const char manager[] = "io.container.manager";
    const char *const *folders = userdata;
    _cleanup_buffer_ struct buffer text = {0};
    _cleanup_json_ cJSON *spec = NULL;
    int r = -ENOENT;
    for (; *folders && r == -ENOENT; folders++)
        r = read_json_of(reading, *folders, id, "config.json", &text, &spec);
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return engine_gap(reading, id, -r, "cannot read its config.json");
    const char *whose = annotation(spec, manager);
    return whose && strcmp(whose, "cri-o") == 0 ? tell(reading, id, &text, spec) : 0;
}

static int read_files(struct engine_reading *reading)
{
    const struct engine_place *place = engine_reading_place(reading);
    const char *run = place->runtime_folder ? place->runtime_folder : usual_runtime_folder;
    const char *const folders[] = {place->folder, run, NULL}, *const run_alone[] = {run, NULL};
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s%s", place->folder, containers);
    int r = buffer_error(&path);
    if (r >= 0)
        r = engine_each_folder(reading, buffer_text(&path), read_container, (void *)folders);
    if (r == -ENOENT) {
        buffer_clear(&path);
        buffer_append_format(&path, "%s%s", run, containers);
        r = path.failed ? error_memory()
                        : engine_each_folder(reading, buffer_text(&path), read_container,
                                             (void *)run_alone);
    }
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of cri-o in %s: %s", buffer_text(&path),
                         error_name(r));
    return r;
}

static const char *const programs[] = {"crio", NULL};

const struct engine engine_crio = {
    .name = "cri-o",
    .programs = programs,
    .found = found,
    .usual = usual,
    .ask = ask,
    .read = read_files,
};
