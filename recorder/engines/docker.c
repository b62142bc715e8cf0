/* SPDX-License-Identifier: Apache-2.0 */
/* Docker: https://docs.docker.com/reference/api/engine/, and what dockerd keeps in
 * DATA-ROOT/containers/ID/: config.v2.json (its struct Container) and hostconfig.json. The names in
 * both are much the same. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/json.h"

#include <string.h>

static const char usual_folder[] = "/var/lib/docker", usual_runtime_folder[] = "/run/docker";
static const char configuration[] = "/etc/docker/daemon.json";
static const char *const environments[] = {"Config.Env", NULL};

static const cJSON *get(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

static const char *get_string(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(get(json, name));
}

/* ---- where it is ---- */

/* The first socket among its -H and --host. */
static const char *socket_option(const struct engine_process *process)
{
    static const char scheme[] = "unix://";
    for (const char *const *argument = process->arguments; *argument; argument++) {
        const char *at = strstr(*argument, scheme);
        if (at && at[strlen(scheme)] == '/')
            return at + strlen(scheme);
    }
    return "/var/run/docker.sock";
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    const char *folder = engine_process_option(process, "--data-root");
    const char *runtime_folder = engine_process_option(process, "--exec-root");
    if (!folder)
        folder = engine_process_option(process, "-g");
    struct engine_place place = {
        .folder = folder ? folder : usual_folder,
        .runtime_folder = runtime_folder ? runtime_folder : usual_runtime_folder,
        .socket = engine_search_socket(search, process, socket_option(process))};
    return engine_search_add(search, process, &place);
}

static int usual(struct engine_search *search)
{
    struct engine_place place = {.folder = usual_folder, .runtime_folder = usual_runtime_folder};
    return engine_search_add(search, NULL, &place);
}

/* ---- what a document says ---- */

static void set_command(struct engine_reading *reading, const cJSON *document)
{
    _cleanup_json_ cJSON *command = cJSON_Duplicate(get(document, "Args"), true);
    const char *path = get_string(document, "Path");
    if (!command)
        command = cJSON_CreateArray();
    if (!path || !cJSON_IsArray(command))
        return;
    cJSON_InsertItemInArray(command, 0, cJSON_CreateString(path));
    engine_set_json(reading, CONTAINER_COMMAND, command, NULL);
}

static void set_host_namespaces(struct engine_reading *reading, const cJSON *host_config)
{
    static const struct {
        const char *type, *mode;
    } namespaces[] = {{"cgroup", "CgroupnsMode"}, {"ipc", "IpcMode"},     {"net", "NetworkMode"},
                      {"pid", "PidMode"},         {"user", "UsernsMode"}, {"uts", "UTSMode"}};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
        const char *mode = get_string(host_config, namespaces[i].mode);
        if (mode && strcmp(mode, "host") == 0)
            cJSON_AddItemToArray(list, cJSON_CreateString(namespaces[i].type));
    }
    engine_set_json(reading, CONTAINER_HOST_NAMESPACES, list, NULL);
}

/* Mounts of an answer is a list, MountPoints of a file an object. */
static void set_mounts(struct engine_reading *reading, const cJSON *mounts)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *mount;
    if (!cJSON_IsArray(mounts) && !cJSON_IsObject(mounts))
        return;
    cJSON_ArrayForEach (mount, mounts) {
        cJSON *object = cJSON_CreateObject();
        const char *names[][2] = {
            {"Type", "type"}, {"Source", "source"}, {"Destination", "target"}};
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (get_string(mount, names[i][0]))
                cJSON_AddStringToObject(object, names[i][1], get_string(mount, names[i][0]));
        cJSON_AddBoolToObject(object, "read_only", cJSON_IsFalse(get(mount, "RW")));
        cJSON_AddItemToArray(list, object);
    }
    engine_set_sorted(reading, CONTAINER_MOUNTS, list);
}

static void set_devices(struct engine_reading *reading, const cJSON *host_config)
{
    static const char *const names[][2] = {{"PathOnHost", "source"},
                                           {"PathInContainer", "target"},
                                           {"CgroupPermissions", "permissions"}};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *device;
    cJSON_ArrayForEach (device, get(host_config, "Devices")) {
        cJSON *object = cJSON_CreateObject();
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (get_string(device, names[i][0]))
                cJSON_AddStringToObject(object, names[i][1], get_string(device, names[i][0]));
        cJSON_AddItemToArray(list, object);
    }
    engine_set_sorted(reading, CONTAINER_DEVICES, list);
}

/* "80/tcp": [{"HostIp": "", "HostPort": "8080"}], or null for one that isn't published. */
static void add_port(cJSON *list, const cJSON *port)
{
    const cJSON *binding;
    const char *slash = strchr(port->string, '/');
    cJSON_ArrayForEach (binding, port) {
        cJSON *object = cJSON_CreateObject();
        const char *address = get_string(binding, "HostIp");
        const char *host_port = get_string(binding, "HostPort");
        cJSON_AddStringToObject(object, "protocol", slash ? slash + 1 : "tcp");
        cJSON_AddNumberToObject(object, "port", atoi(port->string));
        cJSON_AddStringToObject(object, "host_address", address ? address : "");
        cJSON_AddStringToObject(object, "host_port", host_port ? host_port : "");
        cJSON_AddItemToArray(list, object);
    }
}

/* As asked for; where the host's port was left to the engine, as it has given it. */
static void set_ports(struct engine_reading *reading, const cJSON *document,
                      const cJSON *host_config)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *ports = get(host_config, "PortBindings"), *port;
    if (!ports || !ports->child)
        ports = get(get(document, "NetworkSettings"), "Ports");
    cJSON_ArrayForEach (port, ports)
        add_port(list, port);
    engine_set_sorted(reading, CONTAINER_PORTS, list);
}

static void set_host_config(struct engine_reading *reading, const cJSON *document,
                            const cJSON *host_config)
{
    if (!cJSON_IsObject(host_config))
        return;
    engine_set_string(reading, CONTAINER_RUNTIME, get(host_config, "Runtime"));
    engine_set_number(reading, CONTAINER_PRIVILEGED, get(host_config, "Privileged"));
    engine_set_capabilities(reading, CONTAINER_ADDED_CAPABILITIES, get(host_config, "CapAdd"));
    engine_set_json(reading, CONTAINER_SECURITY_OPTIONS, get(host_config, "SecurityOpt"), "[]");
    engine_set_json(reading, CONTAINER_ANNOTATIONS, get(host_config, "Annotations"), "{}");
    set_host_namespaces(reading, host_config);
    set_devices(reading, host_config);
    set_ports(reading, document, host_config);
}

static void set_configuration(struct engine_reading *reading, const cJSON *config)
{
    if (!cJSON_IsObject(config))
        return;
    engine_set_string(reading, CONTAINER_IMAGE, get(config, "Image"));
    engine_set_json(reading, CONTAINER_LABELS, get(config, "Labels"), "{}");
    engine_set_environment(reading, get(config, "Env"));
    engine_add_groups_of_labels(reading, get(config, "Labels"));
}

/* Of an answer its Status; a file has flags alone (container/state.go: StateString()). */
static const char *state_of(const cJSON *state)
{
    static const struct {
        const char *flag, *name;
    } flags[] = {{"Paused", "paused"},
                 {"Restarting", "restarting"},
                 {"Running", "running"},
                 {"RemovalInProgress", "removing"},
                 {"Dead", "dead"}};
    const char *status = get_string(state, "Status"), *started = get_string(state, "StartedAt");
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags) && !status; i++)
        if (cJSON_IsTrue(get(state, flags[i].flag)))
            status = flags[i].name;
    if (status)
        return status;
    return started && strncmp(started, "0001-", 5) != 0 ? "exited" : "created";
}

static void set_state(struct engine_reading *reading, const cJSON *state)
{
    struct record *record = engine_container(reading);
    if (!cJSON_IsObject(state))
        return;
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, state_of(state));
    engine_set_time(reading, CONTAINER_BEGUN_AT, get(state, "StartedAt"));
    engine_set_time(reading, CONTAINER_FINISHED_AT, get(state, "FinishedAt"));
    if (record_has(record, CONTAINER_FINISHED_AT))
        engine_set_number(reading, CONTAINER_EXIT_CODE, get(state, "ExitCode"));
    engine_set_number(reading, CONTAINER_PID, get(state, "Pid"));
}

static void set_document(struct engine_reading *reading, const cJSON *document,
                         const cJSON *host_config)
{
    const char *name = get_string(document, "Name");
    engine_set_text(reading, CONTAINER_NAME, name && name[0] == '/' ? name + 1 : name);
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, get(document, "Image"));
    engine_set_time(reading, CONTAINER_CREATED_AT, get(document, "Created"));
    engine_set_number(reading, CONTAINER_RESTARTS, get(document, "RestartCount"));
    set_command(reading, document);
    set_state(reading, get(document, "State"));
    set_configuration(reading, get(document, "Config"));
    set_host_config(reading, document, host_config);
    set_mounts(reading, get(document, get(document, "Mounts") ? "Mounts" : "MountPoints"));
}

/* ---- asking ---- */

struct asking {
    struct engine_reading *reading;
    struct buffer body;
    char version[64];
    bool time_is_over; /* for details */
};

static int get_json(struct asking *asking, const char *path, cJSON **ret_json)
{
    int r = engine_client_get(engine_reading_client(asking->reading), path, &asking->body);
    if (r < 0)
        return r;
    *ret_json = cJSON_ParseWithLength(buffer_text(&asking->body), asking->body.length);
    return *ret_json ? 0 : error_set(EPROTO, "docker: the answer to %s is no JSON", path);
}

/* What changes while nothing does: how long it has been running, and the order of lists that the
 * engine makes of maps. */
static const char *listing_digest(struct engine_reading *reading, const cJSON *entry)
{
    _cleanup_json_ cJSON *copy = cJSON_Duplicate(entry, true);
    static const char *const volatile_names[] = {"Status", "Mounts", "Ports"};
    for (size_t i = 0; i < sizeof(volatile_names) / sizeof(*volatile_names); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(copy, volatile_names[i]);
    return copy ? engine_digest(reading, copy) : NULL;
}

static bool is_unchanged(struct engine_reading *reading, const struct record *known,
                         const char *digest)
{
    const char *before = known ? record_text(known, CONTAINER_LISTING) : NULL;
    return before && digest && strcmp(before, digest) == 0 &&
           record_has(known, CONTAINER_EVIDENCE) &&
           (!record_has(known, CONTAINER_PID) || engine_still_runs(reading, known));
}

static int set_details(struct asking *asking, const char *id)
{
    struct engine_reading *reading = asking->reading;
    _cleanup_json_ cJSON *document = NULL;
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "/containers/%s/json", id);
    int r = buffer_error(&path);
    if (r >= 0)
        r = get_json(asking, buffer_text(&path), &document);
    if (r < 0)
        return r;
    set_document(reading, document, get(document, "HostConfig"));
    engine_keep_document(reading, &asking->body, document, environments);
    return 0;
}

/* What the list alone says, where there was no more to be had. It cuts the creation to seconds. */
static void set_entry(struct engine_reading *reading, const cJSON *entry,
                      const struct record *known)
{
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(get(entry, "Names"), 0));
    engine_set_text(reading, CONTAINER_NAME, name && name[0] == '/' ? name + 1 : name);
    engine_set_string(reading, CONTAINER_IMAGE, get(entry, "Image"));
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, get(entry, "ImageID"));
    if (known)
        engine_container(reading)->values[CONTAINER_CREATED_AT] =
            known->values[CONTAINER_CREATED_AT];
    else
        engine_set_time(reading, CONTAINER_CREATED_AT, get(entry, "Created"));
    engine_set_string(reading, CONTAINER_CONTAINER_STATE, get(entry, "State"));
    engine_set_json(reading, CONTAINER_LABELS, get(entry, "Labels"), "{}");
    engine_add_groups_of_labels(reading, get(entry, "Labels"));
}

static int take_entry(struct asking *asking, const cJSON *entry)
{
    struct engine_reading *reading = asking->reading;
    const char *id = get_string(entry, "Id");
    if (!id || !*id)
        return engine_gap(reading, NULL, EPROTO, "docker lists a container without an id");
    const struct record *known = engine_known(reading, id);
    struct record *record = engine_container_begin(reading, id);
    const char *digest = record ? listing_digest(reading, entry) : NULL;
    if (!digest)
        return error_memory();
    int r = 0;
    record_set_text(record, CONTAINER_ENGINE_VERSION, asking->version[0] ? asking->version : NULL);
    if (is_unchanged(reading, known, digest)) {
        engine_container_as_known(reading, known);
        return engine_container_end(reading);
    }
    r = asking->time_is_over
            ? error_set(ETIMEDOUT, "there was no time to ask for more than it is listed with")
            : set_details(asking, id);
    asking->time_is_over |= r == -ETIMEDOUT;
    if (r == -ENOENT) /* it was removed meanwhile */
        return 0;
    if (r < 0) {
        set_entry(reading, entry, known);
        int told = engine_gap(reading, id, r > -ERROR_FIRST ? -r : EPROTO, error_message());
        return told < 0 ? told : engine_container_end(reading);
    }
    record_set_text(record, CONTAINER_LISTING, digest);
    return engine_container_end(reading);
}

static int take_list(struct asking *asking)
{
    _cleanup_json_ cJSON *information = NULL, *list = NULL;
    const cJSON *entry;
    int r = get_json(asking, "/info", &information);
    if (r < 0)
        return r;
    const char *version = get_string(information, "ServerVersion");
    snprintf(asking->version, sizeof(asking->version), "%s", version ? version : "");
    r = get_json(asking, "/containers/json?all=1", &list);
    if (r >= 0 && !cJSON_IsArray(list))
        r = error_set(EPROTO, "docker: its list of containers is no list");
    if (r < 0)
        return r;
    cJSON_ArrayForEach (entry, list) {
        r = take_entry(asking, entry);
        if (r < 0)
            return r;
    }
    return 0;
}

static int ask(struct engine_reading *reading)
{
    struct asking asking = {.reading = reading};
    int r = take_list(&asking);
    buffer_free(&asking.body);
    return r;
}

/* ---- its files ---- */

/* Where its containers are: as it was told when it was started, or in its configuration. */
static int find_folder(struct engine_reading *reading, struct buffer *ret_folder)
{
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_buffer_ struct buffer text = {0};
    const char *folder = engine_reading_place(reading)->folder;
    bool told_otherwise = strcmp(folder, usual_folder) != 0;
    if (!told_otherwise && engine_read_json(reading, configuration, &text, &json) >= 0 &&
        get_string(json, "data-root"))
        folder = get_string(json, "data-root");
    buffer_append_format(ret_folder, "%s/containers", folder);
    return buffer_error(ret_folder);
}

/* runc's own file has the start of the first process, by which it is told from a later one with its
 * number. */
static void set_start(struct engine_reading *reading, const char *id)
{
    _cleanup_json_ cJSON *json = NULL;
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    const char *folder = engine_reading_place(reading)->runtime_folder;
    buffer_append_format(&path, "%s/runtime-runc/moby/%s/state.json",
                         folder ? folder : usual_runtime_folder, id);
    if (!path.failed && engine_read_json(reading, buffer_text(&path), &text, &json) >= 0)
        engine_set_number(reading, CONTAINER_START_TICKS, get(json, "init_process_start"));
}

static int read_container(struct engine_reading *reading, const char *name, void *userdata)
{
    const char *folder = userdata;
    _cleanup_json_ cJSON *document = NULL;
    cJSON *host_config = NULL;
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    buffer_append_format(&path, "%s/%s/config.v2.json", folder, name);
    int r = engine_read_json(reading, buffer_text(&path), &text, &document);
    if (r == -ENOENT) /* being made, or removed */
        return 0;
    if (r < 0)
        return engine_gap(reading, name, -r, "cannot read its config.v2.json");
    buffer_clear(&path);
    buffer_append_format(&path, "%s/%s/hostconfig.json", folder, name);
    r = engine_read_json(reading, buffer_text(&path), &text, &host_config);
    if (r < 0 && r != -ENOENT)
        r = engine_gap(reading, name, -r, "cannot read its hostconfig.json");
    else if (r >= 0)
        cJSON_AddItemToObject(document, "HostConfig", host_config);
    if ((r < 0 && r != -ENOENT) || !engine_container_begin(reading, name))
        return r < 0 ? r : error_memory();
    set_document(reading, document, host_config);
    set_start(reading, name);
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer whole = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    engine_keep_document(reading, &whole, document, environments);
    return printed ? engine_container_end(reading) : error_memory();
}

static int read_files(struct engine_reading *reading)
{
    _cleanup_buffer_ struct buffer folder = {0};
    int r = find_folder(reading, &folder);
    if (r >= 0)
        r = engine_each_folder(reading, buffer_text(&folder), read_container,
                               (void *)buffer_text(&folder));
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of docker in %s: %s", buffer_text(&folder),
                         error_name(r));
    return r;
}

static const char *const programs[] = {"dockerd", NULL};

const struct engine engine_docker = {
    .name = "docker",
    .programs = programs,
    .found = found,
    .usual = usual,
    .ask = ask,
    .read = read_files,
};
