/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/hidden.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "schema/intervals.h"
#include "schema/reader.h"

#include <cJSON.h>
#include <inttypes.h>
#include <string.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

struct hiding_gap {
    enum kind kind;
    const char *scope; /* NULL for any */
};

struct hidden {
    struct arena *arena;
    struct hiding_gap *gaps; /* by kind, then scope, those of any scope first */
    size_t count, capacity;
};

void hidden_free(struct hidden *hidden)
{
    if (!hidden)
        return;
    arena_free(hidden->arena);
    free(hidden->gaps);
    free(hidden);
}

static int add(struct hidden *hidden, const struct record *gap)
{
    const char *kind_name = record_text(gap, GAP_HIDES), *scope = record_text(gap, GAP_HIDES_SCOPE);
    enum kind kind = kind_name ? kind_by_name(kind_name) : KIND_COUNT;
    if (kind == KIND_COUNT)
        return 0;
    int result =
        array_reserve(&hidden->gaps, &hidden->capacity, hidden->count + 1, sizeof(*hidden->gaps));
    if (result)
        return result;
    if (scope && !(scope = arena_copy(hidden->arena, scope, strlen(scope))))
        return error_memory();
    hidden->gaps[hidden->count++] = (struct hiding_gap){.kind = kind, .scope = scope};
    return 0;
}

static int compare_gaps(const void *left, const void *right)
{
    const struct hiding_gap *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (!a->scope || !b->scope)
        return (a->scope ? 1 : 0) - (b->scope ? 1 : 0);
    return strcmp(a->scope, b->scope);
}

/* A limit of all that the recorder saw of processes, such as hidepid. */
static bool is_limit(const struct record *gap)
{
    const char *hides = record_text(gap, GAP_HIDES), *source = record_text(gap, GAP_SOURCE);
    return hides && strcmp(hides, kinds[KIND_PROCESS].name) == 0 && source &&
           strcmp(source, kinds[KIND_PROCESS].plural) == 0 &&
           record_integer(gap, GAP_ERRNO, 0) == 0 && !record_has(gap, GAP_HIDES_SCOPE);
}

static bool same_text(const struct record *a, const struct record *b, unsigned column)
{
    const char *left = record_text(a, column), *right = record_text(b, column);
    return left && right && strcmp(left, right) == 0;
}

/* Whether the other snapshot was taken under the very same limit: then what was seen in one would
 * have been seen in the other too. */
static int is_common_limit(struct database *database, const struct snapshot *other,
                           const struct record *gap, bool *ret_common)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *its;
    *ret_common = false;
    if (!is_limit(gap))
        return 0;
    int result = cursor_open(database, other, KIND_GAP, &cursor);
    while (!result && !*ret_common && (result = cursor_next(cursor, &its)) > 0) {
        *ret_common =
            is_limit(its) && same_text(its, gap, GAP_SUBJECT) && same_text(its, gap, GAP_ERROR);
        result = 0;
    }
    return result;
}

int hidden_load(struct database *database, const struct snapshot *snapshot,
                const struct snapshot *other, struct hidden **ret_hidden)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    _cleanup_(hidden_free_pointer) struct hidden *hidden = calloc(1, sizeof(*hidden));
    const struct record *gap;
    if (!hidden || !(hidden->arena = arena_new()))
        return error_memory();
    int result =
        snapshot->counts[KIND_GAP] ? cursor_open(database, snapshot, KIND_GAP, &cursor) : 0;
    bool common;
    while (!result && cursor && (result = cursor_next(cursor, &gap)) > 0) {
        result = is_common_limit(database, other, gap, &common);
        if (!result && !common)
            result = add(hidden, gap);
    }
    if (result)
        return result;
    if (hidden->count)
        qsort(hidden->gaps, hidden->count, sizeof(*hidden->gaps), compare_gaps);
    *ret_hidden = steal_pointer(hidden);
    return 0;
}

static bool has_gap(const struct hidden *hidden, enum kind kind, const char *scope)
{
    struct hiding_gap wanted = {.kind = kind, .scope = scope};
    return hidden->count &&
           bsearch(&wanted, hidden->gaps, hidden->count, sizeof(wanted), compare_gaps);
}

static bool has_kind(const struct hidden *hidden, enum kind kind)
{
    for (size_t i = 0; i < hidden->count; i++)
        if (hidden->gaps[i].kind == kind)
            return true;
    return false;
}

/* The value that a gap's scope is held against. NULL where it isn't known. */
static const char *scope_of(const struct value *value, char number[static 24])
{
    if (value->type == VALUE_INTEGER)
        snprintf(number, 24, "%lld", (long long)value->integer);
    return value->type == VALUE_INTEGER ? number : value->type == VALUE_TEXT ? value->text : NULL;
}

/* Another engine may have a container with the same id: only both together are a scope. */
static bool container_is_covered(const struct hidden *hidden, const struct record *container)
{
    static const char prefix[] = "container:";
    _cleanup_buffer_ struct buffer key = {0};
    record_append_key(&key, container);
    return key.failed || has_gap(hidden, KIND_CONTAINER, buffer_text(&key) + strlen(prefix));
}

bool hidden_covers(const struct hidden *hidden, const struct record *record)
{
    const struct kind_info *kind = &kinds[record->kind];
    bool covered = hidden->count && has_gap(hidden, record->kind, NULL);
    for (unsigned column = 0; hidden->count && !covered && column < kind->column_count; column++) {
        char number[24];
        const char *scope =
            kind->columns[column].flags & SCOPE ? scope_of(&record->values[column], number) : NULL;
        covered = scope && has_gap(hidden, record->kind, scope);
    }
    if (hidden->count && !covered && record->kind == KIND_CONTAINER)
        covered = container_is_covered(hidden, record);
    return covered;
}

bool hidden_covers_processes(const struct hidden *hidden)
{
    return hidden->count && has_gap(hidden, KIND_PROCESS, NULL);
}

/* A thread is hidden where its process is, or where only its threads are. */
static bool task_is_hidden(const struct hidden *hidden, enum kind kind, int64_t pid)
{
    struct record task;
    record_begin(&task, KIND_PROCESS);
    record_set_integer(&task, TASK_PID, pid);
    if (hidden_covers(hidden, &task))
        return true;
    task.kind = KIND_THREAD;
    return kind == KIND_THREAD && hidden_covers(hidden, &task);
}

/* "AND ?1 IN (...)": the columns of a task that name the namespace of this type which it is in, and
 * which it would have put its children in. Nothing for a type that there is not. */
static void append_membership(struct buffer *sql, enum kind kind, const char *type)
{
    char name[64];
    for (int children = 0; children < 2; children++) {
        snprintf(name, sizeof(name), "%s%s_namespace", type, children ? "_for_children" : "");
        if (column_by_name(kind, name) >= 0)
            buffer_append_format(sql, "%s%s", sql->length ? ", " : "AND ?1 IN (", name);
    }
    if (sql->length)
        buffer_append_char(sql, ')');
}

/* Whether a process, or a thread, that was in the namespace in `seen` is one that a gap covers. */
static int member_of_kind_is_hidden(const struct hidden *hidden, struct database *database,
                                    const struct snapshot *seen, enum kind kind, const char *type,
                                    int64_t inode, bool *ret_hidden)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    _cleanup_buffer_ struct buffer membership = {0};
    append_membership(&membership, kind, type);
    int result = buffer_error(&membership);
    if (result || !membership.length)
        return result;
    result = intervals_prepare(database, kind, seen, "pid", buffer_text(&membership), &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, inode);
    while (!*ret_hidden && (result = sql_step(database, select)) > 0)
        *ret_hidden = task_is_hidden(hidden, kind, sqlite3_column_int64(select, 0));
    return result < 0 ? result : 0;
}

static int member_is_hidden(const struct hidden *hidden, struct database *database,
                            const struct snapshot *seen, const char *type, int64_t inode,
                            bool *ret_hidden)
{
    static const enum kind tasks[] = {KIND_PROCESS, KIND_THREAD};
    int result = 0;
    if (!type || (!has_kind(hidden, KIND_PROCESS) && !has_kind(hidden, KIND_THREAD)))
        return 0;
    for (size_t i = 0; !result && !*ret_hidden && i < sizeof(tasks) / sizeof(*tasks); i++)
        result =
            member_of_kind_is_hidden(hidden, database, seen, tasks[i], type, inode, ret_hidden);
    return result;
}

/* ---- namespaces that no task was in ---- */

/* "/proc/812/fd/5": what is first on the way to it was a task's, which may not be readable now. */
static bool holder_is_hidden(const struct hidden *hidden, const char *reference_json)
{
    int64_t pid;
    _cleanup_(cJSON_Delete_pointer) cJSON *reference = cJSON_Parse(reference_json);
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(reference, 0));
    return first && sscanf(first, "/proc/%" SCNd64 "/", &pid) == 1 &&
           task_is_hidden(hidden, KIND_THREAD, pid);
}

/* A source that was left out, or could not be asked, hides what nothing else shows. */
static bool sources_are_hidden(const struct hidden *hidden, const char *sources_json)
{
    _cleanup_(cJSON_Delete_pointer) cJSON *sources = cJSON_Parse(sources_json);
    const cJSON *source;
    if (!sources || !cJSON_GetArraySize(sources))
        return false;
    cJSON_ArrayForEach (source, sources)
        if (!cJSON_IsString(source) || !has_gap(hidden, KIND_NAMESPACE, source->valuestring))
            return false;
    return true;
}

static bool way_is_hidden(const struct hidden *hidden, const char *sources, const char *reference)
{
    return (sources && sources_are_hidden(hidden, sources)) ||
           (reference && holder_is_hidden(hidden, reference));
}

/* The same of the mount namespace with this inode in `seen`. */
static int way_to_mounts_is_hidden(const struct hidden *hidden, struct database *database,
                                   const struct snapshot *seen, int64_t inode, bool *ret_hidden)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = intervals_prepare(database, KIND_NAMESPACE, seen, "sources, reference",
                                   "AND type = 'mnt' AND inode = ?1", &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, inode);
    result = sql_step(database, select);
    if (result > 0)
        *ret_hidden = way_is_hidden(hidden, (const char *)sqlite3_column_text(select, 0),
                                    (const char *)sqlite3_column_text(select, 1));
    return result < 0 ? result : 0;
}

static int namespace_is_hidden(const struct hidden *hidden, struct database *database,
                               const struct snapshot *seen, const struct record *record,
                               bool *ret_hidden)
{
    *ret_hidden = way_is_hidden(hidden, record_text(record, NAMESPACE_SOURCES),
                                record_text(record, NAMESPACE_REFERENCE));
    return *ret_hidden
               ? 0
               : member_is_hidden(hidden, database, seen, record_text(record, NAMESPACE_TYPE),
                                  record_integer(record, NAMESPACE_INODE, 0), ret_hidden);
}

static int mounts_are_hidden(const struct hidden *hidden, struct database *database,
                             const struct snapshot *seen, int64_t inode, bool *ret_hidden)
{
    int result = way_to_mounts_is_hidden(hidden, database, seen, inode, ret_hidden);
    return result < 0 || *ret_hidden
               ? result
               : member_is_hidden(hidden, database, seen, "mnt", inode, ret_hidden);
}

/* By the names of their cgroups. */
static bool is_known_by_processes(const struct record *container)
{
    const char *tier = record_text(container, CONTAINER_TIER);
    return tier && strcmp(tier, "cgroup") == 0;
}

int hidden_may_hold(const struct hidden *hidden, struct database *database,
                    const struct snapshot *seen, const struct record *record, bool *ret_hidden)
{
    *ret_hidden = hidden_covers(hidden, record);
    if (*ret_hidden || !hidden->count)
        return 0;
    if (record->kind == KIND_THREAD)
        *ret_hidden = task_is_hidden(hidden, KIND_THREAD, record_integer(record, THREAD_PID, -1));
    if (record->kind == KIND_CONTAINER)
        *ret_hidden = is_known_by_processes(record) && hidden_covers_processes(hidden);
    if (record->kind == KIND_NAMESPACE)
        return namespace_is_hidden(hidden, database, seen, record, ret_hidden);
    if (record->kind == KIND_MOUNT)
        return mounts_are_hidden(hidden, database, seen, record_integer(record, MOUNT_NAMESPACE, 0),
                                 ret_hidden);
    return 0;
}
