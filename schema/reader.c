/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/reader.h"

#include "base/buffer.h"
#include "base/error.h"
#include "schema/intervals.h"
#include "schema/relations.h"
#include "schema/sample.h"
#include "schema/statement.h"

#include <inttypes.h>

struct cursor {
    struct database *database;
    enum kind kind;
    sqlite3_stmt *select;
    unsigned selected[COLUMNS_MOST]; /* number of each selected column */
    unsigned selected_count;
    struct sample_table samples;
    struct relations *relations; /* NULL where derived columns are not asked for */
    struct record record;
};

void cursor_free(struct cursor *cursor)
{
    if (!cursor)
        return;
    sqlite3_finalize(cursor->select);
    sample_table_free(&cursor->samples);
    relations_free(cursor->relations);
    free(cursor);
}

/* The rest are samples, and what schema/relations.c fills in. */
static bool is_in_view(const struct column *column)
{
    return column->class == IDENTITY || column->class == STATE || column->class == DERIVED;
}

enum { FIRST_COLUMN = 5 };

static void append_keys(struct buffer *sql, const struct kind_info *kind)
{
    for (unsigned flags = KEY; flags <= STRONG; flags <<= 1)
        for (unsigned column = 0; column < kind->column_count; column++)
            if (kind->columns[column].flags & flags)
                buffer_append_format(sql, "%s, ", kind->columns[column].name);
    buffer_append_text(sql, "first_snapshot");
}

/* SELECT ... FROM KIND_history WHERE `condition`, in this order, or for NULL in that of keys. */
static int prepare(struct cursor *cursor, const char *condition, const char *order)
{
    _cleanup_buffer_ struct buffer sql = {0};
    const struct kind_info *kind = &kinds[cursor->kind];
    buffer_append_format(&sql, "SELECT %s_id, first_snapshot, last_snapshot, digest, %s",
                         kind->name, kind->bound_to_boot ? "boot" : "0");
    for (unsigned column = 0; column < kind->column_count; column++)
        if (is_in_view(&kind->columns[column])) {
            buffer_append_format(&sql, ", %s", kind->columns[column].name);
            cursor->selected[cursor->selected_count++] = column;
        }
    buffer_append_format(&sql, " FROM %s_history WHERE %s ORDER BY ", kind->name, condition);
    if (order)
        buffer_append_text(&sql, order);
    else
        append_keys(&sql, kind);
    int result = buffer_error(&sql);
    return result ? result : sql_prepare(cursor->database, buffer_text(&sql), &cursor->select);
}

static int open_cursor(struct database *database, enum kind kind, const char *condition,
                       const char *order, struct cursor **ret_cursor)
{
    _cleanup_cursor_ struct cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return error_memory();
    cursor->database = database;
    cursor->kind = kind;
    int result = prepare(cursor, condition, order);
    if (result)
        return result;
    *ret_cursor = steal_pointer(cursor);
    return 0;
}

/* Over the states whose ids the SELECT `states` gives. */
static int open_states(struct database *database, enum kind kind, const struct buffer *states,
                       const char *order, struct cursor **ret_cursor)
{
    _cleanup_buffer_ struct buffer condition = {0};
    buffer_append_format(&condition, "state_id IN (%s)", buffer_text(states));
    int result = buffer_error(&condition);
    return result ? result
                  : open_cursor(database, kind, buffer_text(&condition), order, ret_cursor);
}

int cursor_open(struct database *database, const struct snapshot *snapshot, enum kind kind,
                struct cursor **ret_cursor)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    _cleanup_buffer_ struct buffer states = {0};
    intervals_append_at(&states, kind, snapshot);
    int result = buffer_error(&states);
    if (!result)
        result = open_states(database, kind, &states, NULL, &cursor);
    if (!result)
        result = sample_read(database, snapshot->id, kind, &cursor->samples, NULL);
    if (!result)
        result = relations_open(database, snapshot, kind, &cursor->relations);
    if (result)
        return result;
    *ret_cursor = steal_pointer(cursor);
    return 0;
}

int cursor_open_history(struct database *database, enum kind kind, int64_t identity,
                        struct cursor **ret_cursor)
{
    char condition[64];
    snprintf(condition, sizeof(condition), "%s_id = %" PRId64, kinds[kind].name, identity);
    return open_cursor(database, kind, condition, "first_snapshot", ret_cursor);
}

int cursor_open_all(struct database *database, int64_t host_id, enum kind kind,
                    struct cursor **ret_cursor)
{
    char condition[64];
    snprintf(condition, sizeof(condition), "host_id = %" PRId64, host_id);
    return open_cursor(database, kind, condition, "first_snapshot", ret_cursor);
}

/* Whether a SELECT gives anything: 1, 0, or an error. */
static int any(struct database *database, const struct buffer *select)
{
    _cleanup_statement_ sqlite3_stmt *statement = NULL;
    int result = sql_prepare(database, buffer_text(select), &statement);
    return result ? result : sql_step(database, statement);
}

/* To prepare what reads records takes longer than to read a hundred, and most kinds have not
 * changed. */
int cursor_open_unlike(struct database *database, const struct snapshot *older,
                       const struct snapshot *newer, enum kind kind, struct cursor **ret_cursor)
{
    _cleanup_buffer_ struct buffer states = {0};
    char order[64];
    intervals_append_unlike(&states, kind, older, newer);
    int result = buffer_error(&states);
    if (!result)
        result = any(database, &states);
    *ret_cursor = NULL;
    if (result <= 0)
        return result;
    snprintf(order, sizeof(order), "%s_id, first_snapshot", kinds[kind].name);
    return open_states(database, kind, &states, order, ret_cursor);
}

int cursor_next(struct cursor *cursor, const struct record **ret_record)
{
    int result = sql_step(cursor->database, cursor->select);
    if (result <= 0)
        return result;
    struct record *record = &cursor->record;
    record_begin(record, cursor->kind);
    record->identity = sqlite3_column_int64(cursor->select, 0);
    record->first_snapshot = sqlite3_column_int64(cursor->select, 1);
    record->last_snapshot = sql_known(cursor->select, 2, 0);
    sql_digest(cursor->select, 3, &record->digest);
    record->boot = sqlite3_column_int64(cursor->select, 4);
    for (unsigned i = 0; i < cursor->selected_count; i++)
        record->values[cursor->selected[i]] = sql_value(cursor->select, FIRST_COLUMN + (int)i);
    sample_table_fill(&cursor->samples, record);
    result = cursor->relations ? relations_fill(cursor->relations, record) : 0;
    if (result)
        return result;
    *ret_record = record;
    return 1;
}

int history_span(struct database *database, enum kind kind, int64_t identity, int64_t *ret_first,
                 int64_t *ret_last)
{
    _cleanup_buffer_ struct buffer sql = {0};
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    const char *name = kinds[kind].name;
    buffer_append_format(&sql,
                         "SELECT min(first_snapshot), CASE WHEN count(*) > count(last_snapshot)"
                         " THEN 0 ELSE max(last_snapshot) END FROM %s_state WHERE %s_id = ?1",
                         name, name);
    int result = buffer_error(&sql);
    if (!result)
        result = sql_prepare(database, buffer_text(&sql), &select);
    if (result)
        return result;
    sqlite3_bind_int64(select, 1, identity);
    result = sql_step(database, select);
    if (result < 0)
        return result;
    *ret_first = sqlite3_column_int64(select, 0);
    *ret_last = sqlite3_column_int64(select, 1);
    return 0;
}
