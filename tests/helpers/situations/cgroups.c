/* SPDX-License-Identifier: Apache-2.0 */
/* Frozen cgroups, v1 and v2. The hierarchy is mounted in a mount namespace of the situation's own,
 * so that any layout of the host will do. To see its files, record from inside of that namespace.
 */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

enum { PATH_SIZE = 128 };

struct layout {
    const char *mount_point;
    const char *fstype;
    const char *options; /* of the mount */
    const char *file;    /* freezes when `frozen` is written to it */
    const char *frozen, *thawed;
    const char *state_file; /* reads as `state` once all are frozen */
    const char *state;
};

static const struct layout layout_v1 = {
    CGROUP_ROOT "/freezer", "cgroup",   "freezer", "freezer.state", "FROZEN", "THAWED",
    "freezer.state",        "FROZEN\n",
};

static const struct layout layout_v2 = {
    CGROUP_ROOT,
    "cgroup2",
    NULL,
    "cgroup.freeze",
    "1",
    "0",
    "cgroup.events",
    "populated 1\nfrozen 1\n",
};

static const struct layout *layout;
static char name[48]; /* of the cgroup, below the root */

static pid_t *frozen_process; /* told by the keeper of the mount, shared */

static const char *cgroup_file(const char *file, char path[static PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%s%s%s", layout->mount_point, name, *file ? "/" : "", file);
    return path;
}

static void write_cgroup_file(const char *file, const char *text)
{
    char path[PATH_SIZE];
    write_file(cgroup_file(file, path), text);
}

static void mount_hierarchy(void)
{
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    if (strcmp(layout->mount_point, CGROUP_ROOT) != 0) {
        check(mount("cgroups", CGROUP_ROOT, "tmpfs", 0, NULL), "cannot mount over " CGROUP_ROOT);
        check(mkdir(layout->mount_point, 0755), layout->mount_point);
        /* Beside it the v2 hierarchy, in which a process may be frozen too. */
        check(mkdir(CGROUP_ROOT "/unified", 0755), CGROUP_ROOT "/unified");
        check(mount("cgroup2", CGROUP_ROOT "/unified", "cgroup2", 0, NULL), "cannot mount cgroup2");
    }
    check(mount("cgroup", layout->mount_point, layout->fstype, 0, layout->options),
          "cannot mount the cgroup file system");
}

static void hold(void *unused)
{
    (void)unused;
    child_hold();
}

static void wait_until_frozen(void)
{
    char path[PATH_SIZE], text[64];
    cgroup_file(layout->state_file, path);
    for (int tries = 0; tries < 500; tries++) {
        FILE *file = fopen(path, "re");
        size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
        text[length] = '\0';
        if (file)
            fclose(file);
        if (strcmp(text, layout->state) == 0)
            return;
        usleep(10000);
    }
    errno = 0;
    fail("the cgroup does not get frozen");
}

static void keep_frozen(void *unused)
{
    (void)unused;
    char path[PATH_SIZE], pid[16];
    mount_hierarchy();
    check(mkdir(cgroup_file("", path), 0755), path);
    *frozen_process = child_start(0, hold, NULL);
    snprintf(pid, sizeof(pid), "%d", *frozen_process);
    write_cgroup_file("cgroup.procs", pid);
    write_cgroup_file(layout->file, layout->frozen);
    wait_until_frozen();
    child_hold();
}

static void thaw(void *unused)
{
    (void)unused;
    mount_hierarchy();
    write_cgroup_file(layout->file, layout->thawed);
    child_hold();
}

static void remove_cgroup(void *unused)
{
    (void)unused;
    char path[PATH_SIZE];
    mount_hierarchy();
    cgroup_file("", path);
    for (int tries = 0; tries < 500 && rmdir(path) < 0 && errno == EBUSY; tries++)
        usleep(10000);
    child_hold();
}

/* A frozen process of v1 does not die before it is thawed. */
static void release(void)
{
    child_start(0, thaw, NULL);
    child_start(0, remove_cgroup, NULL);
    child_end_all();
}

static void build_frozen(cJSON *facts, const struct layout *wanted)
{
    layout = wanted;
    snprintf(name, sizeof(name), "nslapse-situation-%d", getpid());
    frozen_process = share(sizeof(*frozen_process));
    clean_up(release);
    pid_t keeper = child_start(0, keep_frozen, NULL);
    fact_number(facts, "pid", (uint64_t)*frozen_process);
    fact_number(facts, "keeper", (uint64_t)keeper);
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "/%s", name);
    fact_text(facts, "cgroup", path);
    fact_text(facts, "hierarchy", wanted == &layout_v1 ? "freezer" : "unified");
}

/* Thawed by another process, which mounts the same hierarchy again. */
static void advance_frozen(int step, cJSON *facts)
{
    (void)step;
    child_end(child_start(0, thaw, NULL));
    cJSON_AddBoolToObject(facts, "thawed", 1);
}

static void build_frozen_v1(cJSON *facts)
{
    build_frozen(facts, &layout_v1);
}

static void build_frozen_v2(cJSON *facts)
{
    build_frozen(facts, &layout_v2);
}

const struct situation situations_cgroups[] = {
    {"frozen-v1", "a process in a frozen cgroup of the v1 freezer; then thawed", build_frozen_v1,
     advance_frozen, 1},
    {"frozen-v2", "a process in a frozen cgroup of v2; then thawed", build_frozen_v2,
     advance_frozen, 1},
    {0},
};
