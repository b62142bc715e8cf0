/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot's own facts, finding snapshots, what follows from their records, and two writers. */
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define START  (INT64_C(1788256800) * NSEC_PER_SEC)
#define MINUTE (60 * NSEC_PER_SEC)

static struct database *database;
static struct world world;
static char *path;

static int begin(void **state)
{
    (void)state;
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    world_begin(&world, 5);
    return 0;
}

static int end(void **state)
{
    (void)state;
    int64_t broken = -1, checked = -1;
    must(snapshot_verify(database, NULL, NULL, &broken, &checked));
    assert_int_equal(broken, 0);
    database_free(database);
    scratch_remove(path);
    world_end(&world);
    return 0;
}

static void record_at(const char *host, const char *machine_id, int64_t taken_at, const char *label)
{
    world.facts.host = host;
    world.facts.machine_id = machine_id;
    world.facts.taken_at = taken_at;
    world.facts.label = label;
    snapshot_free(world_record(&world, database));
}

/* Six of host "one" (of them one that went back in time), two of host "two" in between. */
static void record_several(void)
{
    record_at("one", "1", START, "first");
    record_at("one", "1", START + 2 * MINUTE, "same");
    record_at("two", "2", START + 3 * MINUTE, "same");
    record_at("one", "1", START + 4 * MINUTE, "same");
    record_at("two", "2", START + 5 * MINUTE, NULL);
    record_at("one", "1", START + MINUTE, NULL); /* the clock was set back */
    record_at("one-renamed", "1", START + 6 * MINUTE, NULL);
}

/* The id of what was found; 0 where there is no such snapshot. */
static int64_t id_of(int result, struct snapshot *found)
{
    _cleanup_snapshot_ struct snapshot *snapshot = found;
    if (result == -ERROR_NO_SNAPSHOT) {
        assert_null(found);
        assert_non_null(strstr(error_message(), path));
        return 0;
    }
    must(result);
    return snapshot->id;
}

static int64_t latest(const char *host, int64_t back)
{
    struct snapshot *found = NULL;
    int result = snapshot_find_latest(database, host, back, &found);
    return id_of(result, found);
}

static int64_t labelled(const char *host, const char *label)
{
    struct snapshot *found = NULL;
    int result = snapshot_find_label(database, host, label, &found);
    return id_of(result, found);
}

static int64_t at(const char *host, int64_t moment)
{
    struct snapshot *found = NULL;
    int result = snapshot_find_moment(database, host, moment, &found);
    return id_of(result, found);
}

static int64_t before(int64_t id, int64_t back)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    struct snapshot *found = NULL;
    must(snapshot_find(database, id, &snapshot));
    int result = snapshot_find_before(database, snapshot, back, &found);
    return id_of(result, found);
}

static void snapshots_are_found(void **state)
{
    (void)state;
    record_several();
    assert_int_equal(latest(NULL, 0), 7);
    assert_int_equal(latest(NULL, 1), 6);
    assert_int_equal(latest(NULL, 4), 1);
    assert_int_equal(latest(NULL, 5), 0);
    assert_int_equal(latest("two", 0), 5);
    assert_int_equal(latest("two", 1), 3);
    assert_int_equal(latest("two", 2), 0);
    assert_int_equal(latest("2", 0), 5); /* a machine-id is a name too */
    assert_int_equal(latest("one-renamed", 1), 6);
    assert_int_equal(latest("nobody", 0), 0);
    assert_int_equal(before(4, 0), 4);
    assert_int_equal(before(4, 1), 2);
    assert_int_equal(before(5, 1), 3);
    assert_int_equal(before(4, 3), 0);
    assert_int_equal(labelled(NULL, "same"), 4); /* the newest of that label */
    assert_int_equal(labelled("two", "same"), 3);
    assert_int_equal(labelled(NULL, "first"), 1);
    assert_int_equal(labelled(NULL, "nothing"), 0);
    struct snapshot *found = NULL;
    int result = snapshot_find(database, 8, &found);
    assert_int_equal(id_of(result, found), 0);
    result = snapshot_find(database, -1, &found);
    assert_int_equal(id_of(result, found), 0);
}

static void moments_are_found_by_the_clock(void **state)
{
    (void)state;
    record_several();
    assert_int_equal(at(NULL, START - 1), 0);
    assert_int_equal(at(NULL, START), 1);
    assert_int_equal(at(NULL, START + MINUTE - 1), 1);
    assert_int_equal(at(NULL, START + MINUTE), 6);
    assert_int_equal(at(NULL, START + 4 * MINUTE + 1), 4);
    assert_int_equal(at(NULL, INT64_MAX), 7);
    assert_int_equal(at("two", START + 4 * MINUTE), 3);
    assert_int_equal(at("two", START), 0);
    assert_int_equal(at(NULL, INT64_MIN), 0);
}

static void an_empty_database_says_so(void **state)
{
    (void)state;
    assert_int_equal(latest(NULL, 0), 0);
    assert_non_null(strstr(error_message(), "it holds none yet; `nslapse record` makes one"));
    assert_int_equal(at(NULL, START), 0);
    assert_int_equal(latest("one", 0), 0);
}

static int collect(void *userdata, const struct snapshot *snapshot)
{
    buffer_append_format(userdata, "%lld ", (long long)snapshot->id);
    return snapshot->id == 2 ? 42 : 0;
}

static void assert_each(const char *host, int64_t limit, int wanted_result, const char *wanted)
{
    _cleanup_buffer_ struct buffer ids = {0};
    assert_int_equal(snapshot_each(database, host, limit, collect, &ids), wanted_result);
    assert_string_equal(buffer_text(&ids), wanted);
}

static void snapshots_are_listed_newest_first(void **state)
{
    (void)state;
    assert_each(NULL, 0, 0, "");
    record_several();
    assert_each(NULL, 3, 0, "7 6 5 ");
    assert_each("two", 0, 0, "5 3 ");
    assert_each("two", 1, 0, "5 ");
    assert_each(NULL, 0, 42, "7 6 5 4 3 2 "); /* ended by the caller */
    assert_each("nobody", 0, -ERROR_NO_SNAPSHOT, "");
}

static void assert_text(const char *actual, const char *wanted)
{
    if (!actual || !wanted)
        assert_ptr_equal(actual, wanted);
    else
        assert_string_equal(actual, wanted);
}

static void assert_same_facts(const struct snapshot_facts *a, const struct snapshot_facts *b)
{
    assert_text(a->host, b->host);
    assert_text(a->machine_id, b->machine_id);
    assert_text(a->boot_id, b->boot_id);
    assert_text(a->kernel, b->kernel);
    assert_text(a->architecture, b->architecture);
    assert_text(a->recorder, b->recorder);
    assert_text(a->label, b->label);
    assert_text(a->note, b->note);
    assert_text(a->without, b->without);
    assert_text(a->privileges, b->privileges);
    assert_text(a->load_average, b->load_average);
    assert_int_equal(a->taken_at, b->taken_at);
    assert_int_equal(a->boottime, b->boottime);
    assert_int_equal(a->booted_at, b->booted_at);
    assert_int_equal(a->clock_ticks, b->clock_ticks);
    assert_int_equal(a->clock_synchronized, b->clock_synchronized);
    assert_int_equal(a->forks, b->forks);
    assert_int_equal(a->duration_ns, b->duration_ns);
    assert_int_equal(a->processes_ended, b->processes_ended);
}

/* What is not known stays so, and no zero takes its place. */
static void facts_come_back(void **state)
{
    (void)state;
    const struct snapshot_facts unknown = {
        .host = "",
        .without = "[]",
        .taken_at = 5,
        .boottime = -1,
        .booted_at = -1,
        .clock_ticks = 100,
        .clock_synchronized = -1,
        .forks = -1,
        .duration_ns = -1,
        .processes_ended = -1,
    };
    world.facts.label = "a \"label\"";
    world.facts.note = "two\nlines, \\xFF";
    world.facts.clock_synchronized = 0;
    world.facts.processes_ended = 0;
    _cleanup_snapshot_ struct snapshot *known = world_record(&world, database);
    assert_same_facts(&known->facts, &world.facts);
    world.facts = unknown;
    _cleanup_snapshot_ struct snapshot *bare = world_record(&world, database);
    assert_same_facts(&bare->facts, &unknown);
    assert_int_equal(bare->predecessor, 0);
    assert_int_equal(strlen(bare->uuid), 36);
}

/* What is known only at the end is what the end says; the rest is what the beginning said. */
static void the_end_has_the_last_word(void **state)
{
    (void)state;
    _cleanup_writer_ struct writer *writer = NULL;
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    struct snapshot_facts facts = world.facts;
    must(writer_begin(database, &facts, &writer));
    facts.duration_ns = 987654321;
    facts.processes_ended = 17;
    facts.taken_at += 5;
    facts.boottime += 5;
    must(writer_commit(writer, &facts, &snapshot));
    assert_same_facts(&snapshot->facts, &facts);
}

static struct record *add_task(enum kind kind, int64_t pid, int64_t ticks)
{
    struct record record;
    record_begin(&record, kind);
    record_set_integer(&record, TASK_PID, pid);
    record_set_integer(&record, TASK_START_TICKS, ticks);
    record_set_integer(&record, TASK_NET_NAMESPACE, 100);
    return world_add(&world, &record);
}

static void add_thing(enum kind kind, unsigned first, const char *text, unsigned second,
                      const char *other, int64_t number)
{
    struct record record;
    record_begin(&record, kind);
    record_set_text(&record, first, text);
    if (other)
        record_set_text(&record, second, other);
    else
        record_set_integer(&record, second, number);
    world_add(&world, &record);
}

/* The record of the newest snapshot's kind whose column is `number` (or the first, for -1). */
static struct record *read_one(enum kind kind, unsigned column, int64_t number)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *record;
    must(snapshot_find_latest(database, NULL, 0, &snapshot));
    must(cursor_open(database, snapshot, kind, &cursor));
    while (cursor_next(cursor, &record) > 0)
        if (number < 0 || record_integer(record, column, -1) == number)
            return record_copy(record);
    fail_msg("there is no such record");
    return NULL;
}

static void assert_list(enum kind kind, unsigned column, int64_t number, unsigned list,
                        const char *wanted)
{
    _cleanup_free_ struct record *record = read_one(kind, column, number);
    assert_text(record_text(record, list), wanted);
}

/* What follows from other records: members in numeric order, the leader by start. */
static void relations_are_worked_out(void **state)
{
    (void)state;
    add_task(KIND_PROCESS, 30, 9);
    add_task(KIND_PROCESS, 4, 20);
    add_task(KIND_PROCESS, 100, 9);
    record_set_text(world.records[1], PROCESS_CONTAINER, "docker:5b94");
    record_set_text(world.records[2], PROCESS_CONTAINER, "docker:5b94");
    static const int64_t tids[] = {103, 11, 101};
    for (size_t i = 0; i < 3; i++)
        record_set_integer(add_task(KIND_THREAD, 100, 9), THREAD_TID, tids[i]);
    add_thing(KIND_NAMESPACE, NAMESPACE_TYPE, "net", NAMESPACE_INODE, NULL, 100);
    add_thing(KIND_NAMESPACE, NAMESPACE_TYPE, "uts", NAMESPACE_INODE, NULL, 101);
    add_thing(KIND_CONTAINER, CONTAINER_ENGINE, "docker", CONTAINER_ID, "5b94", 0);
    snapshot_free(world_record(&world, database));
    assert_list(KIND_NAMESPACE, NAMESPACE_INODE, 100, NAMESPACE_PROCESSES, "[4,30,100]");
    assert_list(KIND_NAMESPACE, NAMESPACE_INODE, 101, NAMESPACE_PROCESSES, "[]");
    assert_list(KIND_PROCESS, PROCESS_PID, 100, PROCESS_THREADS, "[11,101,103]");
    assert_list(KIND_PROCESS, PROCESS_PID, 4, PROCESS_THREADS, "[]");
    assert_list(KIND_CONTAINER, 0, -1, CONTAINER_PIDS, "[4,100]");
    _cleanup_free_ struct record *net = read_one(KIND_NAMESPACE, NAMESPACE_INODE, 100);
    _cleanup_free_ struct record *uts = read_one(KIND_NAMESPACE, NAMESPACE_INODE, 101);
    assert_int_equal(record_integer(net, NAMESPACE_LEADER, -1), 30);
    assert_false(record_has(uts, NAMESPACE_LEADER));
}

static void assert_lists(enum kind kind, unsigned list, const char *const *wanted, size_t count)
{
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *record;
    must(snapshot_find_latest(database, NULL, 0, &snapshot));
    must(cursor_open(database, snapshot, kind, &cursor));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(cursor_next(cursor, &record), 1);
        assert_text(record_text(record, list), wanted[i]);
    }
    assert_int_equal(cursor_next(cursor, &record), 0);
}

/* Engines stand in the order of their names, what names a container in that of ENGINE:ID; and two
 * things may have one number. */
static void relations_are_found_whatever_the_order(void **state)
{
    (void)state;
    record_set_text(add_task(KIND_PROCESS, 10, 9), PROCESS_CONTAINER, "pod:1");
    record_set_text(add_task(KIND_PROCESS, 11, 9), PROCESS_CONTAINER, "pod!:1");
    record_set_text(add_task(KIND_PROCESS, 11, 10), PROCESS_CONTAINER, "pod:2");
    record_set_text(add_task(KIND_PROCESS, 12, 9), PROCESS_CONTAINER, "pods:1");
    record_set_integer(add_task(KIND_THREAD, 11, 9), THREAD_TID, 13);
    record_set_integer(add_task(KIND_THREAD, 12, 9), THREAD_TID, 14);
    static const char *const engines[] = {"pod", "pod", "pod!", "pods"};
    static const char *const ids[] = {"1", "2", "1", "1"};
    for (size_t i = 0; i < 4; i++)
        add_thing(KIND_CONTAINER, CONTAINER_ENGINE, engines[i], CONTAINER_ID, ids[i], 0);
    add_thing(KIND_NAMESPACE, NAMESPACE_TYPE, "net", NAMESPACE_INODE, NULL, 100);
    add_thing(KIND_NAMESPACE, NAMESPACE_TYPE, "none of these", NAMESPACE_INODE, NULL, 100);
    snapshot_free(world_record(&world, database));
    assert_lists(KIND_CONTAINER, CONTAINER_PIDS,
                 (const char *const[]){"[10]", "[11]", "[11]", "[12]"}, 4);
    assert_lists(KIND_PROCESS, PROCESS_THREADS, (const char *const[]){"[]", "[13]", "[13]", "[14]"},
                 4);
    assert_lists(KIND_NAMESPACE, NAMESPACE_PROCESSES, (const char *const[]){"[10,11,11,12]", "[]"},
                 2);
}

/* Ticks after the boot become a moment, by the clock of the boot's first snapshot. */
static void starts_are_moments(void **state)
{
    (void)state;
    add_task(KIND_PROCESS, 1, 12345);
    world.facts.clock_ticks = 100;
    snapshot_free(world_record(&world, database));
    _cleanup_free_ struct record *process = read_one(KIND_PROCESS, PROCESS_PID, 1);
    assert_int_equal(record_integer(process, PROCESS_STARTED_AT, -1),
                     world.facts.booted_at + INT64_C(123450000000));
    assert_int_equal(record_integer(process, PROCESS_TGID, -1), 1);
    world.facts.booted_at = -1;
    world.facts.boot_id = "unknown";
    snapshot_free(world_record(&world, database));
    _cleanup_free_ struct record *without = read_one(KIND_PROCESS, PROCESS_PID, 1);
    assert_false(record_has(without, PROCESS_STARTED_AT));
}

/* A child that holds the database with a snapshot begun, until its standard input is closed. */
static pid_t start_holder(int *ret_release)
{
    int ready[2], release[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct database *own = NULL;
        struct writer *writer = NULL;
        struct snapshot *snapshot = NULL;
        close(release[1]);
        int result = database_open(path, DATABASE_WRITE, 0, &own);
        if (!result)
            result = writer_begin(own, &world.facts, &writer);
        if (write(ready[1], &byte, 1) != 1 || read(release[0], &byte, 1) != 0)
            _exit(2);
        if (!result)
            result = writer_commit(writer, &world.facts, &snapshot);
        _exit(result ? 1 : 0);
    }
    close(ready[1]);
    close(release[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *ret_release = release[1];
    return child;
}

static void end_holder(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* Readers go on; a second writer gives up after its wait, and can write once the first is done. */
static void a_second_writer_is_told_that_it_is_locked(void **state)
{
    (void)state;
    struct writer *writer = NULL;
    int release;
    snapshot_free(world_record(&world, database));
    pid_t holder = start_holder(&release);
    assert_int_equal(writer_begin(database, &world.facts, &writer), -ERROR_LOCKED);
    assert_non_null(strstr(error_message(), "--wait"));
    assert_null(writer);
    assert_int_equal(latest(NULL, 0), 1);
    close(release);
    end_holder(holder);
    _cleanup_snapshot_ struct snapshot *third = world_record(&world, database);
    assert_int_equal(third->id, 3);
    assert_int_equal(third->predecessor, 2);
}

/* One that may wait gets its turn after the first: what it compares with is the first one's. */
static void a_second_writer_waits(void **state)
{
    (void)state;
    enum { PATIENCE_SECONDS = 60, HOLD_MICROSECONDS = 300 * 1000 };
    _cleanup_database_ struct database *patient = NULL;
    int release;
    must(database_open(path, DATABASE_WRITE, PATIENCE_SECONDS, &patient));
    pid_t holder = start_holder(&release);
    pid_t releaser = fork();
    assert_true(releaser >= 0);
    if (releaser == 0) {
        usleep(HOLD_MICROSECONDS);
        _exit(0); /* the last one to have the pipe, but for us */
    }
    close(release);
    _cleanup_snapshot_ struct snapshot *second = world_record(&world, patient);
    assert_int_equal(second->id, 2);
    assert_int_equal(second->predecessor, 1);
    end_holder(holder);
    end_holder(releaser);
}

int main(void)
{
#define with_database(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        with_database(snapshots_are_found),
        with_database(moments_are_found_by_the_clock),
        with_database(an_empty_database_says_so),
        with_database(snapshots_are_listed_newest_first),
        with_database(facts_come_back),
        with_database(the_end_has_the_last_word),
        with_database(relations_are_worked_out),
        with_database(relations_are_found_whatever_the_order),
        with_database(starts_are_moments),
        with_database(a_second_writer_is_told_that_it_is_locked),
        with_database(a_second_writer_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
