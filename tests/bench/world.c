/* SPDX-License-Identifier: Apache-2.0 */
/* world WHAT NUMBER [EACH]: makes so much of a host, prints "ready", and holds it until standard
 * input ends; then nothing of it is left.
 *
 *     processes N          N processes that sleep
 *     descriptors N EACH   N processes with so many open files, pipes and sockets
 *     threads N            one process with N threads
 *     mounts N             one mount namespace with N mounts
 *     namespaces N EACH    N mount namespaces with so many mounts in each
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int ready[2]; /* each process that is as wanted writes a byte */
static int line[2];  /* the maker says when all of them are */

/* Ends all that was made, which is of one process group. */
_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "bench-world: cannot %s: %s\n", what, strerror(errno));
    kill(0, SIGKILL);
    _exit(1);
}

static void check(int result, const char *what)
{
    if (result < 0)
        fail(what);
}

_Noreturn static void hold(void)
{
    if (write(ready[1], "", 1) != 1)
        fail("tell that a process is ready");
    close(ready[0]);
    close(ready[1]);
    for (;;)
        pause();
}

static void sleep_only(long each)
{
    (void)each;
}

/* Files, devices, and ends of pipes and of sockets; the three standard ones are there already. */
static void open_descriptors(long each)
{
    static const char *const paths[] = {"/dev/null", "/proc/self/exe", "/etc/passwd"};
    int ends[2];
    close(line[0]);
    close(line[1]);
    for (long count = 3; count < each; count++) {
        if (count % 4 == 0 && count + 1 < each) {
            check(count % 8 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends),
                  "make a pair");
            count++;
        } else {
            check(open(paths[count % 3], O_RDONLY), "open a file");
        }
    }
}

static void *thread_main(void *argument)
{
    (void)argument;
    for (;;)
        pause();
    return NULL;
}

static void start_threads(long number)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    for (long i = 1; i < number; i++)
        if ((errno = pthread_create(&thread, &attributes, thread_main, NULL)))
            fail("start a thread");
}

static long count_mounts(void)
{
    long lines = 0;
    FILE *table = fopen("/proc/self/mountinfo", "re");
    if (!table)
        fail("read the mounts");
    for (int byte; (byte = getc(table)) != EOF;)
        lines += byte == '\n';
    fclose(table);
    return lines;
}

/* As many as are wanted in all, with those that the host has. */
static void make_mounts(long number)
{
    char path[64];
    check(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), "make the mounts private");
    check(mount("bench", "/mnt", "tmpfs", 0, "size=16m"), "mount a tmpfs");
    for (long i = count_mounts(); i < number; i++) {
        snprintf(path, sizeof(path), "/mnt/%ld", i);
        check(mkdir(path, 0755), "make a folder");
        check(mount("/mnt", path, NULL, MS_BIND, NULL), "bind a folder");
    }
}

static void hold_mounts(long each)
{
    check(unshare(CLONE_NEWNS), "make a mount namespace");
    make_mounts(each);
}

static void hold_copy(long each)
{
    (void)each;
    check(unshare(CLONE_NEWNS), "make a mount namespace");
}

static void start(long number, void (*role)(long each), long each)
{
    pid_t parent = getpid();
    for (long i = 0; i < number; i++) {
        pid_t pid = fork();
        check(pid, "start a process");
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent)
                _exit(1);
            role(each);
            hold();
        }
    }
    for (long i = 0; i < number; i++) {
        char byte;
        if (read(ready[0], &byte, 1) != 1)
            fail("wait for a process");
    }
}

static void make_processes(long number, long each)
{
    start(number, sleep_only, each);
}

static void make_descriptors(long number, long each)
{
    start(number, open_descriptors, each);
}

static void make_threads(long number, long each)
{
    (void)each;
    start(1, start_threads, number);
}

static void make_mount_table(long number, long each)
{
    (void)each;
    start(1, hold_mounts, number);
}

/* Each is a copy of our own, which is one too. */
static void make_namespaces(long number, long each)
{
    hold_mounts(each);
    start(number - 1, hold_copy, each);
}

static const struct {
    const char *name;
    void (*make)(long number, long each);
} worlds[] = {{"processes", make_processes},
              {"descriptors", make_descriptors},
              {"threads", make_threads},
              {"mounts", make_mount_table},
              {"namespaces", make_namespaces}};

static bool make(const char *name, long number, long each)
{
    for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++)
        if (strcmp(worlds[i].name, name) == 0) {
            worlds[i].make(number, each);
            return true;
        }
    return false;
}

/* What the maker has started comes to this process, the subreaper, and is waited for. */
static void take_down(pid_t maker)
{
    kill(-maker, SIGKILL);
    kill(maker, SIGKILL);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        ;
}

/* The maker and what it makes are one process group, so that one kill ends it all. */
_Noreturn static void be_maker(const char *name, long number, long each)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setpgid(0, 0) < 0)
        _exit(1);
    bool known = make(name, number, each);
    if (write(line[1], known ? "+" : "-", 1) != 1)
        _exit(1);
    hold();
}

int main(int count, char **words)
{
    long number = count > 2 ? strtol(words[2], NULL, 10) : 0;
    long each = count > 3 ? strtol(words[3], NULL, 10) : 0;
    char byte;
    if (count < 3 || number < 1) {
        fputs("usage: bench-world WHAT NUMBER [EACH]\n", stderr);
        return 2;
    }
    if (setpgid(0, 0) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || pipe(ready) < 0 ||
        pipe(line) < 0) {
        perror("bench-world");
        return 1;
    }
    pid_t maker = fork();
    if (maker == 0)
        be_maker(words[1], number, each);
    close(line[1]);
    bool made = read(line[0], &byte, 1) == 1 && byte == '+';
    if (made) {
        puts("ready");
        fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
            ;
    }
    take_down(maker);
    return made ? 0 : 1;
}
