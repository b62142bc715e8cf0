/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces with parents and owners. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 3, OWNER = 1000 };

static uint64_t own_namespace(const char *type)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", type);
    check(stat(path, &status), path);
    return status.st_ino;
}

/* Lets root of a new user namespace be root of its parent, so that it can make the next one. */
static void map_root(void)
{
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 0 1");
    write_file("/proc/self/gid_map", "0 0 1");
}

struct nest {
    int namespaces;
    int depth; /* how many are still to be made below this process */
};

static void nest(void *argument)
{
    struct nest *here = argument;
    if (here->namespaces & CLONE_NEWUSER)
        map_root();
    struct nest below = {here->namespaces, here->depth - 1};
    if (here->depth)
        child_start(here->namespaces, nest, &below);
    child_hold();
}

/* A process in each of three nested namespaces: "pids" and "namespaces", from the outermost
 * inwards. */
static void build_nested(cJSON *facts, const char *type, int namespaces)
{
    struct nest outermost = {namespaces, DEPTH - 1};
    cJSON *pids = cJSON_AddArrayToObject(facts, "pids");
    cJSON *inodes = cJSON_AddArrayToObject(facts, "namespaces");
    pid_t pid = child_start(namespaces, nest, &outermost);
    for (int depth = 0; depth < DEPTH; depth++) {
        if (depth)
            pid = child_of(pid);
        cJSON_AddItemToArray(pids, cJSON_CreateNumber(pid));
        cJSON_AddItemToArray(inodes, cJSON_CreateNumber((double)namespace_of(pid, type)));
    }
    fact_text(facts, "type", type);
    fact_number(facts, "outer_namespace", own_namespace(type));
}

static void build_nested_pid(cJSON *facts)
{
    build_nested(facts, "pid", CLONE_NEWPID);
}

static void build_nested_user(cJSON *facts)
{
    build_nested(facts, "user", CLONE_NEWUSER);
}

/* Only its maker can tell the inode of a namespace that is left at once. */
static uint64_t *empty_namespace;

static void leave_one_empty(void *unused)
{
    (void)unused;
    check(unshare(CLONE_NEWUSER), "cannot make a user namespace");
    map_root();
    *empty_namespace = own_namespace("user");
    check(unshare(CLONE_NEWUSER), "cannot make a user namespace below");
    child_hold();
}

static void build_user_empty_middle(cJSON *facts)
{
    empty_namespace = share(sizeof(*empty_namespace));
    pid_t pid = child_start(0, leave_one_empty, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "outer_namespace", own_namespace("user"));
    fact_number(facts, "middle_namespace", *empty_namespace);
    fact_number(facts, "inner_namespace", namespace_of(pid, "user"));
}

static void become_owner(void *unused)
{
    (void)unused;
    check(setresgid(OWNER, OWNER, OWNER), "cannot change the group");
    check(setresuid(OWNER, OWNER, OWNER), "cannot change the user");
    /* A change of user takes this back. */
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "cannot ask for an end with the parent");
    check(unshare(CLONE_NEWUSER | CLONE_NEWNET), "cannot make namespaces as an ordinary user");
    child_hold();
}

static void build_user_owner(cJSON *facts)
{
    pid_t pid = child_start(0, become_owner, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "owner_uid", OWNER);
    fact_number(facts, "outer_namespace", own_namespace("user"));
    fact_number(facts, "user_namespace", namespace_of(pid, "user"));
    fact_number(facts, "net_namespace", namespace_of(pid, "net"));
}

const struct situation situations_hierarchy[] = {
    {"nested-pid", "pid namespaces three deep", build_nested_pid, NULL, 0},
    {"nested-user", "user namespaces three deep, a process in each", build_nested_user, NULL, 0},
    {"user-empty-middle", "a user namespace without a process between two with",
     build_user_empty_middle, NULL, 0},
    {"user-owner", "a user namespace made by uid 1000, that owns a network namespace",
     build_user_owner, NULL, 0},
    {0},
};
