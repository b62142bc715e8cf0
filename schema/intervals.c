/* SPDX-License-Identifier: Apache-2.0 */
#include "schema/intervals.h"

#include <inttypes.h>

/* Where no more snapshots lie between, all that ended between them is looked at. */
enum { NEAR = 64 };

/* A file from a stranger has ids of any size. */
static uint64_t distance(int64_t from, int64_t to)
{
    return (uint64_t)to - (uint64_t)from;
}

/* By number of digits of what lies between the first and the last snapshot of a state: before a
 * snapshot in which it holds, it began less than so many. */
#define LENGTHS                                                                                    \
    "(VALUES (1, 10), (2, 100), (3, 1000), (4, 10000), (5, 100000), (6, 1000000), (7, 10000000),"  \
    " (8, 100000000), (9, 1000000000), (10, 10000000000))"

static void append_select(struct buffer *sql, enum kind kind, const struct snapshot *at,
                          const char *joined)
{
    buffer_append_format(sql, "%sSELECT id FROM %s%s_state WHERE host_id = %" PRId64,
                         sql->length ? " UNION ALL " : "", joined, kinds[kind].name, at->host_id);
}

/* Those that hold in `at` and still do in the host's newest snapshot, and began behind `after`. */
static void append_open(struct buffer *sql, enum kind kind, const struct snapshot *at,
                        int64_t after)
{
    append_select(sql, kind, at, "");
    buffer_append_format(sql,
                         " AND last_snapshot IS NULL AND first_snapshot > %" PRId64
                         " AND first_snapshot <= %" PRId64,
                         after, at->id);
}

/* Those that hold in `at` and have ended, before `before`, and began behind `after`. A unary plus
 * keeps SQLite from another index. */
static void append_ended(struct buffer *sql, enum kind kind, const struct snapshot *at,
                         int64_t after, int64_t before)
{
    int64_t end = before < at->newest ? before : at->newest;
    if (distance(at->id, end) <= NEAR) {
        append_select(sql, kind, at, "");
        buffer_append_format(sql,
                             " AND last_snapshot >= %" PRId64 " AND last_snapshot < %" PRId64
                             " AND +first_snapshot > %" PRId64 " AND +first_snapshot <= %" PRId64,
                             at->id, before, after, at->id);
        return;
    }
    append_select(sql, kind, at, LENGTHS " CROSS JOIN ");
    buffer_append_format(sql,
                         " AND length(last_snapshot - first_snapshot) = column1"
                         " AND first_snapshot > max(%" PRId64 ", %" PRId64 " - column2)"
                         " AND first_snapshot <= %" PRId64 " AND +last_snapshot >= %" PRId64
                         " AND +last_snapshot < %" PRId64,
                         after, at->id, at->id, at->id, before);
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
