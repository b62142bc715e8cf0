/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of every mount namespace that has a task: /proc/PID/mountinfo of the task that sees most
 * of it, which is one whose root is the namespace's root. Unique ids come from listmount and
 * statmount. */
#include "base/error.h"
#include "base/text.h"
#include "recorder/capture.h"
#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/kernel/procfs.h"
#include "recorder/visibility.h"

/* How many tasks' views of one namespace are read at most, to find the one that shows most. */
enum { VIEWS_MOST = 8, VIEWS_WITHOUT_COUNT = 3 };

/* How many columns of a mount hold captured text. */
enum { MOUNT_TEXTS = 6 };

/* One mount namespace, as far as it is known. */
struct view {
    struct capture *capture;
    uint32_t inode;
    const struct census_task *const *tasks; /* those in it */
    size_t task_count;
    struct buffer table; /* the mountinfo that shows most */
    struct buffer
        root; /* the root of the task that it was read through, seen from the namespace's */
    size_t lines;
    bool restless;             /* it changed whenever it was read */
    int code;                  /* why the last task's couldn't be read */
    struct mount_ids_list ids; /* ordered by id once they are confirmed; empty where not known */
    size_t identified;         /* mounts recorded with their unique id */
    bool has_root;             /* the namespace's root mount is in the table */
    struct visibility_mount *places; /* of the table's lines, in their order */
    size_t place_count, place_at;    /* ... and the first that isn't recorded yet */
    struct buffer text[MOUNT_TEXTS]; /* of the record's columns */
};

/* ---- which task sees most ---- */

static int open_task(const struct view *view, const struct census_task *task)
{
    _cleanup_buffer_ struct buffer path = {0};
    census_append_path(&path, task);
    return path.failed ? -ENOMEM
                       : procfs_open_beneath(view->capture->host->proc, buffer_text(&path));
}

/* Reads its mountinfo, and then makes sure that it was of this namespace: the open file stays with
 * the one in which the task was. */
static int read_table(const struct view *view, int directory, struct buffer *table)
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
    if (inode != view->inode)
        return -ESTALE;
    return mountinfo_read(fd, table);
}

static size_t count_lines(const struct buffer *table)
{
    size_t lines = 0;
    struct span rest = {buffer_text(table), table->length}, line;
    while (span_take(&rest, '\n', &line))
        lines++;
    return lines;
}

static void swap(struct buffer *a, struct buffer *b)
{
    struct buffer held = *a;
    *a = *b;
    *b = held;
}

/* Looks through one task's eyes, and keeps what it saw if it is more than before. True if it saw
 * something. */
static bool look_through(struct view *view, int directory, struct buffer *root)
{
    _cleanup_buffer_ struct buffer table = {0};
    int r = read_table(view, directory, &table);
    size_t lines = r < 0 ? 0 : count_lines(&table);
    if (r < 0)
        view->code = r;
    if (lines > view->lines) {
        swap(&view->table, &table);
        swap(&view->root, root);
        view->lines = lines;
        view->restless = r > 0;
    }
    return lines > 0;
}

static bool sees_all(const struct view *view, unsigned views)
{
    if (view->ids.count)
        return view->lines >= view->ids.count || views >= VIEWS_MOST;
    return views >= VIEWS_WITHOUT_COUNT;
}

/* Looks through a task if it is at the root of the namespace, or `elsewhere`, as far as its own
 * link tells. True if it saw something. */
static bool consider_task(struct view *view, const struct census_task *task, bool elsewhere)
{
    _cleanup_buffer_ struct buffer root = {0};
    _cleanup_close_ int directory = open_task(view, task);
    int r = directory < 0 ? directory : procfs_read_link(directory, "root", &root);
    if (r < 0) {
        view->code = r;
        return false;
    }
    bool is_elsewhere = root.length != 1;
    return is_elsewhere == elsewhere && look_through(view, directory, &root);
}

/* Tasks at the root first; the others only if none of those could be read. */
static void look(struct view *view)
{
    unsigned views = 0;
    for (unsigned elsewhere = 0; elsewhere < 2 && !view->lines; elsewhere++)
        for (size_t i = 0; i < view->task_count && !sees_all(view, views); i++)
            views += consider_task(view, view->tasks[i], elsewhere);
}

/* ---- unique ids ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct mount_ids *one = a, *other = b;
    return (one->id > other->id) - (one->id < other->id);
}

static void set_unique_id(struct view *view, struct record *record, int64_t id)
{
    const struct mount_ids key = {.id = (uint32_t)id};
    const struct mount_ids *found =
        view->ids.count ? bsearch(&key, view->ids.mounts, view->ids.count, sizeof(key), compare_ids)
                        : NULL;
    if (!found)
        return;
    record_set_integer(record, MOUNT_UNIQUE_ID, (int64_t)found->unique_id);
    view->identified++;
}

/* The kernel's id of the namespace, for listmount. False if it cannot be asked about this one. */
static bool namespace_id(const struct view *view, uint64_t *ret_id)
{
    const struct capture *capture = view->capture;
    const struct namespace *namespace =
        namespace_table_find(&capture->namespaces, NSFS_MNT, view->inode);
    if (!host_has(capture->host, FEATURE_LISTMOUNT) ||
        !host_has(capture->host, FEATURE_STATMOUNT) || !namespace || !namespace->has_id)
        return false;
    *ret_id = namespace->id;
    return true;
}

/* The ids are taken before and after the look. A mount that was there both times is the one that
 * had its id of mountinfo meanwhile. A kernel that refuses to tell leaves them unknown. */
static int look_with_ids(struct view *view)
{
    uint64_t id;
    bool can_ask = namespace_id(view, &id);
    int r = can_ask ? mount_calls_list(id, &view->ids) : 0;
    if (r == -ENOMEM)
        return error_memory();
    look(view);
    if (!view->ids.count)
        return 0;
    r = mount_calls_confirm(id, &view->ids);
    if (r == -ENOMEM)
        return error_memory();
    if (r < 0)
        mount_ids_list_free(&view->ids);
    if (view->ids.count)
        qsort(view->ids.mounts, view->ids.count, sizeof(*view->ids.mounts), compare_ids);
    return 0;
}

/* ---- visibility ---- */

/* A chrooted task doesn't see what may be mounted over its root, or above. Of a table that is of no
 * one moment nothing is said. */
static int find_visibility(struct view *view)
{
    struct span rest = {buffer_text(&view->table), view->table.length};
    struct mountinfo_place place;
    const struct visibility_mount *root = NULL;
    view->places = calloc(view->lines + 1, sizeof(*view->places));
    if (!view->places)
        return error_memory();
    if (view->restless)
        return 0;
    while (mountinfo_take_place(&rest, &place))
        view->places[view->place_count++] = (struct visibility_mount){
            .id = place.id, .parent = place.parent, .target = place.target};
    bool chrooted = view->root.length > 1;
    int r = chrooted ? 0 : visibility_root(view->places, view->place_count, &root);
    view->has_root = root;
    return r < 0 ? r : visibility_find(view->places, view->place_count, root);
}

static void set_visibility(struct view *view, struct record *record, int64_t id)
{
    const struct visibility_mount *place = view->places + view->place_at;
    const struct visibility_mount *end = view->places + view->place_count;
    while (place < end && place->id != id)
        place++;
    view->place_at = (size_t)(place - view->places);
    if (place == end)
        return;
    view->place_at++;
    record_set_text(record, MOUNT_VISIBILITY, visibility_names[place->visibility]);
    if (place->covered_by)
        record_set_integer(record, MOUNT_COVERED_BY, place->covered_by->id);
}

/* ---- records ---- */

static void set_group(struct record *record, unsigned column, int64_t group)
{
    if (group)
        record_set_integer(record, column, group);
}

/* A chrooted task sees its own root as "/". */
static void append_target(const struct view *view, const char *target, struct buffer *text)
{
    bool chrooted = view->root.length > 1;
    if (chrooted)
        text_append_captured(text, view->root.bytes, view->root.length);
    if (!chrooted || strcmp(target, "/"))
        text_append_captured(text, target, strlen(target));
}

static int set_texts(struct view *view, struct record *record, const struct mountinfo_mount *mount)
{
    const struct {
        unsigned column;
        const char *captured;
    } columns[MOUNT_TEXTS] = {
        {MOUNT_ROOT, mount->root},       {MOUNT_TARGET, mount->target},
        {MOUNT_SOURCE, mount->source},   {MOUNT_FSTYPE, mount->fstype},
        {MOUNT_OPTIONS, mount->options}, {MOUNT_SUPER_OPTIONS, mount->super_options}};
    for (size_t i = 0; i < MOUNT_TEXTS; i++) {
        const char *captured = columns[i].captured;
        struct buffer *text = &view->text[i];
        if (!captured)
            continue;
        buffer_clear(text);
        if (columns[i].column == MOUNT_TARGET)
            append_target(view, captured, text);
        else
            text_append_captured(text, captured, strlen(captured));
        if (text->failed)
            return error_memory();
        record_set_text(record, columns[i].column, buffer_text(text));
    }
    return 0;
}

static int record_mount(void *userdata, const struct mountinfo_mount *mount)
{
    struct view *view = userdata;
    struct record record;
    char device[24];
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, view->inode);
    record_set_integer(&record, MOUNT_ID, mount->id);
    record_set_integer(&record, MOUNT_PARENT, mount->parent);
    set_unique_id(view, &record, mount->id);
    snprintf(device, sizeof(device), "%u:%u", mount->device_major, mount->device_minor);
    record_set_text(&record, MOUNT_DEVICE, device);
    set_group(&record, MOUNT_SHARED_GROUP, mount->shared);
    set_group(&record, MOUNT_MASTER, mount->master);
    set_group(&record, MOUNT_PROPAGATE_FROM, mount->propagate_from);
    record_set_integer(&record, MOUNT_UNBINDABLE, mount->unbindable);
    set_visibility(view, &record, mount->id);
    int r = set_texts(view, &record, mount);
    return r < 0 ? r : sink_record(view->capture->sink, &record);
}

static int report(const struct view *view, int code, const char *detail)
{
    char subject[32], scope[16];
    snprintf(subject, sizeof(subject), "mnt:%u", view->inode);
    snprintf(scope, sizeof(scope), "%u", view->inode);
    return collector_gap(view->capture->sink, SOURCE_MOUNTS, subject, code, detail, KIND_MOUNT,
                         scope);
}

/* What the kernel lists and no task sees: all of them may be chrooted. A kernel that doesn't list
 * any leaves open what is outside. */
static int report_hidden(const struct view *view)
{
    char detail[64];
    if (view->restless)
        return report(view, EAGAIN, "its mounts changed whenever they were read");
    if (view->identified >= view->ids.count)
        return view->has_root ? 0 : report(view, 0, "no task in it sees its root");
    snprintf(detail, sizeof(detail), "mounts that no task in it sees: %zu",
             view->ids.count - view->identified);
    return report(view, 0, detail);
}

static int report_skipped(const struct view *view, size_t skipped)
{
    char detail[64];
    if (!skipped)
        return 0;
    snprintf(detail, sizeof(detail), "lines of mountinfo that make no sense: %zu", skipped);
    return report(view, EBADMSG, detail);
}

static int record_view(struct view *view)
{
    size_t skipped = 0;
    if (!view->lines)
        return report(view, -view->code, "no mountinfo of a task in it could be read");
    int r = find_visibility(view);
    if (r >= 0)
        r = mountinfo_parse(view->table.bytes, view->table.length, record_mount, view, &skipped);
    if (r >= 0)
        r = report_skipped(view, skipped);
    return r < 0 ? r : report_hidden(view);
}

static int collect_namespace(struct view *view)
{
    int r = look_with_ids(view);
    return r < 0 ? r : record_view(view);
}

static void view_free(struct view *view)
{
    buffer_free(&view->table);
    buffer_free(&view->root);
    mount_ids_list_free(&view->ids);
    free(view->places);
    for (size_t i = 0; i < MOUNT_TEXTS; i++)
        buffer_free(&view->text[i]);
}

/* ---- all namespaces ---- */

static int compare_tasks(const void *a, const void *b)
{
    const struct census_task *one = *(const struct census_task *const *)a,
                             *other = *(const struct census_task *const *)b;
    uint32_t one_inode = one->namespaces[LINK_MNT], other_inode = other->namespaces[LINK_MNT];
    if (one_inode != other_inode)
        return one_inode < other_inode ? -1 : 1;
    return (one > other) - (one < other); /* as the census has them */
}

/* The census's tasks, those of one mount namespace next to each other. */
static const struct census_task **sort_by_namespace(const struct census *census)
{
    const struct census_task **tasks =
        calloc(census->count + 1, sizeof(const struct census_task *));
    if (!tasks)
        return NULL;
    for (size_t i = 0; i < census->count; i++)
        tasks[i] = &census->tasks[i];
    qsort(tasks, census->count, sizeof(const struct census_task *), compare_tasks);
    return tasks;
}

int mounts_collect(struct capture *capture)
{
    size_t count = capture->census.count, end;
    _cleanup_free_ const struct census_task **tasks = sort_by_namespace(&capture->census);
    if (!tasks)
        return error_memory();
    for (size_t i = 0; i < count; i = end) {
        uint32_t inode = tasks[i]->namespaces[LINK_MNT];
        for (end = i + 1; end < count && tasks[end]->namespaces[LINK_MNT] == inode; end++)
            ;
        if (!inode)
            continue;
        struct view view = {
            .capture = capture, .inode = inode, .tasks = tasks + i, .task_count = end - i};
        int r = collect_namespace(&view);
        view_free(&view);
        if (r < 0)
            return r;
        capture_progress(capture, "mounts", end, count);
    }
    return 0;
}
