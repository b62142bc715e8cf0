/* SPDX-License-Identifier: Apache-2.0 */
/* Trees that someone made to hurt: made here, because they are large, deep, or lead elsewhere. */
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void make_parents(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void make_bytes(const char *name, const char *bytes, size_t length)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    make_parents(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void make_file(const char *name, const char *text)
{
    make_bytes(name, text, strlen(text));
}

static void make_link(const char *name, const char *target)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    make_parents(path);
    assert_int_equal(symlink(target, path), 0);
}

#define STAT                                                                                       \
    " (x) S 0 1 1 0 -1 256 0 0 0 0 1 1 0 0 20 0 %d 0 7 0 0 0 4096 8192 12288 0 0 0 0 0 0 0 0 0 "   \
    "17 0 0 0 0 0 "                                                                                \
    "0 0 0 0 0 0 0 0 0\n"

/* One process, of the number 1, that is complete. */
static int begin(void **state)
{
    (void)state;
    char stat[256];
    strcpy(folder, "/tmp/nslapse-hostile-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(stat, sizeof(stat), "1" STAT, 1);
    make_file("proc/1/stat", stat);
    make_file("proc/1/status", "Name:\tx\nUid:\t0\t0\t0\t0\n");
    make_file("proc/1/cgroup", "0::/\n");
    make_file("proc/1/cmdline", "x");
    make_file("proc/1/mountinfo", "1 0 0:1 / / rw - tmpfs none rw\n"
                                  "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    make_link("proc/1/root", "/");
    make_link("proc/1/ns/mnt", "mnt:[4026531832]");
    make_link("proc/self", "1");
    make_file("sys/fs/cgroup/cgroup.controllers", "cpu\n");
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void record(struct recorded *recorded)
{
    const struct recorder_options options = {.root = folder};
    recorded_begin(recorded, &options);
}

static void the_tree_itself_is_whole(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_PROCESS), 1);
    assert_int_equal(recorded_count(&recorded, KIND_MOUNT), 2);
    assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 1);
    assert_int_equal(recorded_count(&recorded, KIND_GAP), 0);
    recorded_end(&recorded);
}

/* A process can make its arguments as long as its memory; what was cut says so. */
static void endless_arguments_are_cut(void **state)
{
    (void)state;
    enum { LONG = 1 << 20, KEPT = 128 << 10 };
    struct recorded recorded;
    char *bytes = malloc(LONG);
    assert_non_null(bytes);
    memset(bytes, 'x', LONG);
    make_bytes("proc/1/cmdline", bytes, LONG);
    free(bytes);
    record(&recorded);
    const struct record *process = recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1);
    assert_int_equal(strlen(record_text(process, PROCESS_CMDLINE)), KEPT + strlen("[\"\"]"));
    check_text(recorded_gap(&recorded, "processes", "pid:1"), GAP_ERROR, "cmdline: File too large");
    recorded_end(&recorded);
}

static void endless_status_is_not_taken(void **state)
{
    (void)state;
    enum { LONG = 2 << 20 };
    struct recorded recorded;
    char *bytes = malloc(LONG);
    assert_non_null(bytes);
    memset(bytes, '\n', LONG);
    memcpy(bytes, "Uid:\t7\t7\t7\t7", 12);
    make_bytes("proc/1/status", bytes, LONG);
    free(bytes);
    record(&recorded);
    check_null(recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1), PROCESS_REAL_UID);
    check_text(recorded_gap(&recorded, "processes", "pid:1"), GAP_ERROR, "status: File too large");
    recorded_end(&recorded);
}

/* Half a record is worse than an outline: a file that shows a task amid exec gives no program. */
static void amid_exec_only_the_outline_is_taken(void **state)
{
    (void)state;
    struct recorded recorded;
    make_file("proc/1/stat",
              "1 (x) S 0 1 1 0 -1 256 0 0 0 0 1 1 0 0 20 0 1 0 7 0 0 0 0 0 0 0 0 0 0 0 0 "
              "0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
    record(&recorded);
    const struct record *process = recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1);
    check_text(process, PROCESS_COMM, "x");
    check_number(process, PROCESS_START_TICKS, 7);
    check_number(process, PROCESS_MNT_NAMESPACE, 4026531832);
    check_null(process, PROCESS_CMDLINE);
    check_null(process, PROCESS_REAL_UID);
    check_text(recorded_gap(&recorded, "processes", "pid:1"), GAP_ERROR,
               "changed while it was read: Resource temporarily unavailable");
    recorded_end(&recorded);
}

static void deep_cgroups_end_somewhere(void **state)
{
    (void)state;
    enum { DEEP = 300 };
    struct recorded recorded;
    char name[1024] = "sys/fs/cgroup";
    for (unsigned i = 0; i < DEEP; i++)
        strcat(name, "/d");
    strcat(name, "/cgroup.controllers");
    make_file(name, "\n");
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 201);
    assert_int_equal(recorded_count(&recorded, KIND_GAP), 1);
    recorded_end(&recorded);
}

/* Neither a mount's target nor a cgroup's path leads out of the copy. */
static void cgroups_do_not_lead_out(void **state)
{
    (void)state;
    struct recorded recorded;
    make_file("proc/1/mountinfo",
              "2 1 0:2 / /sys/../../../../../sys/fs/cgroup rw - cgroup2 x rw\n");
    make_file("proc/1/cgroup", "0::/../../../..\n");
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 0);
    check_text(recorded_gap(&recorded, "cgroups", "unified"), GAP_HIDES, "cgroup");
    const struct record *process = recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1);
    check_null(process, PROCESS_FROZEN);
    check_text(process, PROCESS_CGROUP, "{\"unified\":\"/../../../..\"}");
    recorded_end(&recorded);
}

static void linked_cgroups_are_no_directories(void **state)
{
    (void)state;
    struct recorded recorded;
    make_link("sys/fs/cgroup/out", "/");
    make_file("proc/1/cgroup", "0::/out\n");
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 1);
    check_null(recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1), PROCESS_FROZEN);
    recorded_end(&recorded);
}

/* A label and a namespace of the host that looks, not of the one that is looked at. */
static void a_process_does_not_lead_out(void **state)
{
    (void)state;
    char path[1024];
    struct recorded recorded;
    make_file("elsewhere/current", "a secret");
    snprintf(path, sizeof(path), "%s/elsewhere", folder);
    make_link("proc/1/attr", path);
    snprintf(path, sizeof(path), "%s/proc/1/ns/mnt", folder);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof(path), "%s/proc/1/ns", folder);
    assert_int_equal(rmdir(path), 0);
    make_link("proc/1/ns", "/proc/self/ns");
    record(&recorded);
    const struct record *process = recorded_find(&recorded, KIND_PROCESS, PROCESS_PID, 1);
    check_null(process, PROCESS_SECURITY_LABEL);
    check_null(process, PROCESS_MNT_NAMESPACE);
    check_text(recorded_gap(&recorded, "processes", "pid:1"), GAP_ERROR,
               "ns, attr/current: Not a directory");
    recorded_end(&recorded);
}

/* The kernel writes none of these; the hierarchy is then mounted nowhere. */
static void a_mount_has_all_of_its_fields(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "2 1 0:2 \\000 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        "2 1 0:2 / \\000 rw - cgroup2 cgroup2 rw\n",
        "2 1 0:2 / /sys/fs/cgroup rw - \\000 cgroup2 rw\n",
        "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 \\000\n",
        "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2\n",
        "2 1 0:2 / /sys/fs/cgroup rw - cgroup2\n",
        "2 1 0:2 /\n",
    };
    make_file("sys/fs/cgroup/below/cgroup.controllers", "cpu\n");
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct recorded recorded;
        char table[256];
        snprintf(table, sizeof(table), "1 0 0:1 / / rw - tmpfs none rw\n%s", lines[i]);
        make_file("proc/1/mountinfo", table);
        record(&recorded);
        assert_int_equal(recorded_count(&recorded, KIND_MOUNT), 1);
        assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 0);
        assert_non_null(recorded_gap(&recorded, "mounts", "mnt:4026531832"));
        recorded_end(&recorded);
    }
}

static void a_fifo_does_not_hang(void **state)
{
    (void)state;
    struct recorded recorded;
    char path[128];
    snprintf(path, sizeof(path), "%s/proc/1/loginuid", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    record(&recorded);
    check_text(recorded_gap(&recorded, "processes", "pid:1"), GAP_ERROR, "loginuid: Illegal seek");
    recorded_end(&recorded);
}

static void a_namespace_of_two_types_is_two(void **state)
{
    (void)state;
    struct recorded recorded;
    make_link("proc/1/ns/net", "net:[4026531832]");
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_NAMESPACE), 2);
    recorded_end(&recorded);
}

/* Without a self nobody knows who made the copy; process 1 stands for the host. */
static void without_self_process_1_tells(void **state)
{
    (void)state;
    struct recorded recorded;
    char path[128];
    snprintf(path, sizeof(path), "%s/proc/self", folder);
    assert_int_equal(unlink(path), 0);
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_CGROUP), 1);
    recorded_end(&recorded);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_tree_itself_is_whole),          TEST(endless_arguments_are_cut),
        TEST(endless_status_is_not_taken),       TEST(amid_exec_only_the_outline_is_taken),
        TEST(deep_cgroups_end_somewhere),        TEST(cgroups_do_not_lead_out),
        TEST(linked_cgroups_are_no_directories), TEST(a_process_does_not_lead_out),
        TEST(a_mount_has_all_of_its_fields),     TEST(a_fifo_does_not_hang),
        TEST(a_namespace_of_two_types_is_two),   TEST(without_self_process_1_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
