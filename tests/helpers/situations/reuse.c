/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that the kernel uses again: the second thing has the number of the first, and is another.
 */
#include "tests/helpers/child.h"
#include "tests/helpers/situation.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel gives the lowest number that is free. Lower ones are free when the first thing ends
 * (of namespaces by the program, situation.c), so that whatever else the host makes meanwhile takes
 * one of them, and not the first's. */
enum { ROUNDS = 50, SPARE = 32, BATCH = 2 * SPARE };

static void be_named(void *process_name)
{
    check(prctl(PR_SET_NAME, process_name), "cannot set the name");
    child_hold();
}

static pid_t first;

static void build_pid(cJSON *facts)
{
    char name[] = "reuse-first";
    first = child_start(0, be_named, name);
    fact_number(facts, "pid", (uint64_t)first);
    fact_text(facts, "comm", name);
}

static void advance_pid(int step, cJSON *facts)
{
    (void)step;
    char name[] = "reuse-second";
    child_end(first);
    for (int round = 0; round < ROUNDS; round++) {
        if (child_start_as(first, be_named, name) == first) {
            fact_text(facts, "comm", name);
            return;
        }
        usleep(20000);
    }
    errno = EEXIST;
    fail("another process has taken the pid");
}

static struct {
    const char *type;
    int flags;
    uint64_t inode; /* of the first one */
} used;

static void build_namespace(cJSON *facts, const char *type, int flags)
{
    char name[] = "reuse-first";
    first = child_start(flags, be_named, name);
    used.type = type;
    used.flags = flags;
    used.inode = namespace_of(first, type);
    fact_text(facts, "type", type);
    fact_number(facts, "namespace", used.inode);
    fact_number(facts, "pid", (uint64_t)first);
}

static void build_uts(cJSON *facts)
{
    build_namespace(facts, "uts", CLONE_NEWUTS);
}

static void build_mnt(cJSON *facts)
{
    build_namespace(facts, "mnt", CLONE_NEWNS);
}

/* Makes namespaces, keeping them so that each gets another number, until one has the number of the
 * first. Ends the others. Returns 0 when none had it. */
static pid_t find_same_inode(void)
{
    char name[] = "reuse-second";
    pid_t tried[BATCH], found = 0;
    int count = 0;
    while (!found && count < BATCH) {
        pid_t pid = child_start(used.flags, be_named, name);
        if (namespace_of(pid, used.type) == used.inode)
            found = pid;
        else
            tried[count++] = pid;
    }
    while (count)
        child_end(tried[--count]);
    return found;
}

static void advance_namespace(int step, cJSON *facts)
{
    (void)step;
    child_end(first);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pid = find_same_inode();
        if (pid) {
            fact_number(facts, "pid", (uint64_t)pid);
            return;
        }
        usleep(20000); /* namespaces are freed a little later */
    }
    errno = ENODEV;
    fail("this kernel does not use the inode of such a namespace again");
}

static int *mount_id; /* of the mount that there is; told by the process that mounts, shared */

/* The mount id of `path`, by the way of its file handle: open_by_handle_at(2). */
static int mount_id_of(const char *path)
{
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
    } space = {.handle.handle_bytes = MAX_HANDLE_SZ};
    int id;
    check(name_to_handle_at(AT_FDCWD, path, &space.handle, &id, 0), path);
    return id;
}

enum { PATH_SIZE = 96 };

static char place[PATH_SIZE]; /* where the mount is, below the scratch folder */

static void mount_scratch(const char *source, const char *path)
{
    check(mount(source, path, "tmpfs", 0, NULL), "cannot mount");
}

static void mount_place(const char *source)
{
    mount_scratch(source, place);
    *mount_id = mount_id_of(place);
}

static const char *folder_to_keep(int number, char path[static PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/kept-%d", scratch_folder(), number);
    return path;
}

static void unmount_kept(int count)
{
    char path[PATH_SIZE];
    while (count)
        check(umount(folder_to_keep(--count, path)), path);
}

/* Mounts at the place, keeping elsewhere what gets another id, until one has the id of the first.
 */
static bool mount_with_same_id(int first_id)
{
    char path[PATH_SIZE];
    int kept = 0;
    bool found = false;
    while (!found && kept < BATCH) {
        mount_place("second");
        found = *mount_id == first_id;
        if (!found)
            check(mount(place, folder_to_keep(kept++, path), NULL, MS_MOVE, NULL), path);
    }
    unmount_kept(kept);
    return found;
}

static void mount_again(void *unused)
{
    (void)unused;
    char path[PATH_SIZE];
    check(unshare(CLONE_NEWNS), "cannot make a mount namespace");
    check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "cannot keep mounts to ourselves");
    mount_scratch("scratch", scratch_folder());
    check(mkdir(place, 0755), place);
    for (int i = 0; i < BATCH; i++)
        check(mkdir(folder_to_keep(i, path), 0755), path);
    for (int i = 0; i < SPARE; i++)
        mount_scratch("spare", folder_to_keep(i, path));
    mount_place("first");
    unmount_kept(SPARE);
    int first_id = *mount_id;
    child_ready();
    child_await();
    check(umount(place), "cannot unmount");
    for (int round = 0; round < ROUNDS && !mount_with_same_id(first_id); round++)
        usleep(20000);
    child_hold();
}

static void build_mount(cJSON *facts)
{
    snprintf(place, sizeof(place), "%s/place", scratch_folder());
    mount_id = share(sizeof(*mount_id));
    first = child_start(0, mount_again, NULL);
    fact_number(facts, "pid", (uint64_t)first);
    fact_number(facts, "namespace", namespace_of(first, "mnt"));
    fact_number(facts, "mount_id", (uint64_t)*mount_id);
    fact_text(facts, "target", place);
    fact_text(facts, "source", "first");
}

static void advance_mount(int step, cJSON *facts)
{
    (void)step;
    uint64_t first_id = (uint64_t)*mount_id;
    child_step(first);
    if ((uint64_t)*mount_id != first_id) {
        errno = ENODEV;
        fail("this kernel does not use a mount id again");
    }
    fact_text(facts, "source", "second");
}

const struct situation situations_reuse[] = {
    {"pid-reuse", "a pid that another process gets after the end of the first", build_pid,
     advance_pid, 1},
    {"uts-reuse", "an inode of a uts namespace that another one gets", build_uts, advance_namespace,
     1},
    {"mnt-reuse", "the same of a mount namespace", build_mnt, advance_namespace, 1},
    {"mount-reuse", "a mount id that another mount gets, at the same place", build_mount,
     advance_mount, 1},
    {0},
};
