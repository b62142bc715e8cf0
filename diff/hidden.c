/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/hidden.h"

#include "base/arena.h"
#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "diff/hidden_namespaces.h"
#include "schema/reader.h"

#include <string.h>

struct hiding_gap {
    enum kind kind;
    const char *scope; /* NULL for any */
};

struct hidden {
    struct database *database;
    const struct snapshot *other; /* what was seen there may be hidden here */
    struct arena *arena;
    struct hiding_gap *gaps; /* by kind, then scope, those of any scope first */
    size_t count, capacity;
    struct hidden_namespaces *namespaces; /* of `other`; NULL until one is asked for */
};

void hidden_free(struct hidden *hidden)
{
    if (!hidden)
        return;
    arena_free(hidden->arena);
    free(hidden->gaps);
    hidden_namespaces_free(hidden->namespaces);
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
    hidden->database = database;
    hidden->other = other;
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

bool hidden_has_gap(const struct hidden *hidden, enum kind kind, const char *scope)
{
    struct hiding_gap wanted = {.kind = kind, .scope = scope};
    return hidden->count &&
           bsearch(&wanted, hidden->gaps, hidden->count, sizeof(wanted), compare_gaps);
}

bool hidden_has_kind(const struct hidden *hidden, enum kind kind)
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
    return key.failed || hidden_has_gap(hidden, KIND_CONTAINER, buffer_text(&key) + strlen(prefix));
}

bool hidden_covers(const struct hidden *hidden, const struct record *record)
{
    const struct kind_info *kind = &kinds[record->kind];
    bool covered = hidden_has_gap(hidden, record->kind, NULL);
    for (unsigned column = 0; hidden->count && !covered && column < kind->column_count; column++) {
        char number[24];
        const char *scope =
            kind->columns[column].flags & SCOPE ? scope_of(&record->values[column], number) : NULL;
        covered = scope && hidden_has_gap(hidden, record->kind, scope);
    }
    if (hidden->count && !covered && record->kind == KIND_CONTAINER)
        covered = container_is_covered(hidden, record);
    return covered;
}

/* A thread is hidden where its process is, or where only its threads are. */
bool hidden_covers_task(const struct hidden *hidden, enum kind kind, int64_t pid)
{
    struct record task;
    record_begin(&task, KIND_PROCESS);
    record_set_integer(&task, TASK_PID, pid);
    if (hidden_covers(hidden, &task))
        return true;
    task.kind = KIND_THREAD;
    return kind == KIND_THREAD && hidden_covers(hidden, &task);
}

/* By the names of their cgroups. */
static bool is_known_by_processes(const struct record *container)
{
    const char *tier = record_text(container, CONTAINER_TIER);
    return tier && strcmp(tier, "cgroup") == 0;
}

static int namespace_is_hidden(struct hidden *hidden, const char *type, const struct record *record,
                               unsigned inode, bool *ret_hidden)
{
    int result = 0;
    if (!type || !record_has(record, inode))
        return 0;
    if (!hidden->namespaces)
        result =
            hidden_namespaces_load(hidden, hidden->database, hidden->other, &hidden->namespaces);
    if (!result)
        *ret_hidden =
            hidden_namespaces_have(hidden->namespaces, type, record_integer(record, inode, 0));
    return result;
}

int hidden_may_hold(struct hidden *hidden, const struct record *record, bool *ret_hidden)
{
    *ret_hidden = hidden_covers(hidden, record);
    if (*ret_hidden || !hidden->count)
        return 0;
    switch (record->kind) {
    case KIND_THREAD:
        *ret_hidden =
            hidden_covers_task(hidden, KIND_THREAD, record_integer(record, THREAD_PID, -1));
        return 0;
    case KIND_CONTAINER:
        *ret_hidden = is_known_by_processes(record) && hidden_has_gap(hidden, KIND_PROCESS, NULL);
        return 0;
    case KIND_NAMESPACE:
        return namespace_is_hidden(hidden, record_text(record, NAMESPACE_TYPE), record,
                                   NAMESPACE_INODE, ret_hidden);
    case KIND_MOUNT:
        return namespace_is_hidden(hidden, "mnt", record, MOUNT_NAMESPACE, ret_hidden);
    default:
        return 0;
    }
}
