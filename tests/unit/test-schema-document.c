/* SPDX-License-Identifier: Apache-2.0 */
/* docs/schema.md says what is so: its tables of columns, its tables and views, its queries. */
#include "base/buffer.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct database *database;
static char *path;
static struct buffer document;

static int begin(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer name = {0};
    const char *source = getenv("NSLAPSE_SOURCE");
    struct world world;
    buffer_append_format(&name, "%s/docs/schema.md", source ? source : ".");
    _cleanup_fclose_ FILE *file = fopen(buffer_text(&name), "re");
    if (!file)
        fail_msg("cannot open %s", buffer_text(&name));
    for (size_t got = 1; got > 0;) {
        char *room = buffer_reserve(&document, 1 << 16);
        assert_non_null(room);
        got = fread(room, 1, 1 << 16, file);
        buffer_commit(&document, got);
    }
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    world_begin(&world, 3);
    for (int snapshot = 0; snapshot < 4; snapshot++) {
        for (enum kind kind = 0; kind < KIND_COUNT; kind++)
            world_add_random(&world, kind);
        snapshot_free(world_record(&world, database));
    }
    world_end(&world);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buffer_free(&document);
    database_free(database);
    scratch_remove(path);
    return 0;
}

static const char *part_of(const struct column *column)
{
    switch (column->class) {
    case IDENTITY:
        return column->flags & STRONG ? "strong key" : "key";
    case STATE:
        return column->flags & WEAK ? "state, weak key" : "state";
    case SAMPLE:
        return "sample";
    case DERIVED:
        return "derived";
    case RELATED:
        return "related";
    }
    return NULL;
}

/* The table of a kind's columns as the document has it. */
static void append_columns(struct buffer *text, enum kind kind)
{
    static const char *const types[] = {
        [TYPE_INTEGER] = "integer", [TYPE_ID] = "id",     [TYPE_BOOLEAN] = "boolean",
        [TYPE_TEXT] = "text",       [TYPE_JSON] = "json", [TYPE_TIME] = "time",
    };
    buffer_append_format(text,
                         "### %s\n\n| number | column | type | part | what it is |\n"
                         "|---|---|---|---|---|\n",
                         kinds[kind].name);
    for (unsigned column = 0; column < kinds[kind].column_count; column++) {
        const struct column *info = &kinds[kind].columns[column];
        buffer_append_format(text, "| %u | `%s` | %s | %s | %s |\n", column, info->name,
                             types[info->type], part_of(info), info->description);
    }
}

static void its_columns_are_those_of_the_kinds(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_buffer_ struct buffer wanted = {0};
        append_columns(&wanted, kind);
        if (!strstr(buffer_text(&document), buffer_text(&wanted))) {
            fputs(buffer_text(&wanted), stderr);
            fail_msg("docs/schema.md has not these columns of %s", kinds[kind].name);
        }
    }
}

/* Each table and view has its name somewhere; what is of every kind stands as KIND_... */
static void it_names_every_table_and_view(void **state)
{
    (void)state;
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    must(sql_prepare(database,
                     "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')"
                     " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%\\_state' ESCAPE '\\'"
                     " AND name NOT LIKE '%\\_history' ESCAPE '\\'"
                     " AND (name NOT LIKE '%\\_at' ESCAPE '\\' OR name = 'namespace_member_at')",
                     &select));
    while (sql_step(database, select) > 0) {
        char quoted[64];
        snprintf(quoted, sizeof(quoted), "`%s`", sqlite3_column_text(select, 0));
        if (!strstr(buffer_text(&document), quoted))
            fail_msg("docs/schema.md does not name %s", quoted);
    }
    assert_non_null(strstr(buffer_text(&document), "`KIND_state`"));
    assert_non_null(strstr(buffer_text(&document), "`KIND_history`"));
    assert_non_null(strstr(buffer_text(&document), "`KIND_at`"));
}

/* Every fenced query runs; most of them give rows. */
static void its_queries_run(void **state)
{
    (void)state;
    int queries = 0;
    const char *at = buffer_text(&document);
    while ((at = strstr(at, "```sql\n"))) {
        at += strlen("```sql\n");
        const char *close = strstr(at, "```");
        assert_non_null(close);
        _cleanup_free_ char *sql = strndup(at, (size_t)(close - at));
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        if (sqlite3_prepare_v2(database->sqlite, sql, -1, &statement, NULL) != SQLITE_OK)
            fail_msg("%s\n%s", sqlite3_errmsg(database->sqlite), sql);
        assert_true(sql_step(database, statement) >= 0);
        queries++;
        at = close;
    }
    assert_true(queries >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_columns_are_those_of_the_kinds),
        cmocka_unit_test(it_names_every_table_and_view),
        cmocka_unit_test(its_queries_run),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
