/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/records.h"

#include "base/error.h"

void records_free(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        free(records->items[i]);
    free(records->items);
    *records = (struct records){0};
}

int records_add(struct records *records, const struct record *record)
{
    /* The room doubles whenever the count reaches a power of two. */
    if ((records->count & (records->count - 1)) == 0) {
        size_t room = records->count ? 2 * records->count : 1;
        struct record **items = reallocarray(records->items, room, sizeof(*items));
        if (!items)
            return error_memory();
        records->items = items;
    }
    struct record *copy = record_copy(record);
    if (!copy)
        return error_memory();
    records->items[records->count++] = copy;
    return 0;
}

int records_each(struct database *database, const struct snapshot *snapshot, enum kind kind,
                 int (*each)(void *userdata, const struct record *record), void *userdata)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    int r = cursor_open(database, snapshot, kind, &cursor);
    if (r < 0)
        return r;
    const struct record *record;
    while ((r = cursor_next(cursor, &record)) > 0) {
        r = each(userdata, record);
        if (r)
            return r;
    }
    return r;
}

static int add(void *userdata, const struct record *record)
{
    return records_add(userdata, record);
}

int records_read(struct database *database, const struct snapshot *snapshot, enum kind kind,
                 struct records *ret_records)
{
    return records_each(database, snapshot, kind, add, ret_records);
}

static bool has_all_of(const struct record *record, const struct record *probe)
{
    for (unsigned i = 0; i < kinds[probe->kind].column_count; i++) {
        if (record_has(probe, i) && !value_equal(&record->values[i], &probe->values[i]))
            return false;
    }
    return true;
}

/* A null is smaller than everything. */
ptrdiff_t records_find(const struct records *records, const struct record *probe)
{
    size_t low = 0, high = records->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (record_compare_keys(records->items[middle], probe) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < records->count && has_all_of(records->items[low], probe);
    return found ? (ptrdiff_t)low : RECORDS_NONE;
}
