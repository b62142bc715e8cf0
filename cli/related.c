/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/related.h"

#include "base/buffer.h"

#include <string.h>

void related_free(struct related *related)
{
    for (size_t i = 0; i < related->count; i++)
        records_free(&related->groups[i].records);
    related->count = 0;
}

/* Whether `candidate` belongs to `record`. */
typedef bool predicate(const struct record *record, const struct record *candidate);

struct search {
    struct database *database;
    const struct snapshot *snapshot;
    const struct record *record;
    struct related *related;
};

struct selection {
    const struct record *record;
    predicate *belongs;
    struct records *records;
};

static int select_record(void *userdata, const struct record *candidate)
{
    const struct selection *selection = userdata;
    bool chosen = selection->belongs(selection->record, candidate);
    return chosen ? records_add(selection->records, candidate) : 0;
}

static int select_records(const struct search *search, enum kind kind, predicate *belongs,
                          struct records *ret_records)
{
    struct selection selection = {search->record, belongs, ret_records};
    return records_each(search->database, search->snapshot, kind, select_record, &selection);
}

/* Takes the records over as a group, unless there are none. */
static void keep_group(struct related *related, const char *name, struct records *records)
{
    if (!records->count)
        return;
    related->groups[related->count].name = name;
    related->groups[related->count++].records = *records;
    *records = (struct records){0};
}

static int add_group(const struct search *search, const char *name, enum kind kind,
                     predicate *belongs)
{
    _cleanup_records_ struct records records = {0};
    int r = select_records(search, kind, belongs, &records);
    if (r >= 0)
        keep_group(search->related, name, &records);
    return r;
}

static bool is_same(const struct record *a, unsigned a_column, const struct record *b,
                    unsigned b_column)
{
    return record_has(a, a_column) && value_equal(&a->values[a_column], &b->values[b_column]);
}

/* Inode numbers of namespaces differ between types too, so any of the columns will do. */
static bool task_is_in(const struct record *task, const struct record *space)
{
    for (unsigned column = TASK_CGROUP_NAMESPACE; column <= TASK_UTS_NAMESPACE; column++) {
        if (is_same(space, NAMESPACE_INODE, task, column))
            return true;
    }
    return false;
}

static bool namespace_of_task(const struct record *task, const struct record *space)
{
    return task_is_in(task, space);
}

static bool task_of_namespace(const struct record *space, const struct record *task)
{
    return task_is_in(task, space);
}

static bool thread_of_process(const struct record *process, const struct record *thread)
{
    return is_same(process, PROCESS_PID, thread, THREAD_PID);
}

static bool process_of_thread(const struct record *thread, const struct record *process)
{
    return is_same(thread, THREAD_PID, process, PROCESS_PID);
}

static bool owner_of_namespace(const struct record *space, const struct record *candidate)
{
    return is_same(space, NAMESPACE_OWNER, candidate, NAMESPACE_INODE);
}

static bool namespace_of_mount(const struct record *mount, const struct record *space)
{
    return is_same(mount, MOUNT_NAMESPACE, space, NAMESPACE_INODE);
}

static bool mount_of_namespace(const struct record *space, const struct record *mount)
{
    return namespace_of_mount(mount, space);
}

/* A process names its container "engine:id". */
static bool process_of_container(const struct record *container, const struct record *process)
{
    const char *engine = record_text(container, CONTAINER_ENGINE);
    const char *id = record_text(container, CONTAINER_ID);
    const char *named = record_text(process, PROCESS_CONTAINER);
    size_t length = engine ? strlen(engine) : 0;
    return length && id && named && strncmp(named, engine, length) == 0 && named[length] == ':' &&
           strcmp(named + length + 1, id) == 0;
}

static bool discrepancy_about(const struct record *subject, const struct record *discrepancy)
{
    _cleanup_buffer_ struct buffer key = {0};
    const char *about = record_text(discrepancy, DISCREPANCY_SUBJECT);
    record_append_key(&key, subject);
    return about && strcmp(about, buffer_text(&key)) == 0;
}

/* What a discrepancy is about, where that is recorded. */
static bool subject_of_discrepancy(const struct record *discrepancy, const struct record *subject)
{
    return discrepancy_about(subject, discrepancy);
}

static const struct record *parent_namespace(const struct records *spaces,
                                             const struct record *space)
{
    for (size_t i = 0; i < spaces->count; i++) {
        if (is_same(space, NAMESPACE_PARENT, spaces->items[i], NAMESPACE_INODE))
            return spaces->items[i];
    }
    return NULL;
}

/* From the parent up to the root. */
static int add_ancestors(const struct search *search)
{
    _cleanup_records_ struct records spaces = {0}, chain = {0};
    int r = records_read(search->database, search->snapshot, KIND_NAMESPACE, &spaces);
    if (r < 0)
        return r;
    const struct record *space = parent_namespace(&spaces, search->record);
    /* A chain longer than all there are goes in a circle. */
    while (space && chain.count < spaces.count) {
        r = records_add(&chain, space);
        if (r < 0)
            return r;
        space = parent_namespace(&spaces, space);
    }
    keep_group(search->related, "ancestors", &chain);
    return 0;
}

static int compare_pids(const void *a, const void *b)
{
    const struct record *thread = a, *const *process = b;
    return value_compare(&thread->values[THREAD_PID], &(*process)->values[PROCESS_PID]);
}

/* Leaves the threads that are there without their process; the others go without saying. */
static void drop_threads_of(struct records *threads, const struct records *processes)
{
    size_t kept = 0;
    for (size_t i = 0; i < threads->count; i++) {
        struct record *thread = threads->items[i];
        if (processes->count && bsearch(thread, processes->items, processes->count,
                                        sizeof(*processes->items), compare_pids))
            free(thread);
        else
            threads->items[kept++] = thread;
    }
    threads->count = kept;
}

static int add_tasks_of_namespace(const struct search *search)
{
    _cleanup_records_ struct records processes = {0}, threads = {0};
    int r = select_records(search, KIND_PROCESS, task_of_namespace, &processes);
    if (r >= 0)
        r = select_records(search, KIND_THREAD, task_of_namespace, &threads);
    if (r < 0)
        return r;
    drop_threads_of(&threads, &processes);
    keep_group(search->related, "processes", &processes);
    keep_group(search->related, "threads", &threads);
    return 0;
}

static int add_of_namespace(const struct search *search)
{
    int r = add_group(search, "owner", KIND_NAMESPACE, owner_of_namespace);
    if (r >= 0)
        r = add_ancestors(search);
    return r < 0 ? r : add_tasks_of_namespace(search);
}

static int add_of_process(const struct search *search)
{
    int r = add_group(search, "discrepancies", KIND_DISCREPANCY, discrepancy_about);
    if (r >= 0)
        r = add_group(search, "namespaces", KIND_NAMESPACE, namespace_of_task);
    return r < 0 ? r : add_group(search, "threads", KIND_THREAD, thread_of_process);
}

static int add_of_thread(const struct search *search)
{
    int r = add_group(search, "process", KIND_PROCESS, process_of_thread);
    return r < 0 ? r : add_group(search, "namespaces", KIND_NAMESPACE, namespace_of_task);
}

static int add_of_mount(const struct search *search)
{
    int r = add_group(search, "discrepancies", KIND_DISCREPANCY, discrepancy_about);
    return r < 0 ? r : add_group(search, "namespace", KIND_NAMESPACE, namespace_of_mount);
}

/* ---- containers ---- */

/* A container names the one that it is in "engine:id". */
static bool inner_container(const struct record *container, const struct record *candidate)
{
    _cleanup_buffer_ struct buffer key = {0};
    const char *outer = record_text(candidate, CONTAINER_OUTER);
    buffer_append_format(&key, "%s:%s", record_text(container, CONTAINER_ENGINE),
                         record_text(container, CONTAINER_ID));
    return outer && strcmp(outer, buffer_text(&key)) == 0;
}

static bool outer_container(const struct record *container, const struct record *candidate)
{
    return inner_container(candidate, container);
}

/* Whose namespaces those of a container's processes are, too. */
enum sharing { NOT_IN_IT, ITS_OWN, SHARED_WITH_HOST, SHARED_WITH_OTHERS };

/* The host's are its first ones; seen from inside of a container, those of its process 1. */
static enum sharing sharing_of(const struct record *container, const struct record *space,
                               const struct records *processes)
{
    enum sharing sharing = NOT_IN_IT;
    bool host = record_integer(space, NAMESPACE_INITIAL, false), others = false;
    for (size_t i = 0; i < processes->count; i++) {
        const struct record *process = processes->items[i];
        if (!task_is_in(process, space))
            continue;
        if (process_of_container(container, process))
            sharing = ITS_OWN;
        else
            others |= record_has(process, PROCESS_CONTAINER);
        host |= record_integer(process, PROCESS_PID, 0) == 1;
    }
    return sharing == NOT_IN_IT ? sharing
           : host               ? SHARED_WITH_HOST
           : others             ? SHARED_WITH_OTHERS
                                : ITS_OWN;
}

static int add_namespaces_of_container(const struct search *search, struct records *own,
                                       struct records *with_host, struct records *with_others)
{
    _cleanup_records_ struct records processes = {0}, spaces = {0};
    struct records *groups[] = {
        [ITS_OWN] = own, [SHARED_WITH_HOST] = with_host, [SHARED_WITH_OTHERS] = with_others};
    int r = records_read(search->database, search->snapshot, KIND_PROCESS, &processes);
    if (r >= 0)
        r = records_read(search->database, search->snapshot, KIND_NAMESPACE, &spaces);
    for (size_t i = 0; i < spaces.count && r >= 0; i++) {
        enum sharing sharing = sharing_of(search->record, spaces.items[i], &processes);
        if (sharing != NOT_IN_IT)
            r = records_add(groups[sharing], spaces.items[i]);
    }
    return r;
}

static int add_mounts_of(const struct search *search, const struct records *spaces,
                         struct records *mounts)
{
    int r = 0;
    for (size_t i = 0; i < spaces->count && r >= 0; i++) {
        const struct search within = {search->database, search->snapshot, spaces->items[i], NULL};
        const char *type = record_text(spaces->items[i], NAMESPACE_TYPE);
        if (type && strcmp(type, "mnt") == 0)
            r = select_records(&within, KIND_MOUNT, mount_of_namespace, mounts);
    }
    return r;
}

static int add_of_container(const struct search *search)
{
    _cleanup_records_ struct records own = {0}, with_host = {0}, with_others = {0}, mounts = {0};
    int r = add_group(search, "outer container", KIND_CONTAINER, outer_container);
    if (r >= 0)
        r = add_group(search, "containers in it", KIND_CONTAINER, inner_container);
    if (r >= 0)
        r = add_group(search, "processes", KIND_PROCESS, process_of_container);
    if (r >= 0)
        r = add_namespaces_of_container(search, &own, &with_host, &with_others);
    if (r >= 0)
        r = add_mounts_of(search, &own, &mounts);
    if (r >= 0)
        r = add_mounts_of(search, &with_others, &mounts);
    if (r < 0)
        return r;
    keep_group(search->related, "namespaces", &own);
    keep_group(search->related, "shared with the host", &with_host);
    keep_group(search->related, "shared with other containers", &with_others);
    keep_group(search->related, "mounts", &mounts);
    return 0;
}

static int add_of_discrepancy(const struct search *search)
{
    int r = add_group(search, "process", KIND_PROCESS, subject_of_discrepancy);
    return r < 0 ? r : add_group(search, "mount", KIND_MOUNT, subject_of_discrepancy);
}

int related_find(struct database *database, const struct snapshot *snapshot,
                 const struct record *record, struct related *ret_related)
{
    struct search search = {database, snapshot, record, ret_related};
    switch (record->kind) {
    case KIND_NAMESPACE:
        return add_of_namespace(&search);
    case KIND_PROCESS:
        return add_of_process(&search);
    case KIND_THREAD:
        return add_of_thread(&search);
    case KIND_MOUNT:
        return add_of_mount(&search);
    case KIND_CONTAINER:
        return add_of_container(&search);
    case KIND_DISCREPANCY:
        return add_of_discrepancy(&search);
    default:
        return 0;
    }
}
