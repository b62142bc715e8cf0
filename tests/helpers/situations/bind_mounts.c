/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces that nothing keeps but a bind mount of their file: in the mount namespace of a
 * process; in a mount namespace that itself is kept by a bind mount alone, and so on. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

enum { DEPTH_MOST = 3, OWNER = 1000, PATH_SIZE = 256 };

/* What is to be made, and what the keeper tells; shared. */
static struct bound {
    const char *type;
    const char *link; /* its name in /proc/PID/ns; NULL if that is the type */
    child_role make;  /* what the process does whose namespace it is */
    int flags;        /* the new namespaces that it begins in */
    int depth;        /* how many mount namespaces without a process are in between */
    uint64_t namespace;
    uint64_t parent, owner;      /* of the namespace, where `make` tells them */
    uint64_t within[DEPTH_MOST]; /* those mount namespaces, from the outermost inwards */
    void (*cover)(void);         /* hides the bind mount; NULL if nothing does */
} * bound;

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

/* Also right in a new pid namespace, whose numbers /proc doesn't know. */
static uint64_t own_namespace(const char *type)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", type);
    check(stat(path, &status), path);
    return status.st_ino;
}

/* ---- bind mounts ---- */

static void keep_mounts_private(void)
{
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
}

/* All mount namespaces show this one file system; but each has its own mounts on it. */
static void prepare_folder(void)
{
    char path[PATH_SIZE];
    check(mount("scratch", scratch_folder(), "tmpfs", 0, "size=1m"), scratch_folder());
    snprintf(path, sizeof(path), "%s/folder", scratch_folder());
    check(mkdir(path, 0755), path);
    snprintf(path, sizeof(path), "%s/folder/namespace", scratch_folder());
    check(close(check(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), path)), path);
}

static void bind_namespace(pid_t pid, const char *link)
{
    char file[64], path[PATH_SIZE];
    snprintf(file, sizeof(file), "/proc/%d/ns/%s", pid, link);
    snprintf(path, sizeof(path), "%s/folder/namespace", scratch_folder());
    check(mount(file, path, NULL, MS_BIND, NULL), path);
}

/* Binds the next mount namespace, which is built first and then left, or at last the namespace that
 * it is all about. */
static void build_level(void *argument)
{
    const int *level = argument;
    int next = *level + 1;
    keep_mounts_private();
    if (*level == 0)
        prepare_folder();
    bool last = *level == bound->depth;
    pid_t pid = last ? child_start(bound->flags, bound->make, NULL)
                     : child_start(CLONE_NEWNS, build_level, &next);
    const char *link = !last ? "mnt" : bound->link ? bound->link : bound->type;
    *(last ? &bound->namespace : &bound->within[*level]) = namespace_of(pid, link);
    bind_namespace(pid, link);
    child_end(pid);
    if (last && bound->cover)
        bound->cover();
    child_hold();
}

/* A mount namespace can be bound only in one with a lower id, and since kernel 6.18 each processor
 * has ids of its own to give, so that those of a later one may be lower. */
static void stay_on_one_processor(void)
{
    cpu_set_t allowed, one;
    size_t first = 0;
    check(sched_getaffinity(0, sizeof(allowed), &allowed), "cannot tell the processors");
    while (!CPU_ISSET(first, &allowed))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    check(sched_setaffinity(0, sizeof(one), &one), "cannot stay on one processor");
}

static void build_with(cJSON *facts, struct bound wanted)
{
    int outermost = 0;
    char path[PATH_SIZE];
    stay_on_one_processor();
    bound = share(sizeof(*bound));
    *bound = wanted;
    snprintf(path, sizeof(path), "%s/folder/namespace", scratch_folder());
    pid_t pid = child_start(CLONE_NEWNS, build_level, &outermost);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_text(facts, "type", bound->type);
    fact_text(facts, "path", path);
    fact_number(facts, "namespace", bound->namespace);
    fact_number(facts, "outer_namespace", own_namespace(bound->type));
    fact_number(facts, "keeper_namespace", namespace_of(pid, "mnt"));
    cJSON *within = cJSON_AddArrayToObject(facts, "empty_namespaces");
    for (int level = 0; level < bound->depth; level++)
        cJSON_AddItemToArray(within, cJSON_CreateNumber((double)bound->within[level]));
    if (bound->parent)
        fact_number(facts, "parent_namespace", bound->parent);
    if (bound->owner)
        fact_number(facts, "owner_namespace", bound->owner);
}

static void build(cJSON *facts, const char *type, int flags, int depth)
{
    build_with(facts, (struct bound){.type = type, .make = hold, .flags = flags, .depth = depth});
}

#define BOUND(type, flag)                                                                          \
    static void build_##type(cJSON *facts)                                                         \
    {                                                                                              \
        build(facts, #type, flag, 0);                                                              \
    }                                                                                              \
    static void build_inside_##type(cJSON *facts)                                                  \
    {                                                                                              \
        build(facts, #type, flag, 1);                                                              \
    }
BOUND(cgroup, CLONE_NEWCGROUP)
BOUND(ipc, CLONE_NEWIPC)
BOUND(mnt, CLONE_NEWNS)
BOUND(net, CLONE_NEWNET)
BOUND(pid, CLONE_NEWPID)
BOUND(time, CLONE_NEWTIME)
BOUND(user, CLONE_NEWUSER)
BOUND(uts, CLONE_NEWUTS)

static void build_chain(cJSON *facts)
{
    build(facts, "net", CLONE_NEWNET, DEPTH_MOST);
}

/* ---- with a parent, or an owner, that nothing else shows ---- */

static void have_pid_below(void *unused)
{
    (void)unused;
    bound->parent = own_namespace("pid");
    check(unshare(CLONE_NEWPID), "cannot make a pid namespace below");
    child_start(0, hold, NULL); /* it has a file only once somebody was in it */
    child_hold();
}

static void build_pid_below(cJSON *facts)
{
    build_with(facts, (struct bound){.type = "pid",
                                     .link = "pid_for_children",
                                     .make = have_pid_below,
                                     .flags = CLONE_NEWPID});
}

static void become_owner(void)
{
    check(setresgid(OWNER, OWNER, OWNER), "cannot change the group");
    check(setresuid(OWNER, OWNER, OWNER), "cannot change the user");
    /* A change of user takes both back. */
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "cannot ask for an end with the parent");
    check(prctl(PR_SET_DUMPABLE, 1), "cannot have files of one's own in /proc");
}

/* Who makes one must have a user and a group in the one above. */
static void have_user_below(void *unused)
{
    (void)unused;
    become_owner();
    check(unshare(CLONE_NEWUSER), "cannot make a user namespace as an ordinary user");
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 1000 1");
    write_file("/proc/self/gid_map", "0 1000 1");
    bound->parent = own_namespace("user");
    check(unshare(CLONE_NEWUSER), "cannot make a user namespace below");
    child_hold();
}

static void build_user_below(cJSON *facts)
{
    build_with(facts, (struct bound){.type = "user", .make = have_user_below});
    fact_number(facts, "owner_uid", OWNER);
}

static void have_owner(void *unused)
{
    (void)unused;
    bound->owner = own_namespace("user");
    child_hold();
}

static void build_owned(cJSON *facts)
{
    build_with(
        facts,
        (struct bound){.type = "net", .make = have_owner, .flags = CLONE_NEWUSER | CLONE_NEWNET});
}

/* ---- hidden ---- */

static void cover_folder(void)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/folder", scratch_folder());
    check(mount("cover", path, "tmpfs", 0, "size=64k"), path);
}

static void build_hidden(cJSON *facts)
{
    build_with(
        facts,
        (struct bound){.type = "net", .make = hold, .flags = CLONE_NEWNET, .cover = cover_folder});
}

const struct situation situations_bind_mounts[] = {
    {"bind-cgroup", "a cgroup namespace that only a bind mount keeps", build_cgroup, NULL, 0},
    {"bind-ipc", "an ipc namespace that only a bind mount keeps", build_ipc, NULL, 0},
    {"bind-mnt", "a mount namespace that only a bind mount keeps", build_mnt, NULL, 0},
    {"bind-net", "a network namespace that only a bind mount keeps", build_net, NULL, 0},
    {"bind-pid", "a pid namespace that only a bind mount keeps", build_pid, NULL, 0},
    {"bind-time", "a time namespace that only a bind mount keeps", build_time, NULL, 0},
    {"bind-user", "a user namespace that only a bind mount keeps", build_user, NULL, 0},
    {"bind-uts", "a uts namespace that only a bind mount keeps", build_uts, NULL, 0},
    {"inside-cgroup", "the same in a mount namespace without process", build_inside_cgroup, NULL,
     0},
    {"inside-ipc", "the same of an ipc namespace", build_inside_ipc, NULL, 0},
    {"inside-mnt", "the same of a mount namespace", build_inside_mnt, NULL, 0},
    {"inside-net", "the same of a network namespace", build_inside_net, NULL, 0},
    {"inside-pid", "the same of a pid namespace", build_inside_pid, NULL, 0},
    {"inside-time", "the same of a time namespace", build_inside_time, NULL, 0},
    {"inside-user", "the same of a user namespace", build_inside_user, NULL, 0},
    {"inside-uts", "the same of a uts namespace", build_inside_uts, NULL, 0},
    {"inside-chain", "a network namespace behind three mount namespaces without process",
     build_chain, NULL, 0},
    {"bind-pid-below", "a bind-mounted pid namespace, whose parent only it keeps", build_pid_below,
     NULL, 0},
    {"bind-user-below", "a bind-mounted user namespace of uid 1000, whose parent only it keeps",
     build_user_below, NULL, 0},
    {"bind-owned", "a bind-mounted network namespace, whose owner only it keeps", build_owned, NULL,
     0},
    {"bind-hidden", "a bind-mounted network namespace that another mount hides", build_hidden, NULL,
     0},
    {0},
};
