/* SPDX-License-Identifier: Apache-2.0 */
/* Podman: https://docs.podman.io/en/latest/_static/api.html, and what is left of its containers
 * when nobody can be asked, which is the usual case:
 *
 *   STORAGE/libpod/bolt_state.db                       engines/podman_database.h
 *   STORAGE/DRIVER-containers/containers.json          every container: name, image, creation
 *   STORAGE/DRIVER-containers/ID/userdata/config.json  its specification, since its first start
 *   RUN/DRIVER-containers/ID/userdata/pidfile          its first process, since its last start
 *   the state that the runtime keeps, while there is a process (engines/oci.h)
 *
 * From version 5 on its database is another one (db.sql), which isn't read: then there are no
 * labels, exit codes, published ports, and names of pods. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/listed.h"
#include "recorder/engines/oci.h"
#include "recorder/engines/podman_database.h"

#include <string.h>

static const char usual_folder[] = "/var/lib/containers/storage";
static const char usual_runtime_folder[] = "/run/containers/storage";
enum { ID_DIGITS = 64 };

/* ---- where it is ---- */

/* Adds it with what isn't told as it usually is. */
static int add_place(struct engine_search *search, const struct engine_process *process,
                     const char *home, uid_t uid, struct engine_place place)
{
    _cleanup_buffer_ struct buffer folder = {0}, runtime_folder = {0};
    buffer_append_format(&folder, "%s/.local/share/containers/storage", home ? home : "");
    buffer_append_format(&runtime_folder, "/run/user/%u/containers", (unsigned)uid);
    if (folder.failed || runtime_folder.failed)
        return error_memory();
    if (!place.folder && (!uid || home))
        place.folder = uid ? buffer_text(&folder) : usual_folder;
    if (!place.runtime_folder)
        place.runtime_folder = uid ? buffer_text(&runtime_folder) : usual_runtime_folder;
    place.uid = uid;
    return place.folder ? engine_search_add(search, process, &place) : 0;
}

/* An option of the podman that conmon calls when the container has ended: each word of it stands
 * behind an --exit-command-arg. */
static const char *exit_command_option(const struct engine_process *process, const char *name)
{
    static const char each[] = "--exit-command-arg";
    for (const char *const *word = process->arguments; word[0] && word[1]; word++)
        if (strcmp(word[0], each) == 0 && strcmp(word[1], name) == 0 && word[2] && word[3] &&
            strcmp(word[2], each) == 0)
            return word[3];
    return NULL;
}

static int found_by_monitor(struct engine_search *search, const struct engine_process *process)
{
    const char *command = engine_process_option(process, "--exit-command");
    const char *name = command ? strrchr(command, '/') : NULL;
    if (!name || strcmp(name, "/podman") != 0) /* CRI-O's */
        return 0;
    struct engine_place place = {.folder = exit_command_option(process, "--root"),
                                 .runtime_folder = exit_command_option(process, "--runroot")};
    return add_place(search, process, engine_search_home(search, process->uid), process->uid,
                     place);
}

/* podman [OPTION..] system service [OPTION..] [URI] */
static int found_service(struct engine_search *search, const struct engine_process *process)
{
    static const char scheme[] = "unix:/";
    const char *const *word = process->arguments;
    char usual_socket[64] = "/run/podman/podman.sock";
    const char *socket = usual_socket;
    while (*word && !(strcmp(*word, "system") == 0 && word[1] && strcmp(word[1], "service") == 0))
        word++;
    if (!*word)
        return 0;
    if (process->uid)
        snprintf(usual_socket, sizeof(usual_socket), "/run/user/%u/podman/podman.sock",
                 (unsigned)process->uid);
    for (; *word; word++)
        if (strncmp(*word, scheme, strlen(scheme)) == 0)
            socket = *word + strlen(scheme) - 1 + strspn(*word + strlen(scheme), "/");
    struct engine_place place = {.folder = engine_process_option(process, "--root"),
                                 .runtime_folder = engine_process_option(process, "--runroot"),
                                 .socket = engine_search_socket(search, process, socket)};
    return add_place(search, process, engine_search_home(search, process->uid), process->uid,
                     place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    return strcmp(process->command_name, "conmon") == 0 ? found_by_monitor(search, process)
                                                        : found_service(search, process);
}

static int usual_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    return add_place(search, NULL, home, uid, (struct engine_place){0});
}

static int usual(struct engine_search *search)
{
    int r = add_place(search, NULL, NULL, 0, (struct engine_place){0});
    return r < 0 ? r : engine_search_users(search, usual_of_user);
}

/* ---- asking ---- */

/* By its id, which every source has; and by the name that people give it. */
static void add_pod(struct engine_reading *reading, const char *id, const char *name)
{
    if (id && *id)
        engine_add_group(reading, "podman-pod", id);
    if (id && *id && name && *name)
        engine_add_group(reading, "podman-pod-name", name);
}

static void set_document(struct engine_reading *reading, const cJSON *entry, const cJSON *document)
{
    const cJSON *config = json_get(document, "Config");
    inspected_set(reading, document, json_get(document, "HostConfig"));
    engine_set_string(reading, CONTAINER_RUNTIME, json_get(document, "OCIRuntime"));
    engine_set_json(reading, CONTAINER_ANNOTATIONS, json_get(config, "Annotations"), "{}");
    add_pod(reading, json_get_string(document, "Pod"), json_get_string(entry, "PodName"));
}

static void set_entry(struct engine_reading *reading, const cJSON *entry,
                      const struct record *known)
{
    (void)known;
    engine_set_string(reading, CONTAINER_NAME, cJSON_GetArrayItem(json_get(entry, "Names"), 0));
    engine_set_string(reading, CONTAINER_IMAGE, json_get(entry, "Image"));
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, json_get(entry, "ImageID"));
    engine_set_time(reading, CONTAINER_CREATED_AT, json_get(entry, "Created"));
    engine_set_string(reading, CONTAINER_CONTAINER_STATE, json_get(entry, "State"));
    engine_set_number(reading, CONTAINER_PID, json_get(entry, "Pid"));
    engine_set_json(reading, CONTAINER_LABELS, json_get(entry, "Labels"), "{}");
    engine_add_groups_of_labels(reading, json_get(entry, "Labels"));
    add_pod(reading, json_get_string(entry, "Pod"), json_get_string(entry, "PodName"));
}

static int ask(struct engine_reading *reading)
{
    static const char *const volatile_members[] = {"Status",   "Mounts", "Ports",
                                                   "Networks", "Size",   NULL};
    /* The command that made it has its variables, too. */
    static const char *const environments[] = {"Config.Env", "Config.CreateCommand", NULL};
    static const struct listed_api api = {.engine = "podman",
                                          .version = "/v4.0.0/libpod/version",
                                          .version_member = "Version",
                                          .list = "/v4.0.0/libpod/containers/json?all=true",
                                          .before_id = "/v4.0.0/libpod/containers/",
                                          .after_id = "/json",
                                          .volatile_members = volatile_members,
                                          .environments = environments,
                                          .set_document = set_document,
                                          .set_entry = set_entry};
    return listed_ask(reading, &api);
}

/* ---- its files ---- */

/* A container in the files. */
struct stored {
    struct engine_reading *reading;
    const char *driver; /* "overlay-containers" */
    const char *id;
    const cJSON *entry; /* of containers.json */
    cJSON *metadata;    /* what Podman has the storage keep with it */
    cJSON *spec;        /* NULL if it isn't there, or not what it should be */
    const struct podman_database *database;
    cJSON *config, *last_seen; /* what the database has of it; NULL for nothing */
    bool started;              /* ever: there is a spec */
};

static const char *folder_of(const struct engine_reading *reading)
{
    return engine_reading_place(reading)->folder;
}

static const char *runtime_folder_of(const struct engine_reading *reading)
{
    const struct engine_place *place = engine_reading_place(reading);
    return place->runtime_folder ? place->runtime_folder : usual_runtime_folder;
}

/* A file in its userdata, below the storage or below the folder for what doesn't outlive a boot. */
static void append_path(struct buffer *path, const struct stored *stored, const char *folder,
                        const char *name)
{
    buffer_append_format(path, "%s/%s/%s/userdata/%s", folder, stored->driver, stored->id, name);
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

/* What Podman itself brings along is left out. */
static const char *type_of_mount(struct engine_reading *reading, const char *source)
{
    const char *folder = folder_of(reading);
    if (is_below(source, runtime_folder_of(reading)))
        return NULL;
    if (!is_below(source, folder))
        return "bind";
    return strncmp(source + strlen(folder), "/volumes/", strlen("/volumes/")) == 0 ? "volume"
                                                                                   : NULL;
}

/* The name that a pod had when it was asked for. Released with the groups. */
static const char *known_pod_name(const cJSON *groups)
{
    const cJSON *group;
    cJSON_ArrayForEach (group, groups) {
        const char *type = json_get_string(group, "type");
        if (type && strcmp(type, "podman-pod-name") == 0)
            return json_get_string(group, "name");
    }
    return NULL;
}

/* Finds the id of the pod in a path of a cgroup: /libpod_parent/POD/libpod-ID, or
 * machine-libpod_pod_POD.slice:libpod:ID. False if it has none. */
static bool find_pod(const char *path, char id[static ID_DIGITS + 1])
{
    for (; path && *path; path += strcspn(path, "/_")) {
        path++;
        if (strspn(path, "0123456789abcdef") == ID_DIGITS) {
            snprintf(id, ID_DIGITS + 1, "%s", path);
            return true;
        }
    }
    return false;
}

/* A container never leaves its pod, which never gets another name. */
static void add_stored_pod(const struct stored *stored)
{
    char id[ID_DIGITS + 1];
    const struct record *known = engine_known(stored->reading, stored->id);
    const char *text = known ? record_text(known, CONTAINER_GROUPS) : NULL;
    _cleanup_json_ cJSON *groups = text ? cJSON_Parse(text) : NULL;
    if (find_pod(json_get_string(json_get(stored->spec, "linux"), "cgroupsPath"), id))
        add_pod(stored->reading, id, known_pod_name(groups));
}

static void set_spec(struct stored *stored)
{
    struct engine_reading *reading = stored->reading;
    const cJSON *annotations = json_get(stored->spec, "annotations");
    const char *privileged = json_get_string(annotations, "io.podman.annotations.privileged");
    oci_set_process(reading, stored->spec);
    oci_set_host_namespaces(reading, stored->spec, false);
    oci_set_mounts(reading, stored->spec, type_of_mount);
    engine_set_time(reading, CONTAINER_CREATED_AT,
                    json_get(annotations, "io.kubernetes.cri-o.Created"));
    if (privileged)
        record_set_integer(engine_container(reading), CONTAINER_PRIVILEGED,
                           strcmp(privileged, "TRUE") == 0);
    add_stored_pod(stored);
}

/* ---- what its database says ---- */

static cJSON *parse(struct span text)
{
    return text.bytes ? cJSON_ParseWithLength(text.bytes, text.length) : NULL;
}

static void add_port(cJSON *list, const cJSON *mapping)
{
    char number[16];
    const char *protocol = json_get_string(mapping, "protocol");
    const char *address = json_get_string(mapping, "host_ip");
    const cJSON *port = json_get(mapping, "container_port");
    const cJSON *host_port = json_get(mapping, "host_port"), *range = json_get(mapping, "range");
    int count = cJSON_IsNumber(range) && range->valueint > 1 ? range->valueint : 1;
    for (int i = 0; i < count && i <= UINT16_MAX && cJSON_IsNumber(port); i++) {
        cJSON *object = cJSON_CreateObject();
        snprintf(number, sizeof(number), "%.0f", cJSON_GetNumberValue(host_port) + i);
        cJSON_AddStringToObject(object, "protocol", protocol ? protocol : "tcp");
        cJSON_AddNumberToObject(object, "port", port->valuedouble + i);
        cJSON_AddStringToObject(object, "host_address", address ? address : "");
        cJSON_AddStringToObject(object, "host_port", cJSON_IsNumber(host_port) ? number : "");
        cJSON_AddItemToArray(list, object);
    }
}

static void set_ports(struct engine_reading *reading, const cJSON *config)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *mapping;
    cJSON_ArrayForEach (mapping, json_get(config, "newPortMappings"))
        add_port(list, mapping);
    engine_set_sorted(reading, CONTAINER_PORTS, list);
}

static void add_kept_pod(const struct stored *stored)
{
    const char *id = json_get_string(stored->config, "pod");
    const struct podman_kept *kept = id ? podman_database_pod(stored->database, id) : NULL;
    _cleanup_json_ cJSON *pod = kept ? parse(kept->config) : NULL;
    add_pod(stored->reading, id, json_get_string(pod, "name"));
}

static void set_config(const struct stored *stored)
{
    struct engine_reading *reading = stored->reading;
    const cJSON *config = stored->config, *labels = json_get(config, "labels");
    engine_set_json(reading, CONTAINER_LABELS, labels, "{}");
    engine_add_groups_of_labels(reading, labels);
    add_kept_pod(stored);
    engine_set_time(reading, CONTAINER_CREATED_AT, json_get(config, "createdTime"));
    engine_set_string(reading, CONTAINER_RUNTIME, json_get(config, "runtime"));
    engine_set_number(reading, CONTAINER_PRIVILEGED, json_get(config, "privileged"));
    set_ports(reading, config);
    if (!stored->started) /* as far as it is made before that */
        oci_set_process(reading, json_get(config, "spec"));
}

/* What it last saw of its processes. */
static void set_last_seen(const struct stored *stored)
{
    struct engine_reading *reading = stored->reading;
    const cJSON *seen = stored->last_seen;
    struct record *record = engine_container(reading);
    engine_set_time(reading, CONTAINER_BEGUN_AT, json_get(seen, "startedTime"));
    engine_set_time(reading, CONTAINER_FINISHED_AT, json_get(seen, "finishedTime"));
    if (record_has(record, CONTAINER_FINISHED_AT))
        record_set_integer(record, CONTAINER_EXIT_CODE, 0); /* which is left out */
    if (record_has(record, CONTAINER_FINISHED_AT))
        engine_set_number(reading, CONTAINER_EXIT_CODE, json_get(seen, "exitCode"));
    record_set_integer(record, CONTAINER_RESTARTS, 0);
    engine_set_number(reading, CONTAINER_RESTARTS, json_get(seen, "restartCount"));
}

static void set_kept(const struct stored *stored)
{
    if (cJSON_IsObject(stored->config))
        set_config(stored);
    if (cJSON_IsObject(stored->last_seen))
        set_last_seen(stored);
}

/* libpod/define/containerstate.go */
static const char *last_state(const struct stored *stored)
{
    static const char *const states[] = {NULL,     "created", "initialized", "running", "stopped",
                                         "paused", "exited",  "removing",    "stopping"};
    const cJSON *state = json_get(stored->last_seen, "state");
    bool known = cJSON_IsNumber(state) && state->valuedouble >= 0 &&
                 state->valuedouble < (double)(sizeof(states) / sizeof(*states));
    return known ? states[state->valueint] : NULL;
}

/* ---- its processes ---- */

/* The number alone, of a container whose runtime keeps its state we don't know where: it may be
 * that of another process by now. */
static void set_pid_of_file(struct stored *stored)
{
    enum { MOST = 64 };
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    struct engine_reading *reading = stored->reading;
    append_path(&path, stored, runtime_folder_of(reading), "pidfile");
    if (path.failed || engine_read_file(reading, buffer_text(&path), MOST, &text) < 0)
        return;
    _cleanup_json_ cJSON *number = cJSON_ParseWithLength(buffer_text(&text), text.length);
    engine_set_number(reading, CONTAINER_PID, number);
}

static void set_state(struct stored *stored)
{
    static const struct oci_runtime *const runtimes[] = {&oci_runc, &oci_crun};
    struct engine_reading *reading = stored->reading;
    bool running = false;
    for (size_t i = 0; i < sizeof(runtimes) / sizeof(*runtimes) && !running; i++) {
        _cleanup_buffer_ struct buffer folder = {0};
        _cleanup_json_ cJSON *state = NULL;
        oci_append_folder(&folder, runtimes[i], engine_reading_place(reading)->uid);
        running = !folder.failed && oci_read_state(reading, runtimes[i], buffer_text(&folder),
                                                   stored->id, &state) >= 0;
        if (running)
            oci_set_state(reading, runtimes[i], buffer_text(&folder), stored->id, state);
    }
    if (!running)
        set_pid_of_file(stored);
    const char *word = record_text(engine_container(reading), CONTAINER_CONTAINER_STATE);
    if (!word && !stored->started)
        word = "created";
    else if (word && strcmp(word, "created") == 0)
        word = "initialized";
    else if (word ? strcmp(word, "stopped") == 0
                  : engine_sees_processes(reading) && !engine_process_exists(reading))
        word = "exited";
    if (!word && !engine_sees_processes(reading))
        word = last_state(stored);
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, word);
}

static int keep_documents(struct stored *stored)
{
    static const char *const environments[] = {"config.process.env", "database.spec.process.env",
                                               "database.CreateCommand", NULL};
    _cleanup_json_ cJSON *whole = cJSON_CreateObject();
    cJSON_AddItemToObject(whole, "container", cJSON_Duplicate(stored->entry, true));
    if (stored->spec)
        cJSON_AddItemToObject(whole, "config", cJSON_Duplicate(stored->spec, true));
    if (stored->config)
        cJSON_AddItemToObject(whole, "database", cJSON_Duplicate(stored->config, true));
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(whole);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(stored->reading, &text, whole, environments);
    return 0;
}

static int hand_over(struct stored *stored)
{
    struct engine_reading *reading = stored->reading;
    const struct record *known = engine_known(reading, stored->id);
    const cJSON *metadata = stored->metadata;
    struct record *record = engine_container_begin(reading, stored->id);
    if (!record)
        return error_memory();
    engine_set_string(reading, CONTAINER_NAME, json_get(metadata, "name"));
    engine_set_string(reading, CONTAINER_IMAGE, json_get(metadata, "image-name"));
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, json_get(metadata, "image-id"));
    set_kept(stored);
    if (stored->spec)
        set_spec(stored);
    set_state(stored);
    /* The storage's own moment is a bit later than Podman's. */
    if (!record_has(record, CONTAINER_CREATED_AT) && known)
        record->values[CONTAINER_CREATED_AT] = known->values[CONTAINER_CREATED_AT];
    if (!record_has(record, CONTAINER_CREATED_AT))
        engine_set_time(reading, CONTAINER_CREATED_AT, json_get(stored->entry, "created"));
    int r = keep_documents(stored);
    return r < 0 ? r : engine_container_end(reading);
}

/* Others use the same storage: Buildah's containers have no such metadata, those of CRI-O are in
 * pods that have other names. */
static bool is_of_podman(const cJSON *metadata)
{
    return json_get_string(metadata, "name") && !json_get(metadata, "pod-id");
}

static int take_stored(struct stored *stored)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    const char *metadata = json_get_string(stored->entry, "metadata");
    stored->id = json_get_string(stored->entry, "id");
    if (!stored->id || !*stored->id || strchr(stored->id, '/'))
        return engine_gap(stored->reading, NULL, EBADMSG, "its storage has a container without id");
    stored->metadata = metadata ? cJSON_Parse(metadata) : NULL;
    if (!is_of_podman(stored->metadata))
        return 0;
    const struct podman_kept *kept = podman_database_container(stored->database, stored->id);
    stored->config = kept ? parse(kept->config) : NULL;
    stored->last_seen = kept ? parse(kept->state) : NULL;
    append_path(&path, stored, folder_of(stored->reading), "config.json");
    int r = buffer_error(&path);
    if (r >= 0)
        r = engine_read_json(stored->reading, buffer_text(&path), &text, &stored->spec);
    stored->started = r != -ENOENT;
    if (r < 0 && r != -ENOENT)
        r = engine_gap(stored->reading, stored->id, -r, "cannot read its config.json");
    return r < 0 && stored->started ? r : hand_over(stored);
}

static int read_driver(struct engine_reading *reading, const char *name, void *userdata)
{
    static const char suffix[] = "-containers";
    size_t length = strlen(name);
    _cleanup_json_ cJSON *list = NULL;
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    const cJSON *entry;
    if (length <= strlen(suffix) || strcmp(name + length - strlen(suffix), suffix) != 0)
        return 0;
    buffer_append_format(&path, "%s/%s/containers.json", folder_of(reading), name);
    int r = buffer_error(&path);
    if (r >= 0)
        r = engine_read_json(reading, buffer_text(&path), &text, &list);
    if (r == -ENOENT) /* nothing was ever made */
        return 0;
    if (r < 0)
        return engine_gap(reading, NULL, -r, "cannot read its containers.json");
    cJSON_ArrayForEach (entry, list) {
        struct stored stored = {
            .reading = reading, .driver = name, .entry = entry, .database = userdata};
        r = take_stored(&stored);
        cJSON_Delete(stored.metadata);
        cJSON_Delete(stored.spec);
        cJSON_Delete(stored.config);
        cJSON_Delete(stored.last_seen);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What is wrong with it is a gap: there is the storage yet. */
static int read_database(struct engine_reading *reading, struct podman_database *database)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/libpod/bolt_state.db", folder_of(reading));
    int r = buffer_error(&path);
    if (r < 0)
        return r;
    _cleanup_close_ int fd = engine_open_file(reading, buffer_text(&path));
    r = fd < 0 ? fd : podman_database_read(database, fd);
    if (r == -ENOMEM)
        return error_memory();
    return r < 0 && r != -ENOENT ? engine_gap(reading, NULL, -r, "cannot read its database") : 0;
}

static int read_files(struct engine_reading *reading)
{
    struct podman_database database = {0};
    int r = read_database(reading, &database);
    if (r >= 0)
        r = engine_each_folder(reading, folder_of(reading), read_driver, &database);
    podman_database_free(&database);
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of podman in %s: %s", folder_of(reading),
                         error_name(r));
    return r;
}

static const char *const programs[] = {"podman", "conmon", NULL};

const struct engine engine_podman = {
    .name = "podman",
    .programs = programs,
    .found = found,
    .usual = usual,
    .ask = ask,
    .read = read_files,
};
