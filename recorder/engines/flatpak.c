/* SPDX-License-Identifier: Apache-2.0 */
/* Flatpak: each run of an application is an instance, of which its user's runtime folder has a
 * description, and the application's root the same one (flatpak-metadata(5)). bubblewrap runs it.
 */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/settings.h"

#include <string.h>

enum { FILE_MOST = 1 << 20 };

/* ---- finding them ---- */

static int add(struct engine_search *search, const struct engine_process *process, uid_t uid)
{
    char folder[64];
    snprintf(folder, sizeof(folder), "/run/user/%u/.flatpak", (unsigned)uid);
    struct engine_place place = {.folder = folder, .uid = uid};
    return process ? engine_search_add_keeper(search, process, &place, "")
                   : engine_search_add(search, NULL, &place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    return add(search, process, process->uid);
}

static int usual_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    (void)home;
    return add(search, NULL, uid);
}

static int usual(struct engine_search *search)
{
    return engine_search_users(search, usual_of_user);
}

/* ---- what is known of an instance ---- */

struct info {
    struct engine_reading *reading;
    cJSON *values; /* "Section.key" */
    cJSON *environment, *mounts, *namespaces, *devices;
};

/* A list with a ';' behind each. */
static void take_list(struct span value, cJSON *list,
                      void (*add_one)(cJSON *list, struct span element))
{
    struct span element;
    while (span_take(&value, ';', &element))
        if (element.length)
            add_one(list, element);
}

/* "home", "/path", "xdg-run/x:ro"; what is taken back has a '!' before it. */
static void add_mount(cJSON *list, struct span element)
{
    if (span_starts(element, "!"))
        return;
    struct span source = element, mode = {0};
    if (memchr(element.bytes, ':', element.length)) {
        span_take(&element, ':', &source);
        mode = element;
    }
    cJSON *mount = cJSON_CreateObject();
    cJSON_AddStringToObject(mount, "type", "bind");
    cJSON_AddItemToObject(mount, "source", json_of_span(source));
    cJSON_AddItemToObject(mount, "target", json_of_span(source));
    cJSON_AddBoolToObject(mount, "read_only", mode.length && span_is(mode, "ro"));
    cJSON_AddItemToArray(list, mount);
}

static void add_namespace(cJSON *list, struct span element)
{
    if (span_is(element, "network"))
        cJSON_AddItemToArray(list, cJSON_CreateString("net"));
    else if (span_is(element, "ipc"))
        cJSON_AddItemToArray(list, cJSON_CreateString("ipc"));
}

static void add_text(cJSON *list, struct span element)
{
    cJSON_AddItemToArray(list, json_of_span(element));
}

static void take_variable(const struct info *info, const struct setting *setting)
{
    _cleanup_buffer_ struct buffer variable = {0};
    buffer_append(&variable, setting->key.bytes, setting->key.length);
    buffer_append_char(&variable, '=');
    buffer_append(&variable, setting->value.bytes, setting->value.length);
    add_text(info->environment, (struct span){variable.bytes, variable.length});
}

static int take_setting(void *userdata, const struct setting *setting)
{
    const struct info *info = userdata;
    _cleanup_buffer_ struct buffer key = {0};
    if (span_is(setting->section, "Environment")) {
        take_variable(info, setting);
        return 0;
    }
    buffer_append(&key, setting->section.bytes, setting->section.length);
    buffer_append_char(&key, '.');
    buffer_append(&key, setting->key.bytes, setting->key.length);
    if (key.failed)
        return error_memory();
    cJSON_DeleteItemFromObjectCaseSensitive(info->values, buffer_text(&key));
    cJSON_AddItemToObject(info->values, buffer_text(&key), json_of_span(setting->value));
    if (strcmp(buffer_text(&key), "Context.filesystems") == 0)
        take_list(setting->value, info->mounts, add_mount);
    else if (strcmp(buffer_text(&key), "Context.shared") == 0)
        take_list(setting->value, info->namespaces, add_namespace);
    else if (strcmp(buffer_text(&key), "Context.devices") == 0)
        take_list(setting->value, info->devices, add_text);
    return 0;
}

/* "org.example.App/x86_64/stable" */
static void set_image(const struct info *info)
{
    _cleanup_buffer_ struct buffer image = {0};
    const char *name = json_get_string(info->values, "Application.name");
    const char *arch = json_get_string(info->values, "Instance.arch");
    const char *branch = json_get_string(info->values, "Instance.branch");
    buffer_append_format(&image, "%s/%s/%s", name ? name : "", arch ? arch : "",
                         branch ? branch : "");
    engine_set_text(info->reading, CONTAINER_IMAGE, name ? buffer_text(&image) : NULL);
}

static void set_columns(const struct info *info)
{
    struct engine_reading *reading = info->reading;
    const char *application = json_get_string(info->values, "Application.name");
    engine_set_text(reading, CONTAINER_NAME, application);
    set_image(info);
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST,
                      json_get(info->values, "Instance.app-commit"));
    engine_set_string(reading, CONTAINER_ENGINE_VERSION,
                      json_get(info->values, "Instance.flatpak-version"));
    engine_set_text(reading, CONTAINER_RUNTIME, "bwrap");
    engine_set_environment(reading, info->environment);
    engine_set_sorted(reading, CONTAINER_MOUNTS, info->mounts);
    engine_set_sorted(reading, CONTAINER_HOST_NAMESPACES, info->namespaces);
    engine_set_sorted(reading, CONTAINER_DEVICES, info->devices);
    if (application)
        engine_add_group(reading, "flatpak-application", application);
}

static int keep_document(struct info *info)
{
    static const char *const environments[] = {"environment", NULL};
    _cleanup_json_ cJSON *document = cJSON_CreateObject();
    cJSON_AddItemToObject(document, "info", steal_pointer(info->values));
    cJSON_AddItemToObject(document, "environment", steal_pointer(info->environment));
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(info->reading, &text, document, environments);
    return 0;
}

/* ---- all of them ---- */

/* `id` is the instance's as its folder is called, NULL where the description has to tell it. */
static int hand_over(struct info *info, const char *id, const struct engine_keeper *keeper)
{
    struct engine_reading *reading = info->reading;
    const char *instance = id ? id : json_get_string(info->values, "Instance.instance-id");
    if (!instance || !*instance || strchr(instance, '/'))
        return 0;
    if (!engine_container_begin(reading, instance))
        return error_memory();
    set_columns(info);
    if (keeper)
        engine_set_kept_process(reading, keeper);
    int r = keep_document(info);
    return r < 0 ? r : engine_container_end(reading);
}

static int take_info(struct engine_reading *reading, const char *id,
                     const struct engine_keeper *keeper, const struct buffer *text)
{
    struct info info = {.reading = reading};
    cJSON **lists[] = {&info.environment, &info.mounts, &info.namespaces, &info.devices};
    info.values = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        *lists[i] = cJSON_CreateArray();
    int r = settings_parse(buffer_text(text), text->length, take_setting, &info);
    if (r >= 0)
        r = hand_over(&info, id, keeper);
    cJSON_Delete(info.values);
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        cJSON_Delete(*lists[i]);
    return r;
}

/* bubblewrap says which process it has made: what keeps that one is the instance's keeper. */
static const struct engine_keeper *find_keeper(struct engine_reading *reading, const char *folder)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    _cleanup_json_ cJSON *json = NULL;
    const struct engine_keeper *keeper = engine_keepers(reading);
    buffer_append_format(&path, "%s/bwrapinfo.json", folder);
    if (!keeper || path.failed || engine_read_json(reading, path.bytes, &text, &json) < 0)
        return NULL;
    const cJSON *child = json_get(json, "child-pid");
    while (keeper && (!cJSON_IsNumber(child) || child->valuedouble < 1 ||
                      engine_kept_process(reading, keeper) != child->valueint))
        keeper = keeper->next;
    return keeper;
}

static int take_instance(struct engine_reading *reading, const char *name, void *userdata)
{
    _cleanup_buffer_ struct buffer folder = {0}, path = {0}, text = {0};
    (void)userdata;
    buffer_append_format(&folder, "%s/%s", engine_reading_place(reading)->folder, name);
    buffer_append_format(&path, "%s/info", buffer_text(&folder));
    if (folder.failed || path.failed)
        return error_memory();
    int r = engine_read_file(reading, path.bytes, FILE_MOST, &text);
    if (r == -ENOENT || r == -ENOTDIR) /* it is being made, or removed; or is something else */
        return 0;
    if (r < 0)
        return r == -ENOMEM ? r : engine_gap(reading, name, -r, "cannot read its description");
    return take_info(reading, name, find_keeper(reading, folder.bytes), &text);
}

/* Whose folder is gone: by what bubblewrap runs, where that has a description in its root. */
static int take_kept(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    _cleanup_buffer_ struct buffer text = {0};
    int r = engine_read_kept_file(reading, keeper, "/.flatpak-info", FILE_MOST, &text);
    if (r < 0) /* something else that bubblewrap runs */
        return r == -ENOMEM ? r : 0;
    return take_info(reading, NULL, keeper, &text);
}

static int read_all(struct engine_reading *reading)
{
    const char *folder = engine_reading_place(reading)->folder;
    int r = engine_each_folder(reading, folder, take_instance, NULL);
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the instances of flatpak in %s: %s", folder,
                         error_name(r));
    r = 0;
    for (const struct engine_keeper *keeper = engine_keepers(reading); keeper && r >= 0;
         keeper = keeper->next)
        r = take_kept(reading, keeper);
    return r;
}

static const char *const programs[] = {"bwrap", NULL};

const struct engine engine_flatpak = {
    .name = "flatpak",
    .cgroup_name = "flatpak",
    .programs = programs,
    .found = found,
    .usual = usual,
    .read = read_all,
    .state_is_seen = true,
};
