/* SPDX-License-Identifier: Apache-2.0 */
/* Docker: https://docs.docker.com/reference/api/engine/, and what dockerd keeps in
 * DATA-ROOT/containers/ID/: config.v2.json (its struct Container) and hostconfig.json. The names in
 * both are much the same. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/listed.h"

#include <string.h>

static const char usual_folder[] = "/var/lib/docker", usual_runtime_folder[] = "/run/docker";
static const char configuration[] = "/etc/docker/daemon.json";
static const char *const environments[] = {"Config.Env", NULL};

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

/* ---- asking ---- */

static void set_document(struct engine_reading *reading, const cJSON *entry, const cJSON *document)
{
    (void)entry;
    inspected_set(reading, document, json_get(document, "HostConfig"));
}

/* What the list alone says, where there was no more to be had. It cuts the creation to seconds. */
static void set_entry(struct engine_reading *reading, const cJSON *entry,
                      const struct record *known)
{
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(json_get(entry, "Names"), 0));
    engine_set_text(reading, CONTAINER_NAME, name && name[0] == '/' ? name + 1 : name);
    engine_set_string(reading, CONTAINER_IMAGE, json_get(entry, "Image"));
    engine_set_string(reading, CONTAINER_IMAGE_DIGEST, json_get(entry, "ImageID"));
    if (known)
        engine_container(reading)->values[CONTAINER_CREATED_AT] =
            known->values[CONTAINER_CREATED_AT];
    else
        engine_set_time(reading, CONTAINER_CREATED_AT, json_get(entry, "Created"));
    engine_set_string(reading, CONTAINER_CONTAINER_STATE, json_get(entry, "State"));
    engine_set_json(reading, CONTAINER_LABELS, json_get(entry, "Labels"), "{}");
    engine_add_groups_of_labels(reading, json_get(entry, "Labels"));
}

static int ask(struct engine_reading *reading)
{
    static const char *const volatile_members[] = {"Status", "Mounts", "Ports", NULL};
    static const struct listed_api api = {.engine = "docker",
                                          .version = "/info",
                                          .version_member = "ServerVersion",
                                          .list = "/containers/json?all=1",
                                          .before_id = "/containers/",
                                          .after_id = "/json",
                                          .volatile_members = volatile_members,
                                          .folder_member = "DockerRootDir",
                                          .before_written = "/containers/",
                                          .after_written = "/config.v2.json",
                                          .environments = environments,
                                          .set_document = set_document,
                                          .set_entry = set_entry};
    return listed_ask(reading, &api);
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
        json_get_string(json, "data-root"))
        folder = json_get_string(json, "data-root");
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
        engine_set_number(reading, CONTAINER_START_TICKS, json_get(json, "init_process_start"));
}

/* Its state is as dockerd last saw it, who may not have seen its end. */
static void set_end(struct engine_reading *reading)
{
    const struct record *record = engine_container(reading);
    bool gone = record_has(record, CONTAINER_START_TICKS) ? engine_process_has_gone(reading)
                                                          : !engine_process_exists(reading);
    if (record_integer(record, CONTAINER_PID, 0) > 0 && gone)
        engine_set_text(reading, CONTAINER_CONTAINER_STATE, "exited");
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
    inspected_set(reading, document, host_config);
    set_start(reading, name);
    set_end(reading);
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
