/* SPDX-License-Identifier: Apache-2.0 */
/* All mount namespaces, one after the other: their mounts are recorded, and the files of namespaces
 * that are bind-mounted in them lead to others, which may be mount namespaces too, and so on, until
 * nothing new appears. */
#include "base/array.h"
#include "base/error.h"
#include "recorder/mounts.h"

/* How many visitors may hang before no other one is sent, in one run. */
enum { OVERDUE_MOST = 3 };

/* A file of nsfs that is mounted in the namespace being looked at, and not known otherwise. */
struct bound_file {
    struct namespace *namespace;
    char *path; /* of the table's arena */
};

struct round {
    struct namespace_search *search;
    const struct census_task **tasks; /* of the census, those of one mount namespace together */
    struct mount_namespace place;     /* which is being looked at */
    struct bound_file *files;         /* in it */
    size_t file_count, file_capacity;
};

/* ---- the visitor ---- */

static int start_visitor(struct mount_namespace *place)
{
    struct namespace_search *search = place->search;
    if (search->overdue >= OVERDUE_MOST)
        return -ETIMEDOUT;
    if (place->namespace->key.inode == search->own_mounts)
        return visitor_start(-1, &place->visitor);
    _cleanup_close_ int fd = namespace_search_open(search, place->namespace);
    return fd < 0 ? fd : visitor_start(fd, &place->visitor);
}

int mount_namespace_enter(struct mount_namespace *place, struct visitor **ret_visitor)
{
    if (!place->visitor && !place->visitor_code) {
        place->visitor_code = start_visitor(place);
        place->search->overdue += place->visitor_code == -ETIMEDOUT;
    }
    if (place->visitor_code < 0)
        return place->visitor_code;
    *ret_visitor = place->visitor;
    return 0;
}

/* ---- bind-mounted namespaces ---- */

static int remember_file(struct round *round, struct namespace *namespace, const char *target)
{
    char *path = arena_copy(round->search->table->arena, target, strlen(target));
    int r = path ? array_reserve(&round->files, &round->file_capacity, round->file_count + 1,
                                 sizeof(*round->files))
                 : error_memory();
    if (r >= 0)
        round->files[round->file_count++] = (struct bound_file){namespace, path};
    return r;
}

/* No lookup leads to what is hidden, so that it is only seen. In a copied tree nothing can be
 * opened: there the table alone tells that the path leads to it. */
static int see_mount(void *userdata, const struct mountinfo_mount *mount, const char *target,
                     enum visibility visibility)
{
    struct round *round = userdata;
    struct namespace_search *search = round->search;
    struct namespace *namespace;
    enum nsfs_type type;
    uint32_t inode;
    if (strcmp(mount->fstype, "nsfs") || !capture_wants(search->capture, SOURCE_BIND_MOUNT) ||
        nsfs_parse_any_link(mount->root, strlen(mount->root), &type, &inode) < 0)
        return 0;
    int r = namespace_table_add(search->table, type, inode, SIGHTING_BIND_MOUNT, &namespace);
    bool reachable = visibility == VISIBILITY_VISIBLE || visibility == VISIBILITY_UNKNOWN;
    if (r < 0 || !reachable || namespace_steps(namespace))
        return r;
    return remember_file(round, namespace, target);
}

/* Opens the file and makes sure that it is the one that the table told of. */
static int open_file(struct mount_namespace *place, const struct bound_file *file)
{
    struct visitor *visitor;
    uint32_t inode;
    int r = mount_namespace_enter(place, &visitor);
    if (r < 0)
        return r;
    _cleanup_close_ int path_fd = visitor_open(visitor, file->path);
    if (path_fd < 0)
        return path_fd;
    _cleanup_close_ int fd = nsfs_reopen(place->search->capture->host->proc, path_fd);
    r = fd < 0 ? fd : nsfs_inode(fd, &inode);
    if (r < 0)
        return r;
    return inode == file->namespace->key.inode ? steal_fd(&fd) : -ESTALE;
}

static int see_file(struct round *round, const struct bound_file *file)
{
    struct namespace *namespace = file->namespace;
    bool live = round->search->capture->host->live;
    int fd = live ? open_file(&round->place, file) : -1;
    if (live && fd < 0) {
        namespace->code = fd; /* another path may lead to it; report_unopened() */
        return 0;
    }
    if (!namespace_steps(namespace)) {
        namespace->within = round->place.namespace;
        namespace->path = file->path;
    }
    return fd < 0 ? 0 : namespace_search_resolve(round->search, namespace, fd);
}

static int see_files(struct round *round)
{
    int r = 0;
    for (size_t i = 0; i < round->file_count && r >= 0; i++)
        r = see_file(round, &round->files[i]);
    round->file_count = 0;
    return r;
}

/* ---- one mount namespace ---- */

static int look_at(struct round *round)
{
    _cleanup_mount_table_ struct mount_table table = {0};
    const struct capture *capture = round->search->capture;
    const struct mounts_visitor visitor = {.each = see_mount, .userdata = round};
    uint32_t inode = round->place.namespace->key.inode;
    int r = mount_table_read(&round->place, &table);
    if (r < 0)
        return r;
    if (!table.count)
        return capture_wants(capture, SOURCE_MOUNTS)
                   ? mounts_report(capture, inode, -table.code, "its mounts cannot be read")
                   : 0;
    r = mounts_record(capture, inode, &table, &visitor);
    return r < 0 ? r : see_files(round);
}

static int compare_tasks(const void *a, const void *b)
{
    const struct census_task *one = *(const struct census_task *const *)a,
                             *other = *(const struct census_task *const *)b;
    uint32_t one_inode = one->namespaces[LINK_MNT], other_inode = other->namespaces[LINK_MNT];
    if (one_inode != other_inode)
        return one_inode < other_inode ? -1 : 1;
    return (one > other) - (one < other); /* as the census has them */
}

static int sort_tasks(struct round *round)
{
    const struct census *census = &round->search->capture->census;
    round->tasks = calloc(census->count + 1, sizeof(*round->tasks));
    if (!round->tasks)
        return error_memory();
    for (size_t i = 0; i < census->count; i++)
        round->tasks[i] = &census->tasks[i];
    if (census->count)
        qsort(round->tasks, census->count, sizeof(*round->tasks), compare_tasks);
    return 0;
}

/* The tasks that are in it: from the first one that isn't before them. */
static void find_tasks(struct round *round, struct mount_namespace *place)
{
    uint32_t inode = place->namespace->key.inode;
    size_t count = round->search->capture->census.count, from = 0, to = count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (round->tasks[middle]->namespaces[LINK_MNT] < inode)
            from = middle + 1;
        else
            to = middle;
    }
    while (to < count && round->tasks[to]->namespaces[LINK_MNT] == inode)
        to++;
    place->tasks = round->tasks + from;
    place->task_count = to - from;
}

static int visit(struct round *round, struct namespace *namespace)
{
    round->place = (struct mount_namespace){.search = round->search, .namespace = namespace};
    namespace->visited = true;
    find_tasks(round, &round->place);
    int r = look_at(round);
    if (round->place.visitor)
        round->search->overdue += visitor_is_overdue(round->place.visitor);
    visitor_end(round->place.visitor);
    namespace->fd = fd_close(namespace->fd);
    return r;
}

/* ---- all of them ---- */

/* Those that can be looked at already. What is found on the way comes at the end of the table. */
static int visit_known(struct round *round, bool *ret_visited)
{
    struct namespace *namespace = round->search->table->namespaces;
    int r = 0;
    *ret_visited = false;
    for (; namespace && r >= 0; namespace = namespace->hh.next) {
        if (namespace->key.type != NSFS_MNT || namespace->visited ||
            !(namespace->resolved || namespace->task))
            continue;
        *ret_visited = true;
        r = visit(round, namespace);
    }
    return r;
}

/* What is mounted somewhere, and no path leads to. */
static int report_unopened(const struct namespace_search *search)
{
    const struct namespace *namespace = search->table->namespaces;
    const struct capture *capture = search->capture;
    int r = 0;
    for (; namespace && capture->host->live && r >= 0; namespace = namespace->hh.next) {
        if (namespace->resolved || namespace->task)
            continue;
        r = namespace_search_report(search, namespace, namespace->code,
                                    "no path leads to where it is mounted");
        if (r >= 0 && namespace->key.type == NSFS_MNT && capture_wants(capture, SOURCE_MOUNTS))
            r = mounts_report(capture, namespace->key.inode, 0, "it cannot be opened");
    }
    return r;
}

int namespaces_see_mounts(struct namespace_search *search)
{
    struct round round = {.search = search};
    bool visited = true;
    if (!capture_wants(search->capture, SOURCE_MOUNTS) &&
        !capture_wants(search->capture, SOURCE_BIND_MOUNT))
        return 0;
    int r = sort_tasks(&round);
    while (r >= 0 && visited)
        r = visit_known(&round, &visited);
    free(round.tasks);
    free(round.files);
    return r < 0 ? r : report_unopened(search);
}
