/* SPDX-License-Identifier: Apache-2.0 */
/* The live host, held against what this process knows about itself. */
#include "recorder/kernel/features.h"
#include "recorder/kernel/mount_calls.h"
#include "recorder/kernel/pidfd.h"
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct features probe(void)
{
    struct features features;
    int proc = open("/proc", O_PATH | O_DIRECTORY);
    assert_int_equal(features_probe(proc, &features), 0);
    close(proc);
    return features;
}

static void check_links(const struct record *record)
{
    static const struct {
        const char *name;
        unsigned column;
    } links[] = {{"net", TASK_NET_NAMESPACE},
                 {"mnt", TASK_MNT_NAMESPACE},
                 {"user", TASK_USER_NAMESPACE},
                 {"pid_for_children", TASK_PID_FOR_CHILDREN_NAMESPACE}};
    for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++) {
        char path[64];
        struct stat status;
        snprintf(path, sizeof(path), "/proc/self/ns/%s", links[i].name);
        assert_int_equal(stat(path, &status), 0);
        check_number(record, links[i].column, (int64_t)status.st_ino);
    }
}

/* ---- a child that waits; the recorder itself isn't recorded ---- */

static void *wait_for_end(void *unused)
{
    pause();
    return unused;
}

/* A child with a name, and with a second thread of another one. */
static pid_t start_child(void)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (!child) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves it behind */
        prctl(PR_SET_NAME, "odd )( name");
        if (pthread_create(&thread, NULL, wait_for_end, NULL))
            _exit(1);
        pthread_setname_np(thread, "the other");
        _exit(write(ready[1], "", 1) != 1 || pause());
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void end_child(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void record_live(struct recorded *live)
{
    const struct recorder_options options = {0};
    recorded_begin(live, &options);
}

static void a_process(void **state)
{
    (void)state;
    struct recorded live;
    char exe[4096] = "";
    pid_t child = start_child();
    record_live(&live);
    end_child(child);
    const struct record *process = recorded_find(&live, KIND_PROCESS, PROCESS_PID, child);
    check_text(process, PROCESS_COMM, "odd )( name");
    check_text(process, PROCESS_CONDITION, "alive");
    check_number(process, PROCESS_PPID, getpid());
    check_number(process, PROCESS_SESSION, getsid(0));
    check_number(process, PROCESS_EFFECTIVE_UID, geteuid());
    check_number(process, PROCESS_KERNEL_THREAD, 0);
    assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
    check_text(process, PROCESS_EXE, exe);
    assert_non_null(strstr(record_text(process, PROCESS_CMDLINE), "test-recorder-live"));
    check_links(process);
    assert_null(recorded_find(&live, KIND_PROCESS, PROCESS_PID, getpid()));
    recorded_end(&live);
}

/* ---- environments ---- */

static int keep_digest(void *userdata, const void *bytes, size_t length, struct digest *ret_digest)
{
    atomic_fetch_add((atomic_uint *)userdata, 1);
    digest_of(bytes, length, ret_digest);
    return 0;
}

static void read_environment(pid_t pid, char hex[static DIGEST_HEX_SIZE])
{
    static char bytes[1 << 20];
    char path[32];
    struct digest digest;
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    digest_of(bytes, fread(bytes, 1, sizeof(bytes), file), &digest);
    fclose(file);
    digest_format(&digest, hex);
}

static void environments_are_kept_when_asked_for(void **state)
{
    (void)state;
    atomic_uint kept = 0;
    char hex[DIGEST_HEX_SIZE];
    const struct recorder_options with = {
        .environment = true, .keep_blob = keep_digest, .userdata = &kept};
    /* Containers of the host, should there be any, have documents to be kept. */
    const char *const containers[] = {"containers", NULL};
    const struct recorder_options without = {
        .keep_blob = keep_digest, .userdata = &kept, .without = containers};
    struct recorded live;
    pid_t child = start_child();
    read_environment(child, hex);
    recorded_begin(&live, &with);
    check_text(recorded_find(&live, KIND_PROCESS, PROCESS_PID, child), PROCESS_ENVIRONMENT, hex);
    assert_true(atomic_exchange(&kept, 0) > 0);
    recorded_end(&live);
    recorded_begin(&live, &without);
    check_null(recorded_find(&live, KIND_PROCESS, PROCESS_PID, child), PROCESS_ENVIRONMENT);
    assert_int_equal(atomic_load(&kept), 0);
    recorded_end(&live);
    end_child(child);
}

static void a_thread(void **state)
{
    (void)state;
    struct recorded live;
    pid_t child = start_child();
    record_live(&live);
    end_child(child);
    const struct record *thread = recorded_find(&live, KIND_THREAD, THREAD_PID, child);
    check_text(thread, THREAD_COMM, "the other");
    check_text(thread, THREAD_CONDITION, "alive");
    assert_true(record_integer(thread, THREAD_TID, 0) != child);
    check_links(thread);
    recorded_end(&live);
}

static void a_zombie(void **state)
{
    (void)state;
    struct recorded live;
    siginfo_t unused;
    pid_t child = fork();
    if (!child)
        _exit(0);
    assert_int_equal(waitid(P_PID, (id_t)child, &unused, WEXITED | WNOWAIT), 0);
    record_live(&live);
    waitpid(child, NULL, 0);
    const struct record *zombie = recorded_find(&live, KIND_PROCESS, PROCESS_PID, child);
    char subject[32];
    snprintf(subject, sizeof(subject), "pid:%d", (int)child);
    check_text(zombie, PROCESS_CONDITION, "zombie");
    check_null(zombie, PROCESS_EXE);
    check_null(zombie, PROCESS_CMDLINE);
    check_null(zombie, PROCESS_MNT_NAMESPACE);
    assert_null(recorded_gap(&live, "processes", subject));
    recorded_end(&live);
}

/* Each namespace of this process is there, and what the kernel tells of it. */
static void namespaces(void **state)
{
    (void)state;
    struct features features = probe();
    struct recorded live;
    struct stat status;
    record_live(&live);
    assert_int_equal(stat("/proc/self/ns/net", &status), 0);
    const struct record *net =
        recorded_find(&live, KIND_NAMESPACE, NAMESPACE_INODE, (int64_t)status.st_ino);
    check_text(net, NAMESPACE_TYPE, "net");
    assert_non_null(strstr(record_text(net, NAMESPACE_SOURCES), "\"process\""));
    assert_int_equal(record_has(net, NAMESPACE_ID), features_have(&features, FEATURE_NS_GET_ID));
    assert_int_equal(stat("/proc/self/ns/user", &status), 0);
    if (features_have(&features, FEATURE_NS_GET_USERNS) && geteuid() == 0)
        check_number(net, NAMESPACE_OWNER, (int64_t)status.st_ino);
    assert_int_equal(stat("/proc/self/ns/mnt", &status), 0);
    const struct record *mnt =
        recorded_find(&live, KIND_NAMESPACE, NAMESPACE_INODE, (int64_t)status.st_ino);
    assert_int_equal(record_has(mnt, NAMESPACE_ID),
                     features_have(&features, FEATURE_NS_GET_ID) ||
                         features_have(&features, FEATURE_NS_GET_MNTNS_ID));
    recorded_end(&live);
}

static size_t count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;
    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

/* Two runs on a host that doesn't change give the same mounts in the same order. */
static void mounts(void **state)
{
    (void)state;
    struct recorded live;
    struct features features = probe();
    struct stat status;
    assert_int_equal(stat("/proc/self/ns/mnt", &status), 0);
    record_live(&live);
    size_t count = 0, unique = 0;
    for (size_t i = 0; i < live.count; i++)
        if (live.records[i]->kind == KIND_MOUNT &&
            record_integer(live.records[i], MOUNT_NAMESPACE, 0) == (int64_t)status.st_ino) {
            count++;
            unique += record_has(live.records[i], MOUNT_UNIQUE_ID);
        }
    assert_true(count >= count_lines("/proc/self/mountinfo"));
    if (features_have(&features, FEATURE_LISTMOUNT) &&
        features_have(&features, FEATURE_STATMOUNT) &&
        features_have(&features, FEATURE_NS_GET_MNTNS_ID))
        assert_true(unique >= count_lines("/proc/self/mountinfo"));
    else
        assert_int_equal(unique, 0);
    recorded_end(&live);
}

/* An id counts only if its mount was there before and after. */
static void ids_of_mounts_that_went_do_not_count(void **state)
{
    (void)state;
    struct features features = probe();
    struct mount_ids_list list = {0};
    if (!features_have(&features, FEATURE_LISTMOUNT) ||
        !features_have(&features, FEATURE_STATMOUNT))
        skip();
    assert_int_equal(mount_calls_list(0, &list), 0);
    assert_true(list.count > 0);
    struct mount_ids first = list.mounts[0];
    assert_true(first.unique_id > UINT32_MAX / 2);
    list.mounts[0].unique_id--; /* a mount that isn't there any more */
    size_t count = list.count;
    assert_int_equal(mount_calls_confirm(0, &list), 0);
    assert_int_equal(list.count, count - 1);
    for (size_t i = 0; i < list.count; i++)
        assert_true(list.mounts[i].unique_id != first.unique_id - 1);
    mount_ids_list_free(&list);
}

/* In a mount namespace of its own a child hides a process; in the recorder's run there it shows. */
static int record_covered(pid_t hidden)
{
    struct recorded live;
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d", (int)hidden);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("/proc/2", path, NULL, MS_BIND, NULL) < 0)
        return 77;
    record_live(&live);
    const struct record *found = recorded_find(&live, KIND_PROCESS, PROCESS_PID, hidden);
    bool shows = found && strcmp(record_text(found, PROCESS_COMM), "odd )( name") == 0;
    recorded_end(&live);
    return shows ? 0 : 1;
}

static void a_mount_over_a_process_hides_nothing(void **state)
{
    (void)state;
    struct features features = probe();
    int status;
    if (!features_have(&features, FEATURE_DETACHED_PROCFS))
        skip();
    pid_t hidden = start_child();
    pid_t child = fork();
    if (!child)
        _exit(record_covered(hidden));
    assert_int_equal(waitpid(child, &status, 0), child);
    end_child(hidden);
    assert_true(WIFEXITED(status));
    assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
}

/* ---- refused features ---- */

static size_t count_known(const struct recorded *live, enum kind kind, unsigned column)
{
    size_t known = 0;
    for (size_t i = 0; i < live->count; i++)
        known += live->records[i]->kind == kind && record_has(live->records[i], column);
    return known;
}

static void what_is_refused_is_unknown(void **state)
{
    (void)state;
    struct recorded live;
    setenv(
        "NSLAPSE_WITHOUT",
        "pidfd, NS_GET_ID,ns_get_mntns_id,NS_GET_USERNS,NS_GET_PARENT,NS_GET_OWNER_UID,statmount,"
        "unshare_files",
        1);
    record_live(&live);
    assert_int_equal(count_known(&live, KIND_PROCESS, PROCESS_PIDFS_INODE), 0);
    assert_int_equal(count_known(&live, KIND_THREAD, THREAD_PIDFS_INODE), 0);
    assert_int_equal(count_known(&live, KIND_NAMESPACE, NAMESPACE_ID), 0);
    assert_int_equal(count_known(&live, KIND_NAMESPACE, NAMESPACE_OWNER), 0);
    assert_int_equal(count_known(&live, KIND_NAMESPACE, NAMESPACE_PARENT), 0);
    assert_int_equal(count_known(&live, KIND_NAMESPACE, NAMESPACE_OWNER_UID), 0);
    assert_int_equal(count_known(&live, KIND_MOUNT, MOUNT_UNIQUE_ID), 0);
    assert_true(recorded_count(&live, KIND_PROCESS) > 0);
    assert_true(recorded_count(&live, KIND_MOUNT) > 0);
    recorded_end(&live);
    unsetenv("NSLAPSE_WITHOUT");
}

static void unknown_names_are_refused(void **state)
{
    (void)state;
    const char *const without[] = {"processes", NULL};
    const struct recorder_options plain = {0}, less = {.without = without},
                                  nowhere = {.root = "/nonexistent"}, empty = {.root = "/dev"};
    struct recorder *recorder = NULL;
    setenv("NSLAPSE_WITHOUT", "statmount,warp", 1);
    assert_true(recorder_open(&plain, &recorder) < 0);
    unsetenv("NSLAPSE_WITHOUT");
    assert_true(recorder_open(&less, &recorder) < 0);
    assert_true(recorder_open(&nowhere, &recorder) < 0);
    assert_true(recorder_open(&empty, &recorder) < 0);
    assert_null(recorder);
}

static void doctor_tells_what_is_refused(void **state)
{
    (void)state;
    const struct recorder_options options = {0};
    struct recorder *recorder;
    setenv("NSLAPSE_WITHOUT", "statmount", 1);
    assert_int_equal(recorder_open(&options, &recorder), 0);
    unsetenv("NSLAPSE_WITHOUT");
    cJSON *document = recorder_doctor(recorder), *feature;
    assert_non_null(document);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(document, "features")), FEATURE_COUNT);
    cJSON_ArrayForEach (feature, cJSON_GetObjectItem(document, "features")) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(feature, "name"));
        bool refused = cJSON_IsTrue(cJSON_GetObjectItem(feature, "refused"));
        assert_int_equal(refused, !strncmp(name, "statmount", strlen("statmount")));
        if (refused)
            assert_true(cJSON_IsFalse(cJSON_GetObjectItem(feature, "available")));
    }
    assert_true(cJSON_IsString(cJSON_GetObjectItem(document, "kernel")));
    assert_true(cJSON_IsObject(cJSON_GetObjectItem(document, "privileges")));
    cJSON_Delete(document);
    recorder_free(recorder);
}

/* ---- fixtures ---- */

static void remove_folder(const char *path)
{
    char command[256];
    snprintf(command, sizeof(command), "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}

/* What the kernel doesn't tell a copy, and what changes while it is made. */
static bool same_in_a_copy(unsigned column)
{
    return column != PROCESS_PIDFS_INODE && column != PROCESS_CONTAINER &&
           kinds[KIND_PROCESS].columns[column].class != SAMPLE;
}

static void a_fixture_reads_like_the_host(void **state)
{
    (void)state;
    char folder[] = "/tmp/nslapse-fixture-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct recorder_options live_options = {0}, copy_options = {.root = folder};
    struct recorded live, copy;
    pid_t child = start_child();
    recorded_begin(&live, &live_options);
    assert_int_equal(recorder_capture_fixture(live.recorder, folder), 0);
    assert_true(recorder_capture_fixture(live.recorder, folder) < 0);
    recorded_begin(&copy, &copy_options);
    end_child(child);
    const struct record *before = recorded_find(&live, KIND_PROCESS, PROCESS_PID, child);
    const struct record *after = recorded_find(&copy, KIND_PROCESS, PROCESS_PID, child);
    assert_non_null(before);
    assert_non_null(after);
    for (unsigned i = 0; i < PROCESS_COLUMN_COUNT; i++)
        if (same_in_a_copy(i) && !value_equal(&before->values[i], &after->values[i]))
            fail_msg("%s differs", kinds[KIND_PROCESS].columns[i].name);
    assert_string_equal(recorder_facts(live.recorder)->host, recorder_facts(copy.recorder)->host);
    assert_string_equal(recorder_facts(live.recorder)->boot_id,
                        recorder_facts(copy.recorder)->boot_id);
    assert_true(recorded_count(&copy, KIND_MOUNT) > 0);
    assert_int_equal(recorded_count(&copy, KIND_CGROUP) > 0,
                     recorded_count(&live, KIND_CGROUP) > 0);
    recorded_end(&live);
    recorded_end(&copy);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process),
        cmocka_unit_test(a_thread),
        cmocka_unit_test(environments_are_kept_when_asked_for),
        cmocka_unit_test(a_zombie),
        cmocka_unit_test(namespaces),
        cmocka_unit_test(mounts),
        cmocka_unit_test(ids_of_mounts_that_went_do_not_count),
        cmocka_unit_test(a_mount_over_a_process_hides_nothing),
        cmocka_unit_test(what_is_refused_is_unknown),
        cmocka_unit_test(unknown_names_are_refused),
        cmocka_unit_test(doctor_tells_what_is_refused),
        cmocka_unit_test(a_fixture_reads_like_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
