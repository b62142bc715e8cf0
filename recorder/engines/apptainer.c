/* SPDX-License-Identifier: Apache-2.0 */
/* Apptainer, and Singularity, which it was called before: instances have names, and a file each in
 * their user's home; other runs have nothing but the process that keeps them. An image has
 * /.singularity.d in it. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/inspected.h"

#include <string.h>

enum { FILE_MOST = 1 << 20 };

/* Below a home; then come HOST/USER/NAME/NAME.json. */
static const char *const instances[] = {".apptainer/instances/app", ".singularity/instances/sing"};

/* ---- finding them ---- */

static int add(struct engine_search *search, const struct engine_process *process, const char *home,
               uid_t uid)
{
    struct engine_place place = {.folder = home ? home : "/", .uid = uid};
    return process ? engine_search_add_keeper(search, process, &place, "")
                   : engine_search_add(search, NULL, &place);
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    return add(search, process, engine_search_home(search, process->uid), process->uid);
}

static int usual_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    return add(search, NULL, home, uid);
}

static int usual(struct engine_search *search)
{
    int r = add(search, NULL, engine_search_home(search, 0), 0);
    return r < 0 ? r : engine_search_users(search, usual_of_user);
}

/* ---- what is in the image ---- */

static void set_labels(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    _cleanup_buffer_ struct buffer text = {0};
    if (engine_read_kept_file(reading, keeper, "/.singularity.d/labels.json", FILE_MOST, &text) < 0)
        return;
    _cleanup_json_ cJSON *labels = cJSON_ParseWithLength(buffer_text(&text), text.length);
    if (cJSON_IsObject(labels))
        engine_set_json(reading, CONTAINER_LABELS, labels, NULL);
}

static void set_kept(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    if (!keeper)
        return;
    engine_set_kept_process(reading, keeper);
    set_labels(reading, keeper);
}

/* ---- instances ---- */

/* The folders on the way to an instance. */
struct level {
    const char *path, *user;
    unsigned depth; /* 0: hosts, 1: users, 2: instances */
};

static const struct engine_keeper *find_keeper(struct engine_reading *reading, const cJSON *number)
{
    const struct engine_keeper *keeper = engine_keepers(reading);
    while (keeper && (!cJSON_IsNumber(number) || number->valuedouble < 1 ||
                      engine_kept_process(reading, keeper) != number->valueint))
        keeper = keeper->next;
    return keeper;
}

/* Its "config" has all of the environment in it, and isn't needed. */
static int keep_document(struct engine_reading *reading, cJSON *document)
{
    static const char *const environments[] = {NULL};
    cJSON_DeleteItemFromObjectCaseSensitive(document, "config");
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(reading, &text, document, environments);
    return 0;
}

static int take_instance(struct engine_reading *reading, const struct level *level,
                         const char *name)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0}, id = {0};
    _cleanup_json_ cJSON *document = NULL;
    buffer_append_format(&path, "%s/%s/%s.json", level->path, name, name);
    buffer_append_format(&id, "%s/%s", level->user, name);
    if (path.failed || id.failed)
        return error_memory();
    int r = engine_read_json(reading, path.bytes, &text, &document);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r < 0)
        return engine_gap(reading, id.bytes, -r, "cannot read its description");
    if (!engine_container_begin(reading, id.bytes))
        return error_memory();
    engine_set_text(reading, CONTAINER_NAME, name);
    engine_set_string(reading, CONTAINER_IMAGE, json_get(document, "image"));
    set_kept(reading, find_keeper(reading, json_get(document, "pid")));
    r = keep_document(reading, document);
    return r < 0 ? r : engine_container_end(reading);
}

static int take_level(struct engine_reading *reading, const char *name, void *userdata)
{
    const struct level *level = userdata;
    if (level->depth == 2)
        return take_instance(reading, level, name);
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/%s", level->path, name);
    if (path.failed)
        return error_memory();
    struct level inner = {.path = path.bytes, .user = name, .depth = level->depth + 1};
    int r = engine_each_folder(reading, path.bytes, take_level, &inner);
    return r == -ENOENT || r == -ENOTDIR || r == -EACCES ? 0 : r;
}

/* ---- runs without a name ---- */

/* Who keeps one calls itself "Apptainer runtime parent". Not every "starter" is one of these. */
static bool is_of_apptainer(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    _cleanup_buffer_ struct buffer text = {0};
    const char *title = keeper->arguments[0] ? keeper->arguments[0] : "";
    return strncmp(title, "Apptainer ", strlen("Apptainer ")) == 0 ||
           strncmp(title, "Singularity ", strlen("Singularity ")) == 0 ||
           engine_read_kept_file(reading, keeper, "/.singularity.d/runscript", FILE_MOST, &text) >=
               0;
}

/* All that tells one from another is when it was started. */
static int take_run(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    char id[64];
    if (!engine_kept_process(reading, keeper) || !is_of_apptainer(reading, keeper))
        return 0;
    snprintf(id, sizeof(id), "uid-%u/%lld", (unsigned)engine_reading_place(reading)->uid,
             (long long)keeper->start_ticks);
    if (!engine_container_begin(reading, id))
        return error_memory();
    set_kept(reading, keeper);
    return engine_container_end(reading);
}

/* ---- all of them ---- */

/* An instance is told of first: its keeper tells of the same again, which is left out then. */
static int read_all(struct engine_reading *reading)
{
    const char *home = engine_reading_place(reading)->folder;
    int r = 0;
    for (size_t i = 0; i < sizeof(instances) / sizeof(*instances) && r >= 0; i++) {
        _cleanup_buffer_ struct buffer path = {0};
        buffer_append_format(&path, "%s/%s", home, instances[i]);
        struct level level = {.path = path.bytes, .user = ""};
        r = path.failed ? error_memory()
                        : engine_each_folder(reading, path.bytes, take_level, &level);
        if (r == -ENOENT || r == -ENOTDIR)
            r = 0;
    }
    if (r < 0)
        return error_set(-r, "cannot read the instances of Apptainer in %s: %s", home,
                         error_name(r));
    for (const struct engine_keeper *keeper = engine_keepers(reading); keeper && r >= 0;
         keeper = keeper->next)
        r = take_run(reading, keeper);
    return r;
}

static const char *const programs[] = {"starter", "starter-suid", NULL};

static const char *const leaves[] = {"/.apptainer", "/.singularity", NULL};

const struct engine engine_apptainer = {
    .name = "apptainer",
    .programs = programs,
    .found = found,
    .usual = usual,
    .leaves = leaves,
    .read = read_all,
    .state_is_seen = true,
};
