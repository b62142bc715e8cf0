/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/intervals.h"

#include <inttypes.h>

/* Ids of snapshots count those of all hosts in the file: good enough to choose by. Where SQLite is
 * to keep from the other index, a unary plus says so. */

/* A file from a stranger has ids of any size. */
static uint64_t distance(int64_t from, int64_t to)
{
    return (uint64_t)to - (uint64_t)from;
}

static void append_select(struct buffer *sql, enum kind kind, const struct snapshot *snapshot)
{
    buffer_append_format(sql, "SELECT id FROM %s_state WHERE host_id = %" PRId64 " AND ",
                         kinds[kind].name, snapshot->host_id);
}

/* Those that began behind `after` and hold in `at`. */
static void append_begun(struct buffer *sql, enum kind kind, int64_t after,
                         const struct snapshot *at)
{
    append_select(sql, kind, at);
    if (distance(after, at->id) <= distance(at->id, at->newest)) {
        buffer_append_format(sql,
                             "first_snapshot > %" PRId64 " AND first_snapshot <= %" PRId64
                             " AND (+last_snapshot >= %" PRId64 " OR +last_snapshot IS NULL)",
                             after, at->id, at->id);
        return;
    }
    buffer_append_format(sql,
                         "last_snapshot >= %" PRId64 " AND +first_snapshot > %" PRId64
                         " AND +first_snapshot <= %" PRId64 " UNION ALL ",
                         at->id, after, at->id);
    append_select(sql, kind, at);
    buffer_append_format(sql,
                         "last_snapshot IS NULL AND first_snapshot > %" PRId64
                         " AND first_snapshot <= %" PRId64,
                         after, at->id);
}

/* Those that hold in `at` and have ended before `before`. */
static void append_ended(struct buffer *sql, enum kind kind, const struct snapshot *at,
                         int64_t before)
{
    bool by_end = distance(at->id, before) <= distance(0, at->id);
    append_select(sql, kind, at);
    buffer_append_format(sql,
                         "%sfirst_snapshot <= %" PRId64 " AND %slast_snapshot >= %" PRId64
                         " AND %slast_snapshot < %" PRId64,
                         by_end ? "+" : "", at->id, by_end ? "" : "+", at->id, by_end ? "" : "+",
                         before);
}

void intervals_append_at(struct buffer *sql, enum kind kind, const struct snapshot *at)
{
    append_begun(sql, kind, 0, at);
}

int intervals_prepare(struct database *database, enum kind kind, const struct snapshot *at,
                      const char *columns, const char *behind, sqlite3_stmt **ret_statement)
{
    _cleanup_buffer_ struct buffer sql = {0};
    buffer_append_format(&sql, "SELECT %s FROM %s_history WHERE state_id IN (", columns,
                         kinds[kind].name);
    intervals_append_at(&sql, kind, at);
    buffer_append_format(&sql, ") %s", behind);
    int result = buffer_error(&sql);
    return result ? result : sql_prepare(database, buffer_text(&sql), ret_statement);
}

void intervals_append_unlike(struct buffer *sql, enum kind kind, const struct snapshot *older,
                             const struct snapshot *newer)
{
    append_ended(sql, kind, older, newer->id);
    buffer_append_text(sql, " UNION ALL ");
    append_begun(sql, kind, older->id, newer);
}
