/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the mounts of a namespace in which others mount at the same time. It wants privileges. */
#include "recorder/kernel/mountinfo.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIP = 77, MOUNTS = 200, TRIES = 100000 };

static int in_own_namespace(int (*test)(void))
{
    int status;
    pid_t child = fork();
    if (!child) {
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
            _exit(SKIP);
        _exit(test());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* One that is mounted after the file was opened is in it, and nothing changes behind that. */
static int read_after_a_change(void)
{
    _cleanup_buffer_ struct buffer table = {0};
    _cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (mountinfo_read(fd, &table) != 0 || strstr(buffer_text(&table), "nslapse-changing"))
        return 1;
    if (mount("nslapse-changing", "/tmp", "tmpfs", 0, NULL) < 0 || mountinfo_read(fd, &table) != 0)
        return 2;
    return strstr(buffer_text(&table), "nslapse-changing") ? 0 : 3;
}

static void what_stands_still_is_read_as_it_is(void **state)
{
    (void)state;
    int status = in_own_namespace(read_after_a_change);
    if (status == SKIP)
        skip();
    assert_int_equal(status, 0);
}

static void mount_for_ever(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        if (mount("storm", "/tmp", "tmpfs", 0, "size=4k") < 0)
            _exit(1);
        umount2("/tmp", MNT_DETACH);
    }
}

/* The table is too long to come in one piece. */
static int read_amid_changes(void)
{
    _cleanup_buffer_ struct buffer table = {0};
    for (int i = 0; i < MOUNTS; i++)
        if (mount("/proc", "/proc", NULL, MS_BIND, NULL) < 0)
            return 1;
    _cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    pid_t storm = fork();
    if (!storm)
        mount_for_ever();
    int r = 0;
    for (int i = 0; i < TRIES && r == 0; i++)
        r = mountinfo_read(fd, &table);
    kill(storm, SIGKILL);
    waitpid(storm, NULL, 0);
    if (r != 1)
        return 2;
    return mountinfo_read(fd, &table) == 0 ? 0 : 3;
}

static void what_never_stands_still_is_told(void **state)
{
    (void)state;
    int status = in_own_namespace(read_amid_changes);
    if (status == SKIP)
        skip();
    assert_int_equal(status, 0);
}

static void a_copied_file_never_changes(void **state)
{
    (void)state;
    char path[] = "/tmp/nslapse-mountinfo-XXXXXX";
    const char line[] = "1 0 8:1 / / rw - ext4 /dev/sda rw\n";
    _cleanup_buffer_ struct buffer table = {0};
    _cleanup_close_ int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    assert_int_equal(mountinfo_read(fd, &table), 0);
    assert_int_equal(mountinfo_read(fd, &table), 0);
    assert_string_equal(buffer_text(&table), line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_still_is_read_as_it_is),
        cmocka_unit_test(what_never_stands_still_is_told),
        cmocka_unit_test(a_copied_file_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
