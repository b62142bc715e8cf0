/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/oci_privileges.h"

#include "recorder/engines/inspected.h"

#include <string.h>

/* What Docker, containerd and, but for some that it leaves out, CRI-O give to every container. */
static const char *const usual_capabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

static bool is_usual(const char *capability)
{
    for (size_t i = 0; i < sizeof(usual_capabilities) / sizeof(*usual_capabilities); i++)
        if (strcmp(usual_capabilities[i], capability) == 0)
            return true;
    return false;
}

static void set_capabilities(struct engine_reading *reading, const cJSON *process)
{
    _cleanup_json_ cJSON *added = cJSON_CreateArray();
    const cJSON *element;
    cJSON_ArrayForEach (element, json_get(json_get(process, "capabilities"), "bounding")) {
        const char *name = cJSON_GetStringValue(element);
        if (name && !is_usual(name))
            cJSON_AddItemToArray(added, cJSON_CreateString(name));
    }
    engine_set_capabilities(reading, CONTAINER_ADDED_CAPABILITIES, added);
}

static void add_option(cJSON *list, const char *name, const char *value)
{
    char option[512];
    if (!value || !*value)
        return;
    snprintf(option, sizeof(option), "%s=%s", name, value);
    cJSON_AddItemToArray(list, cJSON_CreateString(option));
}

static void set_security_options(struct engine_reading *reading, const cJSON *spec)
{
    const cJSON *process = json_get(spec, "process");
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    add_option(list, "apparmor", json_get_string(process, "apparmorProfile"));
    add_option(list, "label", json_get_string(process, "selinuxLabel"));
    if (!json_get(json_get(spec, "linux"), "seccomp"))
        add_option(list, "seccomp", "unconfined");
    if (cJSON_IsTrue(json_get(process, "noNewPrivileges")))
        cJSON_AddItemToArray(list, cJSON_CreateString("no-new-privileges"));
    engine_set_json(reading, CONTAINER_SECURITY_OPTIONS, list, NULL);
}

static void set_devices(struct engine_reading *reading, const cJSON *spec)
{
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    const cJSON *device;
    cJSON_ArrayForEach (device, json_get(json_get(spec, "linux"), "devices")) {
        const char *path = json_get_string(device, "path");
        cJSON *object = path ? cJSON_CreateObject() : NULL;
        if (object)
            cJSON_AddStringToObject(object, "target", path);
        cJSON_AddItemToArray(list, object);
    }
    engine_set_sorted(reading, CONTAINER_DEVICES, list);
}

void oci_set_privileges(struct engine_reading *reading, const cJSON *spec)
{
    if (!cJSON_IsObject(spec))
        return;
    set_capabilities(reading, json_get(spec, "process"));
    set_security_options(reading, spec);
    set_devices(reading, spec);
}
