/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/export-host.h"

#include "base/clock.h"
#include "base/error.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct host_place host_initial = {
    4026531835, 4026531839, 4026531841, 4026531840, 4026531836, 4026531834, 4026531837, 4026531838,
};

static const struct {
    unsigned column;
    size_t offset;
} places[] = {
    {TASK_CGROUP_NAMESPACE, offsetof(struct host_place, cgroup)},
    {TASK_IPC_NAMESPACE, offsetof(struct host_place, ipc)},
    {TASK_MNT_NAMESPACE, offsetof(struct host_place, mnt)},
    {TASK_NET_NAMESPACE, offsetof(struct host_place, net)},
    {TASK_PID_NAMESPACE, offsetof(struct host_place, pid)},
    {TASK_PID_FOR_CHILDREN_NAMESPACE, offsetof(struct host_place, pid)},
    {TASK_TIME_NAMESPACE, offsetof(struct host_place, time)},
    {TASK_TIME_FOR_CHILDREN_NAMESPACE, offsetof(struct host_place, time)},
    {TASK_USER_NAMESPACE, offsetof(struct host_place, user)},
    {TASK_UTS_NAMESPACE, offsetof(struct host_place, uts)},
};

static void set_place(struct record *task, const struct host_place *place)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        record_set_integer(task, places[i].column,
                           *(const int64_t *)((const char *)place + places[i].offset));
}

struct record *host_add_process(struct world *world, const struct host_process *process)
{
    struct record record;
    record_begin(&record, KIND_PROCESS);
    record_set_integer(&record, PROCESS_PID, process->pid);
    record_set_integer(&record, PROCESS_START_TICKS, 10 * process->pid);
    record_set_integer(&record, PROCESS_PIDFS_INODE, 1000 + process->pid);
    record_set_text(&record, PROCESS_COMM, process->comm);
    record_set_text(&record, PROCESS_CONDITION, "alive");
    for (unsigned column = PROCESS_REAL_UID; column <= PROCESS_FILESYSTEM_GID; column++)
        record_set_integer(&record, column, process->uid);
    record_set_integer(&record, PROCESS_PPID, process->ppid);
    record_set_integer(&record, PROCESS_KERNEL_THREAD, process->kernel_thread);
    set_place(&record, process->place ? process->place : &host_initial);
    return world_add(world, &record);
}

struct record *host_add_namespace(struct world *world, const char *type, int64_t inode,
                                  int64_t owner, int64_t parent)
{
    struct record record;
    record_begin(&record, KIND_NAMESPACE);
    record_set_text(&record, NAMESPACE_TYPE, type);
    record_set_integer(&record, NAMESPACE_INODE, inode);
    record_set_integer(&record, NAMESPACE_ID, inode - INT64_C(4026000000));
    if (owner)
        record_set_integer(&record, NAMESPACE_OWNER, owner);
    if (parent)
        record_set_integer(&record, NAMESPACE_PARENT, parent);
    record_set_integer(&record, NAMESPACE_INITIAL, inode < 4026531842);
    record_set_text(&record, NAMESPACE_SOURCES, "[\"process\"]");
    return world_add(world, &record);
}

struct record *host_add_mount(struct world *world, const struct host_mount *mount)
{
    struct record record;
    record_begin(&record, KIND_MOUNT);
    record_set_integer(&record, MOUNT_NAMESPACE, mount->namespace);
    record_set_integer(&record, MOUNT_ID, mount->id);
    record_set_integer(&record, MOUNT_UNIQUE_ID, INT64_C(4294967296) + mount->id);
    record_set_integer(&record, MOUNT_PARENT, mount->parent);
    record_set_text(&record, MOUNT_ROOT, "/");
    record_set_text(&record, MOUNT_TARGET, mount->target);
    record_set_text(&record, MOUNT_SOURCE, mount->source);
    record_set_text(&record, MOUNT_FSTYPE, mount->fstype);
    record_set_text(&record, MOUNT_OPTIONS, "rw,relatime");
    record_set_text(&record, MOUNT_DEVICE, "0:30");
    if (mount->shared)
        record_set_integer(&record, MOUNT_SHARED_GROUP, mount->shared);
    if (mount->master)
        record_set_integer(&record, MOUNT_MASTER, mount->master);
    record_set_integer(&record, MOUNT_UNBINDABLE, 0);
    return world_add(world, &record);
}

struct record *host_find(struct world *world, enum kind kind, const char *type, int64_t first,
                         int64_t second)
{
    for (size_t i = 0; i < world->count; i++) {
        struct record *record = world->records[i];
        if (record->kind != kind)
            continue;
        if (kind == KIND_NAMESPACE
                ? strcmp(record_text(record, NAMESPACE_TYPE), type) == 0 &&
                      record_integer(record, NAMESPACE_INODE, 0) == first
                : record_integer(record, 0, 0) == first &&
                      (kind == KIND_PROCESS || record_integer(record, 1, 0) == second))
            return record;
    }
    fail_msg("no such record");
    return NULL;
}

void host_remove_process(struct world *world, int64_t pid)
{
    struct record *record = host_find(world, KIND_PROCESS, NULL, pid, 0);
    for (size_t i = 0; i < world->count; i++)
        if (world->records[i] == record) {
            world_remove(world, i);
            return;
        }
}

void host_add_initial(struct world *world)
{
    const struct host_place *first = &host_initial;
    host_add_namespace(world, "cgroup", first->cgroup, first->user, 0);
    host_add_namespace(world, "ipc", first->ipc, first->user, 0);
    host_add_namespace(world, "mnt", first->mnt, first->user, 0);
    host_add_namespace(world, "net", first->net, first->user, 0);
    host_add_namespace(world, "pid", first->pid, first->user, 0);
    host_add_namespace(world, "time", first->time, first->user, 0);
    host_add_namespace(world, "user", first->user, 0, 0);
    host_add_namespace(world, "uts", first->uts, first->user, 0);
    host_add_process(world, &(struct host_process){.pid = 1, .comm = "systemd"});
}

static void add_processes(struct world *world, int64_t pid, int64_t count,
                          const struct host_process *alike)
{
    for (int64_t i = 0; i < count; i++) {
        struct host_process each = *alike;
        each.pid = pid + i;
        host_add_process(world, &each);
    }
}

static void add_kernel_threads(struct world *world)
{
    host_add_process(world,
                     &(struct host_process){.pid = 2, .comm = "kthreadd", .kernel_thread = true});
    for (int64_t i = 0; i < 140; i++) {
        char comm[16];
        snprintf(comm, sizeof comm, "kworker/%" PRId64 ":%" PRId64, i / 10, i % 10);
        host_add_process(world, &(struct host_process){
                                    .pid = 3 + i, .ppid = 2, .comm = comm, .kernel_thread = true});
    }
}

static void add_host_mounts(struct world *world, int64_t namespace, int64_t base, bool slave)
{
    static const struct {
        const char *target, *fstype, *source;
        int64_t parent;
    } mounts[] = {
        {"/", "ext4", "/dev/vda1", -1},
        {"/proc", "proc", "proc", 0},
        {"/sys", "sysfs", "sysfs", 0},
        {"/dev", "devtmpfs", "udev", 0},
        {"/dev/pts", "devpts", "devpts", 3},
        {"/dev/shm", "tmpfs", "tmpfs", 3},
        {"/run", "tmpfs", "tmpfs", 0},
        {"/run/lock", "tmpfs", "tmpfs", 6},
        {"/run/user/1000", "tmpfs", "tmpfs", 6},
        {"/run/user/1001", "tmpfs", "tmpfs", 6},
        {"/sys/fs/cgroup", "cgroup2", "cgroup2", 2},
        {"/boot/efi", "vfat", "/dev/vda15", 0},
        {"/var/lib/docker/overlay2/a/merged", "overlay", "overlay", 0},
        {"/var/lib/docker/overlay2/b/merged", "overlay", "overlay", 0},
        {"/var/lib/docker/overlay2/c/merged", "overlay", "overlay", 0},
        {"/srv/data with space", "xfs", "/dev/vdb", 0},
    };
    for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++)
        host_add_mount(world, &(struct host_mount){
                                  .namespace = namespace,
                                  .id = base + (int64_t)i,
                                  .parent = base + mounts[i].parent,
                                  .shared = slave ? 100 + base + (int64_t)i : (int64_t)i + 1,
                                  .master = slave ? (int64_t)i + 1 : 0,
                                  .target = mounts[i].target,
                                  .fstype = mounts[i].fstype,
                                  .source = mounts[i].source,
                              });
}

static void add_services(struct world *world)
{
    static const char *const names[] = {"systemd-journal", "systemd-udevd",   "systemd-logind",
                                        "chronyd",         "systemd-resolve", "polkitd",
                                        "upowerd",         "rtkit-daemon"};
    for (int64_t i = 0; i < 8; i++) {
        struct host_place place = host_initial;
        place.mnt = 4026532000 + i;
        host_add_namespace(world, "mnt", place.mnt, place.user, 0);
        host_add_process(world, &(struct host_process){
                                    .pid = 200 + i, .ppid = 1, .comm = names[i], .place = &place});
        add_host_mounts(world, place.mnt, 1000 + 50 * i, true);
    }
    host_add_process(world, &(struct host_process){.pid = 300, .ppid = 1, .comm = "nginx"});
    add_processes(world, 301, 16, &(struct host_process){.ppid = 300, .uid = 33, .comm = "nginx"});
    host_add_process(world,
                     &(struct host_process){.pid = 330, .ppid = 1, .comm = "postgres", .uid = 105});
    add_processes(world, 331, 24,
                  &(struct host_process){.ppid = 330, .uid = 105, .comm = "postgres"});
    add_processes(world, 360, 6, &(struct host_process){.ppid = 1, .comm = "agetty"});
    host_add_process(world, &(struct host_process){.pid = 380, .ppid = 1, .comm = "sshd"});
    for (int64_t i = 0; i < 10; i++) {
        int64_t pid = 400 + 10 * i;
        host_add_process(world, &(struct host_process){.pid = pid, .ppid = 380, .comm = "sshd"});
        host_add_process(world, &(struct host_process){
                                    .pid = pid + 1, .ppid = pid, .uid = 1000, .comm = "sshd"});
        host_add_process(world, &(struct host_process){
                                    .pid = pid + 2, .ppid = pid + 1, .uid = 1000, .comm = "bash"});
        if (i % 3 == 0)
            host_add_process(world,
                             &(struct host_process){
                                 .pid = pid + 3, .ppid = pid + 2, .uid = 1000, .comm = "vim"});
    }
}

/* Containers of one engine; each has its own namespaces, every third shares the net of the one
 * before. */
static void add_containers(struct world *world)
{
    static const char *const names[] = {"redis-server", "php-fpm", "node",
                                        "java",         "php-fpm", "python3"};
    host_add_process(world, &(struct host_process){.pid = 600, .ppid = 1, .comm = "dockerd"});
    for (int64_t i = 0; i < 12; i++) {
        int64_t base = 4026532200 + 10 * i, pid = 700 + 30 * i, user = host_initial.user;
        struct host_place place = host_initial;
        place.mnt = base;
        place.uts = base + 1;
        place.ipc = base + 2;
        place.pid = base + 3;
        place.net = i % 3 == 2 ? base - 10 + 4 : base + 4;
        place.cgroup = base + 5;
        host_add_namespace(world, "mnt", place.mnt, user, 0);
        host_add_namespace(world, "uts", place.uts, user, 0);
        host_add_namespace(world, "ipc", place.ipc, user, 0);
        host_add_namespace(world, "pid", place.pid, user, host_initial.pid);
        host_add_namespace(world, "cgroup", place.cgroup, user, 0);
        if (i % 3 != 2)
            host_add_namespace(world, "net", place.net, user, 0);
        host_add_process(world,
                         &(struct host_process){.pid = pid, .ppid = 1, .comm = "containerd-shim"});
        host_add_process(
            world,
            &(struct host_process){
                .pid = pid + 1, .ppid = pid, .uid = 999, .comm = names[i % 6], .place = &place});
        add_processes(world, pid + 2, i % 2 ? 16 : 3,
                      &(struct host_process){
                          .ppid = pid + 1, .uid = 999, .comm = names[i % 6], .place = &place});
        host_add_mount(world, &(struct host_mount){place.mnt, 2000 + 20 * i, 1, 0, 0, "/",
                                                   "overlay", "overlay"});
        host_add_mount(world, &(struct host_mount){place.mnt, 2001 + 20 * i, 2000 + 20 * i, 0, 0,
                                                   "/proc", "proc", "proc"});
        host_add_mount(world, &(struct host_mount){place.mnt, 2002 + 20 * i, 2000 + 20 * i, 0, 0,
                                                   "/dev", "tmpfs", "tmpfs"});
        for (int64_t j = 0; j < 4; j++)
            host_add_mount(world, &(struct host_mount){
                                      place.mnt, 2003 + 20 * i + j, 2000 + 20 * i, 0, j ? 0 : 16,
                                      (const char *[]){"/data", "/etc/hosts", "/etc/hostname",
                                                       "/etc/resolv.conf"}[j],
                                      j ? "ext4" : "xfs", j ? "/dev/vda1" : "/dev/vdb"});
    }
}

/* A browser's sandboxes: a user namespace each, with a pid and a net namespace that it owns. */
static void add_sandboxes(struct world *world)
{
    host_add_process(world,
                     &(struct host_process){.pid = 1100, .ppid = 1, .uid = 1000, .comm = "chrome"});
    for (int64_t i = 0; i < 6; i++) {
        int64_t base = 4026532600 + 10 * i;
        struct host_place place = host_initial;
        place.user = base;
        place.pid = base + 1;
        place.net = base + 2;
        struct record *user =
            host_add_namespace(world, "user", base, host_initial.user, host_initial.user);
        record_set_integer(user, NAMESPACE_OWNER_UID, 1000);
        host_add_namespace(world, "pid", base + 1, base, host_initial.pid);
        host_add_namespace(world, "net", base + 2, base, 0);
        host_add_process(
            world,
            &(struct host_process){
                .pid = 1110 + i, .ppid = 1100, .uid = 1000, .comm = "chrome", .place = &place});
    }
}

void host_add_all(struct world *world)
{
    host_add_initial(world);
    add_host_mounts(world, host_initial.mnt, 20, false);
    add_kernel_threads(world);
    add_services(world);
    add_containers(world);
    add_sandboxes(world);
    struct record *bound = host_add_namespace(world, "net", 4026532900, host_initial.user, 0);
    record_set_text(bound, NAMESPACE_SOURCES, "[\"bind-mount\"]");
    record_set_text(bound, NAMESPACE_REFERENCE, "[\"/run/netns/blue\"]");
}

void host_alter(struct world *world)
{
    struct host_place hidden = host_initial;
    hidden.net = 4026533000;
    hidden.mnt = 4026533001;
    host_add_namespace(world, "net", hidden.net, hidden.user, 0);
    host_add_namespace(world, "mnt", hidden.mnt, hidden.user, 0);
    host_add_process(
        world, &(struct host_process){.pid = 1500, .ppid = 412, .comm = "sh", .place = &hidden});
    add_processes(world, 1501, 3,
                  &(struct host_process){.ppid = 1500, .comm = "nc", .place = &hidden});
    host_remove_process(world, 207);
    struct record *changed = host_find(world, KIND_PROCESS, NULL, 301, 0);
    record_set_integer(changed, PROCESS_REAL_UID, 0);
    record_set_integer(changed, PROCESS_EFFECTIVE_UID, 0);
    struct record *moved = host_find(world, KIND_PROCESS, NULL, 332, 0);
    record_set_integer(moved, PROCESS_NET_NAMESPACE, hidden.net);
    host_remove_process(world, 333);
    struct record gap;
    record_begin(&gap, KIND_GAP);
    record_set_text(&gap, GAP_SOURCE, "processes");
    record_set_text(&gap, GAP_SUBJECT, "/proc/333");
    record_set_integer(&gap, GAP_ERRNO, 13);
    record_set_text(&gap, GAP_ERROR, "Permission denied");
    record_set_text(&gap, GAP_HIDES, "process");
    record_set_text(&gap, GAP_HIDES_SCOPE, "333");
    world_add(world, &gap);
    host_add_mount(
        world, &(struct host_mount){host_initial.mnt, 90, 20, 0, 0, "/mnt/loot", "tmpfs", "tmpfs"});
    host_add_mount(world, &(struct host_mount){hidden.mnt, 91, 1, 0, 0, "/", "overlay", "overlay"});
    struct record *remounted = host_find(world, KIND_MOUNT, NULL, host_initial.mnt, 31);
    record_set_text(remounted, MOUNT_OPTIONS, "ro,relatime");
    world->facts.taken_at += 60 * NSEC_PER_SEC;
    world->facts.boottime += 60 * NSEC_PER_SEC;
}

char *host_export(struct database *database, const char *format, const char *graph,
                  const struct snapshot *snapshot, const struct difference *difference)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    const struct export_request request = {database, snapshot, difference, graph, out};
    if (export_write(export_format_by_name(format), &request) < 0)
        fail_msg("%s", error_message());
    assert_int_equal(fclose(out), 0);
    return text;
}

struct record *host_add_container(struct world *world, const char *id, const char *name,
                                  int64_t pid)
{
    struct record record;
    record_begin(&record, KIND_CONTAINER);
    record_set_text(&record, CONTAINER_ENGINE, "docker");
    record_set_text(&record, CONTAINER_ID, id);
    record_set_text(&record, CONTAINER_NAME, name);
    record_set_text(&record, CONTAINER_IMAGE, "shop:1");
    record_set_text(&record, CONTAINER_CONTAINER_STATE, pid ? "running" : "exited");
    if (pid)
        record_set_integer(&record, CONTAINER_PID, pid);
    return world_add(world, &record);
}

void host_add_container_of(struct world *world, const char *id, const char *instance,
                           const char *groups)
{
    struct record *record = host_add_container(world, id, "web", 0);
    record_set_text(record, CONTAINER_INSTANCE, instance);
    record_set_text(record, CONTAINER_GROUPS, groups);
}

/* A pod of two that share its network, one that shares the host's, one in another, one that ended.
 */
void host_add_containers(struct world *world)
{
    static const char pod[] = "[{\"type\":\"kubernetes-pod\",\"name\":\"0815\"},"
                              "{\"type\":\"kubernetes-pod-name\",\"name\":\"shop\"}]";
    host_add_initial(world);
    for (int64_t i = 0; i < 4; i++) {
        static const char *const ids[] = {"a1", "b2", "c3", "a1/d4"};
        static const char *const names[] = {"web", "cache", "agent", "inner"};
        struct host_place place = host_initial;
        place.mnt = 4026532010 + i;
        place.pid = 4026532020 + i;
        place.net = i < 2 ? 4026532001 : i == 2 ? host_initial.net : 4026532009;
        host_add_process(world, &(struct host_process){
                                    .pid = 50 + i, .ppid = 1, .comm = "shop", .place = &place});
        struct record *container = host_add_container(world, ids[i], names[i], 50 + i);
        if (i < 2)
            record_set_text(container, CONTAINER_GROUPS, pod);
        if (i == 2) {
            record_set_text(container, CONTAINER_ADDED_CAPABILITIES, "[\"CAP_SYS_ADMIN\"]");
            record_set_text(container, CONTAINER_MOUNTS,
                            "[{\"type\":\"bind\",\"source\":\"/\",\"read_only\":false},"
                            "{\"type\":\"volume\",\"source\":\"/v\",\"read_only\":false},"
                            "{\"type\":\"bind\",\"source\":\"/etc\",\"read_only\":true}]");
        }
        if (i == 3)
            record_set_text(container, CONTAINER_OUTER, "docker:a1");
    }
    record_set_integer(host_add_container(world, "e5", "done", 0), CONTAINER_PRIVILEGED, 1);
}
