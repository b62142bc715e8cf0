/* SPDX-License-Identifier: Apache-2.0 */
/* The record cannot be altered unnoticed: whoever alters the file is found out. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TURNS = 4 };

static char *path;
static sqlite3 *pristine; /* in memory */

static struct record *add_process(struct world *world, int64_t pid, const char *environment)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, 5);
    record_set_integer(&record, PROCESS_PIDFS_INODE, pid + 100);
    record_set_text(&record, PROCESS_COMM, "sh");
    record_set_text(&record, PROCESS_EXE, "/bin/sh");
    record_set_text(&record, PROCESS_ENVIRONMENT, environment);
    record_set_integer(&record, PROCESS_USER_TICKS, pid * 3);
    return world_add(world, &record);
}

static void record_turn(struct world *world, struct database *database, int turn)
{
    char label[16];
    snprintf(label, sizeof(label), "turn-%d", turn);
    world->facts.label = label;
    world->facts.note = "a note";
    world->facts.taken_at += 60 * NSEC_PER_SEC;
    snapshot_free(world_record(world, database));
}

/* Two hosts that take turns; of one thing several states; a number that is used again; evidence. */
static void make_database(struct database *database)
{
    struct world one, two;
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    world_begin(&one, 1);
    world_begin(&two, 2);
    two.facts.machine_id = "22222222222222222222222222222222";
    two.facts.boot_id = "22222222-2222-3333-4444-555555555555";
    two.facts.host = "otherhost";
    digest_of("PATH=/bin", 9, &digest);
    digest_format(&digest, hex);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        world_add_random(&one, kind);
        world_add_random(&two, kind);
    }
    add_process(&one, 10, hex);
    for (int turn = 0; turn < TURNS; turn++) {
        struct record *changing = add_process(&one, 20, NULL);
        record_set_integer(changing, PROCESS_PPID, turn);
        record_turn(&one, database, turn);
        record_turn(&two, database, turn);
        world_remove(&one, one.count - 1);
        if (turn == 1) /* the same PID and start, another process */
            record_set_integer(add_process(&one, 30, NULL), PROCESS_PIDFS_INODE, 1);
        if (turn == 2)
            record_set_integer(one.records[one.count - 1], PROCESS_PIDFS_INODE, 2);
    }
    world_end(&one);
    world_end(&two);
}

static void copy_database(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    assert_non_null(backup);
    assert_int_equal(sqlite3_backup_step(backup, -1), SQLITE_DONE);
    assert_int_equal(sqlite3_backup_finish(backup), SQLITE_OK);
}

static void keep_evidence(struct database *database)
{
    _cleanup_writer_ struct writer *writer = NULL;
    struct world empty;
    struct digest digest;
    world_begin(&empty, 1);
    must(writer_begin(database, &empty.facts, &writer));
    must(writer_blob(writer, "PATH=/bin", 9, &digest));
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    must(writer_commit(writer, &empty.facts, &snapshot));
    world_end(&empty);
}

static int begin(void **state)
{
    (void)state;
    struct database *database = NULL;
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    keep_evidence(database);
    make_database(database);
    assert_int_equal(sqlite3_open(":memory:", &pristine), SQLITE_OK);
    copy_database(database->sqlite, pristine);
    database_free(database);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scratch_remove(path);
    return sqlite3_close(pristine);
}

struct finding {
    int64_t count;
    char first[512];
};

static void note(void *userdata, const char *sentence)
{
    struct finding *finding = userdata;
    if (!finding->count++)
        snprintf(finding->first, sizeof(finding->first), "%s", sentence);
}

/* What is found in the pristine database after `sql` was run on it by another program. An error
 * counts as nothing found: it would keep the rest from being looked at. */
static struct finding find_after(const char *sql)
{
    struct finding finding = {0};
    struct database *database = NULL;
    sqlite3 *sqlite = NULL;
    int64_t broken = -1, checked = -1;
    assert_int_equal(sqlite3_open(path, &sqlite), SQLITE_OK);
    copy_database(pristine, sqlite);
    if (sqlite3_exec(sqlite, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(sqlite));
    if (strstr(sql, "UPDATE") == sql || strstr(sql, "DELETE") == sql)
        assert_true(sqlite3_total_changes(sqlite) > 0);
    assert_int_equal(sqlite3_close(sqlite), SQLITE_OK);
    must(database_open(path, DATABASE_READ, 0, &database));
    int result = snapshot_verify(database, note, &finding, &broken, &checked);
    if (result) {
        fprintf(stderr, "%s\n", error_message());
        finding.count = 0;
    } else {
        assert_int_equal(broken, finding.count);
        assert_true(checked >= 0);
    }
    database_free(database);
    return finding;
}

static void an_unaltered_database_is_whole(void **state)
{
    (void)state;
    struct finding finding = find_after("");
    if (finding.count)
        fail_msg("%s", finding.first);
}

static void assert_found(const char *const *alterations, size_t count)
{
    size_t missed = 0;
    for (size_t i = 0; i < count; i++) {
        struct finding finding = find_after(alterations[i]);
        missed += !finding.count;
        if (!finding.count)
            fprintf(stderr, "not found: %s\n", alterations[i]);
        else if (getenv("NSLAPSE_TEST_VERBOSE"))
            fprintf(stderr, "%s\n    %s\n", alterations[i], finding.first);
    }
    assert_int_equal(missed, 0);
}

#define ASSERT_FOUND(alterations)                                                                  \
    assert_found(alterations, sizeof(alterations) / sizeof(*(alterations)))

static void altered_states_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "UPDATE process_state SET comm = 'harmless' WHERE id = 2",
        "UPDATE process_state SET comm = NULL WHERE id = 2",
        "UPDATE process_state SET ppid = 1 WHERE id = 3",
        "UPDATE process_state SET exe_id = (SELECT max(id) FROM text) WHERE id = 2",
        "UPDATE process_state SET exe_id = NULL WHERE id = 2",
        "UPDATE process_state SET pidfs_inode = 4 WHERE id = 2",
        "UPDATE process_state SET digest = zeroblob(32) WHERE id = 2",
        "UPDATE process_state SET digest = x'00' WHERE id = 2",
        "DELETE FROM process_state WHERE id = 2",
        "DELETE FROM process_state WHERE last_snapshot IS NOT NULL",
        "DELETE FROM gap_state",
        "DELETE FROM container_state; DELETE FROM container",
        "UPDATE process_state SET last_snapshot = 4 WHERE id = 2",
        "UPDATE process_state SET last_snapshot = NULL WHERE id = (SELECT max(id) FROM"
        " process_state WHERE last_snapshot IS NOT NULL)",
        "UPDATE process_state SET first_snapshot = 4 WHERE id = 2",
        "UPDATE process_state SET host_id = 3 - host_id WHERE id = 2",
        "UPDATE namespace_state SET initial = 1 - coalesce(initial, 0)",
        "UPDATE mount_state SET target_id = source_id",
        "INSERT INTO mount_state (mount_id, host_id, first_snapshot, digest) SELECT mount_id,"
        " host_id, first_snapshot, zeroblob(32) FROM mount_state",
        "INSERT INTO process_state (process_id, host_id, first_snapshot, digest, comm)"
        " SELECT process_id, host_id, first_snapshot, digest, comm FROM process_state WHERE id = 2",
    };
    ASSERT_FOUND(alterations);
}

/* An interval that says a little more than what was seen, but nothing of any snapshot. */
static void ends_of_intervals_are_snapshots_of_the_host(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "UPDATE process_state SET first_snapshot = first_snapshot - 1 WHERE host_id ="
        " (SELECT host_id FROM snapshot WHERE id = 4) AND first_snapshot > 3",
        "UPDATE process_state SET last_snapshot = last_snapshot + 1"
        " WHERE last_snapshot IS NOT NULL",
        "UPDATE process_state SET first_snapshot = 1000, last_snapshot = NULL WHERE id = 2",
    };
    ASSERT_FOUND(alterations);
}

static void altered_things_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "UPDATE process SET pid = 999 WHERE id = 2",
        "UPDATE process SET start_ticks = NULL WHERE id = 2",
        "UPDATE process SET boot = 3 - boot WHERE id = 2",
        "UPDATE namespace SET type = 'net', inode = 5 WHERE id = 1",
        "UPDATE container SET engine_id = 'other' WHERE id = 1",
        "UPDATE gap SET errno = errno + 1 WHERE id = 1",
        "DELETE FROM cgroup",
        /* Two things that had the same number become one, or one becomes two. */
        "UPDATE process_state SET process_id = (SELECT min(id) FROM process WHERE pid = 30)"
        " WHERE process_id IN (SELECT id FROM process WHERE pid = 30)",
        "INSERT INTO process (id, boot, pid, start_ticks) SELECT 1000, boot, pid, start_ticks FROM"
        " process WHERE pid = 20; UPDATE process_state SET process_id = 1000 WHERE id IN"
        " (SELECT max(s.id) FROM process_state AS s JOIN process AS p ON p.id = s.process_id"
        " WHERE p.pid = 20)",
    };
    ASSERT_FOUND(alterations);
}

static void altered_snapshots_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "UPDATE snapshot SET uuid = '00000000-0000-4000-8000-000000000000' WHERE id = 4",
        "UPDATE snapshot SET taken_at = taken_at + 1 WHERE id = 4",
        "UPDATE snapshot SET boottime = NULL WHERE id = 4",
        "UPDATE snapshot SET duration_ns = 0 WHERE id = 4",
        "UPDATE snapshot SET clock_synchronized = 0 WHERE id = 4",
        "UPDATE snapshot SET load_average = '9.99' WHERE id = 4",
        "UPDATE snapshot SET forks = forks + 1 WHERE id = 4",
        "UPDATE snapshot SET processes_ended = NULL WHERE id = 4",
        "UPDATE snapshot SET label = 'clean' WHERE id = 4",
        "UPDATE snapshot SET label = NULL WHERE id = 4",
        "UPDATE snapshot SET note = '' WHERE id = 4",
        "UPDATE snapshot SET hostname_id = recorder_id WHERE id = 4",
        "UPDATE snapshot SET recorder_id = NULL WHERE id = 4",
        "UPDATE snapshot SET privileges_id = NULL WHERE id = 4",
        "UPDATE snapshot SET without_id = privileges_id WHERE id = 4",
        "UPDATE snapshot SET process_count = process_count - 1 WHERE id = 4",
        "UPDATE snapshot SET gap_count = 0 WHERE id = 4",
        "UPDATE snapshot SET digest = zeroblob(32) WHERE id = 4",
        "UPDATE snapshot SET predecessor_id = NULL WHERE id = 4",
        "UPDATE snapshot SET predecessor_id = 3 WHERE id = 4",
        "UPDATE snapshot SET boot = 3 - boot WHERE id = 4",
        "UPDATE snapshot SET host_id = 3 - host_id WHERE id = 4",
        "UPDATE snapshot SET host_id = 77 WHERE id = 4",
        "UPDATE snapshot SET id = 100 WHERE id = 4",
        "UPDATE boot SET boot_id = NULL WHERE id = 1",
        "UPDATE boot SET booted_at = booted_at + 1 WHERE id = 1",
        "UPDATE boot SET clock_ticks = 250 WHERE id = 1",
        "UPDATE boot SET kernel = '4.19.0' WHERE id = 1",
        "UPDATE boot SET architecture = NULL WHERE id = 1",
        "DELETE FROM boot WHERE id = 1",
        "UPDATE host SET machine_id = NULL WHERE id = 1",
        "UPDATE host SET name = 'another' WHERE id = 1",
        "DELETE FROM host WHERE id = 1",
        "DELETE FROM host",
    };
    ASSERT_FOUND(alterations);
}

#define DELETE_SAMPLES "DELETE FROM sample WHERE snapshot_id NOT IN (SELECT id FROM snapshot)"

static void missing_snapshots_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "DELETE FROM snapshot WHERE id = 1",
        "DELETE FROM snapshot WHERE id = 4",
        "DELETE FROM snapshot WHERE id = 4; " DELETE_SAMPLES,
        "DELETE FROM snapshot WHERE id = (SELECT max(id) FROM snapshot); " DELETE_SAMPLES,
        /* The chain mended. */
        "UPDATE snapshot SET predecessor_id = 2 WHERE predecessor_id = 4;"
        "DELETE FROM snapshot WHERE id = 4",
        /* All of them. */
        "DELETE FROM sample; DELETE FROM snapshot",
    };
    ASSERT_FOUND(alterations);
}

static void altered_samples_and_texts_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        "DELETE FROM sample WHERE snapshot_id = 4",
        "DELETE FROM sample WHERE kind = 'thread'",
        "UPDATE sample SET block = x'00' WHERE snapshot_id = 2 AND kind = 'process'",
        ("UPDATE sample SET block = (SELECT block FROM sample WHERE snapshot_id = 2 AND kind ="
         " 'thread') WHERE snapshot_id = 2 AND kind = 'process'"),
        "UPDATE sample SET base_snapshot = NULL",
        "UPDATE sample SET base_snapshot = snapshot_id",
        "UPDATE text SET value = '/bin/harmless' WHERE value = '/bin/sh'",
        "UPDATE text SET value = 'testhost2' WHERE value = 'testhost'",
        "DELETE FROM text WHERE value = '/bin/sh'",
        "UPDATE blob SET content = x'28b52ffd2000010000'",
        "UPDATE blob SET digest = zeroblob(32)",
        "UPDATE blob SET size = 3",
        "DELETE FROM blob",
    };
    ASSERT_FOUND(alterations);
}

static void altered_tables_and_views_are_found(void **state)
{
    (void)state;
    static const char *const alterations[] = {
        ("DROP VIEW process_at; CREATE VIEW process_at AS SELECT snapshot.id AS snapshot_id,"
         " history.* FROM snapshot JOIN process_history AS history ON false"),
        "DROP VIEW mount_at",
        "CREATE TRIGGER forget AFTER INSERT ON snapshot BEGIN DELETE FROM gap_state; END",
        "CREATE VIEW more AS SELECT 1",
        "CREATE TEMP TABLE harmless (a); CREATE INDEX more ON text (value)",
        "DROP INDEX process_state_end",
        "CREATE TABLE more (a)",
        "ALTER TABLE snapshot ADD COLUMN more INTEGER",
    };
    ASSERT_FOUND(alterations);
}

/* Whoever knows the rules computes the state's digest anew; the snapshots' seals still tell. */
static void a_digest_made_anew_is_found(void **state)
{
    (void)state;
    struct database *database = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    _cleanup_buffer_ struct buffer scratch = {0};
    const struct record *record;
    struct digest digest;
    char sql[300], hex[DIGEST_HEX_SIZE];
    find_after("");
    must(database_open(path, DATABASE_READ, 0, &database));
    must(snapshot_find(database, 2, &snapshot));
    must(cursor_open(database, snapshot, KIND_PROCESS, &cursor));
    do
        assert_int_equal(cursor_next(cursor, &record), 1);
    while (record_integer(record, PROCESS_PID, -1) != 10);
    struct record altered = *record;
    record_set_text(&altered, PROCESS_COMM, "harmless");
    must(record_digest(&altered, snapshot->facts.boot_id, &scratch, &digest));
    snprintf(sql, sizeof(sql),
             "UPDATE process_state SET comm = 'harmless', digest = x'%s' WHERE process_id = %lld",
             digest_format(&digest, hex), (long long)record->identity);
    cursor_free(steal_pointer(cursor));
    database_free(database);
    struct finding finding = find_after(sql);
    assert_true(finding.count > 0);
    assert_non_null(strstr(finding.first, "snapshot"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unaltered_database_is_whole),
        cmocka_unit_test(altered_states_are_found),
        cmocka_unit_test(ends_of_intervals_are_snapshots_of_the_host),
        cmocka_unit_test(altered_things_are_found),
        cmocka_unit_test(altered_snapshots_are_found),
        cmocka_unit_test(missing_snapshots_are_found),
        cmocka_unit_test(altered_samples_and_texts_are_found),
        cmocka_unit_test(altered_tables_and_views_are_found),
        cmocka_unit_test(a_digest_made_anew_is_found),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
