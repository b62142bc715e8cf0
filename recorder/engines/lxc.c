/* SPDX-License-Identifier: Apache-2.0 */
/* LXC, and Incus and LXD, which have it run their containers: a folder for each container, and
 * while it runs a process that keeps it, the monitor. Incus and LXD say more of a container in
 * databases of their own, which aren't read. */
#include "recorder/engines/engine.h"

#include "base/error.h"
#include "recorder/engines/lxc_config.h"
#include "recorder/engines/settings.h"

#include <limits.h>
#include <string.h>

/* Where each of them keeps its containers, unless it is told otherwise. */
static const struct usual_place {
    const struct engine *engine;
    const char *folder;
    const char *runs[2]; /* folders in which NAME/lxc.conf is, for each start written anew */
} usual_places[] = {
    {&engine_lxc, "/var/lib/lxc", {NULL}},
    {&engine_incus, "/var/lib/incus/containers", {"/run/incus", "/var/log/incus"}},
    {&engine_lxd, "/var/lib/lxd/containers", {"/run/lxd", "/var/log/lxd"}},
    {&engine_lxd, "/var/snap/lxd/common/lxd/containers", {"/var/snap/lxd/common/lxd/logs", NULL}},
};
enum { USUAL_PLACES = sizeof(usual_places) / sizeof(*usual_places) };

static const struct usual_place *find_usual(const struct engine *engine, const char *folder)
{
    for (size_t i = 0; i < USUAL_PLACES; i++)
        if (usual_places[i].engine == engine && strcmp(usual_places[i].folder, folder) == 0)
            return &usual_places[i];
    return NULL;
}

/* ---- finding them ---- */

/* The folder of the containers, and the name of one, out of one text. */
struct monitored {
    char folder[PATH_MAX], name[NAME_MAX + 1];
};

static bool set_monitored(struct monitored *monitored, const char *folder, size_t folder_length,
                          const char *name, size_t name_length)
{
    if (folder[0] != '/' || folder_length >= sizeof(monitored->folder) || !name_length ||
        name_length >= sizeof(monitored->name) || memchr(name, '/', name_length))
        return false;
    snprintf(monitored->folder, sizeof(monitored->folder), "%.*s", (int)folder_length, folder);
    snprintf(monitored->name, sizeof(monitored->name), "%.*s", (int)name_length, name);
    return true;
}

/* "@LXCPATH/NAME/command", on which it takes commands. Of a path that is too long for that there is
 * but a digest. */
static int take_socket(void *userdata, const char *path)
{
    static const char last[] = "/command";
    struct monitored *monitored = userdata;
    size_t length = strlen(path);
    if (path[0] != '@' || length <= 1 + strlen(last) ||
        strcmp(path + length - strlen(last), last) != 0)
        return 0;
    const char *end = path + length - strlen(last),
               *slash = memrchr(path, '/', (size_t)(end - path));
    if (slash)
        set_monitored(monitored, path + 1, (size_t)(slash - path - 1), slash + 1,
                      (size_t)(end - slash - 1));
    return 0;
}

/* "[lxc monitor] LXCPATH NAME", which it calls itself in the background. A name with a blank in it
 * cannot be told from a path with one. */
static bool take_title(struct monitored *monitored, const char *title)
{
    static const char begin[] = "[lxc monitor] ";
    if (!title || strncmp(title, begin, strlen(begin)) != 0)
        return false;
    const char *folder = title + strlen(begin), *blank = strrchr(folder, ' ');
    return blank &&
           set_monitored(monitored, folder, (size_t)(blank - folder), blank + 1, strlen(blank + 1));
}

static int found(struct engine_search *search, const struct engine_process *process)
{
    struct monitored monitored = {.name = ""};
    int r = engine_search_listeners(search, process, take_socket, &monitored);
    if (r < 0 && r != -EACCES)
        return r;
    if (!monitored.name[0] && !take_title(&monitored, process->arguments[0]))
        return 0;
    struct engine_place place = {.folder = monitored.folder};
    return engine_search_add_keeper(search, process, &place, monitored.name);
}

static int add_usual(struct engine_search *search, const struct engine *engine)
{
    int r = 0;
    for (size_t i = 0; i < USUAL_PLACES && r >= 0; i++) {
        struct engine_place place = {.folder = usual_places[i].folder};
        if (usual_places[i].engine == engine)
            r = engine_search_add(search, NULL, &place);
    }
    return r;
}

/* lxc.system.conf(5) */
static int take_path(void *userdata, const struct setting *setting)
{
    char *folder = userdata;
    if (span_is(setting->key, "lxc.lxcpath") && setting->value.length < PATH_MAX)
        snprintf(folder, PATH_MAX, "%.*s", (int)setting->value.length, setting->value.bytes);
    return 0;
}

static int add_configured(struct engine_search *search)
{
    _cleanup_buffer_ struct buffer file = {0};
    char folder[PATH_MAX] = "";
    struct span text = engine_search_read_etc(search, "lxc/lxc.conf", &file);
    settings_parse(text.bytes, text.length, take_path, folder);
    struct engine_place place = {.folder = folder};
    return engine_search_add(search, NULL, &place);
}

static int add_of_user(struct engine_search *search, const char *home, uid_t uid)
{
    _cleanup_buffer_ struct buffer folder = {0};
    buffer_append_format(&folder, "%s/.local/share/lxc", home);
    struct engine_place place = {.folder = folder.bytes, .uid = uid};
    return folder.failed ? error_memory() : engine_search_add(search, NULL, &place);
}

static int usual_of_lxc(struct engine_search *search)
{
    int r = add_usual(search, &engine_lxc);
    if (r >= 0)
        r = add_configured(search);
    return r < 0 ? r : engine_search_users(search, add_of_user);
}

static int usual_of_incus(struct engine_search *search)
{
    return add_usual(search, &engine_incus);
}

static int usual_of_lxd(struct engine_search *search)
{
    return add_usual(search, &engine_lxd);
}

/* ---- their containers ---- */

/* What one engine reads. */
struct variant {
    const struct engine *engine;
    const char
        *project; /* group of those whose name is PROJECT_NAME; NULL: there are no projects */
};

static const struct variant of_lxc = {&engine_lxc, NULL},
                            of_incus = {&engine_incus, "incus-project"},
                            of_lxd = {&engine_lxd, "lxd-project"};

static const struct engine_keeper *find_keeper(struct engine_reading *reading, const char *name)
{
    const struct engine_keeper *keeper = engine_keepers(reading);
    while (keeper && strcmp(keeper->name, name) != 0)
        keeper = keeper->next;
    return keeper;
}

/* Instances have no '_' in their names; those of the default project are called by them alone. */
static void set_name(struct engine_reading *reading, const struct variant *variant,
                     const char *name)
{
    const char *end = variant->project ? strrchr(name, '_') : NULL;
    engine_set_text(reading, CONTAINER_NAME, end ? end + 1 : name);
    if (end) {
        _cleanup_free_ char *project = strndup(name, (size_t)(end - name));
        if (project)
            engine_add_group(reading, variant->project, project);
    } else if (variant->project) {
        engine_add_group(reading, variant->project, "default");
    }
}

/* The first that is there of LXCPATH/NAME/config and those of the last start. 0 also where there is
 * none, which `ret_there` says. */
static int read_config(struct engine_reading *reading, const struct variant *variant,
                       const char *name, const char *id, bool *ret_there)
{
    const char *folder = engine_reading_place(reading)->folder;
    const struct usual_place *usual = find_usual(variant->engine, folder);
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/%s/config", folder, name);
    int r = path.failed ? error_memory() : lxc_config_read(reading, path.bytes, id);
    for (size_t i = 0; usual && i < 2 && usual->runs[i] && (r == -ENOENT || r == -ENOTDIR); i++) {
        buffer_clear(&path);
        buffer_append_format(&path, "%s/%s/lxc.conf", usual->runs[i], name);
        r = path.failed ? error_memory() : lxc_config_read(reading, path.bytes, id);
    }
    *ret_there = r != -ENOENT && r != -ENOTDIR;
    if (r < 0 && r != -ENOMEM && *ret_there)
        return engine_gap(reading, id, -r, "cannot read its configuration");
    return *ret_there ? r : 0;
}

/* Names are given in each folder anew: those of the host's usual one stand for themselves. */
static int append_id(struct engine_reading *reading, const struct variant *variant,
                     const char *name, struct buffer *id)
{
    const struct engine_place *place = engine_reading_place(reading);
    bool usual = place->uid == 0 && find_usual(variant->engine, place->folder);
    if (!usual)
        buffer_append_format(id, "%s/", place->folder);
    buffer_append_text(id, name);
    return buffer_error(id);
}

/* Of LXC who has no configuration is no container, unless it runs. */
static int take_container(struct engine_reading *reading, const struct variant *variant,
                          const char *name)
{
    const struct engine_keeper *keeper = find_keeper(reading, name);
    _cleanup_buffer_ struct buffer id = {0};
    bool there = false;
    int r = append_id(reading, variant, name, &id);
    if (r >= 0 && !engine_container_begin(reading, buffer_text(&id)))
        r = error_memory();
    if (r < 0)
        return r;
    set_name(reading, variant, name);
    r = read_config(reading, variant, name, buffer_text(&id), &there);
    if (r < 0 || (!there && !keeper && !variant->project)) {
        engine_container_drop(reading);
        return r;
    }
    if (keeper)
        engine_set_kept_process(reading, keeper);
    return engine_container_end(reading);
}

static int take_folder(struct engine_reading *reading, const char *name, void *userdata)
{
    return take_container(reading, userdata, name);
}

static bool has_folder(struct engine_reading *reading, const char *name)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%s/%s", engine_reading_place(reading)->folder, name);
    return !path.failed && engine_has_file(reading, path.bytes);
}

/* Those in the folder; and those that run, though theirs is gone. */
static int read_all(struct engine_reading *reading, const struct variant *variant)
{
    const char *folder = engine_reading_place(reading)->folder;
    int r = engine_each_folder(reading, folder, take_folder, (void *)variant);
    if (r < 0 && r != -ENOENT)
        return error_set(-r, "cannot read the containers of %s in %s: %s", variant->engine->name,
                         folder, error_name(r));
    int listed = r;
    const struct engine_keeper *keeper = engine_keepers(reading);
    for (r = 0; keeper && r >= 0; keeper = keeper->next)
        if (!has_folder(reading, keeper->name)) {
            r = take_container(reading, variant, keeper->name);
            listed = 0;
        }
    return r < 0 ? r : listed;
}

static int read_lxc(struct engine_reading *reading)
{
    return read_all(reading, &of_lxc);
}

static int read_incus(struct engine_reading *reading)
{
    return read_all(reading, &of_incus);
}

static int read_lxd(struct engine_reading *reading)
{
    return read_all(reading, &of_lxd);
}

static const char *const lxc_programs[] = {"lxc-start", "lxc-autostart",  "lxc-execute",
                                           "lxc-copy",  "lxc-checkpoint", NULL};
static const char *const incus_programs[] = {"incusd", NULL};
static const char *const lxd_programs[] = {"lxd", NULL};

const struct engine engine_lxc = {
    .name = "lxc",
    .cgroup_name = "lxc",
    .programs = lxc_programs,
    .found = found,
    .usual = usual_of_lxc,
    .read = read_lxc,
    .state_is_seen = true,
};

const struct engine engine_incus = {
    .name = "incus",
    .cgroup_name = "lxc",
    .programs = incus_programs,
    .found = found,
    .usual = usual_of_incus,
    .read = read_incus,
    .state_is_seen = true,
};

const struct engine engine_lxd = {
    .name = "lxd",
    .cgroup_name = "lxc",
    .programs = lxd_programs,
    .found = found,
    .usual = usual_of_lxd,
    .read = read_lxd,
    .state_is_seen = true,
};
