/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/namespace_search.h"

#include "base/error.h"

#include <fcntl.h>

/* ---- opening ---- */

/* Opens the namespace through a task, and makes sure that it is the one: the task may have ended,
 * its id been used again, or have gone elsewhere. */
static int open_through(const struct namespace_search *search, const struct namespace *namespace,
                        const struct census_task *task, enum namespace_link link)
{
    _cleanup_buffer_ struct buffer path = {0};
    uint32_t inode;
    census_append_path(&path, task);
    buffer_append_format(&path, "/%s", namespace_links[link].path);
    _cleanup_close_ int fd = nsfs_open(search->capture->host->proc, buffer_text(&path));
    if (fd < 0)
        return fd;
    int r = nsfs_inode(fd, &inode);
    if (r < 0)
        return r;
    return inode == namespace->key.inode ? steal_fd(&fd) : -ESTALE;
}

/* Tries the tasks that led to it, beginning with the first, until one still does. */
static int open_through_tasks(const struct namespace_search *search,
                              const struct namespace *namespace)
{
    const struct census *census = &search->capture->census;
    if (!namespace->task || namespace->by_descriptor)
        return -ENOENT;
    int fd = open_through(search, namespace, namespace->task, namespace->link);
    for (size_t i = 0; fd < 0 && i < census->count; i++)
        for (unsigned link = 0; fd < 0 && link < LINK_COUNT; link++)
            if (census->tasks[i].namespaces[link] == namespace->key.inode &&
                namespace_links[link].type == namespace->key.type)
                fd = open_through(search, namespace, &census->tasks[i], (enum namespace_link)link);
    return fd;
}

static int open_by_id(const struct namespace_search *search, const struct namespace *namespace)
{
    const struct host *host = search->capture->host;
    if (!namespace->has_id || !host_has(host, FEATURE_NSFS_HANDLE))
        return -EOPNOTSUPP;
    _cleanup_close_ int any = nsfs_open(host->proc, "self/ns/mnt");
    return any < 0 ? any
                   : nsfs_open_by_id(any, (enum nsfs_type) namespace->key.type, namespace->id,
                                     namespace->key.inode);
}

int namespace_search_open(const struct namespace_search *search, const struct namespace *namespace)
{
    if (namespace->fd >= 0) {
        int copy = fcntl(namespace->fd, F_DUPFD_CLOEXEC, 0);
        return copy < 0 ? -errno : copy;
    }
    int fd = open_through_tasks(search, namespace);
    return fd < 0 && namespace->has_id ? open_by_id(search, namespace) : fd;
}

/* A mount namespace is opened once more to read its mounts. One that no later look could open stays
 * open until then; of these there are seldom any, and never more than this. */
static void keep_open(struct namespace_search *search, struct namespace *namespace, int *fd)
{
    enum { KEPT_MOST = 256 };
    bool by_task = namespace->task && !namespace->by_descriptor;
    bool by_id = namespace->has_id && host_has(search->capture->host, FEATURE_NSFS_HANDLE);
    if (namespace->key.type != NSFS_MNT || by_task || by_id || search->kept == KEPT_MOST)
        return;
    namespace->fd = steal_fd(fd);
    search->kept++;
}

/* ---- asking the kernel ---- */

/* Each namespace waits once; the descriptor is taken over. */
static int let_wait(struct namespace_search *search, struct namespace *namespace, int fd)
{
    if (namespace->resolved || search->pending_count == PENDING_MOST) {
        fd_close(fd);
        return namespace->resolved ? 0 : -EMLINK;
    }
    namespace->resolved = true;
    search->pending[search->pending_count++] = (struct pending){namespace, fd};
    return 0;
}

/* Adds what an ioctl led to. */
static int follow(struct namespace_search *search, enum nsfs_type type, enum sighting sighting,
                  int *fd, uint32_t *ret_inode)
{
    struct namespace *found;
    uint32_t inode;
    int r = nsfs_inode(*fd, &inode);
    if (r >= 0)
        r = namespace_table_add(search->table, type, inode, sighting, &found);
    if (r < 0)
        return r;
    *ret_inode = inode;
    return let_wait(search, found, steal_fd(fd));
}

/* EPERM is the answer above the topmost one that we may see, ENOTTY that of a kernel without the
 * call: neither is a failure to read something that is there for us. */
static bool is_out_of_reach(int code)
{
    return code == -EPERM || code == -ENOTTY || code == -ENOSYS;
}

static int ask_owner(struct namespace_search *search, struct namespace *namespace, int fd)
{
    if (!host_has(search->capture->host, FEATURE_NS_GET_USERNS))
        return 0;
    _cleanup_close_ int owner = nsfs_open_owner(fd);
    if (owner < 0)
        return is_out_of_reach(owner) ? 0 : owner;
    return follow(search, NSFS_USER, SIGHTING_OWNER, &owner, &namespace->owner);
}

static int ask_parent(struct namespace_search *search, struct namespace *namespace, int fd)
{
    enum nsfs_type type = namespace->key.type;
    if ((type != NSFS_USER && type != NSFS_PID) ||
        !host_has(search->capture->host, FEATURE_NS_GET_PARENT))
        return 0;
    _cleanup_close_ int parent = nsfs_open_parent(fd);
    if (parent < 0)
        return is_out_of_reach(parent) ? 0 : parent;
    return follow(search, type, SIGHTING_PARENT, &parent, &namespace->parent);
}

static int ask_owner_uid(struct namespace_search *search, struct namespace *namespace, int fd)
{
    if (namespace->key.type != NSFS_USER ||
        !host_has(search->capture->host, FEATURE_NS_GET_OWNER_UID))
        return 0;
    int r = nsfs_owner_uid(fd, &namespace->owner_uid);
    namespace->has_owner_uid = r >= 0;
    return r < 0 && !is_out_of_reach(r) ? r : 0;
}

static int ask_id(struct namespace_search *search, struct namespace *namespace, int fd)
{
    const struct host *host = search->capture->host;
    int r = -ENOTTY;
    if (host_has(host, FEATURE_NS_GET_ID))
        r = nsfs_id(fd, &namespace->id);
    if (r < 0 && namespace->key.type == NSFS_MNT && host_has(host, FEATURE_NS_GET_MNTNS_ID))
        r = nsfs_mount_namespace_id(fd, &namespace->id);
    namespace->has_id = r >= 0;
    return r < 0 && !is_out_of_reach(r) ? r : 0;
}

int namespace_search_report(const struct namespace_search *search,
                            const struct namespace *namespace, int code, const char *detail)
{
    char subject[32], scope[16];
    snprintf(subject, sizeof(subject), "%s:%u", nsfs_type_names[namespace->key.type],
             namespace->key.inode);
    snprintf(scope, sizeof(scope), "%u", namespace->key.inode);
    return collector_gap(search->sink, SOURCE_NAMESPACES, subject, -code, detail, KIND_NAMESPACE,
                         scope);
}

/* Asks an open namespace for everything. */
static int ask(struct namespace_search *search, struct namespace *namespace, int fd)
{
    static const struct {
        const char *name;
        int (*ask)(struct namespace_search *search, struct namespace *namespace, int fd);
    } questions[] = {
        {"id", ask_id}, {"owner", ask_owner}, {"parent", ask_parent}, {"owner uid", ask_owner_uid}};
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        int r = questions[i].ask(search, namespace, fd);
        if (r == -ENOMEM)
            return error_memory();
        if (r < 0)
            r = namespace_search_report(search, namespace, r, questions[i].name);
        if (r < 0)
            return r;
    }
    return 0;
}

int namespace_search_resolve(struct namespace_search *search, struct namespace *namespace, int fd)
{
    int r = let_wait(search, namespace, fd);
    while (search->pending_count) {
        struct pending next = search->pending[--search->pending_count];
        if (r >= 0)
            r = ask(search, next.namespace, next.fd);
        if (r >= 0)
            keep_open(search, next.namespace, &next.fd);
        fd_close(next.fd);
    }
    return r;
}

int namespace_search_resolve_all(struct namespace_search *search)
{
    struct namespace *namespace, *next;
    if (!search->capture->host->live)
        return 0;
    /* What is added meanwhile comes at the end, resolved already. */
    HASH_ITER (hh, search->table->namespaces, namespace, next) {
        if (namespace->resolved || !namespace->task)
            continue;
        int fd = namespace_search_open(search, namespace);
        int r = fd < 0 ? namespace_search_report(search, namespace, fd,
                                                 "nothing that led to it could be opened")
                       : namespace_search_resolve(search, namespace, fd);
        if (r < 0)
            return r;
    }
    return 0;
}
