/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/engines/lxc_config.h"

#include "base/error.h"
#include "recorder/engines/json.h"
#include "recorder/engines/settings.h"

#include <mntent.h>

/* What nobody has more of: whoever includes more is not followed. */
enum { FILE_MOST = 1 << 20, FILES_MOST = 64, DEEPEST = 8 };

struct config {
    struct engine_reading *reading;
    const char *id; /* of the container */
    cJSON *lines;   /* "key = value", but for the environment */
    cJSON *environment, *mounts, *security, *command, *kept_namespaces, *new_namespaces;
    bool has_id_map;
    bool no_network, some_network; /* "none" was asked for, and something else */
    bool incomplete, has_gap;      /* something that it includes isn't known; ... which was told */
    unsigned files, depth;
};

static int read_file(struct config *config, const char *path);

/* ---- what a value says ---- */

static void empty(cJSON **list)
{
    cJSON_Delete(*list);
    *list = cJSON_CreateArray();
}

/* An empty value forgets those before. */
static void add_to(cJSON **list, struct span value)
{
    if (!value.length)
        empty(list);
    else
        cJSON_AddItemToArray(*list, json_of_span(value));
}

/* LXC knows no quotes within a value. */
static cJSON *json_of_words(struct span text)
{
    struct span word;
    cJSON *list = cJSON_CreateArray();
    while (list && span_take_word(&text, &word))
        cJSON_AddItemToArray(list, json_of_span(word));
    return list;
}

static void replace_words(cJSON **list, struct span value)
{
    cJSON_Delete(*list);
    *list = value.length ? json_of_words(value) : NULL;
}

static void take_command(struct config *config, struct span value)
{
    replace_words(&config->command, value);
}

static void take_kept_namespaces(struct config *config, struct span value)
{
    replace_words(&config->kept_namespaces, value);
}

static void take_new_namespaces(struct config *config, struct span value)
{
    replace_words(&config->new_namespaces, value);
}

static void take_id_map(struct config *config, struct span value)
{
    config->has_id_map = value.length;
}

static void take_group(struct config *config, struct span value)
{
    _cleanup_json_ cJSON *words = json_of_words(value);
    const cJSON *word;
    cJSON_ArrayForEach (word, words)
        engine_add_group(config->reading, "lxc-group", cJSON_GetStringValue(word));
}

static void add_mount(struct config *config, const char *type, const char *source,
                      const char *target, bool read_only)
{
    cJSON *mount = cJSON_CreateObject();
    cJSON_AddStringToObject(mount, "type", type);
    cJSON_AddStringToObject(mount, "source", source);
    cJSON_AddStringToObject(mount, "target", target);
    cJSON_AddBoolToObject(mount, "read_only", read_only);
    cJSON_AddItemToArray(config->mounts, mount);
}

/* A line of fstab(5). */
static void take_mount(struct config *config, struct span value)
{
    struct mntent entry;
    if (!value.length) {
        empty(&config->mounts);
        return;
    }
    size_t room = value.length + 2;
    _cleanup_free_ char *text = strndup(value.bytes, value.length), *scratch = malloc(room);
    FILE *file = text && scratch && *text ? fmemopen(text, strlen(text), "r") : NULL;
    if (file && getmntent_r(file, &entry, scratch, (int)room)) {
        bool bind = hasmntopt(&entry, "bind") || hasmntopt(&entry, "rbind");
        add_mount(config, bind ? "bind" : entry.mnt_type, entry.mnt_fsname, entry.mnt_dir,
                  hasmntopt(&entry, "ro"));
    }
    if (file)
        fclose(file);
}

/* "dir:/PATH", "overlayfs:/LOWER:/UPPER", or a path alone. */
static void take_root(struct config *config, struct span value)
{
    struct span type = {"dir", 3}, rest = value;
    if (!span_starts(value, "/") && memchr(value.bytes, ':', value.length)) {
        span_take(&rest, ':', &type);
        value = rest;
    }
    _cleanup_free_ char *source = strndup(value.bytes, value.length);
    _cleanup_free_ char *name = strndup(type.bytes, type.length);
    if (source && name && *source)
        add_mount(config, name, source, "/", false);
}

/* ---- files ---- */

struct include {
    struct config *config;
    const char *folder;
};

static int include_file(struct engine_reading *reading, const char *name, void *userdata)
{
    static const char suffix[] = ".conf";
    const struct include *include = userdata;
    _cleanup_buffer_ struct buffer path = {0};
    size_t length = strlen(name);
    (void)reading;
    if (length <= strlen(suffix) || strcmp(name + length - strlen(suffix), suffix) != 0)
        return 0;
    buffer_append_format(&path, "%s/%s", include->folder, name);
    return path.failed ? error_memory() : read_file(include->config, path.bytes);
}

static int read_included(struct config *config, const char *path)
{
    struct include include = {config, path};
    if (config->depth == DEEPEST)
        return -ELOOP;
    config->depth++;
    int r = read_file(config, path);
    if (r == -EISDIR)
        r = engine_each_file(config->reading, path, include_file, &include);
    config->depth--;
    return r;
}

/* What isn't there, as on a copied disk, is no gap: what depends on it isn't known. One gap is
 * enough for a configuration that goes round in circles. */
static int take_include(struct config *config, struct span value)
{
    _cleanup_free_ char *path = strndup(value.bytes, value.length);
    _cleanup_buffer_ struct buffer detail = {0};
    int r = path ? read_included(config, path) : error_memory();
    if (r >= 0 || r == -ENOMEM)
        return r;
    config->incomplete = true;
    if (r == -ENOENT || config->has_gap)
        return 0;
    config->has_gap = true;
    buffer_append_format(&detail, "its configuration includes %s", path);
    return detail.failed ? error_memory()
                         : engine_gap(config->reading, config->id, -r, detail.bytes);
}

static const struct {
    const char *name, *before_2_1;
    void (*take)(struct config *config, struct span value);
} keys[] = {
    {"lxc.init.cmd", "lxc.init_cmd", take_command},
    {"lxc.rootfs.path", "lxc.rootfs", take_root},
    {"lxc.mount.entry", NULL, take_mount},
    {"lxc.idmap", "lxc.id_map", take_id_map},
    {"lxc.namespace.keep", NULL, take_kept_namespaces},
    {"lxc.namespace.clone", NULL, take_new_namespaces},
    {"lxc.group", NULL, take_group},
};

/* As Docker writes them. */
static const struct {
    const char *name, *before_2_1, *option;
} security_keys[] = {
    {"lxc.apparmor.profile", "lxc.aa_profile", "apparmor"},
    {"lxc.selinux.context", "lxc.se_context", "label"},
    {"lxc.seccomp.profile", "lxc.seccomp", "seccomp"},
    {"lxc.no_new_privs", NULL, "no-new-privileges"},
};

static bool is_key(struct span key, const char *name, const char *before_2_1)
{
    return span_is(key, name) || (before_2_1 && span_is(key, before_2_1));
}

static bool ends_with(struct span text, const char *suffix)
{
    size_t length = strlen(suffix);
    return text.length >= length && memcmp(text.bytes + text.length - length, suffix, length) == 0;
}

/* lxc.net.0.type */
static bool is_type_of_network(struct span key)
{
    return (span_starts(key, "lxc.net.") || span_starts(key, "lxc.network.")) &&
           ends_with(key, ".type");
}

static void take_security(struct config *config, const struct setting *setting)
{
    for (size_t i = 0; i < sizeof(security_keys) / sizeof(*security_keys); i++) {
        _cleanup_buffer_ struct buffer option = {0};
        if (!is_key(setting->key, security_keys[i].name, security_keys[i].before_2_1) ||
            !setting->value.length)
            continue;
        buffer_append_format(&option, "%s=", security_keys[i].option);
        buffer_append(&option, setting->value.bytes, setting->value.length);
        if (!option.failed)
            cJSON_AddItemToArray(config->security, cJSON_CreateString(option.bytes));
    }
}

static void keep_line(struct config *config, const struct setting *setting)
{
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append(&line, setting->key.bytes, setting->key.length);
    buffer_append_text(&line, " = ");
    buffer_append(&line, setting->value.bytes, setting->value.length);
    if (!line.failed)
        cJSON_AddItemToArray(config->lines, json_of_span((struct span){line.bytes, line.length}));
}

static int take_setting(void *userdata, const struct setting *setting)
{
    struct config *config = userdata;
    if (span_starts(setting->key, "lxc.environment")) { /* and .runtime, and .hooks */
        add_to(&config->environment, setting->value);
        return 0;
    }
    keep_line(config, setting);
    if (span_is(setting->key, "lxc.include"))
        return setting->value.length ? take_include(config, setting->value) : 0;
    if (is_type_of_network(setting->key))
        *(span_is(setting->value, "none") ? &config->no_network : &config->some_network) = true;
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        if (is_key(setting->key, keys[i].name, keys[i].before_2_1))
            keys[i].take(config, setting->value);
    take_security(config, setting);
    return 0;
}

static int read_file(struct config *config, const char *path)
{
    _cleanup_buffer_ struct buffer text = {0};
    if (config->files++ == FILES_MOST)
        return -E2BIG;
    int r = engine_read_file(config->reading, path, FILE_MOST, &text);
    return r < 0 ? r : settings_parse(buffer_text(&text), text.length, take_setting, config);
}

/* ---- what all of it says ---- */

static bool has_word(const cJSON *list, const char *word)
{
    const cJSON *element;
    cJSON_ArrayForEach (element, list)
        if (strcmp(cJSON_GetStringValue(element), word) == 0)
            return true;
    return false;
}

/* Those to keep, or all but those to make anew; else that of the network, where none is set up. */
static bool is_of_host(const struct config *config, const char *type)
{
    if (config->kept_namespaces)
        return has_word(config->kept_namespaces, type);
    if (config->new_namespaces)
        return !has_word(config->new_namespaces, type);
    return strcmp(type, "net") == 0 && config->no_network && !config->some_network;
}

static void set_host_namespaces(const struct config *config)
{
    static const char *const types[] = {"cgroup", "ipc",  "mnt",  "net",
                                        "pid",    "time", "user", "uts"};
    _cleanup_json_ cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (is_of_host(config, types[i]))
            cJSON_AddItemToArray(list, cJSON_CreateString(types[i]));
    engine_set_json(config->reading, CONTAINER_HOST_NAMESPACES, list, NULL);
}

/* What LXC calls privileged: its root is the host's. */
static void set_columns(const struct config *config)
{
    struct engine_reading *reading = config->reading;
    engine_set_json(reading, CONTAINER_COMMAND, config->command, NULL);
    engine_set_environment(reading, config->environment);
    engine_set_sorted(reading, CONTAINER_MOUNTS, config->mounts);
    engine_set_sorted(reading, CONTAINER_SECURITY_OPTIONS, config->security);
    if (config->incomplete && !config->has_id_map)
        return;
    record_set_integer(engine_container(reading), CONTAINER_PRIVILEGED, !config->has_id_map);
    set_host_namespaces(config);
}

static int keep_document(struct config *config, const char *path)
{
    static const char *const environments[] = {"environment", NULL};
    _cleanup_json_ cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "file", path);
    cJSON_AddItemToObject(document, "configuration", steal_pointer(config->lines));
    cJSON_AddItemToObject(document, "environment", steal_pointer(config->environment));
    _cleanup_free_ char *printed = cJSON_PrintUnformatted(document);
    struct buffer text = {.bytes = printed, .length = printed ? strlen(printed) : 0};
    if (!printed)
        return error_memory();
    engine_keep_document(config->reading, &text, document, environments);
    return 0;
}

int lxc_config_read(struct engine_reading *reading, const char *path, const char *id)
{
    struct config config = {.reading = reading, .id = id};
    cJSON **lists[] = {&config.lines, &config.environment, &config.mounts, &config.security};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        *lists[i] = cJSON_CreateArray();
    int r = read_file(&config, path);
    if (r >= 0) {
        set_columns(&config);
        r = keep_document(&config, path);
    }
    cJSON *all[] = {config.lines,   config.environment,     config.mounts,        config.security,
                    config.command, config.kept_namespaces, config.new_namespaces};
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        cJSON_Delete(all[i]);
    return r;
}
