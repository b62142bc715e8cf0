/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/hidden_namespaces.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/error.h"
#include "schema/intervals.h"

#include <cJSON.h>
#include <inttypes.h>
#include <string.h>

DEFINE_CLEANUP(cJSON *, cJSON_Delete)

struct hidden_namespace {
    char type[16];
    int64_t inode;
};

struct hidden_namespaces {
    struct hidden_namespace *array; /* by type and inode */
    size_t count, capacity;
};

/* While they are gathered. */
struct gathering {
    const struct hidden *hidden;
    struct database *database;
    const struct snapshot *seen;
    struct hidden_namespaces *namespaces;
};

void hidden_namespaces_free(struct hidden_namespaces *namespaces)
{
    if (!namespaces)
        return;
    free(namespaces->array);
    free(namespaces);
}

/* "/proc/812/fd/5": what is first on the way to it was a task's, which may not be readable now. */
static bool holder_is_hidden(const struct hidden *hidden, const char *reference_json)
{
    int64_t pid;
    _cleanup_(cJSON_Delete_pointer) cJSON *reference = cJSON_Parse(reference_json);
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(reference, 0));
    return first && sscanf(first, "/proc/%" SCNd64 "/", &pid) == 1 &&
           hidden_covers_task(hidden, KIND_THREAD, pid);
}

/* A source that was left out, or could not be asked, hides what nothing else shows. */
static bool sources_are_hidden(const struct hidden *hidden, const char *sources_json)
{
    _cleanup_(cJSON_Delete_pointer) cJSON *sources = cJSON_Parse(sources_json);
    const cJSON *source;
    if (!sources || !cJSON_GetArraySize(sources))
        return false;
    cJSON_ArrayForEach (source, sources)
        if (!cJSON_IsString(source) || !hidden_has_gap(hidden, KIND_NAMESPACE, source->valuestring))
            return false;
    return true;
}

static bool way_is_hidden(const struct hidden *hidden, const char *sources, const char *reference)
{
    return (sources && sources_are_hidden(hidden, sources)) ||
           (reference && holder_is_hidden(hidden, reference));
}

static int compare_namespaces(const void *left, const void *right)
{
    const struct hidden_namespace *a = left, *b = right;
    int order = strcmp(a->type, b->type);
    return order ? order : (a->inode > b->inode) - (a->inode < b->inode);
}

static struct hidden_namespace namespace_of(const char *type, size_t length, int64_t inode)
{
    struct hidden_namespace namespace = {.inode = inode};
    snprintf(namespace.type, sizeof(namespace.type), "%.*s", (int)length, type);
    return namespace;
}

static int add(struct gathering *gathering, struct hidden_namespace namespace)
{
    struct hidden_namespaces *namespaces = gathering->namespaces;
    int result = array_reserve(&namespaces->array, &namespaces->capacity, namespaces->count + 1,
                               sizeof(namespace));
    if (!result)
        namespaces->array[namespaces->count++] = namespace;
    return result;
}

static int add_by_their_ways(struct gathering *gathering)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = intervals_prepare(gathering->database, KIND_NAMESPACE, gathering->seen,
                                   "type, inode, sources, reference", "", &select);
    while (!result && (result = sql_step(gathering->database, select)) > 0) {
        const char *type = (const char *)sqlite3_column_text(select, 0);
        result = 0;
        if (type && way_is_hidden(gathering->hidden, (const char *)sqlite3_column_text(select, 2),
                                  (const char *)sqlite3_column_text(select, 3)))
            result =
                add(gathering, namespace_of(type, strlen(type), sqlite3_column_int64(select, 1)));
    }
    return result;
}

/* Where a column of a task names a namespace, that it is in or would put its children in: the
 * length of the type in the column's name; else 0. */
static size_t type_length(const struct column *column)
{
    const char *behind = strstr(column->name, "_for_children_namespace");
    if (!behind)
        behind = strstr(column->name, "_namespace");
    return behind ? (size_t)(behind - column->name) : 0;
}

static int select_tasks(const struct gathering *gathering, enum kind kind,
                        sqlite3_stmt **ret_select)
{
    const struct kind_info *info = &kinds[kind];
    _cleanup_buffer_ struct buffer columns = {0};
    buffer_append_text(&columns, "pid");
    for (unsigned column = 0; column < info->column_count; column++)
        if (type_length(&info->columns[column]))
            buffer_append_format(&columns, ", %s", info->columns[column].name);
    int result = buffer_error(&columns);
    return result ? result
                  : intervals_prepare(gathering->database, kind, gathering->seen,
                                      buffer_text(&columns), "", ret_select);
}

enum { NO_NAMESPACE = -1 };

/* Those of one task, on which the statement stands. */
static int add_of_task(struct gathering *gathering, enum kind kind, sqlite3_stmt *task)
{
    const struct kind_info *info = &kinds[kind];
    int result = 0;
    for (unsigned column = 0, selected = 0; !result && column < info->column_count; column++) {
        size_t length = type_length(&info->columns[column]);
        int64_t inode = length ? sql_known(task, (int)++selected, NO_NAMESPACE) : NO_NAMESPACE;
        if (inode != NO_NAMESPACE)
            result = add(gathering, namespace_of(info->columns[column].name, length, inode));
    }
    return result;
}

static int add_of_tasks(struct gathering *gathering, enum kind kind)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    int result = select_tasks(gathering, kind, &select);
    while (!result && (result = sql_step(gathering->database, select)) > 0)
        result = hidden_covers_task(gathering->hidden, kind, sqlite3_column_int64(select, 0))
                     ? add_of_task(gathering, kind, select)
                     : 0;
    return result;
}

static int gather(struct gathering *gathering)
{
    bool tasks = hidden_has_kind(gathering->hidden, KIND_PROCESS) ||
                 hidden_has_kind(gathering->hidden, KIND_THREAD);
    int result = add_by_their_ways(gathering);
    if (!result && tasks)
        result = add_of_tasks(gathering, KIND_PROCESS);
    if (!result && tasks)
        result = add_of_tasks(gathering, KIND_THREAD);
    return result;
}

int hidden_namespaces_load(const struct hidden *hidden, struct database *database,
                           const struct snapshot *seen, struct hidden_namespaces **ret_namespaces)
{
    _cleanup_(hidden_namespaces_free_pointer) struct hidden_namespaces *namespaces =
        calloc(1, sizeof(*namespaces));
    if (!namespaces)
        return error_memory();
    int result = gather(&(struct gathering){hidden, database, seen, namespaces});
    if (result)
        return result;
    if (namespaces->count)
        qsort(namespaces->array, namespaces->count, sizeof(*namespaces->array), compare_namespaces);
    *ret_namespaces = steal_pointer(namespaces);
    return 0;
}

bool hidden_namespaces_have(const struct hidden_namespaces *namespaces, const char *type,
                            int64_t inode)
{
    const struct hidden_namespace wanted = namespace_of(type, strlen(type), inode);
    return namespaces->count && bsearch(&wanted, namespaces->array, namespaces->count,
                                        sizeof(wanted), compare_namespaces);
}
