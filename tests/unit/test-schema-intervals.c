/* SPDX-License-Identifier: Apache-2.0 */
/* A fact is stored once, with the interval of snapshots in which it held. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NSEC_PER_MINUTE (60 * NSEC_PER_SEC)

static struct database *database;
static struct world world;
static char *path;

static int begin(void **state)
{
    (void)state;
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    world_begin(&world, 7);
    return 0;
}

static void check_seals(void)
{
    int64_t broken = -1, checked = -1;
    must(snapshot_verify(database, NULL, NULL, &broken, &checked));
    assert_int_equal(broken, 0);
}

static int end_altered(void **state)
{
    (void)state;
    database_free(database);
    scratch_remove(path);
    world_end(&world);
    return 0;
}

static int end(void **state)
{
    check_seals();
    return end_altered(state);
}

/* Records the world; the snapshot's id. */
static int64_t record_world(void)
{
    _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
    world.facts.taken_at += NSEC_PER_MINUTE;
    return snapshot->id;
}

static int64_t number(const char *sql)
{
    int64_t integer = -1;
    must(sql_integer(database, sql, -1, &integer));
    return integer;
}

/* All rows, as "a b|c d|", with "-" for null. */
static void assert_rows(const char *sql, const char *wanted)
{
    _cleanup_statement_ sqlite3_stmt *select = NULL;
    _cleanup_buffer_ struct buffer rows = {0};
    must(sql_prepare(database, sql, &select));
    while (sql_step(database, select) > 0)
        for (int column = 0; column < sqlite3_column_count(select); column++) {
            const char *text = (const char *)sqlite3_column_text(select, column);
            bool last = column == sqlite3_column_count(select) - 1;
            buffer_append_format(&rows, "%s%s", text ? text : "-", last ? "|" : " ");
        }
    assert_string_equal(buffer_text(&rows), wanted);
}

static struct record *add_process(int64_t pid, const char *comm)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, pid * 10);
    record_set_text(&record, PROCESS_COMM, comm);
    record_set_integer(&record, PROCESS_USER_TICKS, 5);
    return world_add(&world, &record);
}

static struct record *add_container(const char *id)
{
    struct record record;
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, "docker");
    record_set_text(&record, CONTAINER_ID, id);
    return world_add(&world, &record);
}

#define INTERVALS                                                                                  \
    "SELECT pid, comm, first_snapshot, last_snapshot FROM process_history"                         \
    " ORDER BY pid, first_snapshot"

static void what_does_not_change_is_stored_once(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        for (int i = 0; i < 10; i++)
            world_add_random(&world, kind);
    for (int i = 1; i <= 5; i++)
        assert_int_equal(record_world(), i);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        char sql[200];
        snprintf(
            sql, sizeof(sql),
            "SELECT count(*) FROM %1$s_state WHERE first_snapshot = 1 AND last_snapshot IS NULL"
            " AND 10 = (SELECT count(*) FROM %1$s_state)",
            kinds[kind].name);
        assert_int_equal(number(sql), 10);
        snprintf(sql, sizeof(sql), "SELECT min(%1$s_count) + max(%1$s_count) FROM snapshot",
                 kinds[kind].name);
        assert_int_equal(number(sql), 20);
    }
}

/* Samples differ every time; that is no change. */
static void samples_open_no_state(void **state)
{
    (void)state;
    struct record *process = add_process(1, "init");
    for (int i = 0; i < 3; i++) {
        record_set_integer(process, PROCESS_USER_TICKS, 100 + i);
        record_world();
    }
    assert_rows(INTERVALS, "1 init 1 -|");
    assert_int_equal(number("SELECT count(*) FROM sample"), 3);
}

static void a_change_ends_one_state_and_begins_another(void **state)
{
    (void)state;
    struct record *process = add_process(1, "sh");
    add_process(2, "cron");
    record_world();
    record_world();
    record_set_text(process, PROCESS_COMM, "bash");
    record_world();
    record_set_text(process, PROCESS_COMM, "sh"); /* as it was: still a state of its own */
    record_world();
    assert_rows(INTERVALS, "1 sh 1 2|1 bash 3 3|1 sh 4 -|2 cron 1 -|");
    assert_int_equal(number("SELECT count(*) FROM process"), 2);
}

static void what_comes_back_is_the_same_thing(void **state)
{
    (void)state;
    add_process(1, "init");
    add_process(2, "seen");
    record_world();
    world_remove(&world, 1);
    record_world();
    record_world();
    add_process(2, "seen");
    record_world();
    assert_rows(INTERVALS, "1 init 1 -|2 seen 1 1|2 seen 4 -|");
    assert_int_equal(number("SELECT count(*) FROM process"), 2);
    assert_rows("SELECT snapshot_id, count(*) FROM process_at GROUP BY snapshot_id",
                "1 2|2 1|3 1|4 2|");
}

static void use_host(const char *name, const char *machine_id)
{
    world.facts.host = name;
    world.facts.machine_id = machine_id;
}

/* An interval counts in the snapshots of its own host. */
static void hosts_take_turns_in_one_file(void **state)
{
    (void)state;
    struct record *process = add_process(1, "init");
    for (int turn = 0; turn < 4; turn++) {
        use_host("one", "11111111111111111111111111111111");
        record_set_text(process, PROCESS_COMM, turn < 2 ? "early" : "late");
        record_world();
        use_host("two", "22222222222222222222222222222222");
        record_set_text(process, PROCESS_COMM, "other");
        record_world();
    }
    assert_rows("SELECT id, host_id, predecessor_id FROM snapshot",
                "1 1 -|2 2 -|3 1 1|4 2 2|5 1 3|6 2 4|7 1 5|8 2 6|");
    assert_rows("SELECT host_id, comm, first_snapshot, last_snapshot FROM process_history"
                " ORDER BY host_id, first_snapshot",
                "1 early 1 3|1 late 5 -|2 other 2 -|");
    assert_rows("SELECT snapshot_id, comm FROM process_at ORDER BY snapshot_id",
                "1 early|2 other|3 early|4 other|5 late|6 other|7 late|8 other|");
}

/* A host is its machine-id; one without is its name. */
static void hosts_are_told_apart(void **state)
{
    (void)state;
    add_process(1, "init");
    use_host("name", "11111111111111111111111111111111");
    record_world();
    use_host("renamed", "11111111111111111111111111111111");
    record_world();
    use_host("renamed", NULL);
    record_world();
    use_host("other", NULL);
    record_world();
    use_host("renamed", NULL);
    record_world();
    assert_rows("SELECT id, machine_id, name FROM host",
                "1 11111111111111111111111111111111 renamed|2 - renamed|3 - other|");
    assert_rows("SELECT host_id FROM snapshot ORDER BY id", "1|1|2|3|2|");
    assert_rows("SELECT value FROM snapshot JOIN text ON text.id = hostname_id"
                " WHERE host_id = 1 ORDER BY snapshot.id",
                "name|renamed|");
}

static void a_boot_ends_what_is_bound_to_it(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        world_add_random(&world, kind);
    record_world();
    world.facts.boot_id = "99999999-2222-3333-4444-555555555555";
    world.facts.booted_at += NSEC_PER_MINUTE;
    record_world();
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        char sql[200];
        bool bound = kinds[kind].bound_to_boot;
        snprintf(sql, sizeof(sql),
                 "SELECT first_snapshot, last_snapshot FROM %s_state ORDER BY first_snapshot",
                 kinds[kind].name);
        assert_rows(sql, bound ? "1 1|2 -|" : "1 -|");
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", kinds[kind].name);
        assert_int_equal(number(sql), bound ? 2 : 1);
    }
}

/* The clock may be set while a boot goes on: its moment is what its first snapshot said. */
static void a_boot_keeps_its_moment(void **state)
{
    (void)state;
    int64_t booted_at = world.facts.booted_at;
    record_world();
    world.facts.booted_at += 5;
    _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
    assert_int_equal(snapshot->facts.booted_at, booted_at);
    assert_int_equal(number("SELECT count(*) FROM boot"), 1);
}

static void of_duplicates_the_first_stands(void **state)
{
    (void)state;
    add_process(1, "first");
    add_process(1, "first");
    add_process(1, "second");
    add_container("a");
    add_container("a");
    record_world();
    assert_rows(INTERVALS, "1 first 1 -|");
    assert_rows("SELECT process_count, container_count FROM snapshot", "1 1|");
    /* Also where the first one is as it was before, or the second one is. */
    record_world();
    assert_rows(INTERVALS, "1 first 1 -|");
    world_remove(&world, 0); /* leaves: a container, first, second, a container */
    record_set_text(world.records[1], PROCESS_COMM, "changed");
    add_process(1, "first");
    record_world();
    assert_int_equal(number("SELECT process_count FROM snapshot WHERE id = 3"), 1);
    assert_int_equal(number("SELECT count(*) FROM process_at WHERE snapshot_id = 3"), 1);
}

/* Every row of every table, as text. */
static char *dump(void)
{
    _cleanup_statement_ sqlite3_stmt *tables = NULL;
    struct buffer text = {0};
    must(sql_prepare(database, "SELECT name FROM sqlite_schema WHERE type = 'table'", &tables));
    while (sql_step(database, tables) > 0) {
        _cleanup_statement_ sqlite3_stmt *rows = NULL;
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", sqlite3_column_text(tables, 0));
        must(sql_prepare(database, sql, &rows));
        while (sql_step(database, rows) > 0)
            for (int column = 0; column < sqlite3_column_count(rows); column++) {
                buffer_append(&text, sqlite3_column_blob(rows, column),
                              (size_t)sqlite3_column_bytes(rows, column));
                buffer_append_char(&text, '\n');
            }
        buffer_append_text(&text, "\n");
    }
    assert_false(text.failed);
    return text.bytes;
}

static void a_snapshot_is_all_or_nothing(void **state)
{
    (void)state;
    struct digest digest;
    for (int i = 0; i < 30; i++)
        world_add_random(&world, (enum kind)(i % KIND_COUNT));
    record_world();
    _cleanup_free_ char *before = dump();
    world_alter(&world);
    use_host("never committed", NULL);
    {
        _cleanup_writer_ struct writer *writer = NULL;
        must(writer_begin(database, &world.facts, &writer));
        for (size_t i = 0; i < world.count; i++)
            must(sink_record(writer_sink(writer), world.records[i]));
        must(writer_blob(writer, "evidence", 8, &digest));
    }
    _cleanup_free_ char *after = dump();
    assert_string_equal(after, before);
    assert_int_equal(record_world(), 2);
}

/* A writer that cannot even begin leaves nothing, and the next one can. */
static void a_beginning_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct writer *writer = NULL;
    record_world();
    _cleanup_free_ char *before = dump();
    must(sql_execute(database, "DROP INDEX gap_state_open"));
    use_host("never committed", NULL);
    assert_int_equal(writer_begin(database, &world.facts, &writer), -ERROR_NOT_A_DATABASE);
    assert_null(writer);
    assert_true(sqlite3_get_autocommit(database->sqlite));
    _cleanup_free_ char *after = dump();
    assert_string_equal(after, before);
    must(sql_execute(database, "CREATE INDEX gap_state_open ON gap_state (host_id, digest, gap_id)"
                               " WHERE last_snapshot IS NULL"));
    assert_int_equal(record_world(), 2);
}

static void numbers_of_snapshots_are_not_used_again(void **state)
{
    (void)state;
    record_world();
    record_world();
    must(sql_execute(database, "DELETE FROM snapshot WHERE id = 2"));
    assert_int_equal(record_world(), 3);
    assert_rows("SELECT id, predecessor_id FROM snapshot", "1 -|3 1|");
}

enum { WRITERS = 4, RECORDS_EACH = 400 };

struct share {
    struct writer *writer;
    int64_t first_pid;
    int result;
};

static void *write_share(void *userdata)
{
    struct share *share = userdata;
    for (int64_t i = 0; i < RECORDS_EACH && !share->result; i++) {
        struct record record;
        struct digest digest;
        char comm[32];
        snprintf(comm, sizeof(comm), "comm-%lld", (long long)(i % 50));
        record_begin(&record, KIND_PROCESS);
        record_set_integer(&record, PROCESS_PID, share->first_pid + i);
        record_set_integer(&record, PROCESS_START_TICKS, 1);
        record_set_text(&record, PROCESS_COMM, comm);
        record_set_text(&record, PROCESS_EXE, comm);
        record_set_integer(&record, PROCESS_USER_TICKS, share->first_pid + i);
        share->result = sink_record(writer_sink(share->writer), &record);
        if (!share->result)
            share->result = writer_blob(share->writer, comm, strlen(comm), &digest);
    }
    return NULL;
}

static void threads_write_at_once(void **state)
{
    (void)state;
    _cleanup_writer_ struct writer *writer = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    pthread_t threads[WRITERS];
    struct share shares[WRITERS];
    must(writer_begin(database, &world.facts, &writer));
    for (int i = 0; i < WRITERS; i++) {
        /* Each pair of them writes the same processes. */
        shares[i] = (struct share){.writer = writer, .first_pid = 1 + i / 2 * RECORDS_EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, write_share, &shares[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(shares[i].result, 0);
    }
    must(writer_commit(writer, &world.facts, &snapshot));
    assert_int_equal(snapshot->counts[KIND_PROCESS], WRITERS / 2 * RECORDS_EACH);
    assert_int_equal(number("SELECT count(DISTINCT pid) FROM process_at WHERE snapshot_id = 1"),
                     WRITERS / 2 * RECORDS_EACH);
    assert_int_equal(number("SELECT count(*) FROM blob"), 50);
    assert_int_equal(number("SELECT count(*) FROM text WHERE value LIKE 'comm-%'"), 50);
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *record;
    must(cursor_open(database, snapshot, KIND_PROCESS, &cursor));
    while (cursor_next(cursor, &record) > 0)
        assert_int_equal(record_integer(record, PROCESS_USER_TICKS, -1),
                         record_integer(record, PROCESS_PID, -2));
}

int main(void)
{
#define with_database(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        with_database(what_does_not_change_is_stored_once),
        with_database(samples_open_no_state),
        with_database(a_change_ends_one_state_and_begins_another),
        with_database(what_comes_back_is_the_same_thing),
        with_database(hosts_take_turns_in_one_file),
        with_database(hosts_are_told_apart),
        with_database(a_boot_ends_what_is_bound_to_it),
        with_database(a_boot_keeps_its_moment),
        with_database(of_duplicates_the_first_stands),
        with_database(a_snapshot_is_all_or_nothing),
        with_database(a_beginning_that_fails_leaves_nothing),
        cmocka_unit_test_setup_teardown(numbers_of_snapshots_are_not_used_again, begin,
                                        end_altered),
        with_database(threads_write_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
