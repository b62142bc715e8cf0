/* SPDX-License-Identifier: Apache-2.0 */
/* The process list as cgroups show it: cgroup.procs, cgroups(7). */
#include "base/error.h"
#include "recorder/crossviews.h"

#include <string.h>

/* One descriptor is open for each level; what is deeper isn't looked at. */
enum { DEEPEST = 200 };

/* How often a process may seem to move from one cgroup to another while it is looked for. */
enum { TRIES = 16 };

struct gathering {
    const struct host *host;
    struct number_set *members;
    struct buffer file;
    bool incomplete;
};

/* Calls for each process id in the file. A cgroup of version 2 that has only threads in it has no
 * list: they are in that of the domain above. */
static int read_members(int directory, struct buffer *file)
{
    int r = procfs_read_table(directory, "cgroup.procs", PROCFS_TABLE_MOST, file);
    return r == -EOPNOTSUPP || r == -ENODEV ? -ENOENT : r;
}

static bool take_member(struct span *rest, uint64_t *ret_pid)
{
    struct span line;
    return span_take(rest, '\n', &line) && span_unsigned(line, 10, ret_pid);
}

static int gather(struct gathering *gathering, int directory, unsigned depth);

static int gather_child(struct gathering *gathering, int directory, const char *name,
                        unsigned depth)
{
    _cleanup_close_ int child = procfs_open_directory(directory, name);
    if (child >= 0)
        return gather(gathering, child, depth + 1);
    gathering->incomplete |= child != -ENOENT;
    return 0;
}

static int gather_children(struct gathering *gathering, int directory, unsigned depth)
{
    _cleanup_closedir_ DIR *listing = NULL;
    int r = procfs_open_listing(directory, ".", &listing);
    if (r < 0 || depth == DEEPEST) {
        gathering->incomplete |= r != -ENOENT;
        return 0;
    }
    for (const struct dirent *entry; r >= 0 && (entry = readdir(listing));)
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            r = gather_child(gathering, directory, entry->d_name, depth);
    return r;
}

static int gather(struct gathering *gathering, int directory, unsigned depth)
{
    uint64_t pid;
    int r = read_members(directory, &gathering->file);
    if (r == -ENOMEM)
        return error_memory();
    gathering->incomplete |= r < 0 && r != -ENOENT;
    struct span rest = {buffer_text(&gathering->file), gathering->file.length};
    while (r >= 0 && take_member(&rest, &pid))
        number_set_add(gathering->members, (int64_t)pid);
    return hierarchy_may_go_on(gathering->host, directory)
               ? gather_children(gathering, directory, depth)
               : 0;
}

/* Of version 2 if there is one: its lists aren't sorted for each reader. */
static const struct hierarchy *choose_hierarchy(const struct capture *capture)
{
    const struct hierarchies *hierarchies = &capture->hierarchies;
    const struct hierarchy *chosen = NULL;
    for (size_t i = 0; i < hierarchies->count; i++) {
        const struct hierarchy *hierarchy = &hierarchies->list[i];
        bool whole = hierarchy->directory >= 0 && strcmp(hierarchy->mount_root, "/") == 0;
        if (whole && (!chosen || hierarchy->version > chosen->version))
            chosen = hierarchy;
    }
    return chosen;
}

int crossviews_read_cgroups(const struct capture *capture, struct number_set *members,
                            bool *ret_complete)
{
    const struct hierarchy *hierarchy = choose_hierarchy(capture);
    struct gathering gathering = {.host = capture->host, .members = members};
    int r = number_set_begin(members);
    if (r >= 0 && hierarchy)
        r = gather(&gathering, hierarchy->directory, 0);
    buffer_free(&gathering.file);
    *ret_complete = hierarchy && !gathering.incomplete;
    return r;
}

/* ---- one process ---- */

/* The cgroup that the process says it is in, as a path below the hierarchy. */
static int read_own_cgroup(const struct hierarchy *hierarchy, int directory, struct buffer *path)
{
    _cleanup_buffer_ struct buffer file = {0};
    struct proc_cgroup cgroup;
    const struct span key = {hierarchy->key, strlen(hierarchy->key)};
    int r = procfs_read(directory, "cgroup", PROCFS_TEXT_MOST, &file);
    if (r < 0 || proc_cgroup_parse(buffer_text(&file), file.length, &cgroup) < 0)
        return r == -ENOMEM ? r : -EAGAIN;
    struct span own = proc_cgroup_path(&cgroup, key);
    buffer_clear(path);
    buffer_append(path, own.bytes, own.length);
    return path->failed ? -ENOMEM : own.length ? 0 : -EAGAIN;
}

static int is_listed(const struct hierarchy *hierarchy, const char *path, pid_t pid,
                     struct buffer *file)
{
    uint64_t member;
    _cleanup_close_ int directory = procfs_open_beneath(hierarchy->directory, path);
    int r = directory < 0 ? directory : read_members(directory, file);
    if (r < 0)
        return r == -ENOMEM ? r : -EAGAIN;
    struct span rest = {buffer_text(file), file->length};
    while (take_member(&rest, &member))
        if (member == (uint64_t)pid)
            return 1;
    return 0;
}

/* It isn't in the list of the cgroup that it says it is in, before and after. */
static int look_once(struct crossviews *views, const struct hierarchy *hierarchy, int directory,
                     pid_t pid)
{
    _cleanup_buffer_ struct buffer path = {0}, later = {0};
    int r = read_own_cgroup(hierarchy, directory, &path);
    if (r < 0)
        return r;
    int listed = is_listed(hierarchy, buffer_text(&path), pid, &views->scratch);
    if (listed)
        return listed;
    r = read_own_cgroup(hierarchy, directory, &later);
    if (r < 0)
        return r;
    return strcmp(buffer_text(&path), buffer_text(&later)) ? -EAGAIN : 0;
}

int crossviews_in_cgroup(struct crossviews *views, int directory, pid_t pid)
{
    const struct hierarchy *hierarchy = choose_hierarchy(views->capture);
    int r = hierarchy ? 0 : -EAGAIN;
    for (unsigned tries = 0; tries < TRIES && r == 0; tries++)
        r = look_once(views, hierarchy, directory, pid);
    return r;
}
