/* SPDX-License-Identifier: Apache-2.0 */
#include "export/graph.h"

#include "base/clock.h"
#include "base/error.h"

#include <cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct graph_namespace_type graph_namespace_types[GRAPH_NAMESPACE_TYPES] = {
    {"cgroup", TASK_CGROUP_NAMESPACE}, {"ipc", TASK_IPC_NAMESPACE}, {"mnt", TASK_MNT_NAMESPACE},
    {"net", TASK_NET_NAMESPACE},       {"pid", TASK_PID_NAMESPACE}, {"time", TASK_TIME_NAMESPACE},
    {"user", TASK_USER_NAMESPACE},     {"uts", TASK_UTS_NAMESPACE},
};

static const enum mark op_marks[CHANGE_OP_COUNT] = {
    [CHANGE_ADDED] = MARK_ADDED,
    [CHANGE_REMOVED] = MARK_REMOVED,
    [CHANGE_CHANGED] = MARK_CHANGED,
    [CHANGE_UNOBSERVED] = MARK_UNOBSERVED,
};

/* The kinds that are drawn have keys of two columns, which come first. */
enum { KEY_COLUMNS = 2 };
_Static_assert(PROCESS_PID == 0 && PROCESS_START_TICKS == 1 && NAMESPACE_TYPE == 0 &&
                   NAMESPACE_INODE == 1 && MOUNT_NAMESPACE == 0 && MOUNT_ID == 1,
               "compare_key() goes by the first columns");

void graph_items_free(struct graph_items *items)
{
    for (size_t i = 0; i < items->count; i++)
        free(items->items[i].record);
    free(items->items);
    *items = (struct graph_items){0};
}

static int add_item(struct graph_items *items, size_t *capacity, const struct record *record,
                    const struct change *change)
{
    if (items->count == *capacity) {
        size_t more = *capacity ? 2 * *capacity : 64;
        struct graph_item *grown = reallocarray(items->items, more, sizeof *grown);
        if (!grown)
            return error_memory();
        items->items = grown;
        *capacity = more;
    }
    struct record *copy = record_copy(record);
    if (!copy)
        return error_memory();
    items->items[items->count++] = (struct graph_item){
        .record = copy,
        .change = change,
        .mark = change ? op_marks[change->op] : MARK_NONE,
    };
    return 0;
}

static bool is_gone(const struct graph_item *item)
{
    return item->change && !item->change->after;
}

static int compare_key(const struct graph_item *item, const struct value *key, unsigned columns)
{
    int order = 0;
    for (unsigned i = 0; i < columns && !order; i++)
        order = value_compare(&item->record->values[i], &key[i]);
    return order;
}

/* By key; with the same key, what is gone before what took its place. */
static int compare_items(const void *left, const void *right)
{
    const struct graph_item *a = left, *b = right;
    int order = compare_key(a, b->record->values, KEY_COLUMNS);
    if (!order)
        order = is_gone(b) - is_gone(a);
    if (!order)
        order = record_compare_keys(a->record, b->record);
    return order ? order
                 : (a->record->identity > b->record->identity) -
                       (a->record->identity < b->record->identity);
}

static int compare_identities(const void *left, const void *right)
{
    const struct change *const *a = left, *const *b = right;
    int64_t first = (*a)->after->identity, second = (*b)->after->identity;
    return (first > second) - (first < second);
}

/* The changes of the kind that leave something at the end, ordered by its identity. */
struct standing {
    const struct change **changes;
    size_t count;
};

static void standing_free(struct standing *standing)
{
    free(standing->changes);
}

static const struct change *standing_find(const struct standing *standing, int64_t identity)
{
    struct record wanted = {.identity = identity};
    struct change key = {.after = &wanted};
    const struct change *key_pointer = &key;
    const struct change *const *found =
        standing->count ? bsearch(&key_pointer, standing->changes, standing->count,
                                  sizeof *standing->changes, compare_identities)
                        : NULL;
    return found ? *found : NULL;
}

/* Splits the difference's changes of the kind: what is gone becomes items, the rest is to be found
 * by the records of the end. */
static int split_changes(const struct difference *difference, enum kind kind,
                         struct graph_items *items, size_t *capacity, struct standing *standing)
{
    standing->changes = calloc(difference->count + 1, sizeof *standing->changes);
    if (!standing->changes)
        return error_memory();
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        int r = 0;
        if (change->kind == kind && change->after)
            standing->changes[standing->count++] = change;
        else if (change->kind == kind)
            r = add_item(items, capacity, change->before, change);
        if (r < 0)
            return r;
    }
    qsort(standing->changes, standing->count, sizeof *standing->changes, compare_identities);
    return 0;
}

static void order_items(struct graph_items *items)
{
    if (items->count)
        qsort(items->items, items->count, sizeof *items->items, compare_items);
    for (size_t i = 1; i < items->count; i++)
        if (compare_key(&items->items[i], items->items[i - 1].record->values, KEY_COLUMNS) == 0)
            items->items[i].twin = items->items[i - 1].twin + 1;
}

int graph_items_load(const struct export_request *request, enum kind kind,
                     struct graph_items *ret_items)
{
    const struct difference *difference = request->difference;
    _cleanup_(standing_free) struct standing standing = {0};
    _cleanup_graph_items_ struct graph_items items = {0};
    size_t capacity = 0;
    int r = difference ? split_changes(difference, kind, &items, &capacity, &standing) : 0;
    if (r < 0)
        return r;

    _cleanup_cursor_ struct cursor *cursor = NULL;
    r = cursor_open(request->database, difference ? difference->to : request->snapshot, kind,
                    &cursor);
    const struct record *record;
    while (r >= 0 && (r = cursor_next(cursor, &record)) > 0)
        r = add_item(&items, &capacity, record, standing_find(&standing, record->identity));
    if (r < 0)
        return r;
    order_items(&items);
    *ret_items = items;
    items = (struct graph_items){0};
    return 0;
}

/* Was there, or is there, on the side that `from` refers to. */
static bool is_on_side(const struct graph_item *item, const struct graph_item *from)
{
    if (!item->change)
        return true;
    return is_gone(from) ? item->change->before != NULL : item->change->after != NULL;
}

static size_t find(const struct graph_items *items, const struct graph_item *from,
                   const struct value *key, unsigned columns)
{
    size_t low = 0, high = items->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_key(&items->items[middle], key, columns) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < items->count && compare_key(&items->items[low], key, columns) == 0; low++)
        if (is_on_side(&items->items[low], from))
            return low;
    return GRAPH_NONE;
}

size_t graph_find_process(const struct graph_items *processes, const struct graph_item *from,
                          int64_t pid)
{
    const struct value key = {.type = VALUE_INTEGER, .integer = pid};
    return find(processes, from, &key, 1);
}

size_t graph_find_namespace(const struct graph_items *namespaces, const struct graph_item *from,
                            const char *type, int64_t inode)
{
    const struct value key[] = {
        {.type = VALUE_TEXT, .length = (uint32_t)strlen(type), .text = type},
        {.type = VALUE_INTEGER, .integer = inode},
    };
    return find(namespaces, from, key, 2);
}

size_t graph_find_mount(const struct graph_items *mounts, const struct graph_item *from,
                        int64_t namespace, int64_t id)
{
    const struct value key[] = {
        {.type = VALUE_INTEGER, .integer = namespace},
        {.type = VALUE_INTEGER, .integer = id},
    };
    return find(mounts, from, key, 2);
}

static int type_by_name(const char *name)
{
    for (int i = 0; name && i < GRAPH_NAMESPACE_TYPES; i++)
        if (strcmp(graph_namespace_types[i].name, name) == 0)
            return i;
    return -1;
}

void graph_usual_of(const struct graph_items *namespaces, const struct graph_items *processes,
                    struct graph_usual *ret_usual)
{
    int64_t *inodes = ret_usual->inodes;
    for (unsigned i = 0; i < GRAPH_NAMESPACE_TYPES; i++)
        inodes[i] = -1;
    for (size_t i = 0; i < namespaces->count; i++) {
        const struct record *record = namespaces->items[i].record;
        int type = type_by_name(record_text(record, NAMESPACE_TYPE));
        if (type >= 0 && inodes[type] < 0 && record_integer(record, NAMESPACE_INITIAL, 0))
            inodes[type] = record_integer(record, NAMESPACE_INODE, -1);
    }
    for (unsigned type = 0; type < GRAPH_NAMESPACE_TYPES; type++)
        for (size_t i = 0; i < processes->count && inodes[type] < 0; i++)
            inodes[type] =
                record_integer(processes->items[i].record, graph_namespace_types[type].column, -1);
}

void graph_append_id(struct buffer *buffer, const struct graph_item *item)
{
    const struct record *record = item->record;
    const bool is_namespace = record->kind == KIND_NAMESPACE;
    const char *type = is_namespace ? record_text(record, NAMESPACE_TYPE) : NULL;
    buffer_append_text(buffer, type ? type : kinds[record->kind].name);
    for (unsigned column = is_namespace ? 1 : 0; column < 2; column++) {
        if (record_has(record, column))
            buffer_append_format(buffer, "_%" PRId64, record_integer(record, column, 0));
        else
            buffer_append_text(buffer, "_unknown");
    }
    if (item->twin)
        buffer_append_format(buffer, "_twin%u", item->twin);
}

static void append_value(struct buffer *line, const struct record *record, unsigned column)
{
    enum { VALUE_LENGTH = 28 };
    const struct value *value = &record->values[column];
    const enum column_type type = kinds[record->kind].columns[column].type;
    char moment[CLOCK_TEXT_SIZE];
    if (value->type == VALUE_NULL)
        buffer_append_char(line, '-'); /* not known, or none */
    else if (value->type == VALUE_TEXT)
        dot_append_name(line, value->text, VALUE_LENGTH);
    else if (type == TYPE_BOOLEAN)
        buffer_append_text(line, value->integer ? "yes" : "no");
    else if (type == TYPE_TIME)
        buffer_append_text(line, clock_format_utc(value->integer, moment));
    else if (type == TYPE_ID)
        buffer_append_unsigned(line, (uint64_t)value->integer);
    else
        buffer_append_integer(line, value->integer);
}

static void label_change(struct buffer *label, const struct graph_item *item, unsigned column)
{
    _cleanup_buffer_ struct buffer line = {0};
    const struct change *change = item->change;
    const struct column *info = &kinds[change->kind].columns[column];
    buffer_append_format(&line, "%s: ", info->name);
    if (info->type == TYPE_JSON) {
        buffer_append_text(&line, "differs");
    } else if (item->mark == MARK_UNOBSERVED) {
        buffer_append_text(&line, "could not be read");
    } else {
        append_value(&line, change->before, column);
        buffer_append_text(&line, " → ");
        append_value(&line, change->after, column);
    }
    label->failed |= line.failed;
    dot_label_note(label, buffer_text(&line));
}

void graph_label_changes(struct buffer *label, const struct graph_item *item, unsigned most)
{
    if (!item->change || !item->change->before || !item->change->after)
        return;
    unsigned shown = 0, more = 0;
    for (unsigned i = 0; i < kinds[item->record->kind].column_count; i++) {
        if (!change_has_field(item->change, i))
            continue;
        if (shown++ < most)
            label_change(label, item, i);
        else
            more++;
    }
    if (!more)
        return;
    char line[32];
    snprintf(line, sizeof line, "and %u more", more);
    dot_label_note(label, line);
}

void graph_append_strings(struct buffer *line, const struct record *record, unsigned column,
                          const char *between)
{
    const char *text = record_text(record, column);
    cJSON *array = text ? cJSON_Parse(text) : NULL;
    if (text && !array)
        dot_append_name(line, text, DOT_NAME_LENGTH); /* the database may have been altered */
    const cJSON *each;
    size_t index = 0;
    cJSON_ArrayForEach (each, array) {
        if (!cJSON_IsString(each))
            continue;
        buffer_append_text(line, index++ ? between : "");
        dot_append_name(line, each->valuestring, DOT_NAME_LENGTH);
    }
    cJSON_Delete(array);
}

void graph_label_holder(struct buffer *label, const struct graph_item *namespace)
{
    _cleanup_buffer_ struct buffer line = {0};
    buffer_append_text(&line, "no process, found by: ");
    graph_append_strings(&line, namespace->record, NAMESPACE_SOURCES, ", ");
    dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
    buffer_clear(&line);
    graph_append_strings(&line, namespace->record, NAMESPACE_REFERENCE, ", then ");
    if (line.length)
        dot_label_note(label, buffer_text(&line));
    label->failed |= line.failed;
}

void graph_append_process(struct buffer *line, const struct record *task)
{
    const char *comm = record_text(task, TASK_COMM);
    dot_append_name(line, comm ? comm : "?", DOT_NAME_LENGTH);
    if (task->kind == KIND_THREAD)
        buffer_append_format(line, " (thread %" PRId64 " of %" PRId64 ")",
                             record_integer(task, THREAD_TID, -1),
                             record_integer(task, TASK_PID, -1));
    else
        buffer_append_format(line, " (pid %" PRId64 ")", record_integer(task, TASK_PID, -1));
}

void graph_append_listed(struct buffer *list, size_t index, size_t most, const char *text)
{
    if (index > most)
        return;
    buffer_append_text(list, index ? ", " : "");
    buffer_append_text(list, index == most ? "…" : text);
}
