/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that tasks lead to: by being in them, and by having something open that keeps one. */
#include "base/error.h"
#include "recorder/descriptors.h"
#include "recorder/namespace_search.h"

/* ---- which they are in ---- */

/* The tasks come sorted, so that the first one that leads to a namespace is its leader. */
static int see_tasks(struct namespace_search *search, enum sighting sighting)
{
    const struct census *census = &search->capture->census;
    for (size_t i = 0; i < census->count; i++) {
        const struct census_task *task = &census->tasks[i];
        if (sighting != SIGHTING_FOR_CHILDREN && !task->tid != (sighting == SIGHTING_PROCESS))
            continue;
        for (unsigned link = 0; link < LINK_COUNT; link++) {
            const struct namespace_link_info *info = &namespace_links[link];
            struct namespace *namespace;
            if (!task->namespaces[link] ||
                info->for_children != (sighting == SIGHTING_FOR_CHILDREN))
                continue;
            int r = namespace_table_add(search->table, info->type, task->namespaces[link], sighting,
                                        &namespace);
            if (r < 0)
                return r;
            if (!namespace->task) {
                namespace->task = task;
                namespace->link = (enum namespace_link)link;
            }
        }
    }
    return 0;
}

int namespaces_see_tasks(struct namespace_search *search)
{
    int r = see_tasks(search, SIGHTING_PROCESS);
    if (r >= 0)
        r = see_tasks(search, SIGHTING_THREAD);
    return r < 0 ? r : see_tasks(search, SIGHTING_FOR_CHILDREN);
}

/* ---- what they have open ---- */

/* Workers tell one after the other, each through its own sink. */
static void begin_telling(struct namespace_search *search, const struct sink *sink)
{
    pthread_mutex_lock(&search->lock);
    search->sink = sink;
}

static int end_telling(struct namespace_search *search, int r)
{
    pthread_mutex_unlock(&search->lock);
    return r;
}

/* What a descriptor answers that was closed meanwhile, or is something else by now. */
static bool is_gone(int code)
{
    return code == -ENOENT || code == -ESRCH || code == -ESTALE || code == -EINVAL ||
           code == -ENXIO;
}

/* Whether a task is in it, through which namespace_search_resolve_all() opens it. */
static bool has_task(const struct namespace *namespace)
{
    return namespace->task && !namespace->by_descriptor;
}

/* Whether the reference is to go through the file: through the first one in the order of tasks and
 * descriptors, so that it is the same each time, whichever worker comes first. */
static bool is_better(const struct descriptor_file *file, const struct namespace *namespace)
{
    if (!namespace->task)
        return true;
    if (file->task != namespace->task)
        return file->task < namespace->task;
    return file->descriptor < namespace->descriptor;
}

/* A namespace that no task is in is opened at once, while its holder is looked at. If that fails
 * for any other reason, namespace_search_resolve_all() says so. */
static int see_holder(struct namespace_search *search, const struct descriptor_file *file)
{
    struct namespace *namespace;
    _cleanup_close_ int fd = search->capture->host->live ? descriptors_open(file) : -ENOTTY;
    if (is_gone(fd))
        return 0;
    int r = namespace_table_add(search->table, file->type, file->inode, SIGHTING_FD, &namespace);
    if (r < 0)
        return r;
    if (is_better(file, namespace)) {
        namespace->task = file->task;
        namespace->by_descriptor = true;
        namespace->descriptor = file->descriptor;
    }
    return fd < 0 || namespace->resolved
               ? 0
               : namespace_search_resolve(search, namespace, steal_fd(&fd));
}

/* Of what is open already, and has a better reference, one more holder tells nothing new. */
static int see_locked_file(struct namespace_search *search, const struct descriptor_file *file)
{
    struct namespace *namespace = namespace_table_find(search->table, file->type, file->inode);
    if (!namespace ||
        (!has_task(namespace) && (!namespace->resolved || is_better(file, namespace))))
        return see_holder(search, file);
    namespace->sightings |= 1u << SIGHTING_FD;
    return 0;
}

static int see_file(void *userdata, const struct sink *sink, const struct descriptor_file *file)
{
    struct namespace_search *search = userdata;
    begin_telling(search, sink);
    return end_telling(search, see_locked_file(search, file));
}

/* A socket doesn't give a reference: no path leads through it to its namespace. */
static int see_locked_socket(struct namespace_search *search, uint32_t inode, int *fd)
{
    struct namespace *namespace;
    int r = namespace_table_add(search->table, NSFS_NET, inode, SIGHTING_SOCKET, &namespace);
    if (r < 0)
        return r;
    return has_task(namespace) ? 0 : namespace_search_resolve(search, namespace, steal_fd(fd));
}

static int see_socket(void *userdata, const struct sink *sink, int fd)
{
    struct namespace_search *search = userdata;
    _cleanup_close_ int owned = fd;
    uint32_t inode;
    int r = nsfs_inode(fd, &inode);
    if (r < 0)
        return error_set(-r, "cannot tell the network namespace of a socket: %s", strerror(-r));
    begin_telling(search, sink);
    return end_telling(search, see_locked_socket(search, inode, &owned));
}

/* What descriptors led to stands in the table as workers came by, behind what tasks are in. */
static int compare_holders(const struct namespace *a, const struct namespace *b)
{
    if (!a->by_descriptor || !b->by_descriptor)
        return a->by_descriptor - b->by_descriptor;
    if (a->task != b->task)
        return a->task < b->task ? -1 : 1;
    return (a->descriptor > b->descriptor) - (a->descriptor < b->descriptor);
}

int namespaces_see_descriptors(struct namespace_search *search)
{
    const struct descriptor_visitor visitor = {
        .file = see_file, .socket = see_socket, .userdata = search};
    int r = descriptors_walk(search->capture, &visitor);
    search->sink = search->capture->sink;
    HASH_SORT(search->table->namespaces, compare_holders);
    return r;
}
