/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/kernel/visitor.h"

#include "base/clock.h"
#include "recorder/kernel/span.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct visitor {
    pid_t pid;
    int socket;       /* SOCK_SEQPACKET: a path there, an answer back */
    int64_t deadline; /* of CLOCK_MONOTONIC, nanoseconds */
    int code;         /* why it answers no more, negative errno; 0 as long as it does */
};

/* What the visitor has of the recorder's descriptors, and where. */
enum { VISITOR_SOCKET, VISITOR_NAMESPACE, VISITOR_DESCRIPTORS };

/* ---- within the visitor ---- */

/* An answer is a code, and a descriptor where that is 0. */
static void answer(int socket, int code, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&code, sizeof(code)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        _exit(1);
}

/* The step may be a file of any kind. O_DIRECTORY would be a reason for the kernel to mount what an
 * automounter has for it; what isn't a directory has nothing below it anyway. */
static int open_step(int directory, struct span step)
{
    char name[NAME_MAX + 1];
    if (step.length > NAME_MAX)
        return -ENAMETOOLONG;
    if (span_is(step, ".."))
        return -EXDEV;
    memcpy(name, step.bytes, step.length);
    name[step.length] = '\0';
    int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_path(int root, struct span path)
{
    struct span step;
    int fd = open_step(root, (struct span){".", 1});
    while (fd >= 0 && span_take(&path, '/', &step)) {
        if (!step.length)
            continue;
        int next = open_step(fd, step);
        fd_close(fd);
        fd = next;
    }
    return fd;
}

static _Noreturn void serve(int socket)
{
    char path[PATH_MAX];
    int root = open("/", O_PATH | O_CLOEXEC);
    answer(socket, root < 0 ? -errno : 0, -1);
    for (;;) {
        ssize_t length = recv(socket, path, sizeof(path), 0);
        if (length <= 0)
            _exit(0);
        int fd = open_path(root, (struct span){path, (size_t)length});
        answer(socket, fd < 0 ? fd : 0, fd);
        fd_close(fd);
    }
}

/* Gives up whatever else the recorder has open. That is before it enters: closefrom(3) may have to
 * look into /proc, which within is another one, or none. */
static void leave_belongings(int mount_namespace, int socket)
{
    int kept = mount_namespace < 0 ? socket : mount_namespace;
    int belongings[VISITOR_DESCRIPTORS] = {
        [VISITOR_SOCKET] = fcntl(socket, F_DUPFD, VISITOR_DESCRIPTORS),
        [VISITOR_NAMESPACE] = fcntl(kept, F_DUPFD, VISITOR_DESCRIPTORS)};
    for (int i = 0; i < VISITOR_DESCRIPTORS; i++)
        if (belongings[i] < 0 || dup2(belongings[i], i) < 0)
            _exit(1);
    closefrom(VISITOR_DESCRIPTORS);
}

/* Ends with the recorder, and holds nothing of it open but the socket. */
static _Noreturn void visit(pid_t recorder, int mount_namespace, int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != recorder)
        _exit(1);
    leave_belongings(mount_namespace, socket);
    if (mount_namespace >= 0 && setns(VISITOR_NAMESPACE, CLONE_NEWNS) < 0) {
        answer(VISITOR_SOCKET, -errno, -1);
        _exit(1);
    }
    close(VISITOR_NAMESPACE);
    serve(VISITOR_SOCKET);
}

/* ---- within the recorder ---- */

static int give_up(struct visitor *visitor, int code)
{
    visitor->code = code;
    return code;
}

static int wait_for_answer(struct visitor *visitor)
{
    struct pollfd ask = {.fd = visitor->socket, .events = POLLIN};
    for (;;) {
        int64_t left = visitor->deadline - clock_now(CLOCK_MONOTONIC);
        int ready = left <= 0 ? 0 : poll(&ask, 1, (int)(left / 1000000) + 1);
        if (ready > 0)
            return 0;
        if (ready == 0)
            return give_up(visitor, -ETIMEDOUT);
        if (errno != EINTR)
            return give_up(visitor, -errno);
    }
}

/* A descriptor, -1 for an answer without one, or give up. */
static int receive(struct visitor *visitor, int *ret_code)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {ret_code, sizeof(*ret_code)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    int fd = -1;
    int r = wait_for_answer(visitor);
    ssize_t length = r < 0 ? r : recvmsg(visitor->socket, &message, MSG_CMSG_CLOEXEC);
    if (r >= 0 && length != sizeof(*ret_code))
        r = give_up(visitor, length < 0 ? -errno : -ECHILD); /* it has ended by itself */
    struct cmsghdr *header = r < 0 ? NULL : CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(header), sizeof(fd));
    if (r < 0)
        *ret_code = r;
    return fd;
}

/* Where it entered no namespace, it is already where it belongs. */
int visitor_start(int mount_namespace, struct visitor **ret_visitor)
{
    int sockets[2], code = 0;
    _cleanup_visitor_ struct visitor *visitor = calloc(1, sizeof(*visitor));
    if (!visitor)
        return -ENOMEM;
    visitor->socket = -1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
        return -errno;
    visitor->socket = sockets[0];
    visitor->deadline = clock_now(CLOCK_MONOTONIC) + VISITOR_MILLISECONDS * INT64_C(1000000);
    pid_t recorder = getpid();
    visitor->pid = fork();
    if (visitor->pid == 0)
        visit(recorder, mount_namespace, sockets[1]);
    int failure = errno;
    fd_close(sockets[1]);
    if (visitor->pid < 0)
        return -failure;
    receive(visitor, &code);
    if (code < 0)
        return code;
    *ret_visitor = steal_pointer(visitor);
    return 0;
}

pid_t visitor_pid(const struct visitor *visitor)
{
    return visitor->pid;
}

int visitor_open(struct visitor *visitor, const char *path)
{
    size_t length = strlen(path);
    int code = visitor->code;
    if (code < 0)
        return code;
    if (!length || length > PATH_MAX)
        return length ? -ENAMETOOLONG : -ENOENT;
    if (send(visitor->socket, path, length, MSG_NOSIGNAL) < 0)
        return give_up(visitor, -errno);
    int fd = receive(visitor, &code);
    if (code < 0 || fd < 0) {
        fd_close(fd);
        return code < 0 ? code : -EPROTO;
    }
    return fd;
}

bool visitor_is_overdue(const struct visitor *visitor)
{
    return visitor->code == -ETIMEDOUT;
}

/* Whoever hangs in the kernel where no signal reaches is left to the system, after a while. */
static void reap(struct visitor *visitor)
{
    enum { TRIES = 100 };
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    bool hangs = visitor_is_overdue(visitor);
    kill(visitor->pid, SIGKILL);
    for (unsigned tries = 0; tries < TRIES; tries++) {
        pid_t ended = waitpid(visitor->pid, NULL, hangs ? WNOHANG : 0);
        if (ended > 0 || (ended < 0 && errno != EINTR))
            return;
        if (hangs)
            nanosleep(&moment, NULL);
    }
}

void visitor_end(struct visitor *visitor)
{
    if (!visitor)
        return;
    fd_close(visitor->socket);
    if (visitor->pid > 0)
        reap(visitor);
    free(visitor);
}
