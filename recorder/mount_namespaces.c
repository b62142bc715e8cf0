/* SPDX-License-Identifier: Apache-2.0 */
/* All mount namespaces: their mounts are recorded, and the files of namespaces that are
 * bind-mounted in them lead to others, which may be mount namespaces too, and so on, round after
 * round, until nothing new appears. What the kernel tells is read by several threads; what leads on
 * is gone after by one, in the order of the namespaces, so that it is the same each time. */
#include "base/array.h"
#include "base/error.h"
#include "recorder/mounts.h"
#include "recorder/workers.h"

/* How many visitors may hang before no other one is sent, in one run. */
enum { OVERDUE_MOST = 3 };

/* A file of nsfs that is mounted in the namespace being looked at. */
struct bound_file {
    enum nsfs_type type;
    uint32_t inode;
    bool reachable;
    char *path; /* from its root */
};

/* One mount namespace, being looked at. */
struct visit {
    struct mount_namespace place;
    bool done;                /* its mounts are recorded */
    struct bound_file *files; /* in it */
    size_t file_count, file_capacity;
};

struct round {
    struct namespace_search *search;
    const struct census_task **tasks; /* of the census, those of one mount namespace together */
    struct visit *visits;
    size_t count, capacity;
    const struct sink *sinks[WORKERS];
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

/* ---- its mounts ---- */

static int see_mount(void *userdata, const struct mountinfo_mount *mount, const char *target,
                     enum visibility visibility)
{
    struct visit *visit = userdata;
    struct bound_file file = {.reachable = visibility == VISIBILITY_VISIBLE ||
                                           visibility == VISIBILITY_UNKNOWN};
    if (strcmp(mount->fstype, "nsfs") ||
        nsfs_parse_any_link(mount->root, strlen(mount->root), &file.type, &file.inode) < 0)
        return 0;
    file.path = strdup(target);
    int r = file.path ? array_reserve(&visit->files, &visit->file_capacity, visit->file_count + 1,
                                      sizeof(*visit->files))
                      : error_memory();
    if (r < 0) {
        free(file.path);
        return r;
    }
    visit->files[visit->file_count++] = file;
    return 0;
}

static int record(struct visit *visit, const struct sink *sink, const struct mount_table *table)
{
    const struct capture *capture = visit->place.search->capture;
    const struct mounts_visitor visitor = {.each = see_mount, .userdata = visit};
    uint32_t inode = visit->place.namespace->key.inode;
    visit->done = true;
    if (table->count)
        return mounts_record(capture, sink, inode, table, &visitor);
    return capture_wants(capture, SOURCE_MOUNTS)
               ? mounts_report(sink, inode, -table->code, "its mounts cannot be read")
               : 0;
}

static int begin_asking(void *userdata, unsigned worker, const struct sink *sink)
{
    struct round *round = userdata;
    round->sinks[worker] = sink;
    return 0;
}

/* By the kernel's calls alone: any other way may need a visitor, who wants no threads beside it. */
static int ask_kernel(void *userdata, unsigned worker, size_t number)
{
    struct round *round = userdata;
    struct visit *visit = &round->visits[number];
    _cleanup_mount_table_ struct mount_table table = {0};
    int r = mount_table_ask_kernel(&visit->place, &table);
    if (r == -ENOMEM)
        return error_memory();
    return r < 0 || !table.count ? 0 : record(visit, round->sinks[worker], &table);
}

static int ask_otherwise(struct visit *visit)
{
    _cleanup_mount_table_ struct mount_table table = {0};
    int r = mount_table_read(&visit->place, &table);
    return r < 0 ? r : record(visit, visit->place.search->capture->sink, &table);
}

/* ---- bind-mounted namespaces ---- */

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
    return inode == file->inode ? steal_fd(&fd) : -ESTALE;
}

static int set_path(struct visit *visit, struct namespace *namespace, const struct bound_file *file)
{
    namespace->within = visit->place.namespace;
    namespace->path = arena_copy(visit->place.search->table->arena, file->path, strlen(file->path));
    return namespace->path ? 0 : error_memory();
}

/* No lookup leads to what is hidden, so that it is only seen. In a copied tree nothing can be
 * opened: there the table alone tells that the path leads to it. */
static int see_file(struct visit *visit, const struct bound_file *file)
{
    struct namespace_search *search = visit->place.search;
    struct namespace *namespace;
    bool live = search->capture->host->live;
    int r = namespace_table_add(search->table, file->type, file->inode, SIGHTING_BIND_MOUNT,
                                &namespace);
    if (r < 0 || !file->reachable || namespace_steps(namespace))
        return r;
    int fd = live ? open_file(&visit->place, file) : -1;
    if (live && fd < 0) {
        namespace->code = fd; /* another path may lead to it; report_unopened() */
        return 0;
    }
    r = set_path(visit, namespace, file);
    if (r < 0)
        fd_close(fd);
    return r < 0 || fd < 0 ? r : namespace_search_resolve(search, namespace, fd);
}

static int see_files(struct visit *visit)
{
    int r = 0;
    if (!capture_wants(visit->place.search->capture, SOURCE_BIND_MOUNT))
        return 0;
    for (size_t i = 0; i < visit->file_count && r >= 0; i++)
        r = see_file(visit, &visit->files[i]);
    return r;
}

/* ---- one round ---- */

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
static void find_tasks(const struct round *round, struct mount_namespace *place)
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

/* Those that can be looked at already. */
static int find_visits(struct round *round)
{
    struct namespace *namespace = round->search->table->namespaces;
    round->count = 0;
    for (; namespace; namespace = namespace->hh.next) {
        if (namespace->key.type != NSFS_MNT || namespace->visited ||
            !(namespace->resolved || namespace->task))
            continue;
        int r = array_reserve(&round->visits, &round->capacity, round->count + 1,
                              sizeof(*round->visits));
        if (r < 0)
            return r;
        namespace->visited = true;
        struct visit *visit = &round->visits[round->count++];
        *visit = (struct visit){.place = {.search = round->search, .namespace = namespace}};
        find_tasks(round, &visit->place);
    }
    return 0;
}

static int finish(struct visit *visit)
{
    struct mount_namespace *place = &visit->place;
    int r = visit->done ? 0 : ask_otherwise(visit);
    if (r >= 0)
        r = see_files(visit);
    if (place->visitor)
        place->search->overdue += visitor_is_overdue(place->visitor);
    visitor_end(place->visitor);
    place->namespace->fd = fd_close(place->namespace->fd);
    return r;
}

static void free_files(struct visit *visit)
{
    for (size_t i = 0; i < visit->file_count; i++)
        free(visit->files[i].path);
    free(visit->files);
}

static int visit_all(struct round *round)
{
    const struct capture *capture = round->search->capture;
    const struct workload workload = {.capture = capture,
                                      .what = "mounts",
                                      .count = round->count,
                                      .at_once = 1,
                                      .private_descriptors = true,
                                      .begin = begin_asking,
                                      .read = ask_kernel,
                                      .userdata = round};
    int r = host_has(capture->host, FEATURE_STATMOUNT_LINES) ? workers_run(&workload) : 0;
    for (size_t i = 0; i < round->count; i++) {
        if (r >= 0)
            r = finish(&round->visits[i]);
        free_files(&round->visits[i]);
    }
    return r;
}

/* ---- all of them ---- */

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
            r = mounts_report(capture->sink, namespace->key.inode, 0, "it cannot be opened");
    }
    return r;
}

int namespaces_see_mounts(struct namespace_search *search)
{
    struct round round = {.search = search};
    if (!capture_wants(search->capture, SOURCE_MOUNTS) &&
        !capture_wants(search->capture, SOURCE_BIND_MOUNT))
        return 0;
    int r = sort_tasks(&round);
    do {
        if (r >= 0)
            r = find_visits(&round);
        if (r >= 0)
            r = visit_all(&round);
    } while (r >= 0 && round.count);
    free(round.tasks);
    free(round.visits);
    return r < 0 ? r : report_unopened(search);
}
