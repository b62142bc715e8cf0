/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/mount_table.h"

#include "base/error.h"
#include "recorder/kernel/mountinfo.h"

/* How many tasks' views of one namespace are read at most, to find the one that shows most. */
enum { VIEWS_MOST = 8, VIEWS_WITHOUT_COUNT = 3 };

void mount_table_free(struct mount_table *table)
{
    buffer_free(&table->lines);
    buffer_free(&table->root);
    mount_ids_list_free(&table->ids);
    *table = (struct mount_table){0};
}

static int compare_ids(const void *a, const void *b)
{
    const struct mount_ids *one = a, *other = b;
    return (one->id > other->id) - (one->id < other->id);
}

static void sort_ids(struct mount_table *table)
{
    if (table->ids.count)
        qsort(table->ids.mounts, table->ids.count, sizeof(*table->ids.mounts), compare_ids);
}

const struct mount_ids *mount_table_ids(const struct mount_table *table, int64_t id)
{
    const struct mount_ids key = {.id = (uint32_t)id};
    return table->ids.count
               ? bsearch(&key, table->ids.mounts, table->ids.count, sizeof(key), compare_ids)
               : NULL;
}

static size_t count_lines(const struct buffer *lines)
{
    size_t count = 0;
    struct span rest = {buffer_text(lines), lines->length}, line;
    while (span_take(&rest, '\n', &line))
        count++;
    return count;
}

static void swap(struct buffer *a, struct buffer *b)
{
    struct buffer held = *a;
    *a = *b;
    *b = held;
}

/* ---- by the kernel's calls ---- */

static bool can_ask(const struct mount_namespace *place, enum feature feature)
{
    return place->namespace->has_id && host_has(place->search->capture->host, feature);
}

static int ask_kernel(struct mount_namespace *place, struct mount_table *table)
{
    if (!can_ask(place, FEATURE_STATMOUNT_LINES))
        return -EOPNOTSUPP;
    int r = mount_calls_read(place->namespace->id, &table->lines, &table->ids);
    if (r < 0)
        return r;
    table->made = true;
    table->restless = r > 0;
    table->count = count_lines(&table->lines);
    sort_ids(table);
    return 0;
}

/* ---- through a process's eyes ---- */

/* Reads its mountinfo, and then makes sure that it was of this namespace: the open file stays with
 * the one in which the task was. */
static int read_mountinfo(const struct mount_namespace *place, int directory, struct buffer *lines)
{
    _cleanup_buffer_ struct buffer link = {0};
    uint32_t inode = 0;
    _cleanup_close_ int fd = procfs_open_file(directory, "mountinfo");
    if (fd < 0)
        return fd;
    int r = procfs_read_link(directory, namespace_links[LINK_MNT].path, &link);
    if (r >= 0)
        r = nsfs_parse_link(link.bytes, link.length, NSFS_MNT, &inode);
    if (r < 0)
        return r;
    if (inode != place->namespace->key.inode)
        return -ESTALE;
    return mountinfo_read(fd, lines);
}

/* Keeps what it sees if it is more than before. True if it sees something. */
static bool look_through(const struct mount_namespace *place, int directory, struct buffer *root,
                         struct mount_table *table)
{
    _cleanup_buffer_ struct buffer lines = {0};
    int r = read_mountinfo(place, directory, &lines);
    size_t count = r < 0 ? 0 : count_lines(&lines);
    if (r < 0)
        table->code = r;
    if (count > table->count) {
        swap(&table->lines, &lines);
        swap(&table->root, root);
        table->count = count;
        table->restless = r > 0;
    }
    return count > 0;
}

static bool sees_all(const struct mount_table *table, unsigned views)
{
    if (table->ids.count)
        return table->count >= table->ids.count || views >= VIEWS_MOST;
    return views >= VIEWS_WITHOUT_COUNT;
}

/* Looks through a task if it is at the root of the namespace, or `elsewhere`, as far as its own
 * link tells. True if it saw something. */
static bool consider_task(const struct mount_namespace *place, const struct census_task *task,
                          bool elsewhere, struct mount_table *table)
{
    _cleanup_buffer_ struct buffer root = {0};
    _cleanup_close_ int directory = census_open(place->search->capture->host->proc, task);
    int r = directory < 0 ? directory : procfs_read_link(directory, "root", &root);
    if (r < 0) {
        table->code = r;
        return false;
    }
    bool is_elsewhere = root.length != 1;
    return is_elsewhere == elsewhere && look_through(place, directory, &root, table);
}

/* Tasks at the root first; the others only if none of those could be read. */
static void look_through_tasks(const struct mount_namespace *place, struct mount_table *table)
{
    unsigned views = 0;
    for (unsigned elsewhere = 0; elsewhere < 2 && !table->count; elsewhere++)
        for (size_t i = 0; i < place->task_count && !sees_all(table, views); i++)
            views += consider_task(place, place->tasks[i], elsewhere, table);
}

/* The ids are taken before and after the look. A mount that was there both times is the one that
 * had its id of mountinfo meanwhile. A kernel that refuses to tell leaves them unknown. */
static int look_with_ids(struct mount_namespace *place, struct mount_table *table,
                         void (*look)(const struct mount_namespace *, struct mount_table *))
{
    bool listed = can_ask(place, FEATURE_LISTMOUNT) && can_ask(place, FEATURE_STATMOUNT);
    uint64_t id = place->namespace->id;
    mount_ids_list_free(&table->ids);
    if (listed && mount_calls_list(id, &table->ids) == -ENOMEM)
        return -ENOMEM;
    look(place, table);
    int r = table->ids.count ? mount_calls_confirm(id, &table->ids) : 0;
    if (r < 0)
        mount_ids_list_free(&table->ids);
    sort_ids(table);
    return r == -ENOMEM ? r : 0;
}

static int ask_tasks(struct mount_namespace *place, struct mount_table *table)
{
    return place->task_count ? look_with_ids(place, table, look_through_tasks) : -ESRCH;
}

/* What a visitor gets for its root is what is mounted over that of the namespace. */
static void look_through_visitor(const struct mount_namespace *place, struct mount_table *table)
{
    _cleanup_buffer_ struct buffer root = {0};
    char name[16];
    snprintf(name, sizeof(name), "%d", (int)visitor_pid(place->visitor));
    _cleanup_close_ int directory = procfs_open_directory(place->search->capture->host->proc, name);
    if (directory < 0)
        table->code = directory;
    else
        look_through(place, directory, &root, table);
}

/* By numbers of the recorder's own pid namespace. */
static int ask_visitor(struct mount_namespace *place, struct mount_table *table)
{
    const struct host *host = place->search->capture->host;
    struct visitor *visitor;
    if (!host->live || host->self != getpid())
        return -EOPNOTSUPP;
    int r = mount_namespace_enter(place, &visitor);
    return r < 0 ? r : look_with_ids(place, table, look_through_visitor);
}

/* ---- all of them ---- */

/* The kernel tells us of our own namespace no more than what is below our root; a task at the
 * namespace's root sees all of it. */
static bool is_own(const struct mount_namespace *place)
{
    return place->namespace->key.inode == place->search->own_mounts;
}

int mount_table_ask_kernel(struct mount_namespace *place, struct mount_table *table)
{
    return is_own(place) ? -EOPNOTSUPP : ask_kernel(place, table);
}

int mount_table_read(struct mount_namespace *place, struct mount_table *table)
{
    static int (*const others[])(struct mount_namespace *,
                                 struct mount_table *) = {ask_kernel, ask_tasks, ask_visitor};
    static int (*const own[])(struct mount_namespace *, struct mount_table *) = {ask_tasks,
                                                                                 ask_kernel};
    bool here = is_own(place);
    size_t ways = here ? sizeof(own) / sizeof(*own) : sizeof(others) / sizeof(*others);
    for (size_t i = 0; i < ways && !table->count; i++) {
        int r = (here ? own : others)[i](place, table);
        if (r == -ENOMEM)
            return error_memory();
        if (r < 0 && (r != -EOPNOTSUPP || !table->code))
            table->code = r;
    }
    return 0;
}
