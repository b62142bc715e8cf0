/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/hierarchies.h"

#include "base/error.h"
#include "recorder/collectors.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/procfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct frozen_answer {
    enum frozen frozen;
    UT_hash_handle hh;
    char key[]; /* number of the hierarchy, then the path */
};

/* ---- finding them ---- */

struct search {
    const struct host *host;
    struct hierarchies *found;
    int code; /* of the last mount that could not be opened */
};

static bool has_word(const char *list, struct span word)
{
    struct span rest = {list, strlen(list)}, part;
    while (span_take(&rest, ',', &part))
        if (span_equal(part, word))
            return true;
    return false;
}

/* The hierarchy that this mount shows, NULL if it is none. Version 1 names its controllers among
 * the options of the file system. */
static struct hierarchy *hierarchy_of(struct hierarchies *found,
                                      const struct mountinfo_mount *mount)
{
    for (size_t i = 0; i < found->count; i++) {
        struct hierarchy *hierarchy = &found->list[i];
        struct span rest = {hierarchy->key, strlen(hierarchy->key)}, first;
        if (hierarchy->version == 2
                ? strcmp(mount->fstype, "cgroup2") == 0
                : strcmp(mount->fstype, "cgroup") == 0 && span_take(&rest, ',', &first) &&
                      has_word(mount->super_options, first))
            return hierarchy;
    }
    return NULL;
}

/* A mount of the live host may be hidden by another one: then the file system differs. */
static int open_live_mount(const char *target, unsigned version)
{
    _cleanup_close_ int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct statfs file_system;
    if (fd < 0 || fstatfs(fd, &file_system) < 0)
        return -errno;
    if (file_system.f_type != (version == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC))
        return -ENOENT;
    return steal_fd(&fd);
}

static int open_mount(const struct host *host, const char *target, unsigned version)
{
    if (host->live)
        return open_live_mount(target, version);
    struct span path = {target, strlen(target)};
    if (!span_starts(path, "/sys/") || host->sys < 0)
        return -ENOENT;
    return procfs_open_beneath(host->sys, target + strlen("/sys/"));
}

/* Of several mounts of one hierarchy, the one that shows most of it. */
static int consider_mount(void *userdata, const struct mountinfo_mount *mount)
{
    struct search *search = userdata;
    struct hierarchy *hierarchy = hierarchy_of(search->found, mount);
    if (!hierarchy ||
        (hierarchy->directory >= 0 && strlen(hierarchy->mount_root) <= strlen(mount->root)))
        return 0;
    _cleanup_close_ int fd = open_mount(search->host, mount->target, hierarchy->version);
    if (fd < 0) {
        search->code = fd;
        return 0;
    }
    struct arena *arena = search->found->arena;
    hierarchy->mount_root = arena_copy(arena, mount->root, strlen(mount->root));
    hierarchy->mount_target = arena_copy(arena, mount->target, strlen(mount->target));
    if (!hierarchy->mount_root || !hierarchy->mount_target)
        return error_memory();
    fd_close(hierarchy->directory);
    hierarchy->directory = steal_fd(&fd);
    return 0;
}

/* The hierarchies that there are: those that a process is in. */
static int list_hierarchies(struct hierarchies *found, const struct proc_cgroup *cgroup)
{
    for (size_t i = 0; i < cgroup->count; i++) {
        struct span key = cgroup->entries[i].hierarchy;
        char *copy = arena_copy(found->arena, key.bytes, key.length);
        if (!copy)
            return error_memory();
        found->list[found->count++] = (struct hierarchy){
            .key = copy, .version = span_is(key, "unified") ? 2 : 1, .directory = -1};
    }
    return 0;
}

static int read_own(const struct host *host, const char *name, struct buffer *file)
{
    _cleanup_buffer_ struct buffer path = {0};
    buffer_append_format(&path, "%d", host->self ? (int)host->self : 1);
    _cleanup_close_ int directory = procfs_open_directory(host->proc, buffer_text(&path));
    return directory < 0 ? directory : procfs_read_table(directory, name, PROCFS_TABLE_MOST, file);
}

static int find(const struct host *host, struct hierarchies *found, struct search *search)
{
    _cleanup_buffer_ struct buffer file = {0};
    struct proc_cgroup cgroup;
    size_t skipped;
    int r = read_own(host, "cgroup", &file);
    if (r < 0)
        return search->code = r, 0;
    r = proc_cgroup_parse(buffer_text(&file), file.length, &cgroup);
    if (r < 0)
        return search->code = -EBADMSG, 0;
    r = list_hierarchies(found, &cgroup);
    if (r < 0)
        return r;
    r = read_own(host, "mountinfo", &file);
    if (r < 0)
        return search->code = r, 0;
    return mountinfo_parse(buffer_text(&file), file.length, consider_mount, search, &skipped);
}

/* What isn't mounted, or cannot be reached, cannot be walked. */
static int report_missing(const struct hierarchies *found, const struct search *search,
                          const struct sink *sink)
{
    int r = 0;
    if (!found->count && search->code)
        return collector_gap(sink, SOURCE_CGROUPS, "cgroups", -search->code,
                             "the hierarchies of cgroups", KIND_CGROUP, NULL);
    for (size_t i = 0; i < found->count && r >= 0; i++)
        if (found->list[i].directory < 0)
            r = collector_gap(sink, SOURCE_CGROUPS, found->list[i].key, -search->code,
                              "the hierarchy is not mounted where the recorder sees it",
                              KIND_CGROUP, NULL);
    return r;
}

int hierarchies_open(const struct host *host, const struct sink *sink,
                     struct hierarchies *ret_hierarchies)
{
    struct hierarchies *found = ret_hierarchies;
    *found = (struct hierarchies){.lock = PTHREAD_MUTEX_INITIALIZER, .arena = arena_new()};
    struct search search = {.host = host, .found = found};
    int r = found->arena ? find(host, found, &search) : error_memory();
    if (r >= 0)
        r = report_missing(found, &search, sink);
    if (r < 0)
        hierarchies_free(found);
    return r;
}

void hierarchies_free(struct hierarchies *hierarchies)
{
    for (size_t i = 0; i < hierarchies->count; i++)
        fd_close(hierarchies->list[i].directory);
    HASH_CLEAR(hh, hierarchies->answers);
    arena_free(hierarchies->arena);
    *hierarchies = (struct hierarchies){0};
}

/* ---- asking who is frozen ---- */

static struct span read_word(int directory, const char *name, struct buffer *scratch)
{
    if (procfs_read(directory, name, PROCFS_TEXT_MOST, scratch) < 0)
        return (struct span){0};
    return span_trim((struct span){buffer_text(scratch), scratch->length});
}

/* freezer.state: admin-guide/cgroup-v1/freezer-subsystem.rst */
static enum frozen frozen_v1(int directory, struct buffer *scratch)
{
    struct span state = read_word(directory, "freezer.state", scratch);
    if (span_is(state, "THAWED") || span_is(state, "FREEZING"))
        return FROZEN_NO;
    return span_is(state, "FROZEN") ? FROZEN_YES : FROZEN_UNKNOWN;
}

/* cgroup.events: admin-guide/cgroup-v2.rst; has "frozen" since kernel 5.2 */
static enum frozen frozen_v2(int directory, struct buffer *scratch)
{
    struct span rest = read_word(directory, "cgroup.events", scratch), line;
    if (!rest.length)
        return FROZEN_UNKNOWN;
    while (span_take(&rest, '\n', &line)) {
        if (span_is(line, "frozen 0"))
            return FROZEN_NO;
        if (span_is(line, "frozen 1"))
            return FROZEN_YES;
    }
    return FROZEN_NEVER;
}

static bool can_freeze(const struct hierarchy *hierarchy)
{
    const struct span freezer = {"freezer", strlen("freezer")};
    return hierarchy->version == 2 || has_word(hierarchy->key, freezer);
}

enum frozen hierarchy_frozen(const struct hierarchy *hierarchy, int directory, bool is_root,
                             struct buffer *scratch)
{
    if (!can_freeze(hierarchy))
        return FROZEN_NEVER;
    if (is_root)
        return FROZEN_NO; /* a root cannot be frozen, and has no file that says so */
    return hierarchy->version == 2 ? frozen_v2(directory, scratch) : frozen_v1(directory, scratch);
}

/* The kernel counts a link for each directory in one, beside its own two. Not every file system on
 * which a copy may lie does. */
bool hierarchy_may_go_on(const struct host *host, int directory)
{
    struct stat status;
    return !host->live || fstat(directory, &status) < 0 || status.st_nlink != 2;
}

/* The part of a cgroup's path below what is mounted; NULL if it isn't below. */
static const char *path_below(const struct hierarchy *hierarchy, const char *path)
{
    size_t length = strlen(hierarchy->mount_root);
    if (length && hierarchy->mount_root[length - 1] == '/')
        length--;
    if (strncmp(path, hierarchy->mount_root, length) || (path[length] && path[length] != '/'))
        return NULL;
    return path + length;
}

static enum frozen ask(const struct hierarchy *hierarchy, const char *path, struct buffer *scratch)
{
    const char *below = hierarchy->directory < 0 ? NULL : path_below(hierarchy, path);
    if (!below)
        return FROZEN_UNKNOWN;
    _cleanup_close_ int directory = procfs_open_beneath(hierarchy->directory, below);
    if (directory < 0)
        return FROZEN_UNKNOWN;
    return hierarchy_frozen(hierarchy, directory, strcmp(path, "/") == 0, scratch);
}

/* With the lock held. What does not fit into memory is asked again. */
static void remember(struct hierarchies *hierarchies, const char *key, size_t length,
                     enum frozen frozen)
{
    struct frozen_answer *answer = arena_take(hierarchies->arena, sizeof(*answer) + length + 1);
    if (!answer)
        return;
    memcpy(answer->key, key, length);
    answer->frozen = frozen;
    HASH_ADD_KEYPTR(hh, hierarchies->answers, answer->key, length, answer);
}

static enum frozen frozen_at(struct hierarchies *hierarchies, size_t number, struct span path,
                             struct buffer *scratch)
{
    _cleanup_buffer_ struct buffer key = {0};
    struct frozen_answer *answer = NULL;
    buffer_append_char(&key, (char)number);
    buffer_append(&key, path.bytes, path.length);
    if (key.failed)
        return FROZEN_UNKNOWN;
    pthread_mutex_lock(&hierarchies->lock);
    HASH_FIND(hh, hierarchies->answers, key.bytes, key.length, answer);
    enum frozen frozen =
        answer ? answer->frozen : ask(&hierarchies->list[number], key.bytes + 1, scratch);
    if (!answer)
        remember(hierarchies, key.bytes, key.length, frozen);
    pthread_mutex_unlock(&hierarchies->lock);
    return frozen;
}

enum frozen hierarchies_frozen(struct hierarchies *hierarchies, const struct proc_cgroup *cgroup,
                               struct buffer *scratch)
{
    enum frozen all = FROZEN_NEVER;
    for (size_t i = 0; i < hierarchies->count; i++) {
        struct hierarchy *hierarchy = &hierarchies->list[i];
        struct span key = {hierarchy->key, strlen(hierarchy->key)};
        struct span path = can_freeze(hierarchy) ? proc_cgroup_path(cgroup, key) : (struct span){0};
        if (!path.bytes)
            continue;
        enum frozen frozen = frozen_at(hierarchies, i, path, scratch);
        if (frozen == FROZEN_YES)
            return FROZEN_YES;
        if (frozen != FROZEN_NEVER && all != FROZEN_UNKNOWN)
            all = frozen;
    }
    return all;
}
