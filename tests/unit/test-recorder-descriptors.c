/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors in a copied tree, where their links are all there is. */
#include "recorder/kernel/sockets.h"
#include "tests/unit/recorded.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <sys/stat.h>

static char folder[64];

static void make_path(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", folder, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void make_file(const char *name, const char *text)
{
    char path[256];
    make_path(path, sizeof(path), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_link(const char *name, const char *target)
{
    char path[256];
    make_path(path, sizeof(path), name);
    assert_int_equal(symlink(target, path), 0);
}

static void make_task(const char *name, const char *number)
{
    char path[64], text[256];
    snprintf(text, sizeof(text),
             "%s (x) S 0 1 1 0 -1 256 0 0 0 0 1 1 0 0 20 0 2 0 7 0 0 0 4096 8192 12288 0 0 0 0 0 0 "
             "0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
             number);
    snprintf(path, sizeof(path), "%s/stat", name);
    make_file(path, text);
    snprintf(path, sizeof(path), "%s/status", name);
    make_file(path, "Name:\tx\n");
    snprintf(path, sizeof(path), "%s/ns/uts", name);
    make_link(path, "uts:[4026531838]");
}

/* Process 1 with a thread 2. */
static int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/nslapse-descriptors-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    make_task("proc/1", "1");
    make_task("proc/1/task/1", "1");
    make_task("proc/1/task/2", "2");
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static void record(struct recorded *recorded)
{
    const struct recorder_options options = {.root = folder};
    recorded_begin(recorded, &options);
}

static const struct record *namespace(const struct recorded *recorded, int64_t inode)
{
    return recorded_find(recorded, KIND_NAMESPACE, NAMESPACE_INODE, inode);
}

static void links_are_sightings(void **state)
{
    (void)state;
    struct recorded recorded;
    make_link("proc/1/fd/10", "net:[12]");
    make_link("proc/1/fd/9", "net:[12]");
    make_link("proc/1/fd/0", "pid:[13]");
    make_link("proc/1/task/2/fd/3", "ipc:[14]");
    make_link("proc/1/fd/4", "uts:[4026531838]");
    record(&recorded);
    check_text(namespace(&recorded, 12), NAMESPACE_SOURCES, "[\"fd\"]");
    check_text(namespace(&recorded, 12), NAMESPACE_REFERENCE, "[\"/proc/1/fd/9\"]");
    check_text(namespace(&recorded, 12), NAMESPACE_TYPE, "net");
    check_text(namespace(&recorded, 13), NAMESPACE_REFERENCE, "[\"/proc/1/fd/0\"]");
    check_text(namespace(&recorded, 14), NAMESPACE_REFERENCE, "[\"/proc/1/task/2/fd/3\"]");
    check_text(namespace(&recorded, 4026531838), NAMESPACE_SOURCES,
               "[\"process\",\"thread\",\"fd\"]");
    check_text(namespace(&recorded, 4026531838), NAMESPACE_REFERENCE, "[\"/proc/1/ns/uts\"]");
    assert_int_equal(recorded_count(&recorded, KIND_NAMESPACE), 4);
    recorded_end(&recorded);
}

static void what_only_looks_like_one_is_none(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/net:[12]", "net:[12] (deleted)", "net:[12",  "net:[-12]",
        "net:[0]",   "mntns:[12]",         "net:12",   "socket:[12]",
        "net:[]",    "net:[0x12]",         "NET:[12]", "anon_inode:[12]",
        "pipe:[12]", "net:[4294967308]",   "/tun",     "/dev/net/tun",
        "net:[12]]",
    };
    struct recorded recorded;
    char name[32];
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        snprintf(name, sizeof(name), "proc/1/fd/%zu", i);
        make_link(name, targets[i]);
    }
    make_link("proc/1/fd/x", "net:[12]");
    make_file("proc/1/fd/99", "net:[12]");
    record(&recorded);
    assert_int_equal(recorded_count(&recorded, KIND_NAMESPACE), 1);
    recorded_end(&recorded);
}

static void a_folder_that_is_none_is_a_gap(void **state)
{
    (void)state;
    struct recorded recorded;
    make_file("proc/1/fd", "");
    make_link("proc/1/task/2/fd", "/proc/self/fd");
    record(&recorded);
    check_text(recorded_gap(&recorded, "fd", "pid:1"), GAP_ERROR, "fd: Not a directory");
    check_null(recorded_gap(&recorded, "fd", "pid:1"), GAP_HIDES);
    assert_non_null(recorded_gap(&recorded, "fd", "tid:2"));
    recorded_end(&recorded);
}

static void make_numbered_link(int pid, int descriptor, const char *target)
{
    char name[64];
    snprintf(name, sizeof(name), "proc/%d/fd/%d", pid, descriptor);
    make_link(name, target);
}

static size_t place_of(const struct recorded *recorded, const struct record *record)
{
    size_t i = 0;
    assert_non_null(record);
    while (recorded->records[i] != record)
        i++;
    return i;
}

/* The last process of the first worker's share comes before the first one of the second one's,
 * which is read long before it. */
static void whichever_worker_is_first_the_order_is_the_same(void **state)
{
    enum { SHARE = 16, SLOW_DESCRIPTORS = 200 };
    (void)state;
    struct recorded recorded;
    for (int pid = 2; pid <= SHARE + 1; pid++) {
        char path[32], number[16];
        snprintf(path, sizeof(path), "proc/%d", pid);
        snprintf(number, sizeof(number), "%d", pid);
        make_task(path, number);
        for (int i = 10; pid < SHARE && i < SLOW_DESCRIPTORS; i++)
            make_numbered_link(pid, i, "pipe:[1]");
    }
    make_numbered_link(SHARE, 5, "net:[12]");
    make_numbered_link(SHARE, 6, "net:[12]");
    make_numbered_link(SHARE, 7, "mnt:[22]");
    make_numbered_link(SHARE + 1, 3, "net:[12]");
    make_numbered_link(SHARE + 1, 4, "mnt:[21]");
    record(&recorded);
    check_text(namespace(&recorded, 12), NAMESPACE_REFERENCE, "[\"/proc/16/fd/5\"]");
    /* mount namespaces are visited in that order */
    assert_true(place_of(&recorded, recorded_gap(&recorded, "mounts", "mnt:22")) <
                place_of(&recorded, recorded_gap(&recorded, "mounts", "mnt:21")));
    recorded_end(&recorded);
}

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static void what_tells_a_tun_device(void **state)
{
    (void)state;
    struct statx status = {.stx_mode = S_IFCHR | 0600, .stx_rdev_major = 10, .stx_rdev_minor = 200};
    assert_true(tun_is_node(&status));
    status.stx_mode = S_IFBLK | 0600;
    assert_false(tun_is_node(&status));
    status.stx_mode = S_IFCHR | 0600;
    status.stx_rdev_minor = 229;
    assert_false(tun_is_node(&status));
    assert_true(tun_is_fdinfo(span_of("pos:\t0\nflags:\t02\nmnt_id:\t5\niff:\ttun0\n")));
    assert_true(tun_is_fdinfo(span_of("iff:\t\n")));
    assert_false(tun_is_fdinfo(span_of("pos:\t0\nx iff:\ttun0\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(links_are_sightings, begin, end),
        cmocka_unit_test_setup_teardown(what_only_looks_like_one_is_none, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_that_is_none_is_a_gap, begin, end),
        cmocka_unit_test_setup_teardown(whichever_worker_is_first_the_order_is_the_same, begin,
                                        end),
        cmocka_unit_test(what_tells_a_tun_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
