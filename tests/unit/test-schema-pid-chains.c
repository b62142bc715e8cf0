/* SPDX-License-Identifier: Apache-2.0 */
/* Which pid namespaces a process's numbers belong to: what is known is told, and nothing else,
 * whatever stands in the database. */
#include "schema/reader.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { HOST = 100, MIDDLE = 200, INNER = 300, UNKNOWN = 0, PID = 812 };

static struct world world;
static struct database *database;
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
    database_free(database);
    world_end(&world);
    scratch_remove(path);
    return 0;
}

static void add_namespace(int64_t inode, int64_t parent)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, "pid");
    record_set_integer(&record, NAMESPACE_INODE, inode);
    if (parent)
        record_set_integer(&record, NAMESPACE_PARENT, parent);
    world_add(&world, &record);
}

/* The process's column pids, after it was recorded; NULL where it is null. */
static char *pids_of(int64_t own, const char *numbers)
{
    _cleanup_cursor_ struct cursor *cursor = NULL;
    struct record record;
    const struct record *read;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, PID);
    record_set_integer(&record, PROCESS_START_TICKS, 1);
    record_set_text(&record, PROCESS_NS_PIDS, numbers);
    if (own)
        record_set_integer(&record, PROCESS_PID_NAMESPACE, own);
    world_add(&world, &record);
    _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
    must(cursor_open(database, snapshot, KIND_PROCESS, &cursor));
    assert_int_equal(cursor_next(cursor, &read), 1);
    const char *pids = record_text(read, PROCESS_PIDS);
    return pids ? strdup(pids) : NULL;
}

static void assert_pids(int64_t own, const char *numbers, const char *wanted)
{
    _cleanup_free_ char *pids = pids_of(own, numbers);
    if (wanted)
        assert_string_equal(pids ? pids : "null", wanted);
    else
        assert_null(pids);
}

static void add_chain(void)
{
    add_namespace(INNER, MIDDLE);
    add_namespace(HOST, UNKNOWN);
    add_namespace(MIDDLE, HOST);
}

static void from_the_recorders_namespace_inwards(void **state)
{
    (void)state;
    add_chain();
    assert_pids(INNER, "[812,7,1]", "{\"pid:100\":812,\"pid:200\":7,\"pid:300\":1}");
}

/* A recorder in the middle gets no number of the host. */
static void no_further_out_than_there_are_numbers(void **state)
{
    (void)state;
    add_chain();
    assert_pids(INNER, "[7,1]", "{\"pid:200\":7,\"pid:300\":1}");
}

static void up_to_the_first_parent_that_is_not_known(void **state)
{
    (void)state;
    add_namespace(INNER, MIDDLE);
    add_namespace(HOST, UNKNOWN);
    assert_pids(INNER, "[812,7,1]", "{\"pid:200\":7,\"pid:300\":1}");
}

static void a_namespace_that_is_not_recorded(void **state)
{
    (void)state;
    assert_pids(INNER, "[812,1]", "{\"pid:300\":1}");
}

static void nothing_without_the_processs_own(void **state)
{
    (void)state;
    add_chain();
    assert_pids(UNKNOWN, "[812,7,1]", NULL);
}

static void nothing_without_numbers(void **state)
{
    (void)state;
    add_chain();
    assert_pids(INNER, NULL, NULL);
}

static void parents_that_go_in_a_circle(void **state)
{
    (void)state;
    add_namespace(INNER, MIDDLE);
    add_namespace(MIDDLE, INNER);
    assert_pids(INNER, "[812,7,1]", "{\"pid:300\":812,\"pid:200\":7,\"pid:300\":1}");
}

static void what_is_no_list_of_numbers(void **state)
{
    (void)state;
    add_chain();
    assert_pids(INNER, "{", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_the_recorders_namespace_inwards, begin, end),
        cmocka_unit_test_setup_teardown(no_further_out_than_there_are_numbers, begin, end),
        cmocka_unit_test_setup_teardown(up_to_the_first_parent_that_is_not_known, begin, end),
        cmocka_unit_test_setup_teardown(a_namespace_that_is_not_recorded, begin, end),
        cmocka_unit_test_setup_teardown(nothing_without_the_processs_own, begin, end),
        cmocka_unit_test_setup_teardown(nothing_without_numbers, begin, end),
        cmocka_unit_test_setup_teardown(parents_that_go_in_a_circle, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_list_of_numbers, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
