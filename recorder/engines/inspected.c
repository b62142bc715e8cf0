/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/inspected.h"

#include <string.h>

const cJSON *json_get(const cJSON *json, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(json, name);
}

const char *json_get_string(const cJSON *json, const char *name)
{
    return cJSON_GetStringValue(json_get(json, name));
}

void inspected_set_command(struct engine_reading *reading, const char *path, const cJSON *arguments)
{
    _cleanup_json_ cJSON *command = cJSON_Duplicate(arguments, true);
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
    } namespaces[] = {{"cgroup", "CgroupnsMode"}, {"cgroup", "CgroupMode"}, /* Podman's */
                      {"ipc", "IpcMode"},         {"net", "NetworkMode"},   {"pid", "PidMode"},
                      {"user", "UsernsMode"},     {"uts", "UTSMode"}};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof(namespaces) / sizeof(*namespaces); i++) {
        const char *mode = json_get_string(host_config, namespaces[i].mode);
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
            if (json_get_string(mount, names[i][0]))
                cJSON_AddStringToObject(object, names[i][1], json_get_string(mount, names[i][0]));
        cJSON_AddBoolToObject(object, "read_only", cJSON_IsFalse(json_get(mount, "RW")));
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
    cJSON_ArrayForEach (device, json_get(host_config, "Devices")) {
        cJSON *object = cJSON_CreateObject();
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
            if (json_get_string(device, names[i][0]))
                cJSON_AddStringToObject(object, names[i][1], json_get_string(device, names[i][0]));
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
        const char *address = json_get_string(binding, "HostIp");
        const char *host_port = json_get_string(binding, "HostPort");
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
    const cJSON *ports = json_get(host_config, "PortBindings"), *port;
    if (!ports || !ports->child)
        ports = json_get(json_get(document, "NetworkSettings"), "Ports");
    cJSON_ArrayForEach (port, ports)
        add_port(list, port);
    engine_set_sorted(reading, CONTAINER_PORTS, list);
}

static void set_host_config(struct engine_reading *reading, const cJSON *document,
                            const cJSON *host_config)
{
    if (!cJSON_IsObject(host_config))
        return;
    engine_set_string(reading, CONTAINER_RUNTIME, json_get(host_config, "Runtime"));
    engine_set_number(reading, CONTAINER_PRIVILEGED, json_get(host_config, "Privileged"));
    engine_set_capabilities(reading, CONTAINER_ADDED_CAPABILITIES, json_get(host_config, "CapAdd"));
    engine_set_json(reading, CONTAINER_SECURITY_OPTIONS, json_get(host_config, "SecurityOpt"),
                    "[]");
    engine_set_json(reading, CONTAINER_ANNOTATIONS, json_get(host_config, "Annotations"), "{}");
    set_host_namespaces(reading, host_config);
    set_devices(reading, host_config);
    set_ports(reading, document, host_config);
}

static void set_configuration(struct engine_reading *reading, const cJSON *config)
{
    if (!cJSON_IsObject(config))
        return;
    engine_set_string(reading, CONTAINER_IMAGE, json_get(config, "Image"));
    engine_set_json(reading, CONTAINER_LABELS, json_get(config, "Labels"), "{}");
    engine_set_environment(reading, json_get(config, "Env"));
    engine_add_groups_of_labels(reading, json_get(config, "Labels"));
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
    const char *status = json_get_string(state, "Status"),
               *started = json_get_string(state, "StartedAt");
    for (size_t i = 0; i < sizeof(flags) / sizeof(*flags) && !status; i++)
        if (cJSON_IsTrue(json_get(state, flags[i].flag)))
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
    engine_set_time(reading, CONTAINER_BEGUN_AT, json_get(state, "StartedAt"));
    engine_set_time(reading, CONTAINER_FINISHED_AT, json_get(state, "FinishedAt"));
    if (record_has(record, CONTAINER_FINISHED_AT))
        engine_set_number(reading, CONTAINER_EXIT_CODE, json_get(state, "ExitCode"));
    engine_set_number(reading, CONTAINER_PID, json_get(state, "Pid"));
}

void inspected_set(struct engine_reading *reading, const cJSON *document, const cJSON *host_config)
{
    const char *name = json_get_string(document, "Name");
    engine_set_text(reading, CONTAINER_NAME, name && name[0] == '/' ? name + 1 : name);
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, json_get(document, "Image"));
    engine_set_time(reading, CONTAINER_CREATED_AT, json_get(document, "Created"));
    engine_set_number(reading, CONTAINER_RESTARTS, json_get(document, "RestartCount"));
    inspected_set_command(reading, json_get_string(document, "Path"), json_get(document, "Args"));
    set_state(reading, json_get(document, "State"));
    set_configuration(reading, json_get(document, "Config"));
    set_host_config(reading, document, host_config);
    set_mounts(reading,
               json_get(document, json_get(document, "Mounts") ? "Mounts" : "MountPoints"));
}
