/* SPDX-License-Identifier: Apache-2.0 */
/* The cost follows the difference, not the length of the history: counted in steps of SQLite's
 * virtual machine, not in time, on the same little churn in a short and in a long history. */
#include "base/buffer.h"
#include "base/clock.h"
#include "diff/diff.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    SHORT = 1024,
    LONG = 2560,
    THINGS = 60,
    STATEMENTS_MOST = 64,
    LASTING = 60,
    SNAPSHOTS_THEY_LAST = 300
};

/* A database with a history, and what was asked of it since watch(). */
struct watched {
    char *path;
    struct database *database;
    struct world world;
    int64_t steps, scanned, indexes_made;
    char *statements[STATEMENTS_MOST];
    size_t statement_count;
};

static struct watched few, many;

/* Called by SQLite when a statement comes to its end. */
static int count(unsigned event, void *userdata, void *statement, void *nanoseconds)
{
    struct watched *watched = userdata;
    (void)event;
    (void)nanoseconds;
    watched->steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
    watched->scanned += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
    watched->indexes_made += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_AUTOINDEX, 1);
    const char *sql = sqlite3_sql(statement);
    for (size_t i = 0; i < watched->statement_count; i++)
        if (strcmp(watched->statements[i], sql) == 0)
            return 0;
    assert_in_range(watched->statement_count, 0, STATEMENTS_MOST - 1);
    watched->statements[watched->statement_count++] = strdup(sql);
    return 0;
}

static void forget(struct watched *watched)
{
    for (size_t i = 0; i < watched->statement_count; i++)
        free(watched->statements[i]);
    watched->statement_count = 0;
    watched->steps = watched->scanned = watched->indexes_made = 0;
}

static void watch(struct watched *watched)
{
    forget(watched);
    sqlite3_trace_v2(watched->database->sqlite, SQLITE_TRACE_PROFILE, count, watched);
}

/* Steps since watch(). No table was looked through as a whole, no index made for the moment. */
static int64_t steps(struct watched *watched)
{
    sqlite3_trace_v2(watched->database->sqlite, 0, NULL, NULL);
    assert_int_equal(watched->scanned, 0);
    assert_int_equal(watched->indexes_made, 0);
    return watched->steps;
}

static void add_gap(struct world *world, int64_t number)
{
    struct record gap;
    char subject[32];
    record_begin(&gap, KIND_GAP);
    snprintf(subject, sizeof(subject), "pid:%lld", (long long)number);
    record_set_text(&gap, GAP_SOURCE, "processes");
    record_set_text(&gap, GAP_SUBJECT, subject);
    record_set_integer(&gap, GAP_ERRNO, 13);
    record_set_text(&gap, GAP_HIDES, "process");
    record_set_text(&gap, GAP_HIDES_SCOPE, subject + strlen("pid:"));
    world_add(world, &gap);
}

static void add_container(struct world *world, int64_t number)
{
    struct record container;
    char id[32];
    record_begin(&container, KIND_CONTAINER);
    snprintf(id, sizeof(id), "%lld", (long long)number);
    record_set_text(&container, CONTAINER_ENGINE, "docker");
    record_set_text(&container, CONTAINER_ID, id);
    world_add(world, &container);
}

/* Control groups that are others after some hundred snapshots, not all at once. */
static void add_lasting(struct world *world, int64_t number)
{
    enum { APART = SNAPSHOTS_THEY_LAST / LASTING };
    for (int64_t i = 0; i < LASTING; i++) {
        struct record cgroup;
        char path[48];
        record_begin(&cgroup, KIND_CGROUP);
        snprintf(path, sizeof(path), "/%lld/%lld", (long long)i,
                 (long long)((number + i * APART + APART / 2) / SNAPSHOTS_THEY_LAST));
        record_set_text(&cgroup, CGROUP_HIERARCHY, "unified");
        record_set_text(&cgroup, CGROUP_PATH, path);
        world_add(world, &cgroup);
    }
}

/* The same in each snapshot: a process changes, one comes, one goes; a container and a gap are
 * others each time. */
static void turn(struct world *world, int64_t number)
{
    struct record process;
    while (world->count > THINGS)
        world_remove(world, world->count - 1);
    record_begin(&process, KIND_PROCESS);
    record_set_integer(&process, PROCESS_PID, 1000000);
    record_set_integer(&process, PROCESS_START_TICKS, 1);
    record_set_integer(&process, PROCESS_PPID, number);
    world_add(world, &process);
    record_set_integer(&process, PROCESS_PID, 2000000 + number);
    world_add(world, &process);
    add_container(world, number);
    add_gap(world, number);
    add_lasting(world, number);
    world->facts.taken_at += 60 * NSEC_PER_SEC;
}

static void make_history(struct watched *watched, int64_t snapshots)
{
    watched->path = scratch_database();
    must(database_open(watched->path, DATABASE_WRITE, 0, &watched->database));
    must(sql_execute(watched->database, "PRAGMA synchronous = OFF"));
    world_begin(&watched->world, 9);
    for (int i = 0; i < THINGS; i++)
        world_add_random(&watched->world, (enum kind)(i % KIND_COUNT));
    for (int64_t number = 1; number <= snapshots; number++) {
        turn(&watched->world, number);
        snapshot_free(world_record(&watched->world, watched->database));
    }
}

static int make_histories(void **state)
{
    (void)state;
    make_history(&few, SHORT);
    make_history(&many, LONG);
    return 0;
}

static void end(struct watched *watched)
{
    forget(watched);
    database_free(watched->database);
    scratch_remove(watched->path);
    world_end(&watched->world);
}

static int end_histories(void **state)
{
    (void)state;
    end(&few);
    end(&many);
    return 0;
}

static int64_t steps_of_difference(struct watched *watched, int64_t a, int64_t b)
{
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    must(snapshot_find(watched->database, a, &from));
    must(snapshot_find(watched->database, b, &to));
    watch(watched);
    must(difference_of(watched->database, from, to, DIFF_KINDS, &difference));
    /* One changed, two added, two removed; and what lasted and has gone, or come. */
    assert_in_range(difference->count, 5, 5 + 2 * LASTING);
    return steps(watched);
}

static int64_t steps_of_reading(struct watched *watched, int64_t id)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    must(snapshot_find(watched->database, id, &snapshot));
    watch(watched);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        _cleanup_cursor_ struct cursor *cursor = NULL;
        const struct record *record;
        int result;
        must(cursor_open(watched->database, snapshot, kind, &cursor));
        while ((result = cursor_next(cursor, &record)) > 0)
            ;
        must(result);
    }
    return steps(watched);
}

static int64_t steps_of_recording(struct watched *watched)
{
    watch(watched);
    snapshot_free(world_record(&watched->world, watched->database));
    return steps(watched);
}

/* Trees are a level higher, a chain of samples a block longer: no more. */
static void assert_alike(int64_t in_few, int64_t in_many)
{
    if (in_many > in_few + in_few / 10)
        fail_msg("%lld steps with %d snapshots, %lld with %d", (long long)in_few, SHORT,
                 (long long)in_many, LONG);
}

static void of_the_newest_it_does_not_grow(void **state)
{
    (void)state;
    assert_alike(steps_of_difference(&few, SHORT - 1, SHORT),
                 steps_of_difference(&many, LONG - 1, LONG));
    assert_alike(steps_of_difference(&few, SHORT, SHORT - 1),
                 steps_of_difference(&many, LONG, LONG - 1));
    assert_alike(steps_of_reading(&few, SHORT), steps_of_reading(&many, LONG));
}

/* The most that a difference of neighbours takes, and reading one, anywhere in the history. */
static void most_steps(struct watched *watched, int64_t snapshots, int64_t *ret_difference,
                       int64_t *ret_reading)
{
    enum { APART = 111 };
    *ret_difference = *ret_reading = 0;
    for (int64_t id = 1; id < snapshots; id += APART) {
        int64_t difference = steps_of_difference(watched, id, id + 1);
        int64_t reading = steps_of_reading(watched, id);
        *ret_difference = difference > *ret_difference ? difference : *ret_difference;
        *ret_reading = reading > *ret_reading ? reading : *ret_reading;
    }
}

static void of_the_past_it_does_not_grow(void **state)
{
    (void)state;
    int64_t difference[2], reading[2];
    most_steps(&few, SHORT, &difference[0], &reading[0]);
    most_steps(&many, LONG, &difference[1], &reading[1]);
    assert_alike(difference[0], difference[1]);
    assert_alike(reading[0], reading[1]);
}

/* What is different in the end is little: it is found without all that came and went meanwhile. */
static void of_both_ends_it_does_not_grow(void **state)
{
    (void)state;
    assert_alike(steps_of_difference(&few, 1, SHORT), steps_of_difference(&many, 1, LONG));
    assert_alike(steps_of_difference(&few, SHORT, 1), steps_of_difference(&many, LONG, 1));
    assert_alike(steps_of_difference(&few, SHORT / 3, SHORT * 2 / 3),
                 steps_of_difference(&many, LONG / 3, LONG * 2 / 3));
}

/* A difference of far snapshots passes by what begins or ends in between, and no more. */
static void of_far_ones_it_grows_with_what_lies_between(void **state)
{
    (void)state;
    int64_t near = steps_of_difference(&many, LONG - 10, LONG),
            far = steps_of_difference(&many, LONG - 100, LONG);
    assert_true(far < near * 12);
    assert_alike(steps_of_difference(&few, SHORT - 100, SHORT), far);
}

/* MOUNTS mounts appear on a host of `processes`, one of which could not be read before. */
static int64_t steps_with_a_gap(int64_t processes)
{
    enum { MOUNTS = 100, EACH = MOUNTS / 10 };
    struct watched watched = {.path = scratch_database()};
    _cleanup_difference_ struct difference *difference = NULL;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    must(database_open(watched.path, DATABASE_WRITE, 0, &watched.database));
    world_begin(&watched.world, 3);
    for (int64_t i = 0; i < processes; i++)
        world_add_random(&watched.world, KIND_PROCESS);
    add_gap(&watched.world, 1);
    from = world_record(&watched.world, watched.database);
    for (int64_t i = 0; i < MOUNTS; i++)
        record_set_integer(world_add_random(&watched.world, KIND_MOUNT), MOUNT_NAMESPACE, i / EACH);
    to = world_record(&watched.world, watched.database);
    watch(&watched);
    must(difference_of(watched.database, from, to, DIFF_KINDS, &difference));
    assert_int_equal(difference->count, MOUNTS);
    int64_t taken = steps(&watched);
    end(&watched);
    return taken;
}

/* Who was in a mount's namespace is looked up once, not for each mount. */
static void gaps_cost_each_process_once(void **state)
{
    (void)state;
    enum { FEW = 10, MANY = 210, STEPS_EACH = 60 };
    int64_t in_few = steps_with_a_gap(FEW), in_many = steps_with_a_gap(MANY);
    if (in_many > in_few + (MANY - FEW) * STEPS_EACH)
        fail_msg("%lld steps with %d processes, %lld with %d", (long long)in_few, FEW,
                 (long long)in_many, MANY);
}

static void recording_does_not_grow(void **state)
{
    (void)state;
    turn(&few.world, LONG + 1);
    turn(&many.world, LONG + 1);
    assert_alike(steps_of_recording(&few), steps_of_recording(&many));
    /* Without a change. */
    assert_alike(steps_of_recording(&few), steps_of_recording(&many));
}

static void finding_does_not_grow(void **state)
{
    (void)state;
    struct watched *const both[] = {&few, &many};
    int64_t found[2];
    for (int i = 0; i < 2; i++) {
        _cleanup_snapshot_ struct snapshot *latest = NULL, *before = NULL, *moment = NULL;
        struct database *database = both[i]->database;
        watch(both[i]);
        must(snapshot_find_latest(database, NULL, 3, &latest));
        must(snapshot_find_before(database, latest, 5, &before));
        must(snapshot_find_moment(database, NULL, before->facts.taken_at, &moment));
        found[i] = steps(both[i]);
        assert_int_equal(moment->id, before->id);
    }
    assert_alike(found[0], found[1]);
}

static int64_t steps_of_history(struct watched *watched)
{
    int64_t first, last, identity = 0;
    must(
        sql_integer(watched->database, "SELECT id FROM process WHERE pid = 2000002", 0, &identity));
    watch(watched);
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *record;
    must(cursor_open_history(watched->database, KIND_PROCESS, identity, &cursor));
    assert_int_equal(cursor_next(cursor, &record), 1);
    assert_int_equal(cursor_next(cursor, &record), 0);
    must(history_span(watched->database, KIND_PROCESS, identity, &first, &last));
    assert_int_equal(first, 2);
    assert_int_equal(last, 2);
    return steps(watched);
}

static void the_history_of_one_thing_does_not_grow(void **state)
{
    (void)state;
    assert_alike(steps_of_history(&few), steps_of_history(&many));
}

/* Whether a line of the plan of `sql` holds all the words; NULL ends them. */
static bool plan_has(struct watched *watched, const char *sql, const char *const *words)
{
    _cleanup_statement_ sqlite3_stmt *plan = NULL;
    _cleanup_buffer_ struct buffer explain = {0};
    buffer_append_format(&explain, "EXPLAIN QUERY PLAN %s", sql);
    must(sql_prepare(watched->database, buffer_text(&explain), &plan));
    while (sql_step(watched->database, plan) > 0) {
        const char *line = (const char *)sqlite3_column_text(plan, 3);
        bool all = true;
        for (size_t i = 0; words[i]; i++)
            all = all && strstr(line, words[i]);
        if (all)
            return true;
    }
    return false;
}

/* Whether a statement that was seen since watch() goes by the index, with these conditions. */
static bool any_plan_has(struct watched *watched, const char *index_and_conditions)
{
    _cleanup_buffer_ struct buffer line = {0};
    bool any = false;
    buffer_append_format(&line, "USING COVERING INDEX process_state_%s", index_and_conditions);
    for (size_t i = 0; i < watched->statement_count && !any; i++)
        any = plan_has(watched, watched->statements[i], (const char *[]){buffer_text(&line), NULL});
    return any;
}

static void differences_use_their_indexes(void **state)
{
    (void)state;
    const char *const end = "end (host_id=? AND last_snapshot>? AND last_snapshot<?)";
    const char *const open = "end (host_id=? AND last_snapshot=? AND first_snapshot>?";
    const char *const lasting = "lasting (host_id=? AND <expr>=? AND first_snapshot>? AND";
    steps_of_difference(&few, SHORT - 1, SHORT);
    assert_true(any_plan_has(&few, end));
    assert_true(any_plan_has(&few, open));
    assert_false(any_plan_has(&few, lasting));
    steps_of_difference(&few, SHORT / 3, SHORT * 2 / 3);
    assert_true(any_plan_has(&few, lasting));
}

/* The examiner's queries too: one snapshot, one thing. */
static void views_use_indexes(void **state)
{
    (void)state;
    const char *const scan[] = {"SCAN", "state", NULL};
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        char sql[128];
        snprintf(sql, sizeof(sql), "SELECT * FROM %s_at WHERE snapshot_id = 42", kinds[kind].name);
        assert_false(plan_has(&few, sql, scan));
        snprintf(sql, sizeof(sql), "SELECT * FROM %1$s_history WHERE %1$s_id = 42",
                 kinds[kind].name);
        assert_false(plan_has(&few, sql, scan));
    }
    assert_true(plan_has(&few, "SELECT * FROM process_state AS state WHERE comm = 'sh'", scan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_the_newest_it_does_not_grow),
        cmocka_unit_test(of_the_past_it_does_not_grow),
        cmocka_unit_test(of_both_ends_it_does_not_grow),
        cmocka_unit_test(of_far_ones_it_grows_with_what_lies_between),
        cmocka_unit_test(gaps_cost_each_process_once),
        cmocka_unit_test(finding_does_not_grow),
        cmocka_unit_test(the_history_of_one_thing_does_not_grow),
        cmocka_unit_test(differences_use_their_indexes),
        cmocka_unit_test(views_use_indexes),
        cmocka_unit_test(recording_does_not_grow),
    };
    return cmocka_run_group_tests(tests, make_histories, end_histories);
}
