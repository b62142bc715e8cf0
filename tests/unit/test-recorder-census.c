/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/census.h"
#include "recorder/namespace_table.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

static void add(struct census *census, int64_t start, pid_t pid, pid_t tid)
{
    const struct census_task task = {.start_ticks = start, .pid = pid, .tid = tid};
    assert_int_equal(census_add(census, &task), 0);
}

static void assert_task(const struct census *census, size_t index, pid_t pid, pid_t tid)
{
    assert_true(index < census->count);
    assert_int_equal(census->tasks[index].pid, pid);
    assert_int_equal(census->tasks[index].tid, tid);
}

/* Whatever the order in which threads read them: the first process is the leader. */
static void order_is_the_same_each_time(void **state)
{
    (void)state;
    struct census one = {0}, other = {0};
    add(&one, 50, 9, 0);
    add(&one, 10, 7, 8);
    add(&one, 50, 3, 0);
    add(&other, 20, 12, 0);
    add(&other, 10, 7, 6);
    add(&other, 10, 7, 0);
    assert_int_equal(census_merge(&one, &other), 0);
    assert_int_equal(other.count, 0);
    census_sort(&one);
    assert_int_equal(one.count, 6);
    assert_task(&one, 0, 7, 0);
    assert_task(&one, 1, 12, 0);
    assert_task(&one, 2, 3, 0);
    assert_task(&one, 3, 9, 0);
    assert_task(&one, 4, 7, 6);
    assert_task(&one, 5, 7, 8);
    census_free(&one);
}

static void an_empty_census_sorts(void **state)
{
    (void)state;
    struct census census = {0}, none = {0};
    census_sort(&census);
    assert_int_equal(census_merge(&census, &none), 0);
    assert_int_equal(census.count, 0);
    census_free(&census);
}

static void paths_lead_to_tasks(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer path = {0};
    const struct census_task process = {.pid = 7}, thread = {.pid = 7, .tid = 8};
    census_append_path(&path, &process);
    assert_string_equal(buffer_text(&path), "7");
    buffer_clear(&path);
    census_append_path(&path, &thread);
    assert_string_equal(buffer_text(&path), "7/task/8");
}

static void a_namespace_stands_once_with_all_that_led_to_it(void **state)
{
    (void)state;
    struct namespace_table table = {0};
    struct namespace *first, *again, *other, *previous = NULL;
    assert_int_equal(namespace_table_add(&table, NSFS_USER, 9, SIGHTING_OWNER, &first), 0);
    assert_int_equal(namespace_table_add(&table, NSFS_USER, 9, SIGHTING_PROCESS, &again), 0);
    assert_int_equal(namespace_table_add(&table, NSFS_NET, 9, SIGHTING_THREAD, &other), 0);
    for (uint32_t inode = 100; inode; inode--)
        assert_int_equal(namespace_table_add(&table, NSFS_MNT, inode, SIGHTING_FD, &other), 0);
    assert_ptr_equal(first, again);
    assert_int_equal(first->sightings, 1u << SIGHTING_OWNER | 1u << SIGHTING_PROCESS);
    assert_ptr_equal(namespace_table_find(&table, NSFS_USER, 9), first);
    assert_null(namespace_table_find(&table, NSFS_PID, 9));
    namespace_table_sort(&table);
    struct namespace *namespace, *next;
    HASH_ITER (hh, table.namespaces, namespace, next) {
        if (previous)
            assert_true(previous->key.type < namespace->key.type ||
                        (previous->key.type == namespace->key.type &&
                         previous->key.inode < namespace->key.inode));
        previous = namespace;
    }
    assert_int_equal(HASH_COUNT(table.namespaces), 102);
    namespace_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_the_same_each_time),
        cmocka_unit_test(an_empty_census_sorts),
        cmocka_unit_test(paths_lead_to_tasks),
        cmocka_unit_test(a_namespace_stands_once_with_all_that_led_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
