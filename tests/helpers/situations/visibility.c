/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts that hide each other, each in a mount namespace of its own. A mount's source is its name;
 * the tests know it by that, because hidden ones share their target with others. */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The process lives in the scratch folder, on a file system of its own, so that paths are short and
 * what is mounted over the root doesn't matter. */
static void go_to_scratch_folder(void)
{
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    check(mount("scratch", scratch_folder(), "tmpfs", 0, "size=4m"), scratch_folder());
    check(chdir(scratch_folder()), scratch_folder());
}

static void make_folder(const char *path)
{
    check(mkdir(path, 0755), path);
}

static void mount_as(const char *name, const char *target)
{
    check(mount(name, target, "tmpfs", 0, "size=64k"), target);
}

static pid_t build_namespace(cJSON *facts, child_role role)
{
    fact_text(facts, "folder", scratch_folder());
    pid_t pid = child_start(CLONE_NEWNS, role, NULL);
    fact_number(facts, "pid", (uint64_t)pid);
    fact_number(facts, "namespace", namespace_of(pid, "mnt"));
    return pid;
}

/* ---- in place, and over parents ---- */

static void mount_stacks(void)
{
    make_folder("place");
    mount_as("place lower", "place");
    mount_as("place upper", "place");
    make_folder("stack");
    mount_as("stack 1", "stack");
    make_folder("stack/on");
    mount_as("on stack 1", "stack/on");
    mount_as("stack 2", "stack");
    mount_as("stack 3", "stack");
    make_folder("stack/on");
    mount_as("on stack 3", "stack/on");
}

static void mount_over_parents(void)
{
    make_folder("parent");
    make_folder("parent/a");
    make_folder("parent/a/b");
    make_folder("parent/c");
    mount_as("below a", "parent/a/b");
    mount_as("beside a", "parent/c");
    mount_as("over a", "parent/a");
    mount_as("over parent", "parent");
    make_folder("parent/a");
    make_folder("parent/a/b");
    mount_as("again", "parent/a/b");
}

/* What is mounted on the master comes to the slave too, where something is mounted already: there
 * it goes beneath that. */
static void mount_beneath_another(void)
{
    make_folder("master");
    mount_as("master", "master");
    make_folder("master/x");
    check(mount(NULL, "master", NULL, MS_SHARED, NULL), "master");
    make_folder("slave");
    check(mount("master", "slave", NULL, MS_BIND, NULL), "slave");
    check(mount(NULL, "slave", NULL, MS_SLAVE, NULL), "slave");
    mount_as("slave's own", "slave/x");
    mount_as("propagated", "master/x");
}

static void mount_over_each_other(void *unused)
{
    (void)unused;
    go_to_scratch_folder();
    mount_stacks();
    mount_over_parents();
    mount_beneath_another();
    child_hold();
}

static void build_overmounts(cJSON *facts)
{
    build_namespace(facts, mount_over_each_other);
}

/* ---- over the root ---- */

/* A lookup of / stays below it, for who was there before. */
static void mount_over_root(void *unused)
{
    (void)unused;
    go_to_scratch_folder();
    make_folder("before");
    mount_as("before", "before");
    make_folder("over");
    mount_as("over root", "over");
    make_folder("over/below");
    mount_as("below over root", "over/below");
    check(mount("over", "/", NULL, MS_MOVE, NULL), "/");
    make_folder("after");
    mount_as("after", "after");
    child_hold();
}

static void build_over_root(cJSON *facts)
{
    build_namespace(facts, mount_over_root);
}

/* ---- seen from a plain folder ---- */

static void mount_in_jail(void)
{
    go_to_scratch_folder();
    make_folder("jail");
    make_folder("jail/a");
    mount_as("in jail", "jail/a");
    make_folder("jail/b");
    make_folder("jail/b/c");
    mount_as("jailed below", "jail/b/c");
    mount_as("jailed lower", "jail/b");
    mount_as("jailed upper", "jail/b");
    mount_as("beside jail", "/mnt");
}

static void live_in_jail(void *unused)
{
    (void)unused;
    mount_in_jail();
    check(chroot("jail"), "jail");
    check(chdir("/"), "/");
    child_hold();
}

static void build_chrooted(cJSON *facts)
{
    build_namespace(facts, live_in_jail);
}

static void hold_in_jail(void *unused)
{
    (void)unused;
    check(chroot("jail"), "jail");
    check(chdir("/"), "/");
    child_hold();
}

static void live_beside_jail(void *unused)
{
    (void)unused;
    mount_in_jail();
    child_start(0, hold_in_jail, NULL);
    child_hold();
}

static void build_chrooted_beside(cJSON *facts)
{
    pid_t pid = build_namespace(facts, live_beside_jail);
    fact_number(facts, "chrooted_pid", (uint64_t)child_of(pid));
}

/* ---- in one namespace only ---- */

static void hold_copy(void *unused)
{
    (void)unused;
    mount_as("cover", "both");
    child_hold();
}

static void have_copy_without(void *unused)
{
    (void)unused;
    go_to_scratch_folder();
    make_folder("both");
    make_folder("one");
    mount_as("in both", "both");
    child_start(CLONE_NEWNS, hold_copy, NULL);
    mount_as("in one", "one");
    child_hold();
}

static void build_one_and_copy(cJSON *facts)
{
    pid_t pid = build_namespace(facts, have_copy_without);
    pid_t copy = child_of(pid);
    fact_number(facts, "copy_pid", (uint64_t)copy);
    fact_number(facts, "copy_namespace", namespace_of(copy, "mnt"));
}

/* ---- over the folder of a process in /proc ---- */

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

static pid_t *covered_by_keeper; /* told by the keeper, shared */

static void cover(pid_t pid, const char *with)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d", pid);
    check(mount(with, path, NULL, MS_BIND, NULL), path);
}

/* One of them with nothing, the other one with the keeper's own folder. */
static void cover_children(void *unused)
{
    (void)unused;
    char own[32];
    go_to_scratch_folder();
    pid_t pid = child_start(0, hold, NULL);
    *covered_by_keeper = child_start(0, hold, NULL);
    make_folder("empty");
    cover(pid, "empty");
    snprintf(own, sizeof(own), "/proc/%d", getpid());
    cover(*covered_by_keeper, own);
    child_hold();
}

static void build_covered_processes(cJSON *facts)
{
    covered_by_keeper = share(sizeof(*covered_by_keeper));
    pid_t keeper = build_namespace(facts, cover_children);
    fact_number(facts, "keeper", (uint64_t)keeper);
    fact_number(facts, "pid", (uint64_t)child_of(keeper));
    fact_number(facts, "replaced_pid", (uint64_t)*covered_by_keeper);
}

const struct situation situations_visibility[] = {
    {"overmounts", "mounts in one place, over parents of others, and beneath one", build_overmounts,
     NULL, 0},
    {"mount-over-root", "a mount over /, which those who were there do not see", build_over_root,
     NULL, 0},
    {"mounts-from-folder", "a mount namespace seen from a plain folder alone", build_chrooted, NULL,
     0},
    {"mounts-from-both", "the same, with a process at its root", build_chrooted_beside, NULL, 0},
    {"mounts-in-one", "a mount of one namespace alone, and one that its copy covers",
     build_one_and_copy, NULL, 0},
    {"covered-processes", "processes over whose folders in /proc there are bind mounts",
     build_covered_processes, NULL, 0},
    {0},
};
