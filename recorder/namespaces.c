/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: everything that leads to one is a sighting (namespace_table.h); each is then opened
 * once, through the first task that leads to it, and asked for its id, owner and parent, which may
 * show namespaces that nothing else does. */
#include "base/error.h"
#include "base/json.h"
#include "recorder/capture.h"
#include "recorder/descriptors.h"
#include "recorder/kernel/procfs.h"

/* A namespace that is open, and not asked yet. */
struct pending {
    struct namespace *namespace;
    int fd;
};

/* How many namespaces can wait at once: each that is asked adds its owner and its parent, whose
 * chains are at most 32 long (user_namespaces(7), pid_namespaces(7)). */
enum { PENDING_MOST = 256 };

struct search {
    struct capture *capture;
    struct namespace_table *table;
    struct pending pending[PENDING_MOST];
    size_t pending_count;
};

/* ---- sightings ---- */

/* The tasks come sorted, so that the first one that leads to a namespace is its leader. */
static int see_tasks(struct search *search, enum sighting sighting)
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

static int see_processes(struct search *search)
{
    return see_tasks(search, SIGHTING_PROCESS);
}

static int see_threads(struct search *search)
{
    return see_tasks(search, SIGHTING_THREAD);
}

static int see_for_children(struct search *search)
{
    return see_tasks(search, SIGHTING_FOR_CHILDREN);
}

/* ---- asking the kernel ---- */

/* Each namespace waits once; the descriptor is taken over. */
static int let_wait(struct search *search, struct namespace *namespace, int fd)
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
static int follow(struct search *search, enum nsfs_type type, enum sighting sighting, int *fd,
                  uint32_t *ret_inode)
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

static int ask_owner(struct search *search, struct namespace *namespace, int fd)
{
    if (!host_has(search->capture->host, FEATURE_NS_GET_USERNS))
        return 0;
    _cleanup_close_ int owner = nsfs_open_owner(fd);
    if (owner < 0)
        return is_out_of_reach(owner) ? 0 : owner;
    return follow(search, NSFS_USER, SIGHTING_OWNER, &owner, &namespace->owner);
}

static int ask_parent(struct search *search, struct namespace *namespace, int fd)
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

static int ask_owner_uid(struct search *search, struct namespace *namespace, int fd)
{
    if (namespace->key.type != NSFS_USER ||
        !host_has(search->capture->host, FEATURE_NS_GET_OWNER_UID))
        return 0;
    int r = nsfs_owner_uid(fd, &namespace->owner_uid);
    namespace->has_owner_uid = r >= 0;
    return r < 0 && !is_out_of_reach(r) ? r : 0;
}

static int ask_id(struct search *search, struct namespace *namespace, int fd)
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

static int report(struct search *search, const struct namespace *namespace, int code,
                  const char *detail)
{
    char subject[32], scope[16];
    snprintf(subject, sizeof(subject), "%s:%u", nsfs_type_names[namespace->key.type],
             namespace->key.inode);
    snprintf(scope, sizeof(scope), "%u", namespace->key.inode);
    return collector_gap(search->capture->sink, SOURCE_NAMESPACES, subject, -code, detail,
                         KIND_NAMESPACE, scope);
}

/* Asks an open namespace for everything. */
static int ask(struct search *search, struct namespace *namespace, int fd)
{
    static const struct {
        const char *name;
        int (*ask)(struct search *search, struct namespace *namespace, int fd);
    } questions[] = {
        {"id", ask_id}, {"owner", ask_owner}, {"parent", ask_parent}, {"owner uid", ask_owner_uid}};
    for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
        int r = questions[i].ask(search, namespace, fd);
        if (r == -ENOMEM)
            return error_memory();
        if (r < 0)
            r = report(search, namespace, r, questions[i].name);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Asks the open namespace, and all that this leads to. */
static int resolve(struct search *search, struct namespace *namespace, int fd)
{
    int r = let_wait(search, namespace, fd);
    while (search->pending_count) {
        struct pending *last = &search->pending[--search->pending_count];
        _cleanup_close_ int next = last->fd;
        if (r >= 0)
            r = ask(search, last->namespace, next);
    }
    return r;
}

/* Opens the namespace through a task, and makes sure that it is the one: the task may have ended,
 * its id been used again, or have gone elsewhere. */
static int open_through(const struct search *search, const struct namespace *namespace,
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
static int open_namespace(const struct search *search, struct namespace *namespace)
{
    const struct census *census = &search->capture->census;
    int fd = open_through(search, namespace, namespace->task, namespace->link);
    for (size_t i = 0; fd < 0 && i < census->count; i++)
        for (unsigned link = 0; fd < 0 && link < LINK_COUNT; link++)
            if (census->tasks[i].namespaces[link] == namespace->key.inode &&
                namespace_links[link].type == namespace->key.type)
                fd = open_through(search, namespace, &census->tasks[i], (enum namespace_link)link);
    return fd;
}

/* ---- descriptors ---- */

/* What a descriptor answers that was closed meanwhile, or is something else by now. */
static bool is_gone(int code)
{
    return code == -ENOENT || code == -ESRCH || code == -ESTALE || code == -EINVAL ||
           code == -ENXIO;
}

/* A namespace that no task is in is opened at once, while its holder is looked at. If that fails
 * for any other reason, resolve_all() says so. */
static int see_first_file(struct search *search, const struct descriptor_file *file)
{
    struct namespace *namespace;
    _cleanup_close_ int fd = search->capture->host->live ? descriptors_open(file) : -ENOTTY;
    if (is_gone(fd))
        return 0;
    int r = namespace_table_add(search->table, file->type, file->inode, SIGHTING_FD, &namespace);
    if (r < 0)
        return r;
    namespace->task = file->task;
    namespace->by_descriptor = true;
    namespace->descriptor = file->descriptor;
    return fd < 0 || namespace->resolved ? 0 : resolve(search, namespace, steal_fd(&fd));
}

static int see_file(void *userdata, const struct descriptor_file *file)
{
    struct search *search = userdata;
    struct namespace *namespace = namespace_table_find(search->table, file->type, file->inode);
    if (!namespace || !namespace->task)
        return see_first_file(search, file);
    namespace->sightings |= 1u << SIGHTING_FD;
    return 0;
}

/* A socket doesn't give a reference: no path leads through it to its namespace. */
static int see_socket(void *userdata, int fd)
{
    struct search *search = userdata;
    _cleanup_close_ int owned = fd;
    struct namespace *namespace;
    uint32_t inode;
    int r = nsfs_inode(fd, &inode);
    if (r < 0)
        return error_set(-r, "cannot tell the network namespace of a socket: %s", strerror(-r));
    r = namespace_table_add(search->table, NSFS_NET, inode, SIGHTING_SOCKET, &namespace);
    if (r < 0)
        return r;
    return namespace->task ? 0 : resolve(search, namespace, steal_fd(&owned));
}

static int see_descriptors(struct search *search)
{
    const struct descriptor_visitor visitor = {
        .file = see_file, .socket = see_socket, .userdata = search};
    return descriptors_walk(search->capture, &visitor);
}

/* ---- all of it ---- */

/* Where namespaces are looked for, in this order: an earlier one gives the better reference. */
static int (*const sources[])(struct search *search) = {
    see_processes,
    see_threads,
    see_for_children,
    see_descriptors,
};

static int resolve_all(struct search *search)
{
    struct namespace *namespace, *next;
    if (!search->capture->host->live)
        return 0;
    /* What is added meanwhile comes at the end, resolved already. */
    HASH_ITER (hh, search->table->namespaces, namespace, next) {
        if (namespace->resolved || !namespace->task)
            continue;
        int fd = open_namespace(search, namespace);
        int r = fd < 0 ? report(search, namespace, fd, "nothing that led to it could be opened")
                       : resolve(search, namespace, fd);
        if (r < 0)
            return r;
    }
    return 0;
}

/* ---- records ---- */

/* The host's first namespaces have known numbers. Those of mnt and net do only since kernel 6.18;
 * before, the kernel's own threads, which never leave them, show which they are. */
static void set_initial(const struct search *search, const struct namespace *namespace,
                        struct record *record)
{
    const struct census *census = &search->capture->census;
    enum nsfs_type type = namespace->key.type;
    if (namespace->key.inode == nsfs_initial_inode(type)) {
        record_set_integer(record, NAMESPACE_INITIAL, true);
        return;
    }
    if (type != NSFS_MNT && type != NSFS_NET) {
        record_set_integer(record, NAMESPACE_INITIAL, false);
        return;
    }
    enum namespace_link link = type == NSFS_MNT ? LINK_MNT : LINK_NET;
    for (size_t i = 0; i < census->count; i++) {
        const struct census_task *task = &census->tasks[i];
        if (!task->kernel_thread || !task->namespaces[link] || task->pid != 2)
            continue;
        record_set_integer(record, NAMESPACE_INITIAL,
                           task->namespaces[link] == namespace->key.inode);
        return;
    }
    if (host_has(search->capture->host, FEATURE_NS_GET_ID))
        record_set_integer(record, NAMESPACE_INITIAL, false);
}

static void append_sources(struct buffer *json, const struct namespace *namespace)
{
    buffer_clear(json);
    for (unsigned i = 0; i < SIGHTING_COUNT; i++)
        if (namespace->sightings >> i & 1)
            buffer_append_format(json, "%s\"%s\"", json->length ? "," : "[", sighting_names[i]);
    buffer_append_char(json, ']');
}

/* Through the recorder itself it is the same path each time. */
static void append_reference(const struct host *host, struct buffer *json,
                             const struct namespace *namespace)
{
    buffer_clear(json);
    buffer_append_text(json, "[\"/proc/");
    if (host_is_self(host, namespace->task->pid))
        buffer_append_text(json, "self");
    else
        census_append_path(json, namespace->task);
    if (namespace->by_descriptor)
        buffer_append_format(json, "/fd/%d\"]", namespace->descriptor);
    else
        buffer_append_format(json, "/%s\"]", namespace_links[namespace->link].path);
}

static int emit(const struct search *search, const struct namespace *namespace,
                struct buffer *sources_json, struct buffer *reference_json)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, nsfs_type_names[namespace->key.type]);
    record_set_integer(&record, NAMESPACE_INODE, namespace->key.inode);
    if (namespace->has_id)
        record_set_integer(&record, NAMESPACE_ID, (int64_t) namespace->id);
    if (namespace->parent)
        record_set_integer(&record, NAMESPACE_PARENT, namespace->parent);
    if (namespace->owner)
        record_set_integer(&record, NAMESPACE_OWNER, namespace->owner);
    if (namespace->has_owner_uid)
        record_set_integer(&record, NAMESPACE_OWNER_UID, namespace->owner_uid);
    set_initial(search, namespace, &record);
    append_sources(sources_json, namespace);
    record_set_text(&record, NAMESPACE_SOURCES, buffer_text(sources_json));
    if (namespace->task) {
        append_reference(search->capture->host, reference_json, namespace);
        record_set_text(&record, NAMESPACE_REFERENCE, buffer_text(reference_json));
    }
    if (sources_json->failed || reference_json->failed)
        return error_memory();
    return sink_record(search->capture->sink, &record);
}

int namespaces_collect(struct capture *capture)
{
    _cleanup_buffer_ struct buffer sources_json = {0}, reference_json = {0};
    struct search search = {.capture = capture, .table = &capture->namespaces};
    int r = 0;
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources) && r >= 0; i++)
        r = sources[i](&search);
    if (r >= 0)
        r = resolve_all(&search);
    if (r < 0)
        return r;
    namespace_table_sort(&capture->namespaces);
    struct namespace *namespace, *next;
    HASH_ITER (hh, capture->namespaces.namespaces, namespace, next) {
        r = emit(&search, namespace, &sources_json, &reference_json);
        if (r < 0)
            return r;
    }
    return 0;
}
