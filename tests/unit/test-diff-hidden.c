/* SPDX-License-Identifier: Apache-2.0 */
/* Where a gap may hide what happened, the difference says so instead of "removed" or "added". */
#include "base/buffer.h"
#include "diff/diff.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MNT = 4026532001, NET = 4026532002, USER = 4026531837, CHILD_PID = 4026532003 };

static struct database *database;
static struct world before, after;
static char *path;

static int begin(void **state)
{
    (void)state;
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    world_begin(&before, 1);
    world_begin(&after, 1);
    return 0;
}

static int end(void **state)
{
    (void)state;
    database_free(database);
    scratch_remove(path);
    world_end(&before);
    world_end(&after);
    return 0;
}

static struct record *add_process(struct world *world, int64_t pid, const char *comm)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, 1);
    record_set_text(&record, PROCESS_COMM, comm);
    record_set_text(&record, PROCESS_CONDITION, "alive");
    record_set_integer(&record, PROCESS_MNT_NAMESPACE, MNT);
    record_set_integer(&record, PROCESS_NET_NAMESPACE, NET);
    record_set_integer(&record, PROCESS_USER_NAMESPACE, USER);
    return world_add(world, &record);
}

static struct record *add_thread(struct world *world, int64_t pid, int64_t tid)
{
    struct record record;
    record_begin(&record, KIND_THREAD);
    record_set_integer(&record, THREAD_PID, pid);
    record_set_integer(&record, THREAD_TID, tid);
    record_set_integer(&record, THREAD_START_TICKS, 1);
    return world_add(world, &record);
}

static struct record *add_namespace(struct world *world, const char *type, int64_t inode)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, type);
    record_set_integer(&record, NAMESPACE_INODE, inode);
    return world_add(world, &record);
}

/* One that no task is in. */
static void add_distant_namespace(struct world *world, const char *type, int64_t inode,
                                  const char *sources, const char *reference)
{
    struct record *record = add_namespace(world, type, inode);
    record_set_text(record, NAMESPACE_SOURCES, sources);
    record_set_text(record, NAMESPACE_REFERENCE, reference);
}

static void add_mount(struct world *world, int64_t namespace, int64_t id)
{
    struct record record;
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, namespace);
    record_set_integer(&record, MOUNT_ID, id);
    world_add(world, &record);
}

static void add_gap(struct world *world, const char *hides, const char *scope)
{
    struct record record;
    record_begin(&record, KIND_GAP);
    record_set_text(&record, GAP_SOURCE, "test");
    record_set_text(&record, GAP_SUBJECT, scope ? scope : "everything");
    record_set_integer(&record, GAP_ERRNO, 13);
    record_set_text(&record, GAP_HIDES, hides);
    record_set_text(&record, GAP_HIDES_SCOPE, scope);
    world_add(world, &record);
}

/* Of all that the recorder saw of processes. */
static void add_limit(struct world *world, const char *subject)
{
    struct record record;
    record_begin(&record, KIND_GAP);
    record_set_text(&record, GAP_SOURCE, "processes");
    record_set_text(&record, GAP_SUBJECT, subject);
    record_set_integer(&record, GAP_ERRNO, 0);
    record_set_text(&record, GAP_ERROR, "a limit");
    record_set_text(&record, GAP_HIDES, "process");
    world_add(world, &record);
}

static void append_changes(struct buffer *text, const struct difference *difference)
{
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        buffer_append_format(text, "%s%s ", i ? ", " : "", change_op_names[change->op]);
        record_append_key(text, change->after ? change->after : change->before);
        for (unsigned column = 0; column < kinds[change->kind].column_count; column++)
            if (change_has_field(change, column))
                buffer_append_format(text, " %s", kinds[change->kind].columns[column].name);
    }
}

/* The difference in both directions: what was removed in one was added in the other. */
static void assert_difference(const char *forth, const char *back)
{
    _cleanup_snapshot_ struct snapshot *from = world_record(&before, database);
    _cleanup_snapshot_ struct snapshot *to = world_record(&after, database);
    for (int direction = 0; direction < 2; direction++) {
        _cleanup_difference_ struct difference *difference = NULL;
        _cleanup_buffer_ struct buffer text = {0};
        must(difference_of(database, direction ? to : from, direction ? from : to, DIFF_KINDS,
                           &difference));
        append_changes(&text, difference);
        assert_string_equal(buffer_text(&text), direction ? back : forth);
    }
}

/* ---- limits of all that was seen ---- */

static void a_limit_of_one_side_hides_what_the_other_saw(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_limit(&after, "uid:1000");
    assert_difference("unobserved pid:10", "unobserved pid:10");
}

static void the_same_limit_of_both_hides_nothing(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_limit(&before, "uid:1000");
    add_limit(&after, "uid:1000");
    assert_difference("removed pid:10", "added pid:10");
}

static void limits_of_two_kinds_hide_on_both_sides(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_process(&after, 11, "sh");
    add_limit(&before, "uid:1000");
    add_limit(&after, "uid:1001");
    assert_difference("unobserved pid:10, unobserved pid:11",
                      "unobserved pid:10, unobserved pid:11");
}

/* ---- namespaces that no task is in ---- */

static void a_source_that_was_left_out_hides_what_it_alone_showed(void **state)
{
    (void)state;
    add_distant_namespace(&before, "net", NET, "[\"fd\"]", NULL);
    add_distant_namespace(&before, "mnt", MNT, "[\"fd\",\"kernel\"]", NULL);
    add_mount(&before, MNT, 5);
    add_distant_namespace(&before, "uts", NET + 10, "[\"bind-mount\"]", NULL);
    add_gap(&after, "namespace", "fd");
    assert_difference("removed mnt:4026532001, unobserved net:4026532002, removed uts:4026532012, "
                      "removed mount:@mnt:4026532001",
                      "added mnt:4026532001, unobserved net:4026532002, added uts:4026532012, "
                      "added mount:@mnt:4026532001");
}

static void all_sources_that_were_left_out_hide_its_mounts_too(void **state)
{
    (void)state;
    add_distant_namespace(&before, "mnt", MNT, "[\"fd\",\"kernel\"]", NULL);
    add_mount(&before, MNT, 5);
    add_gap(&after, "namespace", "fd");
    add_gap(&after, "namespace", "kernel");
    assert_difference("unobserved mnt:4026532001, unobserved mount:@mnt:4026532001",
                      "unobserved mnt:4026532001, unobserved mount:@mnt:4026532001");
}

static void a_process_that_it_was_reached_through_hides_it(void **state)
{
    (void)state;
    add_distant_namespace(&before, "uts", NET, "[\"fd\"]", "[\"/proc/10/fd/5\"]");
    add_distant_namespace(&before, "net", NET + 1, "[\"fd\"]", "[\"/proc/11/fd/5\"]");
    add_distant_namespace(&before, "mnt", MNT, "[\"bind-mount\"]",
                          "[\"/proc/10/ns/mnt\",\"/run/it\"]");
    add_mount(&before, MNT, 5);
    add_gap(&after, "process", "10");
    assert_difference("unobserved mnt:4026532001, removed net:4026532003, "
                      "unobserved uts:4026532002, unobserved mount:@mnt:4026532001",
                      "unobserved mnt:4026532001, added net:4026532003, "
                      "unobserved uts:4026532002, unobserved mount:@mnt:4026532001");
}

static void without_a_gap_it_was_removed(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    assert_difference("removed pid:10", "added pid:10");
}

static void a_gap_of_the_whole_kind_hides_all_of_it(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_process(&before, 11, "sh");
    add_mount(&before, MNT, 5);
    add_gap(&after, "process", NULL);
    /* The mount's namespace was that of the processes, which may still be there. */
    assert_difference("unobserved pid:10, unobserved pid:11, unobserved mount:@mnt:4026532001",
                      "unobserved pid:10, unobserved pid:11, unobserved mount:@mnt:4026532001");
}

/* It hides what is on the other side only: what is seen despite the gap was there. */
static void a_gap_says_nothing_of_its_own_side(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_gap(&before, "process", NULL);
    assert_difference("removed pid:10", "added pid:10");
}

static void a_gap_with_a_scope_hides_that_alone(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_process(&before, 101, "sh");
    add_thread(&before, 10, 12);
    add_thread(&before, 101, 102);
    add_gap(&after, "process", "10");
    assert_difference("unobserved pid:10, removed pid:101, unobserved tid:12, removed tid:102",
                      "unobserved pid:10, added pid:101, unobserved tid:12, added tid:102");
}

static void the_scope_of_a_thread_is_its_process(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_process(&after, 10, "sh");
    add_thread(&before, 10, 11);
    add_thread(&before, 12, 13);
    add_gap(&after, "thread", "10");
    assert_difference("unobserved tid:11, removed tid:13", "unobserved tid:11, added tid:13");
}

static void the_scope_of_a_mount_is_its_namespace(void **state)
{
    (void)state;
    add_mount(&before, MNT, 5);
    add_mount(&before, MNT + 1, 5);
    add_gap(&after, "mount", "4026532001");
    assert_difference("unobserved mount:@mnt:4026532001, removed mount:@mnt:4026532002",
                      "unobserved mount:@mnt:4026532001, added mount:@mnt:4026532002");
}

static void add_container(struct world *world, const char *engine, const char *id)
{
    struct record record;
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, engine);
    record_set_text(&record, CONTAINER_ID, id);
    world_add(world, &record);
}

static void the_scope_of_a_container_is_its_engine_and_id(void **state)
{
    (void)state;
    add_container(&before, "docker", "5b94");
    add_container(&before, "docker", "5b95");
    add_container(&before, "podman", "5b94");
    add_gap(&after, "container", "docker:5b94");
    assert_difference("unobserved container:docker:5b94, removed container:docker:5b95, "
                      "removed container:podman:5b94",
                      "unobserved container:docker:5b94, added container:docker:5b95, "
                      "added container:podman:5b94");
}

/* Not those of others, though they are called so. */
static void the_scope_of_an_engine_is_all_of_its_containers(void **state)
{
    (void)state;
    add_container(&before, "docker", "5b94");
    add_container(&before, "lxc", "docker");
    add_gap(&after, "container", "docker");
    assert_difference("unobserved container:docker:5b94, removed container:lxc:docker",
                      "unobserved container:docker:5b94, added container:lxc:docker");
}

/* A kind that this program does not know, or none: nothing is hidden, nothing fails. */
static void gaps_that_hide_nothing(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_gap(&after, NULL, "10");
    add_gap(&after, "teapot", NULL);
    assert_difference("removed pid:10", "added pid:10");
}

/* The only process in it may still be there, unseen. */
static void a_namespace_may_be_where_its_hidden_member_is(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_namespace(&before, "net", NET);
    add_namespace(&before, "net", NET + 100); /* nobody was in it */
    add_namespace(&before, "uts", NET);       /* another type */
    add_mount(&before, MNT, 5);
    add_mount(&before, MNT + 100, 6);
    add_gap(&after, "process", "10");
    assert_difference("unobserved net:4026532002, removed net:4026532102, removed uts:4026532002, "
                      "unobserved pid:10, unobserved mount:@mnt:4026532001, "
                      "removed mount:@mnt:4026532101",
                      "unobserved net:4026532002, added net:4026532102, added uts:4026532002, "
                      "unobserved pid:10, unobserved mount:@mnt:4026532001, "
                      "added mount:@mnt:4026532101");
}

static void also_where_only_a_thread_of_it_was(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    record_set_integer(add_thread(&before, 10, 11), THREAD_NET_NAMESPACE, NET + 1);
    record_set_integer(before.records[0], PROCESS_PID_FOR_CHILDREN_NAMESPACE, CHILD_PID);
    add_namespace(&before, "net", NET + 1);
    add_namespace(&before, "pid", CHILD_PID);
    add_gap(&after, "process", "10");
    assert_difference("unobserved net:4026532003, unobserved pid:4026532003, "
                      "unobserved pid:10, unobserved tid:11",
                      "unobserved net:4026532003, unobserved pid:4026532003, "
                      "unobserved pid:10, unobserved tid:11");
}

/* The process was seen, but not in which namespaces its threads are. */
static void or_where_its_threads_were_hidden(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    add_process(&after, 10, "sh");
    record_set_integer(add_thread(&before, 10, 11), THREAD_NET_NAMESPACE, NET + 1);
    add_namespace(&before, "net", NET + 1);
    add_gap(&after, "thread", "10");
    assert_difference("unobserved net:4026532003, unobserved tid:11",
                      "unobserved net:4026532003, unobserved tid:11");
}

/* A column that turned null because of a gap did not change; others did. */
static void hidden_columns_are_no_changes(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    struct record *later = add_process(&after, 10, "sh");
    later->values[PROCESS_NET_NAMESPACE] = (struct value){0};
    add_gap(&after, "process", "10");
    assert_difference("unobserved pid:10 net_namespace", "unobserved pid:10 net_namespace");
}

static void seen_columns_are_changes_despite_a_gap(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    struct record *later = add_process(&after, 10, "bash");
    later->values[PROCESS_NET_NAMESPACE] = (struct value){0};
    add_gap(&after, "process", "10");
    assert_difference("changed pid:10 comm", "changed pid:10 comm");
}

static void without_a_gap_null_is_a_value(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    struct record *later = add_process(&after, 10, "sh");
    later->values[PROCESS_NET_NAMESPACE] = (struct value){0};
    add_gap(&after, "process", "11");
    assert_difference("changed pid:10 net_namespace", "changed pid:10 net_namespace");
}

static void add_found_namespace(struct world *world, const char *sources, int64_t uid)
{
    struct record *namespace = add_namespace(world, "net", NET);
    record_set_text(namespace, NAMESPACE_SOURCES, sources);
    record_set_integer(namespace, NAMESPACE_OWNER_UID, uid);
}

/* Another way led to it, but it is as it was. */
static void what_led_to_a_namespace_is_no_change(void **state)
{
    (void)state;
    add_found_namespace(&before, "[\"process\",\"thread\"]", 0);
    add_found_namespace(&after, "[\"process\"]", 0);
    assert_difference("", "");
}

static void its_other_columns_are_as_seen(void **state)
{
    (void)state;
    add_found_namespace(&before, "[\"process\",\"thread\"]", 0);
    add_found_namespace(&after, "[\"process\"]", 1000);
    add_gap(&after, "namespace", NULL);
    assert_difference("changed net:4026532002 owner_uid", "changed net:4026532002 owner_uid");
}

/* That it could not be read is no change of the process. */
static void unreadable_is_no_condition(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    record_set_text(add_process(&after, 10, "sh"), PROCESS_CONDITION, "unreadable");
    add_gap(&after, "process", "10");
    assert_difference("unobserved pid:10 condition", "unobserved pid:10 condition");
}

static void but_a_zombie_is_one(void **state)
{
    (void)state;
    add_process(&before, 10, "sh");
    record_set_text(add_process(&after, 10, "sh"), PROCESS_CONDITION, "zombie");
    add_gap(&after, "process", "10");
    assert_difference("changed pid:10 condition", "changed pid:10 condition");
}

/* What is hidden on both sides, in different columns. */
static void both_sides_may_hide(void **state)
{
    (void)state;
    struct record *earlier = add_process(&before, 10, "sh");
    struct record *later = add_process(&after, 10, "sh");
    earlier->values[PROCESS_MNT_NAMESPACE] = (struct value){0};
    later->values[PROCESS_NET_NAMESPACE] = (struct value){0};
    add_gap(&before, "process", "10");
    add_gap(&after, "process", NULL);
    assert_difference("unobserved pid:10 mnt_namespace net_namespace",
                      "unobserved pid:10 mnt_namespace net_namespace");
}

int main(void)
{
#define of_two_worlds(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        of_two_worlds(without_a_gap_it_was_removed),
        of_two_worlds(a_gap_of_the_whole_kind_hides_all_of_it),
        of_two_worlds(a_gap_says_nothing_of_its_own_side),
        of_two_worlds(a_gap_with_a_scope_hides_that_alone),
        of_two_worlds(the_scope_of_a_thread_is_its_process),
        of_two_worlds(the_scope_of_a_mount_is_its_namespace),
        of_two_worlds(the_scope_of_a_container_is_its_engine_and_id),
        of_two_worlds(the_scope_of_an_engine_is_all_of_its_containers),
        of_two_worlds(gaps_that_hide_nothing),
        of_two_worlds(a_namespace_may_be_where_its_hidden_member_is),
        of_two_worlds(also_where_only_a_thread_of_it_was),
        of_two_worlds(or_where_its_threads_were_hidden),
        of_two_worlds(a_limit_of_one_side_hides_what_the_other_saw),
        of_two_worlds(the_same_limit_of_both_hides_nothing),
        of_two_worlds(limits_of_two_kinds_hide_on_both_sides),
        of_two_worlds(a_source_that_was_left_out_hides_what_it_alone_showed),
        of_two_worlds(all_sources_that_were_left_out_hide_its_mounts_too),
        of_two_worlds(a_process_that_it_was_reached_through_hides_it),
        of_two_worlds(hidden_columns_are_no_changes),
        of_two_worlds(seen_columns_are_changes_despite_a_gap),
        of_two_worlds(without_a_gap_null_is_a_value),
        of_two_worlds(what_led_to_a_namespace_is_no_change),
        of_two_worlds(its_other_columns_are_as_seen),
        of_two_worlds(unreadable_is_no_condition),
        of_two_worlds(but_a_zombie_is_one),
        of_two_worlds(both_sides_may_hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
