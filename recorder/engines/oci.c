/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/oci.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"

#include <string.h>

const struct oci_runtime oci_runc = {"runc", "state.json", "init_process_pid",
                                     "init_process_start"};
const struct oci_runtime oci_crun = {"crun", "status", "pid", "process-start-time"};

void oci_append_folder(struct buffer *buffer, const struct oci_runtime *runtime, uid_t uid)
{
    if (uid)
        buffer_append_format(buffer, "/run/user/%u/%s", (unsigned)uid, runtime->name);
    else
        buffer_append_format(buffer, "/run/%s", runtime->name);
}

/* ---- the state ---- */

int oci_read_state(struct engine_reading *reading, const struct oci_runtime *runtime,
                   const char *folder, const char *id, cJSON **ret_state)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    buffer_append_format(&path, "%s/%s/%s", folder, id, runtime->file);
    int r = buffer_error(&path);
    return r < 0 ? r : engine_read_json(reading, buffer_text(&path), &text, ret_state);
}

const char *oci_bundle(const cJSON *state)
{
    static const char label[] = "bundle=";
    const char *bundle = json_get_string(state, "bundle");
    const cJSON *element;
    cJSON_ArrayForEach (element, json_get(json_get(state, "config"), "labels")) {
        const char *text = cJSON_GetStringValue(element);
        if (!bundle && text && strncmp(text, label, strlen(label)) == 0)
            bundle = text + strlen(label);
    }
    return bundle;
}

/* Whoever waits to be started holds this open, in both. */
static bool is_started(struct engine_reading *reading, const char *folder, const char *id)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/%s/exec.fifo", folder, id);
    return path.failed || !engine_has_file(reading, buffer_text(&path));
}

void oci_set_state(struct engine_reading *reading, const struct oci_runtime *runtime,
                   const char *folder, const char *id, const cJSON *state)
{
    engine_set_text(reading, CONTAINER_RUNTIME, runtime->name);
    engine_set_number(reading, CONTAINER_PID, json_get(state, runtime->pid));
    engine_set_number(reading, CONTAINER_START_TICKS, json_get(state, runtime->start_ticks));
    const char *word = engine_process_has_gone(reading)   ? "stopped"
                       : !is_started(reading, folder, id) ? "created"
                                                          : "running";
    engine_set_text(reading, CONTAINER_CONTAINER_STATE, word);
}

/* ---- the specification ---- */

void oci_set_process(struct engine_reading *reading, const cJSON *spec)
{
    const cJSON *process = json_get(spec, "process");
    engine_set_json(reading, CONTAINER_COMMAND, json_get(process, "args"), NULL);
    engine_set_environment(reading, json_get(process, "env"));
    engine_set_annotations(reading, json_get(spec, "annotations"));
    engine_add_groups_of_labels(reading, json_get(spec, "annotations"));
}

static bool has_namespace(const cJSON *list, const char *type)
{
    const cJSON *element;
    cJSON_ArrayForEach (element, list) {
        const char *name = json_get_string(element, "type");
        if (name && strcmp(name, type) == 0)
            return true;
    }
    return false;
}

void oci_set_host_namespaces(struct engine_reading *reading, const cJSON *spec, bool user)
{
    static const char *const types[][2] = {{"cgroup", "cgroup"}, {"ipc", "ipc"}, {"mnt", "mount"},
                                           {"net", "network"},   {"pid", "pid"}, {"user", "user"},
                                           {"uts", "uts"}};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *namespaces = json_get(json_get(spec, "linux"), "namespaces");
    if (!cJSON_IsArray(namespaces))
        return;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (!has_namespace(namespaces, types[i][1]) && (user || strcmp(types[i][0], "user") != 0))
            cJSON_AddItemToArray(list, cJSON_CreateString(types[i][0]));
    engine_set_json(reading, CONTAINER_HOST_NAMESPACES, list, NULL);
}

static bool has_option(const cJSON *mount, const char *option)
{
    const cJSON *element;
    cJSON_ArrayForEach (element, json_get(mount, "options")) {
        const char *text = cJSON_GetStringValue(element);
        if (text && strcmp(text, option) == 0)
            return true;
    }
    return false;
}

void oci_set_mounts(struct engine_reading *reading, const cJSON *spec,
                    const char *(*type_of)(struct engine_reading *reading, const char *source))
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *mount;
    cJSON_ArrayForEach (mount, json_get(spec, "mounts")) {
        const char *source = json_get_string(mount, "source");
        const char *target = json_get_string(mount, "destination");
        bool bind = has_option(mount, "bind") || has_option(mount, "rbind");
        const char *type = bind && source && target ? type_of(reading, source) : NULL;
        if (!type)
            continue;
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "type", type);
        cJSON_AddStringToObject(object, "source", source);
        cJSON_AddStringToObject(object, "target", target);
        cJSON_AddBoolToObject(object, "read_only", has_option(mount, "ro"));
        cJSON_AddItemToArray(list, object);
    }
    engine_set_sorted(reading, CONTAINER_MOUNTS, list);
}
