/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that come, go or change all the time while they are looked at. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GENERATION = 8 };

static void fork_and_end(void *unused)
{
    (void)unused;
    child_ready();
    for (;;) {
        for (int i = 0; i < GENERATION; i++)
            if (fork() == 0)
                _exit(0);
        for (int i = 0; i < GENERATION; i++)
            wait(NULL);
    }
}

static void build_fork_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, fork_and_end, NULL));
}

/* A shell that becomes itself for ever. */
static void execute_again(void *unused)
{
    (void)unused;
    static const char again[] = "exec /bin/sh -c \"$0\" \"$0\"";
    child_ready();
    execl("/bin/sh", "sh", "-c", again, again, (char *)NULL);
    fail("cannot execute /bin/sh");
}

static void build_exec_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, execute_again, NULL));
}

static void *end_at_once(void *unused)
{
    return unused;
}

static void make_threads(void *unused)
{
    (void)unused;
    pthread_t threads[GENERATION];
    child_ready();
    for (;;) {
        int made = 0;
        while (made < GENERATION && !pthread_create(&threads[made], NULL, end_at_once, NULL))
            made++;
        while (made)
            pthread_join(threads[--made], NULL);
    }
}

static void build_thread_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, make_threads, NULL));
}

static void *execute_true(void *unused)
{
    execl("/bin/true", "true", (char *)NULL);
    return unused;
}

/* A thread that executes becomes the first one, and takes the process's number for its own. */
static _Noreturn void execute_from_a_thread(void)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!pthread_create(&thread, NULL, execute_true, NULL))
        pthread_join(thread, NULL);
    _exit(1);
}

static void execute_from_threads(void *unused)
{
    (void)unused;
    child_ready();
    for (;;) {
        if (fork() == 0)
            execute_from_a_thread();
        wait(NULL);
    }
}

static void build_thread_exec_storm(cJSON *facts)
{
    fact_number(facts, "pid", (uint64_t)child_start(0, execute_from_threads, NULL));
}

/* ---- between two cgroups ---- */

enum { CGROUPS = 2 };

static char hierarchy[128]; /* where the storm's own mount of it is, in its own mount namespace */

static const char *cgroup_path(int number, const char *file, char path[static 192])
{
    snprintf(path, 192, "%s/nslapse-storm-%d-%d%s", hierarchy, (int)getppid(), number, file);
    return path;
}

static void mount_hierarchy(void)
{
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("cgroup2", hierarchy, "cgroup2", 0, NULL), "cannot mount cgroup2");
}

static void move_between_cgroups(void *unused)
{
    (void)unused;
    int members[CGROUPS];
    char path[192];
    mount_hierarchy();
    for (int i = 0; i < CGROUPS; i++) {
        check(mkdir(cgroup_path(i, "", path), 0755), path);
        members[i] = check(open(cgroup_path(i, "/cgroup.procs", path), O_WRONLY | O_CLOEXEC), path);
    }
    child_ready();
    for (int i = 0;; i = (i + 1) % CGROUPS)
        if (write(members[i], "0", 1) < 0)
            fail("cannot move to another cgroup");
}

static void remove_cgroups(void *unused)
{
    (void)unused;
    char path[192];
    mount_hierarchy();
    for (int i = 0; i < CGROUPS; i++)
        for (int tries = 0; tries < 500 && rmdir(cgroup_path(i, "", path)) < 0 && errno == EBUSY;
             tries++)
            usleep(10000);
    child_hold();
}

static void end_cgroup_storm(void)
{
    child_start(0, remove_cgroups, NULL);
    child_end_all();
}

static void build_cgroup_storm(cJSON *facts)
{
    snprintf(hierarchy, sizeof(hierarchy), "%s", scratch_folder());
    clean_up(end_cgroup_storm);
    fact_number(facts, "pid", (uint64_t)child_start(0, move_between_cgroups, NULL));
}

/* With a pause now and then, or nobody could ever look at a moment in which nothing changes. */
static void mount_and_unmount(void *unused)
{
    (void)unused;
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("scratch", scratch_folder(), "tmpfs", 0, "size=1m"), scratch_folder());
    check(chdir(scratch_folder()), scratch_folder());
    check(mkdir("place", 0755), "place");
    child_ready();
    for (useconds_t pause = 0;; pause = (pause + 37) % 700) {
        for (int i = 0; i < GENERATION; i++) {
            check(mount("storm", "place", "tmpfs", 0, "size=64k"), "place");
            check(umount("place"), "place");
        }
        check(mount("storm", "place", "tmpfs", 0, "size=64k"), "place");
        usleep(pause);
        check(umount("place"), "place");
    }
}

static void build_mount_storm(cJSON *facts)
{
    scratch_folder();
    fact_number(facts, "pid", (uint64_t)child_start(0, mount_and_unmount, NULL));
}

const struct situation situations_storms[] = {
    {"fork-storm", "a process that makes short-lived children all the time", build_fork_storm, NULL,
     0},
    {"exec-storm", "a process that executes another program all the time", build_exec_storm, NULL,
     0},
    {"thread-storm", "a process that makes short-lived threads all the time", build_thread_storm,
     NULL, 0},
    {"thread-exec-storm", "processes whose second thread executes another program all the time",
     build_thread_exec_storm, NULL, 0},
    {"cgroup-storm", "a process that moves between two cgroups all the time", build_cgroup_storm,
     NULL, 0},
    {"mount-storm", "a process that mounts and unmounts all the time", build_mount_storm, NULL, 0},
    {0},
};
