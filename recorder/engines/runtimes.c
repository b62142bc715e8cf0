/* SPDX-License-Identifier: Apache-2.0 */
/* runc and crun by themselves: containers that nobody manages. They leave a folder for each below
 * /run while it is there, and nothing else runs for them. Who has his containers run by them keeps
 * those folders in the same place: what he tells of them is believed before this, and isn't told
 * twice (recorder/container_table.h). */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"
#include "recorder/engines/oci.h"

#include <string.h>

/* ---- where they are ---- */

static int add_usual(struct engine_search *search, const struct oci_runtime *runtime, uid_t uid)
{
    _cleanup_buffer_ struct buffer folder = {0};
    oci_append_folder(&folder, runtime, uid);
    if (folder.failed)
        return error_memory();
    struct engine_place place = {.folder = buffer_text(&folder), .uid = uid};
    return engine_search_add(search, NULL, &place);
}

/* One that stays, because its container has the terminal, or conmon with what it passes on to it:
 * --runtime-arg --root --runtime-arg FOLDER, or --runtime-arg --root=FOLDER. */
static int found(struct engine_search *search, const struct engine_process *process,
                 const char *runtime)
{
    static const char root[] = "--root=", passes_on[] = "--runtime-arg";
    bool monitor = strcmp(process->command_name, "conmon") == 0;
    const char *program = monitor ? engine_process_option(process, "-r") : runtime;
    const char *name = program ? strrchr(program, '/') : NULL;
    const char *folder = monitor ? NULL : engine_process_option(process, "--root");
    for (const char *const *word = process->arguments; monitor && word[0] && word[1]; word++) {
        if (strcmp(word[0], passes_on) != 0)
            continue;
        if (strncmp(word[1], root, strlen(root)) == 0)
            folder = word[1] + strlen(root);
        else if (strcmp(word[1], "--root") == 0 && word[2] && strcmp(word[2], passes_on) == 0)
            folder = word[3];
    }
    if (!folder || strcmp(name ? name + 1 : program, runtime) != 0)
        return 0;
    struct engine_place place = {.folder = folder};
    return engine_search_add(search, process, &place);
}

/* ---- their containers ---- */

/* One of the folders. */
struct runtime_folder {
    const struct oci_runtime *runtime;
    const char *path;
    bool usual; /* of the host: the names in it are the ids */
};

static const char *type_of_mount(struct engine_reading *reading, const char *source)
{
    (void)reading;
    (void)source;
    return "bind";
}

static void set_spec(struct engine_reading *reading, const cJSON *spec)
{
    const cJSON *capabilities = json_get(json_get(spec, "process"), "capabilities");
    oci_set_process(reading, spec);
    oci_set_host_namespaces(reading, spec, true);
    oci_set_mounts(reading, spec, type_of_mount);
    engine_set_capabilities(reading, CONTAINER_ADDED_CAPABILITIES,
                            json_get(capabilities, "bounding"));
}

static int read_config(struct engine_reading *reading, const char *folder, cJSON **ret_spec)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    buffer_append_format(&path, "%s/config.json", folder);
    int r = buffer_error(&path);
    return r < 0 ? r : engine_read_json(reading, buffer_text(&path), &text, ret_spec);
}

/* crun keeps a copy of it. The bundle belongs to whoever made it, who may have changed it since. 0
 * also where there is none. */
static int read_spec(struct engine_reading *reading, const struct runtime_folder *folder,
                     const char *name, const cJSON *state, cJSON **ret_spec)
{
    _cleanup_buffer_ struct buffer own = {0};
    const char *bundle = oci_bundle(state);
    buffer_append_format(&own, "%s/%s", folder->path, name);
    int r = buffer_error(&own);
    if (r >= 0)
        r = read_config(reading, buffer_text(&own), ret_spec);
    if (r == -ENOENT && bundle)
        r = read_config(reading, bundle, ret_spec);
    return r == -ENOENT ? 0 : r;
}

static int keep_documents(struct engine_reading *reading, const cJSON *state, const cJSON *spec)
{
    static const char *const environments[] = {"config.process.env", NULL};
    _cleanup_json_ cJSON *whole = cJSON_CreateObject();
    cJSON_AddItemToObject(whole, "state", cJSON_Duplicate(state, true));
    if (spec)
        cJSON_AddItemToObject(whole, "config", cJSON_Duplicate(spec, true));
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(whole);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(reading, &text, whole, environments);
    return 0;
}

static int hand_over(struct engine_reading *reading, const struct runtime_folder *folder,
                     const char *name, const cJSON *state)
{
    _cleanup_buffer_ struct buffer id = {0};
    _cleanup_json_ cJSON *spec = NULL;
    if (folder->usual)
        buffer_append_text(&id, name);
    else
        buffer_append_format(&id, "%s/%s", folder->path, name);
    int r = buffer_error(&id);
    if (r >= 0)
        r = read_spec(reading, folder, name, state, &spec);
    if (r < 0 && r != -ENOMEM)
        r = engine_gap(reading, buffer_text(&id), -r, "cannot read its config.json");
    if (r >= 0 && !engine_container_begin(reading, buffer_text(&id)))
        r = error_memory();
    if (r < 0)
        return r;
    engine_set_text(reading, CONTAINER_NAME, name);
    engine_set_time(reading, CONTAINER_CREATED_AT, json_get(state, "created"));
    oci_set_state(reading, folder->runtime, folder->path, name, state);
    if (spec)
        set_spec(reading, spec);
    r = keep_documents(reading, state, spec);
    return r < 0 ? r : engine_container_end(reading);
}

static int take_folder(struct engine_reading *reading, const char *name, void *userdata)
{
    const struct runtime_folder *folder = userdata;
    _cleanup_json_ cJSON *state = NULL;
    int r = oci_read_state(reading, folder->runtime, folder->path, name, &state);
    if (r == -ENOENT) /* being made, or removed */
        return 0;
    if (r < 0)
        return engine_gap(reading, name, -r, "cannot read its state");
    return hand_over(reading, folder, name, state);
}

static int read_files(struct engine_reading *reading, const struct oci_runtime *runtime)
{
    _cleanup_buffer_ struct buffer usual = {0};
    struct runtime_folder folder = {.runtime = runtime,
                                    .path = engine_reading_place(reading)->folder};
    oci_append_folder(&usual, runtime, 0);
    folder.usual = strcmp(buffer_text(&usual), folder.path) == 0;
    int r = buffer_error(&usual);
    if (r >= 0)
        r = engine_each_folder(reading, folder.path, take_folder, &folder);
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of %s in %s: %s", runtime->name,
                         folder.path, error_name(r));
    return r;
}

/* ---- runc ---- */

static int runc_found(struct engine_search *search, const struct engine_process *process)
{
    return found(search, process, oci_runc.name);
}

static int runc_usual_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    (void)home;
    return add_usual(search, &oci_runc, uid);
}

static int runc_usual(struct engine_search *search)
{
    int r = add_usual(search, &oci_runc, 0);
    return r < 0 ? r : engine_search_users(search, runc_usual_of_user);
}

static int runc_read(struct engine_reading *reading)
{
    return read_files(reading, &oci_runc);
}

static const char *const runc_programs[] = {"runc", "conmon", NULL};

const struct engine engine_runc = {.name = "runc",
                                   .programs = runc_programs,
                                   .found = runc_found,
                                   .usual = runc_usual,
                                   .read = runc_read};

/* ---- crun ---- */

static int crun_found(struct engine_search *search, const struct engine_process *process)
{
    return found(search, process, oci_crun.name);
}

static int crun_usual_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    (void)home;
    return add_usual(search, &oci_crun, uid);
}

static int crun_usual(struct engine_search *search)
{
    int r = add_usual(search, &oci_crun, 0);
    return r < 0 ? r : engine_search_users(search, crun_usual_of_user);
}

static int crun_read(struct engine_reading *reading)
{
    return read_files(reading, &oci_crun);
}

static const char *const crun_programs[] = {"crun", "conmon", NULL};

const struct engine engine_crun = {.name = "crun",
                                   .programs = crun_programs,
                                   .found = crun_found,
                                   .usual = crun_usual,
                                   .read = crun_read};
