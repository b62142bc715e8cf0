/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/nsfs.h"
#include "recorder/kernel/procfs.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/nslapse-procfs-XXXXXX";
static int directory;

static void make_file(const char *name, size_t length)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
}

static int begin(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    directory = open(folder, O_PATH | O_DIRECTORY);
    mkdirat(directory, "a", 0700);
    mkdirat(directory, "a/b", 0700);
    mkdirat(directory, "12", 0700);
    mkdirat(directory, "0", 0700);
    mkdirat(directory, "99999999999", 0700);
    mkdirat(directory, "7x", 0700);
    make_file("a/b/file", 10000);
    make_file("empty", 0);
    symlinkat("/etc", directory, "out");
    symlinkat("b", directory, "a/link");
    symlinkat("file", directory, "a/b/link");
    mkfifoat(directory, "fifo", 0600);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    close(directory);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command);
}

static void reads_whole_files(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer file = {0};
    assert_int_equal(procfs_read(directory, "a/b/file", 1 << 20, &file), 0);
    assert_int_equal(file.length, 10000);
    assert_int_equal(procfs_read_table(directory, "a/b/file", 10000, &file), 0);
    assert_int_equal(file.length, 10000);
    assert_int_equal(procfs_read(directory, "empty", 10, &file), 0);
    assert_int_equal(file.length, 0);
}

static void stops_at_the_limit(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer file = {0};
    assert_int_equal(procfs_read(directory, "a/b/file", 9999, &file), -EFBIG);
    assert_int_equal(file.length, 9999);
    assert_int_equal(strlen(file.bytes), 9999);
}

static void forgets_the_last_file_when_one_is_missing(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer file = {0};
    assert_int_equal(procfs_read(directory, "a/b/file", 1 << 20, &file), 0);
    assert_int_equal(procfs_read(directory, "none", 1 << 20, &file), -ENOENT);
    assert_int_equal(file.length, 0);
}

static void follows_no_links_and_waits_for_no_fifo(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer file = {0};
    assert_int_equal(procfs_open_directory(directory, "out"), -ENOTDIR);
    assert_int_equal(procfs_read(directory, "a/link", 100, &file), -ELOOP);
    assert_int_equal(procfs_read(directory, "fifo", 100, &file), -ESPIPE);
    assert_int_equal(procfs_read_link(directory, "out", &file), 0);
    assert_string_equal(file.bytes, "/etc");
    assert_int_equal(procfs_read_link(directory, "empty", &file), -EINVAL);
}

/* O_NOFOLLOW alone would look at the last step only. */
static void follows_no_link_on_the_way(void **state)
{
    (void)state;
    _cleanup_buffer_ struct buffer file = {0};
    _cleanup_number_list_ struct number_list list = {0};
    assert_int_equal(procfs_read_link(directory, "a/b/link", &file), 0);
    assert_int_equal(procfs_read_link(directory, "a/link/link", &file), -ENOTDIR);
    assert_int_equal(procfs_read(directory, "a/link/file", 1 << 20, &file), -ENOTDIR);
    assert_int_equal(procfs_read(directory, "out/passwd", 1 << 20, &file), -ENOTDIR);
    assert_int_equal(procfs_read(directory, "a/../empty", 1 << 20, &file), -EXDEV);
    assert_int_equal(procfs_list_numbers(directory, "a/link/.", &list), -ENOTDIR);
}

static void stays_beneath(void **state)
{
    (void)state;
    _cleanup_close_ int fd = procfs_open_beneath(directory, "/a//b/");
    struct stat status;
    assert_true(fd >= 0);
    assert_int_equal(fstatat(fd, "file", &status, 0), 0);
    assert_int_equal(procfs_open_beneath(directory, "a/../.."), -EXDEV);
    assert_int_equal(procfs_open_beneath(directory, "/.."), -EXDEV);
    assert_int_equal(procfs_open_beneath(directory, "out"), -ENOTDIR);
    assert_int_equal(procfs_open_beneath(directory, "a/link"), -ENOTDIR);
    assert_int_equal(procfs_open_beneath(directory, "a/none"), -ENOENT);
    char name[300];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(procfs_open_beneath(directory, name), -ENAMETOOLONG);
    _cleanup_close_ int self = procfs_open_beneath(directory, "");
    assert_true(self >= 0);
}

static void lists_numbers_alone(void **state)
{
    (void)state;
    _cleanup_number_list_ struct number_list list = {0};
    assert_int_equal(procfs_list_numbers(directory, ".", &list), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.numbers[0], 12);
    assert_int_equal(procfs_list_numbers(directory, "a", &list), 0);
    assert_int_equal(list.count, 0);
    assert_int_equal(procfs_list_numbers(directory, "none", &list), -ENOENT);
    assert_int_equal(procfs_list_numbers(directory, "out", &list), -ENOTDIR);
}

static int parse(const char *link, enum nsfs_type type)
{
    uint32_t inode = 0;
    int r = nsfs_parse_link(link, strlen(link), type, &inode);
    return r < 0 ? r : (int)(inode & INT32_MAX);
}

static void reads_links_of_namespaces(void **state)
{
    (void)state;
    assert_int_equal(parse("net:[4026531840]", NSFS_NET), 4026531840 & INT32_MAX);
    assert_int_equal(parse("mnt:[7]", NSFS_MNT), 7);
    static const char *const not_net[] = {
        "",        "net",      "net:",     "net:[",    "net:[]",           "net:[0]",
        "net:[7",  "net:7]",   "net:[7]]", "net:[-7]", "net:[4294967296]", "net:[7 ]",
        "mnt:[7]", "nets:[7]", ":[7]",     "/net:[7]"};
    for (size_t i = 0; i < sizeof(not_net) / sizeof(*not_net); i++)
        assert_int_equal(parse(not_net[i], NSFS_NET), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_files),
        cmocka_unit_test(stops_at_the_limit),
        cmocka_unit_test(forgets_the_last_file_when_one_is_missing),
        cmocka_unit_test(follows_no_links_and_waits_for_no_fifo),
        cmocka_unit_test(follows_no_link_on_the_way),
        cmocka_unit_test(stays_beneath),
        cmocka_unit_test(lists_numbers_alone),
        cmocka_unit_test(reads_links_of_namespaces),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
