/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as kernels 4.19 (both versions of cgroups) and 5.10 (version 2) make them. */
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

static struct recorded old;

static int begin_4_19(void **state)
{
    (void)state;
    recorded_fixture(&old, "linux-4.19");
    return 0;
}

static int begin_5_10(void **state)
{
    (void)state;
    recorded_fixture(&old, "linux-5.10");
    return 0;
}

static int end(void **state)
{
    (void)state;
    recorded_end(&old);
    return 0;
}

static const struct record *process(int64_t pid)
{
    return recorded_find(&old, KIND_PROCESS, PROCESS_PID, pid);
}

static const struct record *thread(int64_t tid)
{
    return recorded_find(&old, KIND_THREAD, THREAD_TID, tid);
}

static const struct record *namespace(const char *type, int64_t inode)
{
    const struct record *record = recorded_find(&old, KIND_NAMESPACE, NAMESPACE_INODE, inode);
    if (record)
        check_text(record, NAMESPACE_TYPE, type);
    return record;
}

static const struct record *cgroup(const char *hierarchy, const char *path)
{
    return recorded_find_text(&old, KIND_CGROUP, CGROUP_HIERARCHY, hierarchy, CGROUP_PATH, path);
}

/* ---- both ---- */

/* A copy has no ids that only the kernel itself tells, least of all those of the live host. */
static void nothing_of_the_live_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < old.count; i++) {
        const struct record *record = old.records[i];
        if (record->kind == KIND_PROCESS || record->kind == KIND_THREAD)
            check_null(record, TASK_PIDFS_INODE);
        if (record->kind == KIND_NAMESPACE) {
            check_null(record, NAMESPACE_ID);
            check_null(record, NAMESPACE_PARENT);
            check_null(record, NAMESPACE_OWNER);
            check_null(record, NAMESPACE_OWNER_UID);
        }
        if (record->kind == KIND_MOUNT)
            check_null(record, MOUNT_UNIQUE_ID);
        if (record->kind == KIND_CGROUP)
            check_null(record, CGROUP_INODE);
    }
}

/* ---- 4.19 ---- */

static void facts_of_4_19(void **state)
{
    (void)state;
    const struct snapshot_facts *facts = recorder_facts(old.recorder);
    assert_string_equal(facts->host, "buster");
    assert_string_equal(facts->kernel, "4.19.0-21-amd64");
    assert_string_equal(facts->machine_id, "0f0e0d0c0b0a09080706050403020100");
    assert_string_equal(facts->boot_id, "19191919-1919-4919-8919-191919191919");
    assert_string_equal(facts->load_average, "0.10 0.05 0.01 1/90 4242");
    assert_int_equal(facts->booted_at, 1700000000000000000);
    assert_int_equal(facts->boottime, 5000250000000);
    assert_int_equal(facts->taken_at, 1700005000250000000);
    assert_int_equal(facts->forks, 4242);
    assert_int_equal(facts->clock_synchronized, -1);
    assert_null(facts->architecture);
    assert_string_equal(facts->without, "[]");
}

static void processes_of_4_19(void **state)
{
    (void)state;
    assert_int_equal(recorded_count(&old, KIND_PROCESS), 6);
    check_text(process(1), PROCESS_CGROUP,
               "{\"cpu,cpuacct\":\"/\",\"freezer\":\"/\",\"name=systemd\":\"/init.scope\","
               "\"unified\":\"/init.scope\"}");
    check_null(process(1), PROCESS_TIME_NAMESPACE);
    check_null(process(1), PROCESS_TIME_FOR_CHILDREN_NAMESPACE);
    check_number(process(1), PROCESS_PID_FOR_CHILDREN_NAMESPACE, 4026531836);
    check_number(process(300), PROCESS_LOGIN_UID, 1000);
    check_null(process(301), PROCESS_LOGIN_UID);
    check_text(process(300), PROCESS_GROUPS, "[4,24,27]");
    check_text(process(300), PROCESS_CMDLINE, "[\"/usr/sbin/cron\",\"-f\"]");
    check_text(process(300), PROCESS_SECCOMP, "disabled");
    check_number(process(300), PROCESS_NO_NEW_PRIVS, 0);
    check_text(process(4), PROCESS_COMM, "rcu_gp");
    check_text(process(5), PROCESS_COMM, "kworker/0:0");
}

static void freezing_in_both_versions(void **state)
{
    (void)state;
    check_number(process(300), PROCESS_FROZEN, 1);
    check_number(process(301), PROCESS_FROZEN, 0);
    check_number(process(1), PROCESS_FROZEN, 0);
    check_number(cgroup("freezer", "/jail/ice"), CGROUP_FROZEN, 1);
    check_number(cgroup("freezer", "/jail"), CGROUP_FROZEN, 0);
    check_number(cgroup("freezer", "/"), CGROUP_FROZEN, 0);
    check_null(cgroup("cpu,cpuacct", "/"), CGROUP_FROZEN);
    /* before 5.2 version 2 froze nothing */
    check_null(cgroup("unified", "/init.scope"), CGROUP_FROZEN);
}

static void cgroups_of_4_19(void **state)
{
    (void)state;
    check_number(cgroup("cpu,cpuacct", "/"), CGROUP_VERSION, 1);
    check_text(cgroup("cpu,cpuacct", "/"), CGROUP_CONTROLLERS, "[\"cpu\",\"cpuacct\"]");
    check_text(cgroup("name=systemd", "/init.scope"), CGROUP_CONTROLLERS, "[]");
    check_null(cgroup("name=systemd", "/init.scope"), CGROUP_CGROUP_TYPE);
    check_number(cgroup("unified", "/system.slice/cron.service"), CGROUP_VERSION, 2);
    check_text(cgroup("unified", "/system.slice"), CGROUP_CGROUP_TYPE, "domain");
    assert_int_equal(recorded_count(&old, KIND_CGROUP), 10);
}

/* The first mount and network namespaces have no numbers of their own; kthreadd is in them. */
static void initial_namespaces_of_4_19(void **state)
{
    (void)state;
    check_number(namespace("mnt", 4026531840), NAMESPACE_INITIAL, 1);
    check_number(namespace("net", 4026531993), NAMESPACE_INITIAL, 1);
    check_number(namespace("net", 4026532300), NAMESPACE_INITIAL, 0);
    check_number(namespace("user", 4026531837), NAMESPACE_INITIAL, 1);
    check_text(namespace("net", 4026532300), NAMESPACE_REFERENCE, "[\"/proc/301/ns/net\"]");
    check_text(namespace("pid", 4026531836), NAMESPACE_SOURCES, "[\"process\",\"for-children\"]");
    check_text(namespace("pid", 4026531836), NAMESPACE_REFERENCE, "[\"/proc/1/ns/pid\"]");
}

static void no_gaps_in_4_19(void **state)
{
    (void)state;
    assert_int_equal(recorded_count(&old, KIND_GAP), 0);
}

/* ---- 5.10 ---- */

static void processes_of_5_10(void **state)
{
    (void)state;
    check_number(process(1), PROCESS_TIME_NAMESPACE, 4026531834);
    check_text(process(1), PROCESS_SECURITY_LABEL, "unconfined");
    check_text(process(500), PROCESS_SECURITY_LABEL, "sshd (enforce)");
    check_null(process(501), PROCESS_SECURITY_LABEL);
    check_text(process(9), PROCESS_COMM, "kworker/u4:2");
    check_text(process(10), PROCESS_COMM, "kworker/R-ext4-rsv");
    check_null(process(9), PROCESS_CWD);
    check_number(process(500), PROCESS_FROZEN, 0);
    check_number(process(501), PROCESS_FROZEN, 1);
    check_number(process(2), PROCESS_FROZEN, 0);
}

static void titles_come_out_without_padding(void **state)
{
    (void)state;
    check_text(process(500), PROCESS_CMDLINE, "[\"sshd: user [priv]\"]");
    check_text(process(501), PROCESS_CMDLINE, "[\"nginx: worker process\"]");
}

static void privileges_of_5_10(void **state)
{
    (void)state;
    check_text(process(501), PROCESS_EXE, "/usr/sbin/nginx (deleted)");
    check_text(process(501), PROCESS_TERMINAL, "136:1");
    check_null(process(500), PROCESS_TERMINAL);
    check_number(process(501), PROCESS_EFFECTIVE_UID, 33);
    check_number(process(501), PROCESS_FILESYSTEM_GID, 33);
    check_number(process(501), PROCESS_NO_NEW_PRIVS, 1);
    check_text(process(501), PROCESS_SECCOMP, "filter");
    check_text(process(501), PROCESS_CAPABILITIES_PERMITTED, "0000000000000000");
    check_text(process(501), PROCESS_CAPABILITIES_AMBIENT, "0000000000000400");
    check_text(process(501), PROCESS_NS_PIDS, "[501,1]");
    check_number(process(501), PROCESS_RESIDENT_BYTES, 1500 * 1024);
    check_null(process(501), PROCESS_TIME_FOR_CHILDREN_NAMESPACE);
}

static void threads_of_5_10(void **state)
{
    (void)state;
    assert_int_equal(recorded_count(&old, KIND_THREAD), 2);
    check_number(thread(503), THREAD_PID, 502);
    check_text(thread(503), THREAD_COMM, "worker one");
    check_text(thread(503), THREAD_SCHEDULING_POLICY, "fifo");
    check_number(thread(503), THREAD_SCHEDULING_PRIORITY, 50);
    check_text(thread(504), THREAD_SCHEDULING_POLICY, "batch");
    check_number(thread(504), THREAD_NICE, -5);
    check_text(thread(504), THREAD_CPU_AFFINITY, "1");
    check_number(thread(504), THREAD_NET_NAMESPACE, 4026532600);
    check_number(thread(504), THREAD_FROZEN, 0);
}

static void a_namespace_that_only_a_thread_is_in(void **state)
{
    (void)state;
    check_text(namespace("net", 4026532600), NAMESPACE_SOURCES, "[\"thread\"]");
    check_text(namespace("net", 4026532600), NAMESPACE_REFERENCE,
               "[\"/proc/502/task/504/ns/net\"]");
    check_number(namespace("net", 4026532600), NAMESPACE_INITIAL, 0);
    const struct record *mount = recorded_find(&old, KIND_MOUNT, MOUNT_NAMESPACE, 4026532601);
    check_number(mount, MOUNT_ID, 700);
    check_text(mount, MOUNT_ROOT, "/sub");
}

static void mounts_of_5_10(void **state)
{
    (void)state;
    const struct record *root = recorded_find(&old, KIND_MOUNT, MOUNT_ID, 27);
    check_text(root, MOUNT_SOURCE, "/dev/root");
    check_number(root, MOUNT_SHARED_GROUP, 1);
    check_null(root, MOUNT_MASTER);
    check_text(root, MOUNT_DEVICE, "8:1");
    check_number(root, MOUNT_NAMESPACE, 4026531840);
    const struct record *odd = recorded_find(&old, KIND_MOUNT, MOUNT_ID, 40);
    check_text(odd, MOUNT_TARGET, "/srv/a b\nc\\\\");
    check_text(odd, MOUNT_SOURCE, "");
    check_number(odd, MOUNT_SHARED_GROUP, 20);
    check_number(odd, MOUNT_MASTER, 3);
    check_number(odd, MOUNT_PROPAGATE_FROM, 2);
    check_number(odd, MOUNT_UNBINDABLE, 0);
    const struct record *bytes = recorded_find(&old, KIND_MOUNT, MOUNT_ID, 42);
    check_text(bytes, MOUNT_TARGET, "/srv/\\xFF");
    check_number(bytes, MOUNT_UNBINDABLE, 1);
    check_text(recorded_find(&old, KIND_MOUNT, MOUNT_ID, 600), MOUNT_SUPER_OPTIONS,
               "rw,lowerdir=/a b:/c");
    check_number(recorded_find(&old, KIND_MOUNT, MOUNT_ID, 601), MOUNT_NAMESPACE, 4026532501);
}

static void gaps_of_5_10(void **state)
{
    (void)state;
    const struct record *gap = recorded_gap(&old, "mounts", "mnt:4026531840");
    check_text(gap, GAP_HIDES, "mount");
    check_text(gap, GAP_HIDES_SCOPE, "4026531840");
    check_text(gap, GAP_ERROR, "lines of mountinfo that make no sense: 1: Bad message");
    assert_int_equal(recorded_count(&old, KIND_GAP), 1);
}

static void cgroups_of_5_10(void **state)
{
    (void)state;
    const struct record *cold = cgroup("unified", "/system.slice/nginx.service/cold");
    check_text(cold, CGROUP_CGROUP_TYPE, "threaded");
    check_number(cold, CGROUP_FROZEN, 1);
    check_text(cold, CGROUP_CONTROLLERS, "[\"memory\",\"pids\"]");
    check_text(cgroup("unified", "/"), CGROUP_CONTROLLERS,
               "[\"cpuset\",\"cpu\",\"io\",\"memory\",\"pids\"]");
    check_text(cgroup("unified", "/"), CGROUP_CGROUP_TYPE, "domain");
}

/* ---- leaving out ---- */

static void left_out_sources_say_so(void **state)
{
    (void)state;
    const char *const without[] = {"threads", "mounts", "cgroups", "for-children", NULL};
    const struct recorder_options options = {.root = fixture_path("linux-5.10"),
                                             .without = without};
    struct recorded less;
    recorded_begin(&less, &options);
    assert_string_equal(recorder_facts(less.recorder)->without,
                        "[\"threads\",\"for-children\",\"mounts\",\"cgroups\"]");
    assert_int_equal(recorded_count(&less, KIND_THREAD), 0);
    assert_int_equal(recorded_count(&less, KIND_MOUNT), 0);
    assert_int_equal(recorded_count(&less, KIND_CGROUP), 0);
    assert_null(recorded_find(&less, KIND_NAMESPACE, NAMESPACE_INODE, 4026532600));
    check_null(recorded_find(&less, KIND_PROCESS, PROCESS_PID, 1),
               PROCESS_PID_FOR_CHILDREN_NAMESPACE);
    check_number(recorded_find(&less, KIND_PROCESS, PROCESS_PID, 501), PROCESS_FROZEN, 1);
    /* The source, what may be missing without it, and of that only what the source alone shows. */
    static const char *const hidden[][3] = {{"threads", "threads", NULL},
                                            {"threads", "namespaces", "thread"},
                                            {"for-children", "namespaces", "for-children"},
                                            {"for-children", "threads", NULL},
                                            {"for-children", "processes", NULL},
                                            {"mounts", "mounts", NULL},
                                            {"cgroups", "cgroups", NULL}};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
        const struct record *gap = recorded_gap(&less, hidden[i][0], hidden[i][1]);
        check_text(gap, GAP_HIDES, kinds[kind_by_name(hidden[i][1])].name);
        if (hidden[i][2])
            check_text(gap, GAP_HIDES_SCOPE, hidden[i][2]);
        else
            check_null(gap, GAP_HIDES_SCOPE);
        check_number(gap, GAP_ERRNO, 0);
        check_text(gap, GAP_ERROR, "left out by --without");
    }
    assert_int_equal(recorded_count(&less, KIND_GAP), sizeof(hidden) / sizeof(*hidden));
    recorded_end(&less);
}

int main(void)
{
    const struct CMUnitTest linux_4_19[] = {
        cmocka_unit_test(nothing_of_the_live_host), cmocka_unit_test(facts_of_4_19),
        cmocka_unit_test(processes_of_4_19),        cmocka_unit_test(freezing_in_both_versions),
        cmocka_unit_test(cgroups_of_4_19),          cmocka_unit_test(initial_namespaces_of_4_19),
        cmocka_unit_test(no_gaps_in_4_19),
    };
    const struct CMUnitTest linux_5_10[] = {
        cmocka_unit_test(nothing_of_the_live_host),
        cmocka_unit_test(processes_of_5_10),
        cmocka_unit_test(titles_come_out_without_padding),
        cmocka_unit_test(privileges_of_5_10),
        cmocka_unit_test(threads_of_5_10),
        cmocka_unit_test(a_namespace_that_only_a_thread_is_in),
        cmocka_unit_test(mounts_of_5_10),
        cmocka_unit_test(gaps_of_5_10),
        cmocka_unit_test(cgroups_of_5_10),
        cmocka_unit_test(left_out_sources_say_so),
    };
    int failed = cmocka_run_group_tests(linux_4_19, begin_4_19, end);
    return failed + cmocka_run_group_tests(linux_5_10, begin_5_10, end);
}
