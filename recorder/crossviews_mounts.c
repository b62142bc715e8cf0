/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that one of two views lacks: the mountinfo of a task, and listmount(2) with statmount(2).
 *
 * Both show what is below a root, which need not be the same one: so a mount is missing only where
 * the one that it sits on is shown, for then it would have to be, too. And both are looked at while
 * the kernel says that no mount of the namespace comes, goes or changes: poll(2) on mountinfo. */
#include "base/array.h"
#include "base/error.h"
#include "base/text.h"
#include "recorder/crossviews.h"
#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/mountinfo.h"
#include "recorder/workers.h"

#include <stdlib.h>

/* How often both are looked at, at most, until nothing has changed meanwhile; and how many such
 * looks have to agree. */
enum { LOOKS_MOST = 8, LOOKS_AGREEING = 2 };

/* One view's mounts, by their ids. */
struct mount_view {
    struct buffer lines;
    struct mountinfo_place *places; /* borrow from the lines */
    size_t count, capacity;
};

struct missing_mount {
    int64_t id;
    enum view from;
};

struct comparison {
    const struct capture *capture;
    const struct sink *sink;
    const struct namespace *namespace;
    uint64_t id; /* of the namespace, as listmount(2) takes it */
    struct mount_view table, listed;
    struct mount_ids_list ids; /* of what is listed, by unique id */
    struct missing_mount *missing, *before;
    size_t missing_count, before_count, capacity, before_capacity;
};

static void comparison_free(struct comparison *comparison)
{
    struct mount_view *views[] = {&comparison->table, &comparison->listed};
    for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
        buffer_free(&views[i]->lines);
        free(views[i]->places);
    }
    mount_ids_list_free(&comparison->ids);
    free(comparison->missing);
    free(comparison->before);
}

/* ---- the two views ---- */

static int compare_ids(const void *a, const void *b)
{
    const struct mountinfo_place *one = a, *other = b;
    return (one->id > other->id) - (one->id < other->id);
}

static size_t count_places(const struct mount_view *view)
{
    struct span rest = {buffer_text(&view->lines), view->lines.length};
    struct mountinfo_place place;
    size_t count = 0;
    while (mountinfo_take_place(&rest, &place))
        count++;
    return count;
}

static int sort_places(struct mount_view *view)
{
    struct span rest = {buffer_text(&view->lines), view->lines.length};
    struct mountinfo_place place;
    view->count = 0;
    while (mountinfo_take_place(&rest, &place)) {
        int r =
            array_reserve(&view->places, &view->capacity, view->count + 1, sizeof(*view->places));
        if (r < 0)
            return r;
        view->places[view->count++] = place;
    }
    if (view->count)
        qsort(view->places, view->count, sizeof(*view->places), compare_ids);
    return 0;
}

static const struct mountinfo_place *find_place(const struct mount_view *view, int64_t id)
{
    const struct mountinfo_place wanted = {.id = id};
    return view->count ? bsearch(&wanted, view->places, view->count, sizeof(wanted), compare_ids)
                       : NULL;
}

static int note_missing(struct comparison *comparison, const struct mount_view *shown,
                        const struct mount_view *lacking, enum view view)
{
    for (size_t i = 0; i < shown->count; i++) {
        const struct mountinfo_place *place = &shown->places[i];
        if (find_place(lacking, place->id) || !find_place(lacking, place->parent))
            continue;
        int r = array_reserve(&comparison->missing, &comparison->capacity,
                              comparison->missing_count + 1, sizeof(*comparison->missing));
        if (r < 0)
            return r;
        comparison->missing[comparison->missing_count++] = (struct missing_mount){place->id, view};
    }
    return 0;
}

static int compare_views(struct comparison *comparison)
{
    int r = mount_calls_read(comparison->id, &comparison->listed.lines, &comparison->ids);
    if (r)
        return r == -ENOMEM ? error_memory() : r < 0 ? r : -EAGAIN;
    r = sort_places(&comparison->table);
    if (r >= 0)
        r = sort_places(&comparison->listed);
    if (r >= 0)
        r = note_missing(comparison, &comparison->listed, &comparison->table, VIEW_MOUNTINFO);
    return r < 0
               ? r
               : note_missing(comparison, &comparison->table, &comparison->listed, VIEW_LISTMOUNT);
}

/* One look. -EAGAIN where something changed meanwhile. Where both show as many, they show the same:
 * nobody hides from both. */
static int look(struct comparison *comparison, int mountinfo)
{
    size_t listed;
    comparison->missing_count = 0;
    mount_ids_list_free(&comparison->ids);
    int r = mountinfo_read(mountinfo, &comparison->table.lines);
    if (r)
        return r == -ENOMEM ? error_memory() : r < 0 ? r : -EAGAIN;
    r = mount_calls_count(comparison->id, &listed);
    if (r >= 0 && listed != count_places(&comparison->table))
        r = compare_views(comparison);
    return r < 0 ? r : mountinfo_has_changed(mountinfo) ? -EAGAIN : 0;
}

static bool same_as_before(const struct comparison *comparison)
{
    size_t count = comparison->missing_count;
    if (count != comparison->before_count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (comparison->missing[i].id != comparison->before[i].id ||
            comparison->missing[i].from != comparison->before[i].from)
            return false;
    return true;
}

static void keep_as_before(struct comparison *comparison)
{
    struct missing_mount *missing = comparison->missing;
    size_t capacity = comparison->capacity;
    comparison->missing = comparison->before;
    comparison->capacity = comparison->before_capacity;
    comparison->before = missing;
    comparison->before_capacity = capacity;
    comparison->before_count = comparison->missing_count;
}

/* Looks until there is nothing to suspect, or the same was missing as often as is wanted. 0, or
 * -EAGAIN where it never came to rest, or another error. */
static int look_until_sure(struct comparison *comparison, int mountinfo)
{
    unsigned agreeing = 0;
    for (unsigned looks = 0; looks < LOOKS_MOST && agreeing < LOOKS_AGREEING; looks++) {
        int r = look(comparison, mountinfo);
        if (r == -EAGAIN)
            continue;
        if (r < 0)
            return r;
        agreeing = agreeing && same_as_before(comparison) ? agreeing + 1 : 1;
        keep_as_before(comparison);
        if (!comparison->before_count)
            return 0;
    }
    return agreeing == LOOKS_AGREEING ? 0 : -EAGAIN;
}

/* ---- records ---- */

static const struct mount_ids *ids_of(const struct comparison *comparison, int64_t id)
{
    for (size_t i = 0; i < comparison->ids.count; i++)
        if (comparison->ids.mounts[i].id == id)
            return &comparison->ids.mounts[i];
    return NULL;
}

/* What is told of one of them. */
struct told_mount {
    const struct comparison *comparison;
    struct missing_mount missing;
};

static int emit_if_missing(void *userdata, const struct mountinfo_mount *mount)
{
    const struct told_mount *told = userdata;
    const struct comparison *comparison = told->comparison;
    if (mount->id != told->missing.id)
        return 0;
    _cleanup_buffer_ struct buffer subject = {0}, target = {0}, detail = {0};
    text_append_captured(&target, mount->target, strlen(mount->target));
    buffer_append_format(&subject, "mount:%s@mnt:%u", buffer_text(&target),
                         comparison->namespace->key.inode);
    text_append_captured(&detail, mount->fstype, strlen(mount->fstype));
    const struct mount_ids *ids = ids_of(comparison, mount->id);
    if (target.failed || subject.failed || detail.failed)
        return error_memory();
    return discrepancy_emit(
        comparison->sink,
        &(struct discrepancy){
            .subject = buffer_text(&subject),
            .missing_from = told->missing.from,
            .shown_by =
                1u << (told->missing.from == VIEW_MOUNTINFO ? VIEW_LISTMOUNT : VIEW_MOUNTINFO),
            .has_id = ids,
            .id = ids ? ids->unique_id : 0,
            .start_ticks = -1,
            .name = buffer_text(&target),
            .detail = buffer_text(&detail)});
}

static int emit_missing(const struct comparison *comparison)
{
    size_t skipped;
    int r = 0;
    for (size_t i = 0; i < comparison->before_count && r >= 0; i++) {
        struct told_mount told = {comparison, comparison->before[i]};
        const struct mount_view *shown =
            told.missing.from == VIEW_MOUNTINFO ? &comparison->listed : &comparison->table;
        r = mountinfo_parse(buffer_text(&shown->lines), shown->lines.length, emit_if_missing, &told,
                            &skipped);
    }
    return r;
}

static int report_restless(const struct comparison *comparison)
{
    char subject[32];
    snprintf(subject, sizeof(subject), "mnt:%u", comparison->namespace->key.inode);
    return collector_gap(comparison->sink, SOURCE_CROSS_VIEWS, subject, EAGAIN,
                         "its mounts changed whenever the views of them were compared",
                         KIND_DISCREPANCY, NULL);
}

/* ---- each namespace ---- */

/* A mountinfo of the namespace as a task at its root has it, or else a negative errno. */
static int open_mountinfo(const struct comparison *comparison, const struct census_task *task)
{
    _cleanup_buffer_ struct buffer link = {0};
    uint32_t inode = 0;
    _cleanup_close_ int directory = census_open(comparison->capture->host->proc, task);
    int r = directory < 0 ? directory : procfs_read_link(directory, "root", &link);
    if (r < 0)
        return r;
    if (link.length != 1)
        return -ENOENT;
    _cleanup_close_ int fd = procfs_open_file(directory, "mountinfo");
    r = fd < 0 ? fd : procfs_read_link(directory, namespace_links[LINK_MNT].path, &link);
    if (r >= 0)
        r = nsfs_parse_link(link.bytes, link.length, NSFS_MNT, &inode);
    if (r < 0)
        return r;
    return inode == comparison->namespace->key.inode ? steal_fd(&fd) : -ESTALE;
}

/* The first task in it is known (namespace_table.h), others are behind that one. */
static int open_any_mountinfo(const struct comparison *comparison)
{
    const struct census *census = &comparison->capture->census;
    const struct namespace *namespace = comparison->namespace;
    const struct census_task *task = namespace->by_descriptor ? NULL : namespace->task;
    int r = -ENOENT;
    for (; task && task < census->tasks + census->count && r < 0; task++)
        if (task->namespaces[LINK_MNT] == namespace->key.inode)
            r = open_mountinfo(comparison, task);
    return r;
}

static int compare_namespace(struct comparison *comparison)
{
    _cleanup_close_ int mountinfo = open_any_mountinfo(comparison);
    if (mountinfo < 0)
        return mountinfo == -ENOMEM ? error_memory() : 0;
    int r = look_until_sure(comparison, mountinfo);
    if (r == -EAGAIN)
        return report_restless(comparison);
    if (r < 0)
        return r == -ENOMEM ? error_memory() : 0; /* who may not see one view compares nothing */
    return emit_missing(comparison);
}

/* Of all namespaces, as the workers take them. */
struct comparisons {
    const struct capture *capture;
    const struct sink *sinks[WORKERS];
    const struct namespace **namespaces;
    size_t count;
};

static int begin_comparing(void *userdata, unsigned worker, const struct sink *sink)
{
    struct comparisons *all = userdata;
    all->sinks[worker] = sink;
    return 0;
}

static int compare_one(void *userdata, unsigned worker, size_t number)
{
    struct comparisons *all = userdata;
    struct comparison comparison = {.capture = all->capture,
                                    .sink = all->sinks[worker],
                                    .namespace = all->namespaces[number],
                                    .id = all->namespaces[number]->id};
    int r = compare_namespace(&comparison);
    comparison_free(&comparison);
    return r;
}

static int find_namespaces(struct comparisons *all)
{
    const struct namespace *namespace = all->capture->namespaces.namespaces;
    all->namespaces = calloc(HASH_COUNT(namespace) + 1, sizeof(*all->namespaces));
    for (; all->namespaces && namespace; namespace = namespace->hh.next)
        if (namespace->key.type == NSFS_MNT && namespace->has_id)
            all->namespaces[all->count++] = namespace;
    return all->namespaces ? 0 : error_memory();
}

int crossviews_compare_mounts(const struct capture *capture)
{
    struct comparisons all = {.capture = capture};
    if (!host_has(capture->host, FEATURE_STATMOUNT_LINES))
        return 0;
    int r = find_namespaces(&all);
    const struct workload workload = {.capture = capture,
                                      .what = "views of mounts",
                                      .count = all.count,
                                      .private_descriptors = true,
                                      .begin = begin_comparing,
                                      .read = compare_one,
                                      .userdata = &all};
    if (r >= 0)
        r = workers_run(&workload);
    free(all.namespaces);
    return r;
}
