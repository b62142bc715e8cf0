/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/mountinfo.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MOST = 8 };

/* What came out, one line for each mount. */
struct seen {
    char lines[MOST][512];
    size_t count;
    size_t skipped;
};

static int see(void *userdata, const struct mountinfo_mount *mount)
{
    struct seen *seen = userdata;
    assert_true(seen->count < MOST);
    snprintf(seen->lines[seen->count++], sizeof(seen->lines[0]),
             "%lld|%lld|%u:%u|%s|%s|%s|%s|%s|%.40s|%lld,%lld,%lld,%d", (long long)mount->id,
             (long long)mount->parent, mount->device_major, mount->device_minor, mount->root,
             mount->target, mount->options, mount->fstype, mount->source, mount->super_options,
             (long long)mount->shared, (long long)mount->master, (long long)mount->propagate_from,
             mount->unbindable);
    return 0;
}

static struct seen parse_bytes(const char *file, size_t length)
{
    struct seen seen = {.skipped = 99};
    assert_int_equal(mountinfo_parse(file, length, see, &seen, &seen.skipped), 0);
    return seen;
}

static struct seen parse(const char *file)
{
    return parse_bytes(file, strlen(file));
}

static void reads_every_field(void **state)
{
    (void)state;
    struct seen seen =
        parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/sdb errors=continue\n"
              "37 35 0:1048575 / /x ro shared:5 master:6 propagate_from:7 - fuse.sshfs a@b: rw\n"
              "38 37 8:1 / /y rw unbindable - tmpfs none rw,size=4k\n");
    assert_int_equal(seen.skipped, 0);
    assert_string_equal(seen.lines[0],
                        "36|35|98:0|/mnt1|/mnt2|rw,noatime|ext3|/dev/sdb|errors=continue|0,1,0,0");
    assert_string_equal(seen.lines[1], "37|35|0:1048575|/|/x|ro|fuse.sshfs|a@b:|rw|5,6,7,0");
    assert_string_equal(seen.lines[2], "38|37|8:1|/|/y|rw|tmpfs|none|rw,size=4k|0,0,0,1");
}

static void undoes_escapes(void **state)
{
    (void)state;
    struct seen seen = parse(
        "36 35 0:1 /r\\040t /a\\040b\\011\\012\\134c\xff rw - tmpfs s\\043\\040 rw,x=\\040\n");
    assert_string_equal(seen.lines[0],
                        "36|35|0:1|/r t|/a b\t\n\\c\xff|rw|tmpfs|s# |rw,x= |0,0,0,0");
}

static void keeps_what_libmount_rewrites_or_drops(void **state)
{
    (void)state;
    struct seen seen = parse("1 0 8:1 / / rw - ext4 /dev/root rw\n"
                             "2 1 0:2 / /empty rw - tmpfs  rw\n"
                             "3 1 0:3 / /gone//deleted rw - tmpfs none rw\n"
                             "4 1 0:4 / /named\\040(deleted) rw - tmpfs none rw\n"
                             "5 1 0:5 net:[4026531840] /run/netns/a rw - nsfs nsfs rw\n"
                             "6 1 0:6 / /label rw - ext4 LABEL=root rw\n"
                             "7 1 0:7 /../.. /up rw - cgroup2 cgroup2 rw\n");
    assert_int_equal(seen.skipped, 0);
    assert_int_equal(seen.count, 7);
    assert_non_null(strstr(seen.lines[0], "|ext4|/dev/root|rw|"));
    assert_non_null(strstr(seen.lines[1], "|/empty|rw|tmpfs||rw|"));
    assert_non_null(strstr(seen.lines[2], "|/gone//deleted|"));
    assert_non_null(strstr(seen.lines[3], "|/named (deleted)|"));
    assert_non_null(strstr(seen.lines[4], "|net:[4026531840]|/run/netns/a|"));
    assert_non_null(strstr(seen.lines[5], "|LABEL=root|"));
    assert_non_null(strstr(seen.lines[6], "|/../..|/up|"));
}

/* libmount looks for the device in /dev, and puts what it finds there in place of /dev/root. */
static void the_live_host_does_not_show_through(void **state)
{
    (void)state;
    struct stat root;
    char line[128];
    assert_int_equal(stat("/", &root), 0);
    snprintf(line, sizeof(line), "1 0 %u:%u / / rw - ext4 /dev/root rw\n", major(root.st_dev),
             minor(root.st_dev));
    struct seen seen = parse(line);
    assert_int_equal(seen.count, 1);
    assert_non_null(strstr(seen.lines[0], "|/dev/root|"));
}

static void counts_what_makes_no_sense(void **state)
{
    (void)state;
    struct seen seen = parse("garbage first\n"
                             "1 0 8:1 / / rw - ext4 /dev/sda rw\n"
                             "# 2 1 0:2 / /comment rw - tmpfs none rw\n"
                             "3 1 0:3 / /no-separator rw\n"
                             "4 1 0:4 / /half rw - tmpfs\n"
                             "99999999999 1 0:5 / /large rw - tmpfs none rw\n"
                             "-6 1 0:6 / /negative rw - tmpfs none rw\n"
                             "7 1 0:7 / /last rw - tmpfs none rw\n"
                             "8 1 0:8 / /cut rw - tmpfs");
    assert_int_equal(seen.count, 2);
    assert_non_null(strstr(seen.lines[0], "|/dev/sda|"));
    assert_non_null(strstr(seen.lines[1], "|/last|"));
    assert_int_equal(seen.skipped, 7);
}

static void long_lines_are_whole(void **state)
{
    (void)state;
    enum { LONG = 200000 };
    char *file = malloc(2 * LONG);
    assert_non_null(file);
    int length = sprintf(file, "1 0 0:1 / /long rw - overlay overlay rw,lowerdir=");
    memset(file + length, 'x', LONG);
    length += LONG;
    length += sprintf(file + length, "\n2 1 0:2 / /behind rw - tmpfs none rw\n");
    struct seen seen = parse_bytes(file, (size_t)length);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.skipped, 0);
    free(file);
}

static void every_beginning_is_survived(void **state)
{
    (void)state;
    const char file[] =
        "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root errors=continue\n"
        "37 35 0:9 / /x\\040y rw - tmpfs  rw\n";
    for (size_t length = 0; length < strlen(file); length++) {
        char *copy = malloc(length ? length : 1);
        memcpy(copy, file, length);
        struct seen seen = parse_bytes(copy, length);
        assert_true(seen.count <= 2);
        free(copy);
    }
}

static void an_empty_file_has_no_mounts(void **state)
{
    (void)state;
    struct seen seen = parse("");
    assert_int_equal(seen.count, 0);
    assert_int_equal(seen.skipped, 0);
    seen = parse("\n\n");
    assert_int_equal(seen.count, 0);
}

static int stop(void *userdata, const struct mountinfo_mount *mount)
{
    (void)mount;
    (*(unsigned *)userdata)++;
    return -ENOSPC;
}

static void the_caller_can_stop(void **state)
{
    (void)state;
    const char file[] = "1 0 0:1 / / rw - tmpfs none rw\n2 1 0:2 / /a rw - tmpfs none rw\n";
    unsigned calls = 0;
    size_t skipped;
    assert_int_equal(mountinfo_parse(file, strlen(file), stop, &calls, &skipped), -ENOSPC);
    assert_int_equal(calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(undoes_escapes),
        cmocka_unit_test(keeps_what_libmount_rewrites_or_drops),
        cmocka_unit_test(the_live_host_does_not_show_through),
        cmocka_unit_test(counts_what_makes_no_sense),
        cmocka_unit_test(long_lines_are_whole),
        cmocka_unit_test(every_beginning_is_survived),
        cmocka_unit_test(an_empty_file_has_no_mounts),
        cmocka_unit_test(the_caller_can_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
