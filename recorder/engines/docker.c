/* SPDX-License-Identifier: Apache-2.0 */
/* Docker: https://docs.docker.com/reference/api/engine/, and what dockerd keeps in
 * DATA-ROOT/containers/ID/: config.v2.json (its struct Container) and hostconfig.json. The names in
 * both are much the same. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/listed.h"

#include <limits.h>
#include <string.h>

static const char usual_folder[] = "/var/lib/docker", usual_runtime_folder[] = "/run/docker";
static const char configuration[] = "/etc/docker/daemon.json";
static const char *const environments[] = {"Config.Env", NULL};

/* ---- where it is ---- */

/* Adds it with what isn't told as it usually is, for root or for a user ("rootless"). */
static int add_place(struct engine_search *search, const struct engine_process *process,
                     const char *home, uid_t uid, struct engine_place place)
{
    _cleanup_buffer_ struct buffer folder = {0}, runtime_folder = {0};
    buffer_append_format(&folder, "%s/.local/share/docker", home ? home : "");
    buffer_append_format(&runtime_folder, "/run/user/%u/docker", (unsigned)uid);
    if (folder.failed || runtime_folder.failed)
        return error_memory();
    if (!place.folder)
        place.folder = uid && home ? buffer_text(&folder) : usual_folder;
    if (!place.runtime_folder)
        place.runtime_folder = uid ? buffer_text(&runtime_folder) : usual_runtime_folder;
    place.uid = uid;
    return engine_search_add(search, process, &place);
}

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

/* Whatever else it listens on, but for its own parts. */
static int take_socket(void *userdata, const char *path)
{
    static const char metrics[] = "/metrics.sock";
    char *socket = userdata;
    size_t length = strlen(path), suffix = strlen(metrics);
    bool of_a_part = strstr(path, "/libnetwork/") ||
                     (length >= suffix && strcmp(path + length - suffix, metrics) == 0);
    if (path[0] == '/' && !of_a_part && length < PATH_MAX)
        memcpy(socket, path, length + 1);
    return 0;
}

/* Its configuration may call its socket anything. */
static const char *find_socket(struct engine_search *search, const struct engine_process *process,
                               char other[static PATH_MAX])
{
    const char *socket = engine_search_socket(search, process, socket_option(process));
    other[0] = '\0';
    if (!socket && engine_search_listeners(search, process, take_socket, other) >= 0 && other[0])
        socket = other;
    return socket;
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    char other[PATH_MAX];
    const char *folder = engine_process_option(process, "--data-root");
    struct engine_place place = {.folder = folder ? folder : engine_process_option(process, "-g"),
                                 .runtime_folder = engine_process_option(process, "--exec-root"),
                                 .socket = find_socket(search, process, other)};
    return add_place(search, process, engine_search_home(search, process->uid), process->uid,
                     place);
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
    if (record_integer(record, CONTAINER_PID, 0) > 0 && gone && engine_sees_processes(reading))
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
    .configuration = configuration,
    .ask = ask,
    .read = read_files,
};
