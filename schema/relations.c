/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/relations.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "schema/pid_chains.h"
#include "schema/statement.h"

#include <string.h>

/* One process (or thread) as a member of a group; ordered by group, then start, then id. */
struct member {
    const char *type; /* of the namespace group; engine:id of a container; "" for threads */
    int64_t group;    /* a namespace's inode, or a pid; 0 for containers */
    int64_t start_ticks;
    int64_t id; /* pid or tid */
};

struct relations {
    enum kind kind;
    struct member *members;
    size_t count, capacity;
    struct arena *arena; /* of the containers' texts */
    struct pid_chains pid_chains;
    struct buffer json, container, pids;
    struct database *database;
    int64_t snapshot;
};

/* The columns of a process that name a namespace it is in. */
static const struct {
    const char *type;
    unsigned column;
} memberships[] = {
    {"cgroup", PROCESS_CGROUP_NAMESPACE}, {"ipc", PROCESS_IPC_NAMESPACE},
    {"mnt", PROCESS_MNT_NAMESPACE},       {"net", PROCESS_NET_NAMESPACE},
    {"pid", PROCESS_PID_NAMESPACE},       {"time", PROCESS_TIME_NAMESPACE},
    {"user", PROCESS_USER_NAMESPACE},     {"uts", PROCESS_UTS_NAMESPACE},
};
enum { MEMBERSHIPS = sizeof(memberships) / sizeof(*memberships) };

void relations_free(struct relations *relations)
{
    if (!relations)
        return;
    free(relations->members);
    buffer_free(&relations->json);
    buffer_free(&relations->container);
    buffer_free(&relations->pids);
    pid_chains_free(&relations->pid_chains);
    arena_free(relations->arena);
    free(relations);
}

static int add(struct relations *relations, struct member member)
{
    int result = array_reserve(&relations->members, &relations->capacity, relations->count + 1,
                               sizeof(member));
    if (!result)
        relations->members[relations->count++] = member;
    return result;
}

static int compare_groups(const struct member *a, const struct member *b)
{
    int order = a->type == b->type ? 0 : strcmp(a->type, b->type);
    return order ? order : a->group < b->group ? -1 : a->group > b->group;
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = compare_groups(a, b);
    if (!order)
        order = a->start_ticks < b->start_ticks ? -1 : a->start_ticks > b->start_ticks;
    return order ? order : a->id < b->id ? -1 : a->id > b->id;
}

static int load_namespace_members(struct relations *relations)
{
    _cleanup_buffer_ struct buffer sql = {0};
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    buffer_append_text(&sql, "SELECT pid, start_ticks");
    for (unsigned i = 0; i < MEMBERSHIPS; i++)
        buffer_append_format(&sql, ", %s", kinds[KIND_PROCESS].columns[memberships[i].column].name);
    buffer_append_text(&sql, " FROM process_at WHERE snapshot_id = ?1");
    int result = buffer_error(&sql);
    if (!result)
        result = sql_prepare(relations->database, buffer_text(&sql), &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, relations->snapshot);
    while ((result = sql_step(relations->database, select)) > 0)
        for (int i = 0; i < (int)MEMBERSHIPS; i++) {
            if (sqlite3_column_type(select, 2 + i) == SQLITE_NULL)
                continue;
            result = add(relations, (struct member){.type = memberships[i].type,
                                                    .group = sqlite3_column_int64(select, 2 + i),
                                                    .start_ticks = sqlite3_column_int64(select, 1),
                                                    .id = sqlite3_column_int64(select, 0)});
            if (result)
                return result;
        }
    return result;
}

static int load_threads(struct relations *relations)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result =
        sql_prepare(relations->database,
                    "SELECT pid, start_ticks, tid FROM thread_at WHERE snapshot_id = ?1", &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, relations->snapshot);
    while ((result = sql_step(relations->database, select)) > 0) {
        result = add(relations, (struct member){.type = "",
                                                .group = sqlite3_column_int64(select, 0),
                                                .start_ticks = sqlite3_column_int64(select, 1),
                                                .id = sqlite3_column_int64(select, 2)});
        if (result)
            return result;
    }
    return result;
}

static int load_of_processes(struct relations *relations, const struct snapshot *snapshot)
{
    int result = load_threads(relations);
    return result ? result : pid_chains_load(&relations->pid_chains, relations->database, snapshot);
}

static int load_container_members(struct relations *relations)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    const char *container = "";
    int result = sql_prepare(relations->database,
                             "SELECT container, start_ticks, pid FROM process_at"
                             " WHERE snapshot_id = ?1 AND container IS NOT NULL ORDER BY container",
                             &select);
    if (result)
        return result;
    if (!(relations->arena = arena_new()))
        return error_memory();
    sqlite3_bind_int64(select, 1, relations->snapshot);
    while ((result = sql_step(relations->database, select)) > 0) {
        const char *text = (const char *)sqlite3_column_text(select, 0);
        if (!text)
            return error_memory();
        if (strcmp(text, container) != 0 &&
            !(container = arena_copy(relations->arena, text, strlen(text))))
            return error_memory();
        result = add(relations, (struct member){.type = container,
                                                .start_ticks = sqlite3_column_int64(select, 1),
                                                .id = sqlite3_column_int64(select, 2)});
        if (result)
            return result;
    }
    return result;
}

int relations_open(struct database *database, const struct snapshot *snapshot, enum kind kind,
                   struct relations **ret_relations)
{
    _cleanup_(relations_free_pointer) struct relations *relations = calloc(1, sizeof(*relations));
    if (!relations)
        return error_memory();
    relations->kind = kind;
    relations->database = database;
    relations->snapshot = snapshot->id;
    int result = 0;
    if (kind == KIND_NAMESPACE)
        result = load_namespace_members(relations);
    else if (kind == KIND_PROCESS)
        result = load_of_processes(relations, snapshot);
    else if (kind == KIND_CONTAINER)
        result = load_container_members(relations);
    if (result)
        return result;
    if (relations->count)
        qsort(relations->members, relations->count, sizeof(*relations->members), compare_members);
    *ret_relations = steal_pointer(relations);
    return 0;
}

/* The first member of the group (by start, then id), or NULL. */
static const struct member *find_group(const struct relations *relations,
                                       const struct member *wanted)
{
    size_t low = 0, high = relations->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_groups(&relations->members[middle], wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < relations->count && compare_groups(&relations->members[low], wanted) == 0;
    return found ? &relations->members[low] : NULL;
}

static void append_id(struct buffer *json, int64_t id)
{
    if (json->length > 1)
        buffer_append_char(json, ',');
    buffer_append_integer(json, id);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* The ids of the group as a JSON array, in numeric order. */
static int append_group(struct relations *relations, const struct member *first,
                        const struct member *wanted)
{
    size_t most = first ? relations->count - (size_t)(first - relations->members) : 0, count = 0;
    while (count < most && compare_groups(&first[count], wanted) == 0)
        count++;
    _cleanup_free_ int64_t *ids = calloc(count + 1, sizeof(*ids));
    if (!ids)
        return error_memory();
    for (size_t i = 0; i < count; i++)
        ids[i] = first[i].id;
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 0; i < count; i++)
        append_id(&relations->json, ids[i]);
    return 0;
}

static const char *known_type(const char *type)
{
    for (unsigned i = 0; type && i < MEMBERSHIPS; i++)
        if (strcmp(memberships[i].type, type) == 0)
            return memberships[i].type;
    return "";
}

static int fill_namespace(struct relations *relations, struct record *record)
{
    struct member wanted = {.type = known_type(record_text(record, NAMESPACE_TYPE)),
                            .group = record_integer(record, NAMESPACE_INODE, -1)};
    const struct member *first = find_group(relations, &wanted);
    if (first)
        record_set_integer(record, NAMESPACE_LEADER, first->id);
    return append_group(relations, first, &wanted);
}

static int fill_process(struct relations *relations, struct record *record)
{
    struct member wanted = {.type = "", .group = record_integer(record, PROCESS_PID, -1)};
    buffer_clear(&relations->pids);
    int result = pid_chains_append(&relations->pid_chains, record, &relations->pids);
    if (relations->pids.length)
        record_set_text(record, PROCESS_PIDS, buffer_text(&relations->pids));
    return result ? result : append_group(relations, find_group(relations, &wanted), &wanted);
}

/* A process names its container as ENGINE:ID. */
static int fill_container(struct relations *relations, struct record *record)
{
    const char *engine = record_text(record, CONTAINER_ENGINE);
    const char *id = record_text(record, CONTAINER_ID);
    buffer_clear(&relations->container);
    buffer_append_format(&relations->container, "%s:%s", engine ? engine : "", id ? id : "");
    int result = buffer_error(&relations->container);
    struct member wanted = {.type = buffer_text(&relations->container)};
    return result ? result : append_group(relations, find_group(relations, &wanted), &wanted);
}

int relations_fill(struct relations *relations, struct record *record)
{
    static const int list_columns[KIND_COUNT] = {
        [KIND_NAMESPACE] = NAMESPACE_PROCESSES,
        [KIND_PROCESS] = PROCESS_THREADS,
        [KIND_CONTAINER] = CONTAINER_PIDS,
    };
    int result = 0;
    if (!list_columns[record->kind])
        return 0;
    buffer_clear(&relations->json);
    buffer_append_char(&relations->json, '[');
    if (record->kind == KIND_NAMESPACE)
        result = fill_namespace(relations, record);
    else if (record->kind == KIND_PROCESS)
        result = fill_process(relations, record);
    else
        result = fill_container(relations, record);
    buffer_append_char(&relations->json, ']');
    if (!result)
        result = buffer_error(&relations->json);
    if (!result)
        record_set_text(record, (unsigned)list_columns[record->kind],
                        buffer_text(&relations->json));
    return result;
}
