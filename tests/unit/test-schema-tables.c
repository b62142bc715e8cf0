/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds and the tables in the database are two descriptions of the same thing. */
#include "base/buffer.h"
#include "schema/kinds.h"
#include "schema/migrations.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sqlite3.h>

static sqlite3 *sqlite;

static int make_tables(void **state)
{
    (void)state;
    assert_int_equal(sqlite3_open(":memory:", &sqlite), SQLITE_OK);
    for (int version = 0; schema_migrations[version]; version++)
        if (sqlite3_exec(sqlite, schema_migrations[version], NULL, NULL, NULL) != SQLITE_OK)
            fail_msg("migration %d: %s", version, sqlite3_errmsg(sqlite));
    return 0;
}

static int drop_tables(void **state)
{
    (void)state;
    return sqlite3_close(sqlite);
}

static sqlite3_stmt *query(const char *sql, const char *parameter)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    if (parameter)
        sqlite3_bind_text(statement, 1, parameter, -1, SQLITE_TRANSIENT);
    return statement;
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    return text ? text : "";
}

/* "name type, " for each column of a table or view, in order. */
static void append_actual_columns(struct buffer *text, const char *table, bool types)
{
    sqlite3_stmt *columns = query("SELECT name, type FROM pragma_table_xinfo(?1)", table);
    while (sqlite3_step(columns) == SQLITE_ROW) {
        buffer_append_text(text, text_of(columns, 0));
        if (types)
            buffer_append_format(text, " %s", text_of(columns, 1));
        buffer_append_text(text, ", ");
    }
    sqlite3_finalize(columns);
}

static void assert_columns(const char *table, bool types, const struct buffer *wanted)
{
    _cleanup_buffer_ struct buffer actual = {0};
    append_actual_columns(&actual, table, types);
    if (strcmp(buffer_text(&actual), buffer_text(wanted)) != 0)
        fail_msg("%s has\n    %s\nand should have\n    %s", table, buffer_text(&actual),
                 buffer_text(wanted));
}

static const char *sql_type(const struct column *column)
{
    bool text = column->type == TYPE_TEXT || column->type == TYPE_JSON;
    return text && !(column->flags & SHARED) ? "TEXT" : "INTEGER";
}

static bool is_in_state(const struct column *column)
{
    return column->class == STATE || (column->class == IDENTITY && column->flags & STRONG);
}

#define EACH_COLUMN(each, kind)                                                                    \
    (const struct column *each = kinds[kind].columns;                                              \
     each < kinds[kind].columns + kinds[kind].column_count; each++)

static void tables_of_things_hold_the_key(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_buffer_ struct buffer wanted = {0};
        buffer_append_format(&wanted, "id INTEGER, %s INTEGER, ",
                             kinds[kind].bound_to_boot ? "boot" : "host_id");
        for
            EACH_COLUMN(column, kind)
        if (column->class == IDENTITY && column->flags & KEY)
            buffer_append_format(&wanted, "%s %s, ", column->name, sql_type(column));
        assert_columns(kinds[kind].name, true, &wanted);
    }
}

static void tables_of_states_hold_state_and_strong_key(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_buffer_ struct buffer wanted = {0};
        char table[64];
        snprintf(table, sizeof(table), "%s_state", kinds[kind].name);
        buffer_append_format(&wanted,
                             "id INTEGER, %s_id INTEGER, host_id INTEGER, first_snapshot INTEGER, "
                             "last_snapshot INTEGER, digest BLOB, ",
                             kinds[kind].name);
        for
            EACH_COLUMN(column, kind)
        if (is_in_state(column))
            buffer_append_format(&wanted, "%s%s %s, ", column->name,
                                 column->flags & SHARED ? "_id" : "", sql_type(column));
        assert_columns(table, true, &wanted);
    }
}

/* Everything but what other records or blocks of samples tell. */
static void views_hold_every_stored_column(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_buffer_ struct buffer history = {0}, at = {0};
        char view[64];
        buffer_append_format(&history,
                             "%s_id, state_id, host_id, %sfirst_snapshot, last_snapshot, digest, ",
                             kinds[kind].name, kinds[kind].bound_to_boot ? "boot, " : "");
        for
            EACH_COLUMN(column, kind)
        if (column->class != SAMPLE && column->class != RELATED)
            buffer_append_format(&history, "%s, ", column->name);
        buffer_append_format(&at, "snapshot_id, %s", buffer_text(&history));
        snprintf(view, sizeof(view), "%s_history", kinds[kind].name);
        assert_columns(view, false, &history);
        snprintf(view, sizeof(view), "%s_at", kinds[kind].name);
        assert_columns(view, false, &at);
    }
}

static void columns_have_one_name_each(void **state)
{
    (void)state;
    static const char *const taken[] = {"id",       "boot",   "host_id",        "snapshot_id",
                                        "state_id", "digest", "first_snapshot", "last_snapshot"};
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for
            EACH_COLUMN(column, kind)
            {
                assert_int_equal(column_by_name(kind, column->name), column - kinds[kind].columns);
            for
                EACH_COLUMN(other, kind)
            if (other != column &&
                (!strcasecmp(other->name, column->name) || !strcasecmp(other->json, column->json)))
                fail_msg("%s: %s and %s", kinds[kind].name, column->name, other->name);
            for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
                assert_string_not_equal(column->name, taken[i]);
            }
    assert_int_equal(column_by_name(KIND_PROCESS, "nothing"), -1);
}

/* What the flags may go with; storage and comparison count on it. */
static void flags_make_sense(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        bool weak_seen = false;
        int strong = 0, scopes = 0, keys = 0;
        for
            EACH_COLUMN(column, kind)
            {
                bool text = column->type == TYPE_TEXT || column->type == TYPE_JSON;
                assert_true(!(column->flags & SHARED) || (text && column->class == STATE));
                assert_true(!(column->flags & WEAK) || column->class == STATE);
                assert_true(!(column->flags & (KEY | STRONG)) || column->class == IDENTITY);
                if (column->class == IDENTITY) /* one of both */
                    assert_int_not_equal(!(column->flags & KEY), !(column->flags & STRONG));
                if (column->flags & STRONG)
                    assert_false(weak_seen);
                weak_seen |= (column->flags & WEAK) != 0;
                strong += (column->flags & STRONG) != 0;
                scopes += (column->flags & SCOPE) != 0;
                keys += (column->flags & KEY) != 0;
                assert_true(column->description && *column->description);
            }
        assert_true(strong <= 1);
        assert_true(scopes >= 1);
        assert_true(keys >= 1);
    }
}

static void kinds_are_found_by_both_names(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        assert_int_equal(kind_by_name(kinds[kind].name), kind);
        assert_int_equal(kind_by_name(kinds[kind].plural), kind);
    }
    assert_int_equal(kind_by_name("nothing"), KIND_COUNT);
    assert_int_equal(column_by_flags(KIND_PROCESS, STRONG), PROCESS_PIDFS_INODE);
    assert_int_equal(column_by_flags(KIND_MOUNT, WEAK), MOUNT_PARENT);
    assert_int_equal(column_by_flags(KIND_CONTAINER, STRONG), -1);
}

static bool has_strict_tables_only(void)
{
    sqlite3_stmt *loose = query("SELECT name FROM pragma_table_list WHERE type = 'table'"
                                " AND strict = 0 AND name NOT LIKE 'sqlite_%'",
                                NULL);
    bool found = sqlite3_step(loose) == SQLITE_ROW;
    sqlite3_finalize(loose);
    return !found;
}

static void tables_are_strict(void **state)
{
    (void)state;
    assert_true(has_strict_tables_only());
    assert_int_equal(sqlite3_exec(sqlite, "CREATE TABLE loose (a)", NULL, NULL, NULL), SQLITE_OK);
    assert_false(has_strict_tables_only());
    assert_int_equal(sqlite3_exec(sqlite, "DROP TABLE loose", NULL, NULL, NULL), SQLITE_OK);
}

/* The comment behind the definition of the table's column; "" for none. */
static void find_comment(const char *ddl, const char *column, char comment[static 256])
{
    char start[80];
    snprintf(start, sizeof(start), "\n    %s ", column);
    const char *line = strstr(ddl, start);
    const char *end = line ? line + 1 + strcspn(line + 1, "\n") : NULL;
    const char *dashes = line ? strstr(line, "-- ") : NULL;
    *comment = '\0';
    if (dashes && dashes < end)
        snprintf(comment, 256, "%.*s", (int)(end - dashes - 3), dashes + 3);
}

static void everything_has_a_comment(void **state)
{
    (void)state;
    sqlite3_stmt *objects = query("SELECT name, type, sql FROM sqlite_schema WHERE type IN"
                                  " ('table', 'view') AND name NOT LIKE 'sqlite_%'",
                                  NULL);
    while (sqlite3_step(objects) == SQLITE_ROW) {
        const char *name = text_of(objects, 0), *ddl = text_of(objects, 2);
        const char *second = strchr(ddl, '\n');
        assert_non_null(second);
        if (strncmp(second + strspn(second, "\n "), "-- ", 3) != 0)
            fail_msg("%s says nothing about itself", name);
        if (strcmp(text_of(objects, 1), "table") != 0)
            continue;
        sqlite3_stmt *columns = query("SELECT name FROM pragma_table_xinfo(?1)", name);
        while (sqlite3_step(columns) == SQLITE_ROW) {
            char comment[256];
            find_comment(ddl, text_of(columns, 0), comment);
            if (!*comment)
                fail_msg("%s.%s has no comment", name, text_of(columns, 0));
        }
        sqlite3_finalize(columns);
    }
    sqlite3_finalize(objects);
}

static void comments_say_what_the_kinds_say(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for
            EACH_COLUMN(column, kind)
            {
                char table[64], name[64], comment[256];
                bool in_state = is_in_state(column);
                if (!in_state && column->class != IDENTITY)
                    continue;
                snprintf(table, sizeof(table), "%s%s", kinds[kind].name, in_state ? "_state" : "");
                snprintf(name, sizeof(name), "%s%s", column->name,
                         column->flags & SHARED ? "_id" : "");
                sqlite3_stmt *ddl = query("SELECT sql FROM sqlite_schema WHERE name = ?1", table);
                assert_int_equal(sqlite3_step(ddl), SQLITE_ROW);
                find_comment(text_of(ddl, 0), name, comment);
                assert_string_equal(comment, column->description);
                sqlite3_finalize(ddl);
            }
}

static void assert_index(const char *table, const char *index, const char *wanted)
{
    char name[64];
    _cleanup_buffer_ struct buffer actual = {0};
    snprintf(name, sizeof(name), "%s_%s", table, index);
    sqlite3_stmt *columns =
        query("SELECT ifnull(name, 'expression') FROM pragma_index_info(?1)", name);
    while (sqlite3_step(columns) == SQLITE_ROW)
        buffer_append_format(&actual, "%s ", text_of(columns, 0));
    sqlite3_finalize(columns);
    if (strcmp(buffer_text(&actual), wanted) != 0)
        fail_msg("%s is on %s instead of %s", name, buffer_text(&actual), wanted);
}

static void every_kind_has_its_indexes(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const char *name = kinds[kind].name;
        _cleanup_buffer_ struct buffer key = {0}, of = {0}, open = {0};
        if (kinds[kind].bound_to_boot)
            buffer_append_text(&key, "boot ");
        for
            EACH_COLUMN(column, kind)
        if (column->flags & KEY)
            buffer_append_format(&key, "%s ", column->name);
        buffer_append_format(&of, "%s_id first_snapshot ", name);
        buffer_append_format(&open, "host_id digest %s_id ", name);
        if (!kinds[kind]
                 .bound_to_boot) /* last: see schema/kind_writer.c, which names it to no index */
            buffer_append_text(&key, "host_id ");
        assert_index(name, "key", buffer_text(&key));
        assert_index(name, "state_of", buffer_text(&of));
        assert_index(name, "state_begin", "host_id first_snapshot ");
        assert_index(name, "state_lasting", "host_id expression first_snapshot last_snapshot ");
        assert_index(name, "state_end", "host_id last_snapshot first_snapshot ");
        assert_index(name, "state_open", buffer_text(&open));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_things_hold_the_key),
        cmocka_unit_test(tables_of_states_hold_state_and_strong_key),
        cmocka_unit_test(views_hold_every_stored_column),
        cmocka_unit_test(columns_have_one_name_each),
        cmocka_unit_test(flags_make_sense),
        cmocka_unit_test(kinds_are_found_by_both_names),
        cmocka_unit_test(tables_are_strict),
        cmocka_unit_test(everything_has_a_comment),
        cmocka_unit_test(comments_say_what_the_kinds_say),
        cmocka_unit_test(every_kind_has_its_indexes),
    };
    return cmocka_run_group_tests(tests, make_tables, drop_tables);
}
