/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/helpers/child.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN_MOST = 1024, EXIT_UNSUPPORTED = 77 };

static struct child {
    pid_t pid;
    int line; /* our end of the socket between the two of us */
} children[CHILDREN_MOST];

static size_t child_count;
static bool in_child;
static _Thread_local int starter = -1; /* the line to who started this process or thread */

/* In a child without the handlers of atexit(3), which clean up what belongs to the first process.
 */
_Noreturn static void leave(int status)
{
    if (in_child)
        _exit(status);
    exit(status);
}

_Noreturn void fail(const char *what)
{
    int code = errno;
    fprintf(stderr, "situation: %s%s%s\n", what, code ? ": " : "", code ? strerror(code) : "");
    bool unsupported =
        code == EPERM || code == EACCES || code == ENOSYS || code == ENODEV || code == EOPNOTSUPP;
    leave(unsupported ? EXIT_UNSUPPORTED : EXIT_FAILURE);
}

int check(int result, const char *what)
{
    if (result < 0)
        fail(what);
    return result;
}

void child_ready(void)
{
    if (send(starter, "", 1, MSG_NOSIGNAL) != 1)
        fail("cannot tell that a child is ready");
}

void child_await(void)
{
    char byte;
    if (TEMP_FAILURE_RETRY(read(starter, &byte, 1)) != 1)
        leave(EXIT_SUCCESS);
}

_Noreturn void child_hold(void)
{
    child_ready();
    for (;;)
        pause();
}

/* Waits for child_ready(); ends as the child did when it ended instead. */
static void wait_until_ready(const struct child *child)
{
    char byte;
    if (TEMP_FAILURE_RETRY(read(child->line, &byte, 1)) == 1)
        return;
    int status = 0;
    if (waitpid(child->pid, &status, 0) == child->pid && WIFEXITED(status) && status)
        leave(WEXITSTATUS(status)); /* it has printed why */
    errno = 0;
    fail("a child ended before it was ready");
}

static void become_child(pid_t parent, int line)
{
    in_child = true;
    child_count = 0;
    starter = line;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "cannot ask for an end with the parent");
    /* It may have ended before that. (A parent in another pid namespace shows as 0.) */
    if (getppid() != parent && getppid() != 0)
        leave(EXIT_FAILURE);
}

static void make_line(int ends[static 2])
{
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "cannot make a socket pair");
}

static pid_t start(const struct clone_args *wanted, child_role role, void *argument)
{
    int ends[2];
    make_line(ends);
    struct clone_args arguments = *wanted;
    arguments.exit_signal = SIGCHLD;
    pid_t parent = getpid();
    pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (pid == 0) {
        close(ends[0]);
        become_child(parent, ends[1]);
        role(argument);
        leave(EXIT_SUCCESS);
    }
    int code = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        errno = code;
        return -1;
    }
    if (child_count == CHILDREN_MOST)
        fail("too many children");
    children[child_count++] = (struct child){pid, ends[0]};
    wait_until_ready(&children[child_count - 1]);
    return pid;
}

pid_t child_start(int namespaces, child_role role, void *argument)
{
    struct clone_args arguments = {.flags = (uint64_t)(unsigned)namespaces};
    return check(start(&arguments, role, argument), "cannot start a child");
}

pid_t child_start_as(pid_t pid, child_role role, void *argument)
{
    struct clone_args arguments = {.set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};
    pid_t started = start(&arguments, role, argument);
    return started < 0 && errno == EEXIST ? -1 : check(started, "cannot choose the pid of a child");
}

struct thread_beginning {
    child_role role;
    void *argument;
    int line;
    pid_t tid;
};

static void *run_thread(void *userdata)
{
    struct thread_beginning *beginning = userdata;
    child_role role = beginning->role;
    void *argument = beginning->argument;
    beginning->tid = gettid();
    starter = beginning->line;
    role(argument); /* the beginning ends when it says that it is ready */
    return NULL;
}

pid_t thread_start(child_role role, void *argument)
{
    int ends[2];
    make_line(ends);
    struct thread_beginning beginning = {.role = role, .argument = argument, .line = ends[1]};
    pthread_t thread;
    errno = pthread_create(&thread, NULL, run_thread, &beginning);
    if (errno)
        fail("cannot start a thread");
    char byte;
    if (TEMP_FAILURE_RETRY(read(ends[0], &byte, 1)) != 1)
        fail("a thread ended before it was ready");
    pthread_detach(thread);
    return beginning.tid;
}

static struct child *child_by_pid(pid_t pid)
{
    for (size_t i = 0; i < child_count; i++)
        if (children[i].pid == pid)
            return &children[i];
    errno = 0;
    fail("there is no such child");
}

void child_step(pid_t pid)
{
    struct child *child = child_by_pid(pid);
    if (send(child->line, "", 1, MSG_NOSIGNAL) != 1)
        fail("cannot tell a child to go on");
    wait_until_ready(child);
}

void child_end(pid_t pid)
{
    struct child *child = child_by_pid(pid);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(child->line);
    *child = children[--child_count];
}

void child_end_all(void)
{
    while (child_count)
        child_end(children[child_count - 1].pid);
}

pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%d", &child) != 1)
        fail(path);
    fclose(file);
    return child;
}

void *share(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("no memory to share");
    return memory;
}
