/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers are used again; what is behind them is told apart by the strongest key that is known. */
#include "base/buffer.h"
#include "diff/diff.h"
#include "schema/statement.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct database *database;
static struct world world;
static char *path;

static int begin(void **state)
{
    (void)state;
    path = scratch_database();
    must(database_open(path, DATABASE_WRITE, 0, &database));
    world_begin(&world, 3);
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

/* Records a host that has this one thing (NULL: nothing); the row of the thing. */
static int64_t record_only(const struct record *record)
{
    while (world.count)
        world_remove(&world, 0);
    if (record)
        world_add(&world, record);
    _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *read;
    must(cursor_open(database, snapshot, record ? record->kind : KIND_PROCESS, &cursor));
    int64_t identity = cursor_next(cursor, &read) > 0 ? read->identity : 0;
    assert_int_equal(cursor_next(cursor, &read), 0);
    return identity;
}

/* What the difference of the two newest snapshots says: "removed process, added process". */
static void assert_difference(const char *wanted)
{
    _cleanup_difference_ struct difference *difference = NULL;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_buffer_ struct buffer actual = {0};
    must(snapshot_find_latest(database, NULL, 1, &from));
    must(snapshot_find_latest(database, NULL, 0, &to));
    must(difference_of(database, from, to, DIFF_KINDS, &difference));
    for (size_t i = 0; i < difference->count; i++)
        buffer_append_format(&actual, "%s%s %s", i ? ", " : "",
                             change_op_names[difference->changes[i].op],
                             kinds[difference->changes[i].kind].name);
    assert_string_equal(buffer_text(&actual), wanted);
}

/* An inode of 0 stands for one that is not known. */
static struct record process(int64_t pid, int64_t ticks, int64_t pidfs_inode)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, ticks);
    if (pidfs_inode)
        record_set_integer(&record, PROCESS_PIDFS_INODE, pidfs_inode);
    record_set_text(&record, PROCESS_COMM, "sleep");
    return record;
}

static struct record namespace_of(const char *type, int64_t inode, int64_t id)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, type);
    record_set_integer(&record, NAMESPACE_INODE, inode);
    if (id)
        record_set_integer(&record, NAMESPACE_ID, id);
    return record;
}

static struct record mount(int64_t id, int64_t unique_id)
{
    struct record record;
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, 4026531841);
    record_set_integer(&record, MOUNT_ID, id);
    if (unique_id)
        record_set_integer(&record, MOUNT_UNIQUE_ID, unique_id);
    record_set_integer(&record, MOUNT_PARENT, 1);
    record_set_text(&record, MOUNT_ROOT, "/");
    record_set_text(&record, MOUNT_TARGET, "/mnt");
    record_set_text(&record, MOUNT_DEVICE, "0:50");
    return record;
}

/* Everything that can be seen is the same but for the 64-bit id. */
static void a_used_inode_of_a_namespace_is_another_thing(void **state)
{
    (void)state;
    struct record one = namespace_of("uts", 4026532177, 1000);
    struct record other = namespace_of("uts", 4026532177, 1001);
    int64_t first = record_only(&one), second = record_only(&other);
    assert_int_not_equal(first, second);
    assert_difference("removed namespace, added namespace");
    assert_int_equal(record_only(&one), first);
    assert_int_equal(record_only(&other), second);
}

static void a_used_mount_id_is_another_thing(void **state)
{
    (void)state;
    struct record one = mount(50, 7000), other = mount(50, 7001);
    int64_t first = record_only(&one);
    assert_int_not_equal(record_only(&other), first);
    assert_difference("removed mount, added mount");
    /* There is no order in ids: what went comes first. */
    assert_int_equal(record_only(&one), first);
    assert_difference("removed mount, added mount");
}

/* A PID that came back within one clock tick. */
static void a_used_pid_is_another_process(void **state)
{
    (void)state;
    struct record one = process(812, 5000, 31), other = process(812, 5000, 32);
    int64_t first = record_only(&one);
    assert_int_not_equal(record_only(&other), first);
    assert_difference("removed process, added process");
    struct record later = process(812, 5001, 0);
    record_only(&later);
    assert_difference("removed process, added process");
}

/* The strong key holds though all the rest is another. */
static void a_strong_key_outweighs_what_contradicts(void **state)
{
    (void)state;
    struct record one = mount(50, 7000), other = mount(50, 7000);
    record_set_text(&other, MOUNT_TARGET, "/moved");
    record_set_integer(&other, MOUNT_PARENT, 2);
    int64_t first = record_only(&one);
    assert_int_equal(record_only(&other), first);
    assert_difference("changed mount");
}

/* Without strong keys: owner and parent of a namespace never change. */
static void a_contradiction_makes_another_namespace(void **state)
{
    (void)state;
    struct record one = namespace_of("pid", 4026532200, 0);
    record_set_integer(&one, NAMESPACE_OWNER, 4026531837);
    struct record other = one;
    record_set_integer(&other, NAMESPACE_OWNER, 4026532999);
    int64_t first = record_only(&one);
    assert_int_not_equal(record_only(&other), first);
    assert_difference("removed namespace, added namespace");
    struct record child = other;
    record_set_integer(&child, NAMESPACE_PARENT, 4026531836);
    int64_t second = record_only(&child); /* the parent was not known before */
    assert_difference("changed namespace");
    record_set_integer(&child, NAMESPACE_PARENT, 4026531111);
    assert_int_not_equal(record_only(&child), second);
    assert_difference("removed namespace, added namespace");
}

static void each_weak_column_of_a_mount_counts(void **state)
{
    (void)state;
    static const unsigned texts[] = {MOUNT_ROOT, MOUNT_TARGET, MOUNT_DEVICE};
    struct record record = mount(50, 0);
    int64_t before = record_only(&record), after;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        record_set_text(&record, texts[i], "/another");
        after = record_only(&record);
        assert_int_not_equal(after, before);
        before = after;
    }
    record_set_integer(&record, MOUNT_PARENT, 99);
    after = record_only(&record);
    assert_int_not_equal(after, before);
    /* What is no part of the key may change. */
    record_set_text(&record, MOUNT_OPTIONS, "ro");
    record_set_integer(&record, MOUNT_SHARED_GROUP, 5);
    assert_int_equal(record_only(&record), after);
    assert_difference("changed mount");
}

/* Nothing tells them apart: then it is the same, as far as anybody can know. */
static void what_nothing_contradicts_is_the_same(void **state)
{
    (void)state;
    struct record record = process(812, 5000, 0);
    int64_t first = record_only(&record);
    record_set_text(&record, PROCESS_COMM, "renamed");
    assert_int_equal(record_only(&record), first);
    assert_difference("changed process");
    record_only(NULL);
    assert_int_equal(record_only(&record), first);
}

/* A run without pidfds, then one with: the same process, and no change. */
static void knowledge_that_comes_later_is_no_change(void **state)
{
    (void)state;
    struct record weak = process(812, 5000, 0), strong = process(812, 5000, 31);
    int64_t first = record_only(&weak);
    assert_int_equal(record_only(&strong), first);
    assert_difference("");
    assert_int_equal(record_only(&weak), first);
    assert_difference("");
    /* What was learned is kept: a third one is not the first. */
    struct record other = process(812, 5000, 32);
    assert_int_not_equal(record_only(&other), first);
    assert_difference("removed process, added process");
}

/* A weak record is of the thing that had the number last. */
static void a_weak_record_is_of_the_last_one(void **state)
{
    (void)state;
    struct record one = process(812, 5000, 31), other = process(812, 5000, 32);
    struct record weak = process(812, 5000, 0);
    int64_t first = record_only(&one), second = record_only(&other);
    assert_int_equal(record_only(&weak), second);
    assert_int_equal(record_only(&one), first);
    assert_int_equal(record_only(&weak), first);
}

/* What is known of a thing from several of its states counts together. */
static void an_earlier_state_may_contradict(void **state)
{
    (void)state;
    struct record known = namespace_of("pid", 4026532200, 0);
    record_set_integer(&known, NAMESPACE_OWNER, 4026531837);
    struct record unknown = namespace_of("pid", 4026532200, 0), other = known;
    record_set_integer(&other, NAMESPACE_OWNER, 4026532999);
    int64_t first = record_only(&known);
    assert_int_equal(record_only(&unknown), first);
    assert_int_not_equal(record_only(&other), first);
}

static void key_columns_tell_apart(void **state)
{
    (void)state;
    struct record net = namespace_of("net", 4026532200, 0),
                  uts = namespace_of("uts", 4026532200, 0);
    int64_t first = record_only(&net);
    assert_int_not_equal(record_only(&uts), first);
    struct record cgroup;
    record_begin(&cgroup, KIND_CGROUP);
    record_set_text(&cgroup, CGROUP_HIERARCHY, "unified");
    record_set_text(&cgroup, CGROUP_PATH, "/a");
    record_set_integer(&cgroup, CGROUP_INODE, 100);
    first = record_only(&cgroup);
    record_set_integer(&cgroup, CGROUP_INODE, 101); /* removed and made again */
    assert_int_not_equal(record_only(&cgroup), first);
    assert_difference("removed cgroup, added cgroup");
}

/* The ids are 64 bits wide, without a sign. */
static void ids_keep_all_their_bits(void **state)
{
    (void)state;
    struct record one = namespace_of("net", 4026532200, -1), other = one;
    record_set_integer(&other, NAMESPACE_ID, INT64_MIN);
    int64_t first = record_only(&one);
    assert_int_not_equal(record_only(&other), first);
    _cleanup_snapshot_ struct snapshot *snapshot = NULL;
    _cleanup_cursor_ struct cursor *cursor = NULL;
    const struct record *read = NULL;
    must(snapshot_find_latest(database, NULL, 1, &snapshot));
    must(cursor_open(database, snapshot, KIND_NAMESPACE, &cursor));
    assert_int_equal(cursor_next(cursor, &read), 1);
    assert_int_equal((uint64_t)record_integer(read, NAMESPACE_ID, 0), UINT64_MAX);
}

/* Several that share the weak key hold in one snapshot: a mount namespace is listed while one mount
 * takes the place of another. */
static void alike_things_of_one_snapshot_stay_apart(void **state)
{
    (void)state;
    struct record one = mount(50, 7000), other = mount(50, 7001);
    for (int round = 0; round < 3; round++) {
        while (world.count)
            world_remove(&world, 0);
        world_add(&world, round == 1 ? &other : &one);
        world_add(&world, round == 1 ? &one : &other);
        _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
        assert_int_equal(snapshot->counts[KIND_MOUNT], 2);
    }
    assert_difference("");
}

static struct record container(const char *id, int64_t pid)
{
    struct record record;
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, "docker");
    record_set_text(&record, CONTAINER_ID, id);
    record_set_text(&record, CONTAINER_NAME, "web");
    record_set_integer(&record, CONTAINER_PID, pid);
    return record;
}

/* The last of the answers that lxkns gives wrongly, tests/namespaces/test_lxkns.py: there
 * containers are keyed by their PID, and one overwrites the other. */
static void containers_go_by_engine_and_id_whatever_their_pid(void **state)
{
    (void)state;
    struct record one = container("aaaa", 812), other = container("bbbb", 812);
    struct record restarted = container("aaaa", 999);
    int64_t first = record_only(&one);
    assert_int_equal(record_only(&restarted), first);
    assert_difference("changed container");
    world_add(&world, &one);
    world_add(&world, &other);
    world_remove(&world, 0);
    _cleanup_snapshot_ struct snapshot *snapshot = world_record(&world, database);
    assert_int_equal(snapshot->counts[KIND_CONTAINER], 2);
    assert_difference("changed container, added container");
}

int main(void)
{
#define with_database(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        with_database(a_used_inode_of_a_namespace_is_another_thing),
        with_database(a_used_mount_id_is_another_thing),
        with_database(a_used_pid_is_another_process),
        with_database(a_strong_key_outweighs_what_contradicts),
        with_database(a_contradiction_makes_another_namespace),
        with_database(each_weak_column_of_a_mount_counts),
        with_database(what_nothing_contradicts_is_the_same),
        with_database(knowledge_that_comes_later_is_no_change),
        with_database(a_weak_record_is_of_the_last_one),
        with_database(an_earlier_state_may_contradict),
        with_database(key_columns_tell_apart),
        with_database(ids_keep_all_their_bits),
        with_database(alike_things_of_one_snapshot_stay_apart),
        with_database(containers_go_by_engine_and_id_whatever_their_pid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
