/* SPDX-License-Identifier: Apache-2.0 */
/* systemd-nspawn, and what else has registered its containers with systemd-machined (libvirt's
 * LXC).
 *
 * machined writes a file for each machine that runs. Who was started with --register=no isn't
 * there: it is found by the process that keeps it. What doesn't run is an image in
 * /var/lib/machines. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/nspawn_config.h"
#include "recorder/engines/settings.h"

#include <string.h>

static const char usual_folder[] = "/var/lib/machines";
static const char registry[] = "/run/systemd/machines";
static const char image_suffix[] = ".raw";

enum { FILE_MOST = 64 << 10 };

/* ---- finding them ---- */

static int found(struct engine_search *search, const struct engine_process *process)
{
    static const struct engine_place place = {.folder = usual_folder};
    bool keeps = strcmp(process->command_name, "systemd-nspawn") == 0;
    return keeps ? engine_search_add_keeper(search, process, &place, "")
                 : engine_search_add(search, process, &place);
}

static int usual(struct engine_search *search)
{
    static const struct engine_place place = {.folder = usual_folder};
    return engine_search_add(search, NULL, &place);
}

/* ---- one container ---- */

/* `root`: its folder or image; may be NULL. Settings go by the name, what is asked for on the
 * command line before them. */
static int set_config(struct engine_reading *reading, const char *id, const char *name,
                      const struct engine_keeper *keeper, const cJSON *registered)
{
    struct nspawn_config config;
    int r = nspawn_config_open(&config);
    if (r >= 0 && registered)
        cJSON_AddItemToObject(config.document, "machine", cJSON_Duplicate(registered, true));
    int settings = r >= 0 ? nspawn_config_read_settings(&config, reading, name) : 0;
    if (settings < 0 && settings != -ENOENT && settings != -ENOTDIR)
        r = settings == -ENOMEM ? settings
                                : engine_gap(reading, id, -settings, "cannot read its settings");
    if (r >= 0 && keeper)
        nspawn_config_take_arguments(&config, keeper->arguments);
    if (r >= 0 && (config.known || registered))
        r = nspawn_config_set(&config, reading);
    nspawn_config_close(&config);
    return r;
}

static int begin(struct engine_reading *reading, const char *id, const char *name, const char *root)
{
    if (!engine_container_begin(reading, id))
        return error_memory();
    engine_set_text(reading, CONTAINER_NAME, name);
    engine_set_text(reading, CONTAINER_IMAGE, root);
    return 0;
}

/* ---- those that are registered ---- */

static int take_line(void *userdata, const struct setting *setting)
{
    cJSON *machine = userdata;
    _cleanup_free_ char *key = strndup(setting->key.bytes, setting->key.length);
    if (!key)
        return error_memory();
    cJSON_DeleteItemFromObjectCaseSensitive(machine, key);
    cJSON_AddItemToObject(machine, key, json_of_span(setting->value));
    return 0;
}

static const char *value_of(const cJSON *machine, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(machine, key));
}

static bool number_of(const cJSON *machine, const char *key, uint64_t *ret_number)
{
    const char *value = value_of(machine, key);
    return value && span_unsigned((struct span){value, strlen(value)}, 10, ret_number);
}

/* machined escapes as C does. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned byte;
        int length = 0;
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3')
            sscanf(from + 1, "%3o%n", &byte, &length);
        *to = length == 3 && byte ? (char)byte : *from;
        from += length == 3 && byte ? 1 + length : 1;
    }
    *to = '\0';
}

static const struct engine_keeper *find_keeper(struct engine_reading *reading, uint64_t leader)
{
    const struct engine_keeper *keeper = engine_keepers(reading);
    while (keeper && (uint64_t)engine_kept_process(reading, keeper) != leader)
        keeper = keeper->next;
    return keeper;
}

static int hand_over_registered(struct engine_reading *reading, const char *name,
                                const cJSON *machine)
{
    uint64_t leader = 0, started = 0;
    const char *root = value_of(machine, "ROOT");
    _cleanup_free_ char *unescaped = root ? strdup(root) : NULL;
    if (unescaped)
        unescape(unescaped);
    int r = begin(reading, name, name, unescaped);
    if (r < 0)
        return r;
    struct record *record = engine_container(reading);
    engine_set_text(reading, CONTAINER_RUNTIME, value_of(machine, "SERVICE"));
    if (number_of(machine, "REALTIME", &started) && started < INT64_MAX / 1000)
        record_set_integer(record, CONTAINER_BEGUN_AT, (int64_t)started * 1000);
    const struct engine_keeper *keeper = NULL;
    if (number_of(machine, "LEADER", &leader) && leader && leader <= INT32_MAX) {
        record_set_integer(record, CONTAINER_PID, (int64_t)leader);
        keeper = find_keeper(reading, leader);
    }
    if (keeper)
        engine_set_kept_process(reading, keeper);
    r = set_config(reading, name, name, keeper, machine);
    return r < 0 ? r : engine_container_end(reading);
}

/* There are links beside the files, from units to their machines; and virtual machines. */
static int take_registered(struct engine_reading *reading, const char *name, void *userdata)
{
    _cleanup_buffer_ struct buffer path = {0}, text = {0};
    _cleanup_json_ cJSON *machine = cJSON_CreateObject();
    (void)userdata;
    buffer_append_format(&path, "%s/%s", registry, name);
    if (path.failed || !machine)
        return error_memory();
    if (name[0] == '.' || strchr(name, ':'))
        return 0;
    int r = engine_read_file(reading, path.bytes, FILE_MOST, &text);
    if (r >= 0)
        r = settings_parse(buffer_text(&text), text.length, take_line, machine);
    if (r == -ENOENT) /* it has ended */
        return 0;
    if (r < 0)
        return r == -ENOMEM ? r : engine_gap(reading, name, -r, "cannot read what machined has");
    const char *class = value_of(machine, "CLASS");
    return class && strcmp(class, "container") == 0 ? hand_over_registered(reading, name, machine)
                                                    : 0;
}

/* ---- those that are not ---- */

/* What a keeper's arguments say of where it is. */
struct kept {
    struct buffer root, id;
    char *name;
    bool is_unnamed_copy;
};

static void free_kept(struct kept *kept)
{
    buffer_free(&kept->root);
    buffer_free(&kept->id);
    free(kept->name);
}

/* A folder or an image; else that of the machine's name, if it is there; else where it was started.
 */
static void append_root(struct engine_reading *reading, const struct engine_keeper *keeper,
                        const struct nspawn_config *config, struct buffer *root)
{
    const char *given = config->directory ? config->directory : config->image;
    if (!given && config->machine) {
        buffer_append_format(root, "%s/%s", usual_folder, config->machine);
        if (!root->failed && engine_has_file(reading, root->bytes))
            return;
        buffer_clear(root);
    }
    if (!given || given[0] != '/')
        buffer_append_text(root, keeper->directory);
    if (given && given[0] != '/')
        buffer_append_char(root, '/');
    size_t length = given ? strlen(given) : 0;
    while (length > 1 && given[length - 1] == '/')
        length--;
    buffer_append(root, given, length);
}

/* "root" of /srv/root and of /srv/root.raw. */
static char *name_of_root(const char *root)
{
    const char *slash = strrchr(root, '/'), *name = slash ? slash + 1 : root;
    size_t length = strlen(name), suffix = strlen(image_suffix);
    bool image = length > suffix && strcmp(name + length - suffix, image_suffix) == 0;
    return strndup(name, image ? length - suffix : length);
}

/* Who isn't registered may have any name, which another one has too. One of the usual folder has
 * that of its image. Copies of an image (--ephemeral) that were given no names are told from each
 * other by when they were started: only what is mounted in them tells the names that they made up.
 */
static int read_kept(struct engine_reading *reading, const struct engine_keeper *keeper,
                     struct kept *kept)
{
    struct nspawn_config config;
    int r = nspawn_config_open(&config);
    if (r >= 0) {
        nspawn_config_take_arguments(&config, keeper->arguments);
        append_root(reading, keeper, &config, &kept->root);
        kept->name =
            config.machine ? strdup(config.machine) : name_of_root(buffer_text(&kept->root));
        kept->is_unnamed_copy = config.ephemeral && !config.machine;
    }
    nspawn_config_close(&config);
    if (r < 0 || !kept->name || kept->root.failed)
        return error_memory();
    size_t usual_length = strlen(usual_folder);
    const char *root = buffer_text(&kept->root);
    bool own = !kept->is_unnamed_copy && strncmp(root, usual_folder, usual_length) == 0 &&
               root[usual_length] == '/' && strcmp(root + usual_length + 1, kept->name) == 0;
    if (!own)
        buffer_append_format(&kept->id, "%s/", root);
    buffer_append_text(&kept->id, kept->name);
    if (kept->is_unnamed_copy)
        buffer_append_format(&kept->id, "-%lld", (long long)keeper->start_ticks);
    return buffer_error(&kept->id);
}

static int take_kept(struct engine_reading *reading, const struct engine_keeper *keeper)
{
    _cleanup_(free_kept) struct kept kept = {0};
    if (!engine_kept_process(reading, keeper)) /* it is about to begin, or to end */
        return 0;
    int r = read_kept(reading, keeper, &kept);
    if (r >= 0)
        r = begin(reading, buffer_text(&kept.id), kept.name, buffer_text(&kept.root));
    if (r < 0)
        return r;
    engine_set_text(reading, CONTAINER_RUNTIME, "systemd-nspawn");
    engine_set_kept_process(reading, keeper);
    r = set_config(reading, buffer_text(&kept.id), kept.name, keeper, NULL);
    return r < 0 ? r : engine_container_end(reading);
}

/* ---- those that do not run ---- */

static int hand_over_image(struct engine_reading *reading, const char *file, const char *name)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/%s", usual_folder, file);
    int r = path.failed ? error_memory() : begin(reading, name, name, path.bytes);
    if (r >= 0)
        r = set_config(reading, name, name, NULL, NULL);
    return r < 0 ? r : engine_container_end(reading);
}

static int take_image_folder(struct engine_reading *reading, const char *name, void *userdata)
{
    size_t length = strlen(name), suffix = strlen(image_suffix);
    (void)userdata;
    bool image = length > suffix && strcmp(name + length - suffix, image_suffix) == 0;
    return name[0] == '.' || image ? 0 : hand_over_image(reading, name, name);
}

static int take_image_file(struct engine_reading *reading, const char *file, void *userdata)
{
    size_t length = strlen(file), suffix = strlen(image_suffix);
    (void)userdata;
    if (file[0] == '.' || length <= suffix || strcmp(file + length - suffix, image_suffix) != 0)
        return 0;
    _cleanup_free_ char *name = strndup(file, length - suffix);
    return name ? hand_over_image(reading, file, name) : error_memory();
}

/* ---- all of them ---- */

static int
each(struct engine_reading *reading, const char *folder,
     int (*list)(struct engine_reading *reading, const char *path,
                 int (*each)(struct engine_reading *reading, const char *name, void *userdata),
                 void *userdata),
     int (*take)(struct engine_reading *reading, const char *name, void *userdata))
{
    int r = list(reading, folder, take, NULL);
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of nspawn in %s: %s", folder,
                         error_name(r));
    return 0;
}

/* One that runs is told of first: what is told again later is left out. */
static int read_all(struct engine_reading *reading)
{
    int r = each(reading, registry, engine_each_file, take_registered);
    const struct engine_keeper *keeper = engine_keepers(reading);
    for (; keeper && r >= 0; keeper = keeper->next)
        r = take_kept(reading, keeper);
    if (r >= 0)
        r = each(reading, usual_folder, engine_each_folder, take_image_folder);
    return r < 0 ? r : each(reading, usual_folder, engine_each_file, take_image_file);
}

/* The second is cut by the kernel. */
static const char *const programs[] = {"systemd-nspawn", "systemd-machine", NULL};

const struct engine engine_nspawn = {
    .name = "nspawn",
    .cgroup_name = "nspawn",
    .programs = programs,
    .found = found,
    .usual = usual,
    .read = read_all,
    .state_is_seen = true,
};
