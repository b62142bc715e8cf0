/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/intervals.h"

#include <inttypes.h>

/* Snapshots from the first of a state to its last, from which on it is in KIND_state_long too. */
enum { LONG = 256 };

/* A file from a stranger has ids of any size. */
static uint64_t distance(int64_t from, int64_t to)
{
    return (uint64_t)to - (uint64_t)from;
}

/* Where SQLite is to keep from another index, a unary plus says so. */
static void append_select(struct buffer *sql, enum kind kind, const struct snapshot *snapshot)
{
    buffer_append_format(sql, "%sSELECT id FROM %s_state WHERE host_id = %" PRId64 " AND ",
                         sql->length ? " UNION ALL " : "", kinds[kind].name, snapshot->host_id);
}

/* Those that hold in `at` and still do in the host's newest snapshot, and began behind `after`. */
static void append_open(struct buffer *sql, enum kind kind, const struct snapshot *at,
                        int64_t after)
{
    append_select(sql, kind, at);
    buffer_append_format(sql,
                         "last_snapshot IS NULL AND first_snapshot > %" PRId64
                         " AND first_snapshot <= %" PRId64,
                         after, at->id);
}

/* Those that began behind `after` and not behind `until`, and ended at `at` or later, but before
 * `before`. */
static void append_range(struct buffer *sql, int64_t after, int64_t until, int64_t at,
                         int64_t before, bool by_end)
{
    const char *not_first = by_end ? "+" : "", *not_last = by_end ? "" : "+";
    buffer_append_format(sql,
                         "%sfirst_snapshot > %" PRId64 " AND %sfirst_snapshot <= %" PRId64
                         " AND %slast_snapshot >= %" PRId64 " AND %slast_snapshot < %" PRId64,
                         not_first, after, not_first, until, not_last, at, not_last, before);
}

/* Those that hold in `at` and have ended, before `before`, and began behind `after`. They are among
 * those that have ended since; or among short ones that began not long before, and long ones. */
static void append_ended(struct buffer *sql, enum kind kind, const struct snapshot *at,
                         int64_t after, int64_t before)
{
    int64_t early = at->id > LONG ? at->id - LONG : 0, begin = after > early ? after : early;
    int64_t end = before < at->newest ? before : at->newest;
    bool by_end = distance(at->id, end) <= distance(begin, at->id);
    append_select(sql, kind, at);
    append_range(sql, by_end ? after : begin, at->id, at->id, before, by_end);
    if (by_end || after >= early)
        return;
    append_select(sql, kind, at);
    buffer_append_format(sql, "last_snapshot - first_snapshot >= %d AND ", LONG);
    append_range(sql, after, early, at->id, before, false);
}

void intervals_append_at(struct buffer *sql, enum kind kind, const struct snapshot *at)
{
    append_open(sql, kind, at, 0);
    append_ended(sql, kind, at, 0, INT64_MAX);
}

int intervals_prepare(struct database *database, enum kind kind, const struct snapshot *at,
                      const char *columns, const char *behind, sqlite3_stmt **ret_statement)
{
    _cleanup_buffer_ struct buffer sql = {0}, states = {0};
    intervals_append_at(&states, kind, at);
    buffer_append_format(&sql, "SELECT %s FROM %s_history WHERE state_id IN (%s) %s", columns,
                         kinds[kind].name, buffer_text(&states), behind);
    int result = states.failed ? buffer_error(&states) : buffer_error(&sql);
    return result ? result : sql_prepare(database, buffer_text(&sql), ret_statement);
}

void intervals_append_unlike(struct buffer *sql, enum kind kind, const struct snapshot *older,
                             const struct snapshot *newer)
{
    append_ended(sql, kind, older, 0, newer->id);
    append_open(sql, kind, newer, older->id);
    append_ended(sql, kind, newer, older->id, INT64_MAX);
}
