/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON documents' shape; that they fit their schemas is tested from outside, in
 * tests/cli/test_export.py. */
#include "base/error.h"
#include "tests/unit/export-host.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cJSON.h>
#include <cmocka.h>

struct fixture {
    struct world world;
    char *path;
    struct database *database;
    struct snapshot *snapshot;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    *state = fixture;
    world_begin(&fixture->world, 1);
    fixture->path = scratch_database();
    return database_open(fixture->path, DATABASE_WRITE, 1, &fixture->database);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    snapshot_free(fixture->snapshot);
    database_free(fixture->database);
    scratch_remove(fixture->path);
    world_end(&fixture->world);
    free(fixture);
    return 0;
}

static void add_thread(struct world *world, int64_t pid, int64_t tid)
{
    struct record thread;
    record_begin(&thread, KIND_THREAD);
    record_set_integer(&thread, THREAD_PID, pid);
    record_set_integer(&thread, THREAD_TID, tid);
    record_set_integer(&thread, THREAD_START_TICKS, tid);
    record_set_text(&thread, THREAD_COMM, "worker");
    world_add(world, &thread);
}

static char *export_snapshot(struct fixture *fixture)
{
    fixture->snapshot = world_record(&fixture->world, fixture->database);
    return host_export(fixture->database, "json", NULL, fixture->snapshot, NULL);
}

static cJSON *parse(char *text)
{
    cJSON *document = cJSON_Parse(text);
    assert_non_null(document);
    free(text);
    return document;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_non_null(found);
    return found;
}

static void test_empty_snapshot(void **state)
{
    cJSON *document = parse(export_snapshot(*state));
    static const char *const arrays[] = {"namespaces", "processes",     "mounts", "containers",
                                         "cgroups",    "discrepancies", "gaps"};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
        assert_int_equal(cJSON_GetArraySize(member(document, arrays[i])), 0);
    assert_string_equal(member(document, "format")->valuestring, "nslapse/1");
    assert_null(cJSON_GetObjectItemCaseSensitive(document, "orphan_threads"));
    cJSON_Delete(document);
}

/* The threads of process `pid`, which must be objects with these ids. */
static void assert_threads(const cJSON *document, int pid, const int *tids, int count)
{
    const cJSON *process;
    cJSON_ArrayForEach (process, member(document, "processes")) {
        if (member(process, "pid")->valueint != pid)
            continue;
        const cJSON *threads = member(process, "threads");
        assert_int_equal(cJSON_GetArraySize(threads), count);
        for (int i = 0; i < count; i++)
            assert_int_equal(member(cJSON_GetArrayItem(threads, i), "tid")->valueint, tids[i]);
        return;
    }
    fail_msg("no process %d", pid);
}

static void test_threads_stand_in_their_processes(void **state)
{
    struct fixture *fixture = *state;
    for (int64_t pid = 10; pid <= 30; pid += 10)
        host_add_process(&fixture->world, &(struct host_process){.pid = pid, .comm = "p"});
    add_thread(&fixture->world, 30, 32);
    add_thread(&fixture->world, 10, 12);
    add_thread(&fixture->world, 30, 31);
    cJSON *document = parse(export_snapshot(fixture));
    assert_threads(document, 10, (int[]){12}, 1);
    assert_threads(document, 20, NULL, 0);
    assert_threads(document, 30, (int[]){31, 32}, 2);
    assert_null(cJSON_GetObjectItemCaseSensitive(document, "orphan_threads"));
    cJSON_Delete(document);
}

static void test_threads_without_process_are_not_lost(void **state)
{
    struct fixture *fixture = *state;
    host_add_process(&fixture->world, &(struct host_process){.pid = 20, .comm = "p"});
    add_thread(&fixture->world, 10, 11);
    add_thread(&fixture->world, 20, 21);
    add_thread(&fixture->world, 30, 31);
    cJSON *document = parse(export_snapshot(fixture));
    assert_threads(document, 20, (int[]){21}, 1);
    const cJSON *orphans = member(document, "orphan_threads");
    assert_int_equal(cJSON_GetArraySize(orphans), 2);
    assert_int_equal(member(cJSON_GetArrayItem(orphans, 0), "tid")->valueint, 11);
    assert_int_equal(member(cJSON_GetArrayItem(orphans, 1), "tid")->valueint, 31);
    cJSON_Delete(document);
}

/* So that two exports can be compared with diff(1). */
static void test_one_record_in_a_line(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    struct record *odd = host_find(&fixture->world, KIND_PROCESS, NULL, 300, 0);
    record_set_text(odd, PROCESS_COMM, "two\nlines \"}");
    add_thread(&fixture->world, 300, 3001);
    _cleanup_free_ char *text = export_snapshot(fixture);
    size_t records = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const size_t length = strlen(line);
        if (line[0] != '{' || length < 3)
            continue;
        records++;
        if (line[length - 1] == ',')
            line[length - 1] = '\0';
        if (strcmp(line + strlen(line) - 2, ":[") == 0)
            continue; /* a process with threads goes on */
        cJSON *record = cJSON_Parse(line);
        assert_non_null(record);
        cJSON_Delete(record);
    }
    assert_int_equal(records, fixture->world.count);
}

static void test_same_bytes_each_time(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    _cleanup_free_ char *first = export_snapshot(fixture);
    _cleanup_free_ char *second =
        host_export(fixture->database, "json", NULL, fixture->snapshot, NULL);
    assert_string_equal(first, second);
}

static void test_difference(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    _cleanup_snapshot_ struct snapshot *before = world_record(&fixture->world, fixture->database);
    host_alter(&fixture->world);
    fixture->snapshot = world_record(&fixture->world, fixture->database);
    _cleanup_difference_ struct difference *difference = NULL;
    assert_int_equal(
        difference_of(fixture->database, before, fixture->snapshot, DIFF_KINDS, &difference), 0);
    cJSON *document = parse(host_export(fixture->database, "json", NULL, NULL, difference));
    assert_string_equal(member(document, "format")->valuestring, "nslapse-diff/1");
    assert_int_equal(cJSON_GetArraySize(member(document, "changes")), (int)difference->count);
    assert_int_equal(member(member(document, "from"), "id")->valueint, (int)before->id);
    assert_int_equal(member(member(document, "to"), "id")->valueint, (int)fixture->snapshot->id);
    cJSON_Delete(document);
}

static void test_failed_write(void **state)
{
    struct fixture *fixture = *state;
    host_add_all(&fixture->world);
    fixture->snapshot = world_record(&fixture->world, fixture->database);
    for (const struct export_format *format = export_formats; format->name; format++) {
        FILE *full = fopen("/dev/full", "w");
        assert_non_null(full);
        const struct export_request request = {
            .database = fixture->database, .snapshot = fixture->snapshot, .out = full};
        assert_int_equal(export_write(format, &request), -ENOSPC);
        assert_non_null(strstr(error_message(), "cannot write"));
        fclose(full);
    }
}

static void test_graphs_that_do_not_exist(void **state)
{
    struct fixture *fixture = *state;
    fixture->snapshot = world_record(&fixture->world, fixture->database);
    struct export_request request = {.database = fixture->database,
                                     .snapshot = fixture->snapshot,
                                     .graph = "socks",
                                     .out = stdout};
    assert_int_equal(export_write(export_format_by_name("json"), &request), -ERROR_USAGE);
    assert_int_equal(export_write(export_format_by_name("dot"), &request), -ERROR_USAGE);
    assert_non_null(strstr(error_message(), "namespaces, processes, mounts"));
    assert_null(export_format_by_name("jason"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty_snapshot),
        TEST(test_threads_stand_in_their_processes),
        TEST(test_threads_without_process_are_not_lost),
        TEST(test_one_record_in_a_line),
        TEST(test_same_bytes_each_time),
        TEST(test_difference),
        TEST(test_failed_write),
        TEST(test_graphs_that_do_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
