/* SPDX-License-Identifier: Apache-2.0 */
/* The difference of two snapshots: what it says, in which order, and as JSON. */
#include "base/buffer.h"
#include "base/error.h"
#include "diff/diff.h"
#include "tests/unit/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cJSON.h>

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
    database_free(database);
    scratch_remove(path);
    world_end(&world);
    return 0;
}

static struct record *add_process(int64_t pid, const char *comm)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, pid);
    record_set_integer(&record, PROCESS_START_TICKS, 100);
    record_set_integer(&record, PROCESS_PIDFS_INODE, INT64_MAX);
    record_set_text(&record, PROCESS_COMM, comm);
    record_set_text(&record, PROCESS_CMDLINE, "[\"sh\",\"-c\",\"\\u001b\"]");
    record_set_integer(&record, PROCESS_REAL_UID, 1000);
    record_set_integer(&record, PROCESS_EFFECTIVE_UID, 0);
    record_set_integer(&record, PROCESS_RESIDENT_BYTES, 4096);
    return world_add(&world, &record);
}

static void add_namespace(const char *type, int64_t inode)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, type);
    record_set_integer(&record, NAMESPACE_INODE, inode);
    world_add(&world, &record);
}

static void add_gap(const char *subject)
{
    struct record record;
    record_begin(&record, KIND_GAP);
    record_set_text(&record, GAP_SOURCE, "test");
    record_set_text(&record, GAP_SUBJECT, subject);
    record_set_integer(&record, GAP_ERRNO, 13);
    world_add(&world, &record);
}

static void remove_of(enum kind kind, unsigned column, int64_t number)
{
    for (size_t i = 0; i < world.count; i++)
        if (world.records[i]->kind == kind &&
            record_integer(world.records[i], column, -1) == number) {
            world_remove(&world, i);
            return;
        }
    fail_msg("the world has no %s %lld", kinds[kind].name, (long long)number);
}

/* Two worlds with some of everything between them. */
static void record_both(struct snapshot **ret_from, struct snapshot **ret_to)
{
    add_process(9, "stays");
    add_process(100, "goes");
    add_process(20, "used");
    add_process(30, "changes");
    add_namespace("uts", 8);
    add_namespace("net", 7);
    add_gap("old");
    *ret_from = world_record(&world, database);
    remove_of(KIND_PROCESS, PROCESS_PID, 100);
    remove_of(KIND_PROCESS, PROCESS_PID, 20);
    remove_of(KIND_PROCESS, PROCESS_PID, 30);
    remove_of(KIND_NAMESPACE, NAMESPACE_INODE, 8);
    remove_of(KIND_GAP, GAP_ERRNO, 13);
    record_set_integer(add_process(20, "used"), PROCESS_PIDFS_INODE, 3); /* a smaller one */
    struct record *changed = add_process(30, "changed");
    record_set_integer(changed, PROCESS_EFFECTIVE_UID, 1000);
    record_set_integer(changed, PROCESS_RESIDENT_BYTES, 8192);
    add_process(3, "comes");
    add_gap("new");
    *ret_to = world_record(&world, database);
}

static void assert_changes(const struct difference *difference, const char *wanted)
{
    _cleanup_buffer_ struct buffer text = {0};
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        buffer_append_format(&text, "%s%s ", i ? ", " : "", change_op_names[change->op]);
        record_append_key(&text, change->after ? change->after : change->before);
        assert_int_equal(!change->before, change->op == CHANGE_ADDED);
        assert_int_equal(!change->after, change->op == CHANGE_REMOVED);
    }
    assert_string_equal(buffer_text(&text), wanted);
}

/* By kind, then by key in numeric order; what went before what came. */
static void changes_stand_in_order(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *forth = NULL, *back = NULL, *gaps = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, DIFF_KINDS, &forth));
    assert_changes(forth, "removed uts:8, added pid:3, removed pid:20, added pid:20, "
                          "changed pid:30, removed pid:100");
    must(difference_of(database, to, from, DIFF_KINDS, &back));
    assert_changes(back, "added uts:8, removed pid:3, removed pid:20, added pid:20, "
                         "changed pid:30, added pid:100");
    must(difference_of(database, from, to, 1 << KIND_GAP, &gaps));
    assert_changes(gaps, "added gap:test:new, removed gap:test:old");
}

static void the_summary_counts(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, DIFF_KINDS, &difference));
    const int64_t *processes = difference->summary[KIND_PROCESS];
    assert_int_equal(processes[CHANGE_ADDED], 2);
    assert_int_equal(processes[CHANGE_REMOVED], 2);
    assert_int_equal(processes[CHANGE_CHANGED], 1);
    assert_int_equal(processes[CHANGE_UNOBSERVED], 0);
    assert_int_equal(difference->summary[KIND_NAMESPACE][CHANGE_REMOVED], 1);
    for (enum change_op op = 0; op < CHANGE_OP_COUNT; op++) {
        assert_int_equal(difference->summary[KIND_GAP][op], 0);
        assert_int_equal(difference->summary[KIND_MOUNT][op], 0);
    }
    assert_ptr_equal(difference->from, from);
    assert_ptr_equal(difference->to, to);
}

static void only_the_kinds_asked_for_are_compared(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *one = NULL, *none = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, 1 << KIND_NAMESPACE, &one));
    assert_changes(one, "removed uts:8");
    must(difference_of(database, from, to, 0, &none));
    assert_int_equal(none->count, 0);
}

/* State alone counts: neither samples nor a strong key that became known. */
static void fields_are_those_of_the_state(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, DIFF_KINDS, &difference));
    for (size_t i = 0; i < difference->count; i++) {
        const struct change *change = &difference->changes[i];
        bool changed = change->op == CHANGE_CHANGED;
        for (unsigned column = 0; column < COLUMNS_MOST; column++)
            assert_int_equal(change_has_field(change, column),
                             changed &&
                                 (column == PROCESS_COMM || column == PROCESS_EFFECTIVE_UID));
    }
}

/* That environments were kept in one of both is no change; that one is another is. */
static void what_was_not_asked_for_is_no_change(void **state)
{
    (void)state;
    add_process(1, "init");
    _cleanup_snapshot_ struct snapshot *without = world_record(&world, database);
    record_set_text(world.records[0], PROCESS_ENVIRONMENT, "0e57");
    _cleanup_snapshot_ struct snapshot *with = world_record(&world, database);
    record_set_text(world.records[0], PROCESS_ENVIRONMENT, "bddd");
    _cleanup_snapshot_ struct snapshot *other = world_record(&world, database);
    _cleanup_difference_ struct difference *first = NULL, *second = NULL, *third = NULL;
    must(difference_of(database, without, with, DIFF_KINDS, &first));
    assert_changes(first, "");
    must(difference_of(database, with, without, DIFF_KINDS, &second));
    assert_changes(second, "");
    must(difference_of(database, with, other, DIFF_KINDS, &third));
    assert_changes(third, "changed pid:1");
    assert_true(change_has_field(&third->changes[0], PROCESS_ENVIRONMENT));
}

static struct record *add_container(const char *tier)
{
    struct record record;
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, "docker");
    record_set_text(&record, CONTAINER_ID, "a1");
    record_set_text(&record, CONTAINER_TIER, tier);
    return world_add(&world, &record);
}

/* An exit code that is there now, and wasn't: news from the same source, nothing from another. */
static void what_a_source_has_for_once_is_a_change(void **state)
{
    (void)state;
    struct record *container = add_container("asked");
    _cleanup_snapshot_ struct snapshot *running = world_record(&world, database);
    record_set_integer(container, CONTAINER_EXIT_CODE, 137);
    _cleanup_snapshot_ struct snapshot *exited = world_record(&world, database);
    record_set_text(container, CONTAINER_TIER, "files");
    record_set_text(container, CONTAINER_RUNTIME, "runc");
    _cleanup_snapshot_ struct snapshot *files = world_record(&world, database);
    _cleanup_difference_ struct difference *first = NULL, *second = NULL, *third = NULL;
    must(difference_of(database, running, exited, DIFF_KINDS, &first));
    assert_changes(first, "changed container:docker:a1");
    assert_true(change_has_field(&first->changes[0], CONTAINER_EXIT_CODE));
    must(difference_of(database, exited, running, DIFF_KINDS, &second));
    assert_changes(second, "changed container:docker:a1");
    must(difference_of(database, exited, files, DIFF_KINDS, &third));
    assert_changes(third, "");
}

static void a_snapshot_is_like_itself(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    record_both(&from, &to);
    must(difference_of(database, to, to, DIFF_KINDS | 1 << KIND_GAP, &difference));
    assert_int_equal(difference->count, 0);
}

/* What was there in between, but at neither end, is no part of it; nor what came back as it was. */
static void what_was_in_between_does_not_count(void **state)
{
    (void)state;
    add_process(1, "init");
    add_process(2, "pauses");
    _cleanup_snapshot_ struct snapshot *first = world_record(&world, database);
    remove_of(KIND_PROCESS, PROCESS_PID, 2);
    add_process(3, "passes");
    record_set_text(world.records[0], PROCESS_COMM, "other");
    _cleanup_snapshot_ struct snapshot *second = world_record(&world, database);
    remove_of(KIND_PROCESS, PROCESS_PID, 3);
    add_process(2, "pauses");
    record_set_text(world.records[0], PROCESS_COMM, "init");
    _cleanup_snapshot_ struct snapshot *third = world_record(&world, database);
    _cleanup_difference_ struct difference *far = NULL, *near = NULL;
    must(difference_of(database, first, third, DIFF_KINDS, &far));
    assert_changes(far, "");
    must(difference_of(database, second, third, DIFF_KINDS, &near));
    assert_changes(near, "changed pid:1, added pid:2, removed pid:3");
}

static void hosts_cannot_be_compared(void **state)
{
    (void)state;
    struct difference *difference = NULL;
    _cleanup_snapshot_ struct snapshot *one = world_record(&world, database);
    world.facts.machine_id = "22222222222222222222222222222222";
    world.facts.host = "otherhost";
    _cleanup_snapshot_ struct snapshot *other = world_record(&world, database);
    assert_int_equal(difference_of(database, one, other, DIFF_KINDS, &difference), -ERROR_USAGE);
    assert_null(difference);
    assert_non_null(strstr(error_message(), "testhost"));
    assert_non_null(strstr(error_message(), "otherhost"));
    assert_non_null(strstr(error_message(), "--host"));
}

/* A boot ends all processes: even what looks alike is another. */
static void nothing_outlives_a_boot(void **state)
{
    (void)state;
    add_process(1, "init");
    _cleanup_snapshot_ struct snapshot *from = world_record(&world, database);
    world.facts.boot_id = "99999999-2222-3333-4444-555555555555";
    _cleanup_snapshot_ struct snapshot *to = world_record(&world, database);
    _cleanup_difference_ struct difference *difference = NULL;
    must(difference_of(database, from, to, DIFF_KINDS, &difference));
    assert_changes(difference, "removed pid:1, added pid:1");
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!item)
        fail_msg("there is no \"%s\"", name);
    return item;
}

static void assert_text(const cJSON *object, const char *name, const char *wanted)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    assert_non_null(text);
    assert_string_equal(text, wanted);
}

static cJSON *json_of(const struct difference *difference, enum change_op op)
{
    for (size_t i = 0; i < difference->count; i++)
        if (difference->changes[i].op == op) {
            /* Through its text, as the contract has it. */
            cJSON *made = change_json(&difference->changes[i]);
            char *text = cJSON_PrintUnformatted(made);
            cJSON *parsed = cJSON_Parse(text);
            assert_non_null(parsed);
            cJSON_free(text);
            cJSON_Delete(made);
            return parsed;
        }
    fail_msg("nothing was %s", change_op_names[op]);
    return NULL;
}

static void changes_are_json(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, 1 << KIND_PROCESS, &difference));
    cJSON *changed = json_of(difference, CHANGE_CHANGED);
    assert_text(changed, "kind", "process");
    assert_text(changed, "op", "changed");
    assert_text(changed, "key", "pid:30");
    assert_text(changed, "name", "changed");
    const cJSON *fields = member(changed, "fields");
    assert_int_equal(cJSON_GetArraySize(fields), 2);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(fields, 0)), "comm");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(fields, 1)), "uid.1");
    const cJSON *before = member(changed, "before"), *after = member(changed, "after");
    assert_text(before, "comm", "changes");
    assert_text(after, "comm", "changed");
    assert_text(after, "pidfs_inode", "9223372036854775807");
    assert_text(after, "identity", "strong");
    assert_int_equal(cJSON_GetArrayItem(member(after, "uid"), 0)->valueint, 1000);
    assert_true(cJSON_IsNull(cJSON_GetArrayItem(member(after, "uid"), 2)));
    assert_int_equal(cJSON_GetArraySize(member(after, "cmdline")), 3);
    assert_true(cJSON_IsNull(member(after, "exe")));
    assert_null(cJSON_GetObjectItemCaseSensitive(after, "sample"));
    assert_null(cJSON_GetObjectItemCaseSensitive(after, "threads"));
    cJSON_Delete(changed);
    cJSON *added = json_of(difference, CHANGE_ADDED);
    assert_true(cJSON_IsNull(member(added, "before")));
    assert_true(cJSON_IsObject(member(added, "after")));
    assert_int_equal(cJSON_GetArraySize(member(added, "fields")), 0);
    cJSON_Delete(added);
    cJSON *removed = json_of(difference, CHANGE_REMOVED);
    assert_true(cJSON_IsNull(member(removed, "after")));
    cJSON_Delete(removed);
}

static void the_summary_is_json(void **state)
{
    (void)state;
    _cleanup_snapshot_ struct snapshot *from = NULL, *to = NULL;
    _cleanup_difference_ struct difference *difference = NULL;
    record_both(&from, &to);
    must(difference_of(database, from, to, DIFF_KINDS, &difference));
    cJSON *summary = difference_summary_json(difference);
    assert_int_equal(cJSON_GetArraySize(summary), KIND_COUNT);
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        const cJSON *numbers = member(summary, kinds[kind].plural);
        assert_int_equal(cJSON_GetArraySize(numbers), CHANGE_OP_COUNT);
        for (enum change_op op = 0; op < CHANGE_OP_COUNT; op++)
            assert_int_equal(member(numbers, change_op_names[op])->valueint,
                             difference->summary[kind][op]);
    }
    cJSON_Delete(summary);
}

int main(void)
{
#define with_database(test) cmocka_unit_test_setup_teardown(test, begin, end)
    const struct CMUnitTest tests[] = {
        with_database(changes_stand_in_order),
        with_database(the_summary_counts),
        with_database(only_the_kinds_asked_for_are_compared),
        with_database(fields_are_those_of_the_state),
        with_database(what_was_not_asked_for_is_no_change),
        with_database(what_a_source_has_for_once_is_a_change),
        with_database(a_snapshot_is_like_itself),
        with_database(what_was_in_between_does_not_count),
        with_database(hosts_cannot_be_compared),
        with_database(nothing_outlives_a_boot),
        with_database(changes_are_json),
        with_database(the_summary_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
