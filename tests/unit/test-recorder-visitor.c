/* SPDX-License-Identifier: Apache-2.0 */
/* A visitor in mount namespaces that are made to disturb it. It wants privileges; all that is
 * mounted here is in a mount namespace of the test's own. */
#include "recorder/kernel/visitor.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIP = 77 };

static int open_own_namespace(void)
{
    return open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
}

/* The visitor looks from the root of the namespace. In a chroot that is not ours until we enter our
 * own namespace once more. */
static bool enter_whole_root(void)
{
    _cleanup_close_ int own = open_own_namespace();
    return own >= 0 && setns(own, CLONE_NEWNS) == 0;
}

/* A process of its own for what a test mounts; what it returns is the test's line that failed, 0,
 * or SKIP. */
static int in_own_namespace(int (*test)(void))
{
    int status;
    pid_t child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNS) < 0 || !enter_whole_root() ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("nslapse-test", "/tmp", "tmpfs", 0, "size=1m") < 0)
            _exit(SKIP);
        _exit(test());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define expect(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static void run(int (*test)(void))
{
    int status = in_own_namespace(test);
    if (status == SKIP)
        skip();
    assert_int_equal(status, 0);
}

static bool make_file(const char *path)
{
    _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0;
}

/* ---- what it opens ---- */

/* A namespace at a path that leads elsewhere in the recorder's own mount namespace. */
static int open_what_is_inside(void)
{
    struct stat wanted, found;
    _cleanup_visitor_ struct visitor *visitor = NULL;
    expect(mkdir("/tmp/folder", 0700) == 0 && make_file("/tmp/folder/bound"));
    expect(mount("/proc/self/ns/net", "/tmp/folder/bound", NULL, MS_BIND, NULL) == 0);
    _cleanup_close_ int inside = open_own_namespace();
    expect(stat("/proc/self/ns/net", &wanted) == 0);
    expect(unshare(CLONE_NEWNS) == 0 && umount2("/tmp", MNT_DETACH) == 0);
    expect(access("/tmp/folder", F_OK) < 0);
    expect(visitor_start(inside, &visitor) == 0);
    _cleanup_close_ int fd = visitor_open(visitor, "/tmp/folder/bound");
    expect(fd >= 0 && fstat(fd, &found) == 0);
    expect(found.st_ino == wanted.st_ino && found.st_dev == wanted.st_dev);
    expect((fcntl(fd, F_GETFL) & O_PATH) && (fcntl(fd, F_GETFD) & FD_CLOEXEC));
    return 0;
}

static void what_is_inside_is_opened(void **state)
{
    (void)state;
    run(open_what_is_inside);
}

static int open_nowhere(void)
{
    char longest[PATH_MAX + 2];
    struct stat status;
    _cleanup_visitor_ struct visitor *visitor = NULL;
    expect(make_file("/tmp/file") && symlink("/tmp/file", "/tmp/link") == 0 &&
           symlink("/tmp", "/tmp/folder-link") == 0 && mkfifo("/tmp/fifo", 0600) == 0);
    expect(visitor_start(-1, &visitor) == 0);
    expect(visitor_open(visitor, "/tmp/absent") == -ENOENT);
    expect(visitor_open(visitor, "/tmp/file/below") == -ENOTDIR);
    expect(visitor_open(visitor, "/tmp/../tmp/file") == -EXDEV);
    expect(visitor_open(visitor, "/tmp/..") == -EXDEV);
    expect(visitor_open(visitor, "/tmp/folder-link/file") == -ENOTDIR);
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    expect(visitor_open(visitor, longest) == -ENAMETOOLONG);
    expect(visitor_open(visitor, "") == -ENOENT);
    longest[PATH_MAX - 1] = '\0'; /* one step */
    expect(visitor_open(visitor, longest) == -ENAMETOOLONG);
    _cleanup_close_ int link = visitor_open(visitor, "/tmp/link");
    expect(link >= 0 && fstat(link, &status) == 0 && S_ISLNK(status.st_mode));
    _cleanup_close_ int fifo = visitor_open(visitor, "/tmp/fifo"); /* nobody writes it */
    expect(fifo >= 0 && fstat(fifo, &status) == 0 && S_ISFIFO(status.st_mode));
    _cleanup_close_ int file = visitor_open(visitor, "/tmp//./file");
    expect(file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode));
    _cleanup_close_ int root = visitor_open(visitor, "/");
    expect(root >= 0 && fstat(root, &status) == 0 && S_ISDIR(status.st_mode));
    return 0;
}

static void nothing_leads_elsewhere(void **state)
{
    (void)state;
    run(open_nowhere);
}

/* ---- what it is ---- */

static int count_descriptors(pid_t pid)
{
    char path[64];
    int count = 0;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    _cleanup_closedir_ DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    return count;
}

static int be_without_belongings(void)
{
    enum { SOCKET_AND_ROOT = 2 };
    struct stat own, its;
    char path[64];
    _cleanup_visitor_ struct visitor *visitor = NULL;
    _cleanup_close_ int secret = open("/tmp", O_PATH); /* without O_CLOEXEC */
    _cleanup_close_ int inside = open_own_namespace();
    expect(secret >= 0 && fstat(inside, &own) == 0);
    expect(unshare(CLONE_NEWNS) == 0);
    expect(visitor_start(inside, &visitor) == 0);
    expect(count_descriptors(visitor_pid(visitor)) == SOCKET_AND_ROOT);
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)visitor_pid(visitor));
    expect(stat(path, &its) == 0 && its.st_ino == own.st_ino);
    return 0;
}

static void it_has_nothing_with_it(void **state)
{
    (void)state;
    run(be_without_belongings);
}

static int start_and_end(void)
{
    struct visitor *visitor;
    expect(visitor_start(-1, &visitor) == 0);
    pid_t pid = visitor_pid(visitor);
    expect(kill(pid, 0) == 0);
    visitor_end(visitor);
    expect(kill(pid, 0) < 0 && errno == ESRCH);
    visitor_end(NULL);
    return 0;
}

static void nothing_is_left_of_it(void **state)
{
    (void)state;
    run(start_and_end);
}

/* The end of the line to it would be a reason to end too: so someone else holds that. */
static _Noreturn void start_and_leave(int report)
{
    struct visitor *visitor;
    int r = visitor_start(-1, &visitor);
    pid_t pids[2] = {r < 0 ? -1 : visitor_pid(visitor), fork()};
    if (!pids[1])
        for (;;)
            pause();
    _exit(write(report, pids, sizeof(pids)) != sizeof(pids) || kill(getpid(), SIGKILL));
}

/* The recorder is killed; whom it leaves comes to this process, the subreaper. */
static int outlive_nobody(void)
{
    int report[2], status;
    pid_t pids[2] = {-1, -1};
    expect(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 && pipe(report) == 0);
    pid_t recorder = fork();
    if (!recorder)
        start_and_leave(report[1]);
    expect(read(report[0], pids, sizeof(pids)) == sizeof(pids) && pids[0] > 0 && pids[1] > 0);
    expect(waitpid(recorder, &status, 0) == recorder && WIFSIGNALED(status));
    expect(waitpid(pids[0], &status, 0) == pids[0]);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    expect(kill(pids[1], SIGKILL) == 0 && waitpid(pids[1], &status, 0) == pids[1]);
    return 0;
}

static void it_ends_with_the_recorder(void **state)
{
    (void)state;
    run(outlive_nobody);
}

static int refuse_what_is_no_mount_namespace(void)
{
    struct visitor *visitor = NULL;
    _cleanup_close_ int other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    expect(visitor_start(other, &visitor) == -EINVAL && !visitor);
    return 0;
}

static void a_namespace_of_another_type_is_refused(void **state)
{
    (void)state;
    run(refuse_what_is_no_mount_namespace);
}

/* ---- what never answers ---- */

/* A file system of which nobody answers anything. Its requests come out of the descriptor. */
static int mount_silent(const char *target)
{
    char options[64];
    int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (server < 0)
        return -1;
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", server);
    if (mkdir(target, 0700) < 0 || mount("silent", target, "fuse", 0, options) < 0)
        return fd_close(server);
    return server;
}

/* The request waits for whoever reads it: a signal takes it back. */
static int ask_nobody(void)
{
    struct visitor *visitor;
    _cleanup_close_ int server = mount_silent("/tmp/silent");
    if (server < 0)
        return SKIP;
    expect(make_file("/tmp/file") && visitor_start(-1, &visitor) == 0);
    pid_t pid = visitor_pid(visitor);
    expect(visitor_open(visitor, "/tmp/silent/name") == -ETIMEDOUT);
    expect(visitor_open(visitor, "/tmp/file") == -ETIMEDOUT); /* its time is over */
    visitor_end(visitor);
    expect(kill(pid, 0) < 0 && errno == ESRCH);
    return 0;
}

static void a_path_that_hangs_is_left(void **state)
{
    (void)state;
    run(ask_nobody);
}

/* struct fuse_in_header, fuse_out_header and fuse_init_out of linux/fuse.h. */
struct request {
    uint32_t length, operation;
    uint64_t id, node;
    uint32_t uid, gid, pid, spare;
    char rest[8192];
};

struct answer {
    uint32_t length;
    int32_t error;
    uint64_t id;
    uint32_t major, minor, read_ahead, flags;
    uint16_t background_most, congestion;
    uint32_t write_most, time_granularity;
    uint16_t pages_most, alignment;
    uint32_t spare[8];
};

/* Lets requests begin, takes the next one, and says so without answering it. */
static _Noreturn void take_and_never_answer(int server, int report)
{
    struct request request;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(server, &request, sizeof(request)) <= 0)
        _exit(1);
    struct answer answer = {
        .length = sizeof(answer), .id = request.id, .major = 7, .minor = 31, .write_most = 4096};
    if (write(server, &answer, sizeof(answer)) < 0 ||
        read(server, &request, sizeof(request)) <= 0 || write(report, "", 1) != 1)
        _exit(1);
    for (;;)
        pause();
}

/* Once the server has it, the kernel may wait for the answer whatever signal comes: then the
 * visitor is left behind, and ends when its server does. */
static int ask_who_never_answers(void)
{
    struct visitor *visitor;
    int report[2], status;
    char byte;
    int server = mount_silent("/tmp/silent");
    if (server < 0)
        return SKIP;
    expect(pipe(report) == 0);
    pid_t child = fork();
    if (!child)
        take_and_never_answer(server, report[1]);
    fd_close(server);
    expect(visitor_start(-1, &visitor) == 0);
    pid_t pid = visitor_pid(visitor);
    expect(visitor_open(visitor, "/tmp/silent/name") == -ETIMEDOUT);
    expect(read(report[0], &byte, 1) == 1);
    visitor_end(visitor);
    expect(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    pid_t left = waitpid(pid, &status, 0);
    expect(left == pid || (left < 0 && errno == ECHILD));
    return 0;
}

static void who_cannot_be_ended_is_left_behind(void **state)
{
    (void)state;
    run(ask_who_never_answers);
}

/* ---- what would happen because of it ---- */

/* The kernel would ask the automounter, by this pipe, and wait for it. */
static int walk_over_automount(void)
{
    char options[96];
    int requests[2];
    struct visitor *visitor;
    expect(pipe2(requests, O_CLOEXEC) == 0 && mkdir("/tmp/trap", 0700) == 0);
    snprintf(options, sizeof(options), "fd=%d,pgrp=%d,minproto=5,maxproto=5,direct", requests[1],
             (int)getpgrp());
    if (setpgid(0, 0) < 0 || mount("trap", "/tmp/trap", "autofs", 0, options) < 0)
        return SKIP;
    expect(visitor_start(-1, &visitor) == 0);
    _cleanup_close_ int trap = visitor_open(visitor, "/tmp/trap");
    expect(trap >= 0);
    expect(visitor_open(visitor, "/tmp/trap/below") == -ENOENT);
    visitor_end(visitor);
    expect(poll(&(struct pollfd){.fd = requests[0], .events = POLLIN}, 1, 0) == 0);
    return 0;
}

static void no_automount_is_triggered(void **state)
{
    (void)state;
    run(walk_over_automount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_inside_is_opened),
        cmocka_unit_test(nothing_leads_elsewhere),
        cmocka_unit_test(it_has_nothing_with_it),
        cmocka_unit_test(nothing_is_left_of_it),
        cmocka_unit_test(it_ends_with_the_recorder),
        cmocka_unit_test(a_namespace_of_another_type_is_refused),
        cmocka_unit_test(a_path_that_hangs_is_left),
        cmocka_unit_test(who_cannot_be_ended_is_left_behind),
        cmocka_unit_test(no_automount_is_triggered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
