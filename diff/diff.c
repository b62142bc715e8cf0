/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/diff.h"

#include "base/array.h"
#include "base/error.h"
#include "diff/hidden.h"

#include <string.h>

const char *const change_op_names[CHANGE_OP_COUNT] = {"added", "removed", "changed", "unobserved"};

/* The two states of one thing, NULL where it has none that differs. Copies. */
struct thing {
    struct record *older, *newer;
};

/* Grows as changes are found. */
struct builder {
    struct database *database;
    struct difference *difference;
    size_t capacity;
    struct hidden *hidden_before, *hidden_after; /* what the gaps of each snapshot may hide */
};

void difference_free(struct difference *difference)
{
    if (!difference)
        return;
    for (size_t i = 0; i < difference->count; i++) {
        free((struct record *)difference->changes[i].before);
        free((struct record *)difference->changes[i].after);
    }
    free(difference->changes);
    free(difference);
}

/* Releases what was not given away. */
static void thing_clear(struct thing *thing)
{
    free(thing->older);
    free(thing->newer);
    *thing = (struct thing){0};
}

static int append(struct builder *builder, struct change change)
{
    struct difference *difference = builder->difference;
    int result = array_reserve(&difference->changes, &builder->capacity, difference->count + 1,
                               sizeof(change));
    if (result)
        return result;
    difference->changes[difference->count++] = change;
    difference->summary[change.kind][change.op]++;
    return 0;
}

static void set_field(uint64_t *fields, unsigned column)
{
    fields[column / 64] |= UINT64_C(1) << column % 64;
}

/* What a container's processes show of it, as far as its engine doesn't tell. */
static bool is_shown_by_processes(enum kind kind, unsigned column)
{
    return kind == KIND_CONTAINER && (column == CONTAINER_PID || column == CONTAINER_START_TICKS ||
                                      column == CONTAINER_CONTAINER_STATE);
}

/* A column that says nothing when a gap covers the record: null, or that the process could not be
 * read. */
static bool says_nothing(const struct record *record, unsigned column)
{
    bool is_task = record->kind == KIND_PROCESS || record->kind == KIND_THREAD;
    const char *text = record_text(record, column);
    return !record_has(record, column) ||
           (is_task && column == TASK_CONDITION && text && strcmp(text, "unreadable") == 0);
}

/* Whether the engine, or its files, told of the container both times: then what isn't there is not,
 * such as the exit code of one that runs. */
static bool told_alike(const struct change *change)
{
    if (change->kind != KIND_CONTAINER)
        return false;
    const char *before = record_text(change->before, CONTAINER_TIER);
    const char *after = record_text(change->after, CONTAINER_TIER);
    return before && after && strcmp(before, after) == 0 && strcmp(before, "cgroup") != 0;
}

/* Whether the column was seen to differ, or a gap hides whether it does. The strong key is no
 * state: that it became known is no change; nor that the recorder was asked for more, or came to
 * the thing by another way. */
static bool differs(const struct change *change, unsigned column)
{
    const struct column *info = &kinds[change->kind].columns[column];
    bool known = (record_has(change->before, column) && record_has(change->after, column)) ||
                 told_alike(change);
    return info->class == STATE && !(info->flags & FOUND) && (known || !(info->flags & OPTIONAL)) &&
           !value_equal(&change->before->values[column], &change->after->values[column]);
}

/* Whether the column says nothing for a gap. */
static bool is_hidden(const struct hidden *hidden, const struct record *record, unsigned column)
{
    return says_nothing(record, column) &&
           (hidden_covers(hidden, record) || (is_shown_by_processes(record->kind, column) &&
                                              hidden_has_gap(hidden, KIND_PROCESS, NULL)));
}

/* The columns that differ, parted into those seen on both sides and those that a gap hides. */
static bool compare(struct builder *builder, struct change *change, uint64_t *hidden_fields)
{
    bool any_hidden = false;
    for (unsigned column = 0; column < kinds[change->kind].column_count; column++) {
        if (!differs(change, column))
            continue;
        bool hidden = is_hidden(builder->hidden_before, change->before, column) ||
                      is_hidden(builder->hidden_after, change->after, column);
        set_field(hidden ? hidden_fields : change->fields, column);
        any_hidden |= hidden;
    }
    return any_hidden;
}

static bool has_fields(const struct change *change)
{
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof(change->fields) / sizeof(*change->fields); i++)
        any |= change->fields[i];
    return any;
}

/* Both sides have the thing. Takes the records. */
static int add_changed(struct builder *builder, struct record **before, struct record **after)
{
    uint64_t hidden[(COLUMNS_MOST + 63) / 64] = {0};
    struct change change = {
        .kind = (*before)->kind, .op = CHANGE_CHANGED, .before = *before, .after = *after};
    bool any_hidden = compare(builder, &change, hidden);
    if (!has_fields(&change)) {
        if (!any_hidden)
            return 0;
        change.op = CHANGE_UNOBSERVED;
        memcpy(change.fields, hidden, sizeof(hidden));
    }
    int result = append(builder, change);
    if (!result)
        *before = *after = NULL;
    return result;
}

/* Only one side has the thing; a gap of the other side may hide it there. Takes the record. */
static int add_single(struct builder *builder, struct record **record, bool is_before)
{
    bool hidden = false;
    int result = hidden_may_hold(is_before ? builder->hidden_after : builder->hidden_before,
                                 *record, &hidden);
    if (result)
        return result;
    struct change change = {.kind = (*record)->kind,
                            .op = hidden      ? CHANGE_UNOBSERVED
                                  : is_before ? CHANGE_REMOVED
                                              : CHANGE_ADDED};
    *(is_before ? &change.before : &change.after) = *record;
    result = append(builder, change);
    if (!result)
        *record = NULL;
    return result;
}

/* Takes what the thing has of records, or clears it. */
static int add_thing(struct builder *builder, struct thing *thing)
{
    bool forward = builder->difference->from->id < builder->difference->to->id;
    struct record **before = forward ? &thing->older : &thing->newer;
    struct record **after = forward ? &thing->newer : &thing->older;
    int result = 0;
    if (*before && *after)
        result = add_changed(builder, before, after);
    else if (*before || *after)
        result = add_single(builder, *before ? before : after, *before);
    thing_clear(thing);
    return result;
}

static int keep(struct record **kept, const struct record *record)
{
    *kept = record_copy(record);
    return *kept ? 0 : error_memory();
}

/* Of one thing the older state comes first. */
static int compare_kind(struct builder *builder, enum kind kind)
{
    const struct snapshot *older = builder->difference->from, *newer = builder->difference->to;
    if (older->id > newer->id)
        older = builder->difference->to, newer = builder->difference->from;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    _cleanup_(thing_clear) struct thing thing = {0};
    const struct record *record;
    int result = cursor_open_unlike(builder->database, older, newer, kind, &cursor);
    while (!result && cursor && (result = cursor_next(cursor, &record)) > 0) {
        bool is_older = record->first_snapshot <= older->id;
        bool goes_on =
            !is_older && thing.older && thing.older->identity == record->identity && !thing.newer;
        result = goes_on ? 0 : add_thing(builder, &thing);
        if (!result)
            result = keep(is_older ? &thing.older : &thing.newer, record);
    }
    return result ? result : add_thing(builder, &thing);
}

/* By kind, then by key; of one key what went before what came. */
static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    const struct record *one = a->before ? a->before : a->after;
    const struct record *other = b->before ? b->before : b->after;
    int order = record_compare_numbers(one, other);
    if (!order)
        order = (a->before ? 0 : 1) - (b->before ? 0 : 1);
    return order ? order : record_compare_keys(one, other);
}

static int build(struct builder *builder, unsigned kind_mask)
{
    const struct difference *difference = builder->difference;
    int result =
        hidden_load(builder->database, difference->from, difference->to, &builder->hidden_before);
    if (!result)
        result = hidden_load(builder->database, difference->to, difference->from,
                             &builder->hidden_after);
    for (enum kind kind = 0; !result && kind < KIND_COUNT; kind++)
        if (kind_mask >> kind & 1)
            result = compare_kind(builder, kind);
    hidden_free(builder->hidden_before);
    hidden_free(builder->hidden_after);
    return result;
}

int difference_of(struct database *database, const struct snapshot *from, const struct snapshot *to,
                  unsigned kind_mask, struct difference **ret_difference)
{
    if (from->host_id != to->host_id)
        return error_set(ERROR_USAGE,
                         "cannot compare snapshot %lld of host %s with snapshot %lld of host %s: a "
                         "difference is of one host; pick it with --host",
                         (long long)from->id, from->facts.host, (long long)to->id, to->facts.host);
    _cleanup_difference_ struct difference *difference = calloc(1, sizeof(*difference));
    if (!difference)
        return error_memory();
    difference->from = from;
    difference->to = to;
    struct builder builder = {.database = database, .difference = difference};
    int result = from->id == to->id ? 0 : build(&builder, kind_mask);
    if (result)
        return result;
    if (difference->count)
        qsort(difference->changes, difference->count, sizeof(*difference->changes),
              compare_changes);
    *ret_difference = steal_pointer(difference);
    return 0;
}
